"""One rung of the ladder of equivalence: what is compared, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.frozen import Frozen
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.xylo import chips
from neurosim.xylo.spec import XyloSpec

WINDOW = 30
"""Steps of a trace before and after the first divergence."""


@dataclass(frozen=True, eq=False)
class Subject(Frozen):
    """What stands on the ladder; a rung that lacks its part is skipped."""

    raster: np.ndarray
    """(samples, time, channels) event counts."""
    network: Network | None = None
    spec: XyloSpec | None = None
    labels: np.ndarray | None = None
    """(samples,) classes, for accuracies."""
    calibration: np.ndarray | None = None
    """Events that integer scales may be chosen on."""
    chip: str = chips.DEFAULT
    against: tuple[str, ...] = ("xylosim",)
    """Engines that run the integers beside brian2; "board" where there is one."""


@dataclass(frozen=True, eq=False)
class Trace(Frozen):
    """Two membranes of one neuron around a divergence, in units of their thresholds."""

    title: str
    names: tuple[str, str]
    at: int
    """The step of the divergence."""
    steps: np.ndarray
    """(n,)."""
    membranes: np.ndarray
    """(2, n) after the reset."""
    spikes: np.ndarray
    """(2, n)."""


@dataclass(frozen=True, eq=False)
class Rung:
    """The result of one comparison."""

    number: int
    name: str
    kind: str
    """`identical`, `rounding`, `measured` (a gap, never called equal), `diverged`, `skipped`."""
    says: str
    """One sentence with the numbers that matter."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""
    trace: Trace | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, the trace left out."""
        return {
            "rung": self.number,
            "name": self.name,
            "kind": self.kind,
            "says": self.says,
            "numbers": dict(self.numbers),
        }


def skipped(number: int, name: str, reason: object) -> Rung:
    """Return a rung that could not be climbed."""
    return Rung(number, name, "skipped", " ".join(str(reason).split()))


def evenly_spread(array: np.ndarray, most: int) -> np.ndarray:
    """Return the numbers of up to `most` samples, evenly spread."""
    return np.unique(np.linspace(0, len(array) - 1, most).round().astype(int))


def trace(
    title: str,
    recordings: tuple[Recording, Recording],
    names: tuple[str, str],
    place: tuple[int, int, int, int],
    thresholds: tuple[float, float],
    lags: tuple[int, int] = (0, 0),
    populations: tuple[int, int] | None = None,
    neurons: tuple[int, int] | None = None,
) -> Trace | None:
    """Cut both membranes around (sample, step, layer, neuron); None where none was recorded.

    Args:
        title: what diverges.
        recordings: the two, with v_mem.
        names: of the two.
        place: the divergence, its step counted from each recording's lag.
        thresholds: by which each membrane is divided.
        lags: steps by which each recording is late.
        populations: where each recording has the layer, if not under its number.
        neurons: where each recording has the neuron, if not under its number.
    """
    sample, step, layer, neuron = place
    populations, neurons = populations or (layer, layer), neurons or (neuron, neuron)
    length = min(r.steps - lag for r, lag in zip(recordings, lags, strict=True))
    steps = np.arange(max(step - WINDOW, 0), min(step + WINDOW + 1, length))
    membranes, spikes = [], []
    for r, lag, k, n, theta in zip(recordings, lags, populations, neurons, thresholds, strict=True):
        if r.v_mem is None:
            return None
        membranes.append(r.v_mem[k][sample, steps + lag, n] / theta)
        spikes.append(r.spikes[k][sample, steps + lag, n])
    return Trace(title, names, step, steps, np.array(membranes), np.array(spikes))
