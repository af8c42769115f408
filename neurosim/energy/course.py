"""What a run of a deployed net did up to each step: what a decision costs that falls there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.energy import cycles
from neurosim.energy.price import Activity
from neurosim.frozen import Frozen
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True, eq=False)
class Course(Frozen):
    """Events and spikes of each sample, summed from its start up to and with each step.

    All are (samples, steps); a deployed net runs `lag` steps longer than its input.
    """

    events: np.ndarray
    """Input events."""
    input_bins: np.ndarray
    """Bins (step, channel) with an event."""
    hidden_bins: np.ndarray
    """Bins (step, hidden neuron) with a spike."""
    spikes: np.ndarray
    """Spikes of hidden and output neurons."""
    channels: int
    hidden: int
    """Neurons."""
    input_steps: int
    """Of the raster."""

    @classmethod
    def of(cls, raster: np.ndarray, recording: Recording) -> Course:
        """Return the course of a run of a XyloSpec: raster (samples, time, channels), result."""
        hidden, output = recording.spikes
        late = ((0, 0), (0, recording.steps - raster.shape[1]))

        def summed(counts: np.ndarray) -> np.ndarray:
            return np.cumsum(counts, axis=1, dtype=np.int64)

        return cls(
            events=summed(np.pad(raster.sum(axis=2, dtype=np.int64), late)),
            input_bins=summed(np.pad((raster > 0).sum(axis=2), late)),
            hidden_bins=summed((hidden > 0).sum(axis=2)),
            spikes=summed(hidden.sum(axis=2, dtype=np.int64) + output.sum(axis=2, dtype=np.int64)),
            channels=raster.shape[2],
            hidden=hidden.shape[2],
            input_steps=raster.shape[1],
        )

    @property
    def length(self) -> int:
        """Steps of a whole run."""
        return int(self.spikes.shape[1])

    def until(self, steps: np.ndarray | None = None) -> Spent:
        """Return what each sample did in its first steps (samples,), from 1; all when None."""
        if steps is None:
            steps = np.full(len(self.spikes), self.length)
        at = np.arange(len(steps)), steps - 1
        read = np.minimum(steps, self.input_steps)
        return Spent(
            steps=steps,
            events=self.events[at],
            spikes=self.spikes[at],
            input_bins=self.input_bins[at] / (read * self.channels),
            hidden_bins=self.hidden_bins[at] / (steps * self.hidden),
        )

    def busiest(self, spec: XyloSpec, steps: np.ndarray) -> np.ndarray:
        """Return the most cycles of a step up to each decision; steps and result are (samples,)."""
        shares = [
            np.diff(bins, axis=1, prepend=0) / size
            for bins, size in ((self.input_bins, self.channels), (self.hidden_bins, self.hidden))
        ]
        busy = np.asarray(cycles.per_step(spec, *shares))
        most: np.ndarray = np.where(np.arange(self.length) < steps[:, None], busy, 0).max(axis=1)
        return most


@dataclass(frozen=True, eq=False)
class Spent(Frozen):
    """What each sample did up to its decision, (samples,) each."""

    steps: np.ndarray
    events: np.ndarray
    """Input events."""
    spikes: np.ndarray
    """Of hidden and output neurons."""
    input_bins: np.ndarray
    """Share of (step, channel) with an event, of the input's steps that were read."""
    hidden_bins: np.ndarray
    """Share of (step, hidden neuron) with a spike."""

    def activity(self) -> Activity:
        """Return the activity of all samples together, steps counting alike."""
        share = self.steps / self.steps.sum()
        return Activity(
            input_bins=float(self.input_bins @ share),
            hidden_bins=float(self.hidden_bins @ share),
            spikes=float(self.spikes.mean()),
        )
