"""Recordings of an inertial sensor, learnt by linear and LIF modules in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from neurosim import readout
from neurosim.data import stored_windows
from neurosim.data.imu_encoders import MAX_EVENTS
from neurosim.data.imu_filters import BANDS_HZ
from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network, network_from_module
from neurosim.snn import fusing
from neurosim.snn.adapters import reset_state
from neurosim.snn.layered import HIDDEN_MAX_SPIKES, layered
from neurosim.snn.synnet import synnet
from neurosim.training import losses
from neurosim.training.config import TrainConfig
from neurosim.training.evaluation import confusion
from neurosim.training.tasks import Pass
from neurosim.training.thresholds import hidden

if TYPE_CHECKING:
    from rockpool.nn.modules import TorchModule

    from neurosim.data import Dataset, FrontEnd
    from neurosim.data.direct import Direct

SATURATED = HIDDEN_MAX_SPIKES // 2
"""Spikes a step that are free of the saturation penalty."""
BANDS = len(BANDS_HZ)
"""Consecutive channels that belong to one axis of the sensor, where no front end says."""


class Events(NamedTuple):
    """Windows of one part of a data set."""

    raster: np.ndarray
    """(samples, time, channels) event counts."""
    labels: np.ndarray
    """(samples,) classes."""


class EventTask:
    """Windows of events, and a net of linear and LIF modules in turn: most of a `tasks.Task`.

    Args:
        settings: of the run.
        parts: windows of "train" and "validation", and of "test" where there are any.
        net: whose readout is its last module.
        device: where the net lives.
        axes: of the channels that gains make louder, see `random_gain`.
    """

    def __init__(
        self,
        settings: TrainConfig,
        parts: Mapping[str, Events],
        net: TorchModule,
        device: torch.device,
        axes: Sequence[int] | None = None,
    ):
        self.settings, self.parts, self.device, self.axes = settings, parts, device, axes
        self.steps = parts["train"].raster.shape[1]
        self.net: TorchModule = net.to(device)
        self.layers = [str(k) for k in range(len(hidden(self.net)))]

    def labels(self, part: str) -> torch.Tensor:
        """Return the classes of a part."""
        return torch.tensor(self.parts[part].labels).long().to(self.device)

    def inputs(
        self, part: str, chosen: np.ndarray, share: slice, rng: np.random.Generator | None
    ) -> torch.Tensor:
        """Return events (B, T, channels); in training each window as loud as at another wearer."""
        events = self.parts[part].raster[chosen]
        if rng is not None:
            events = random_gain(events, self.settings.gain_spread, rng, self.axes)
        # A copy, which torch aligns: sums of products depend on the factors' alignment.
        return torch.tensor(events[share].astype(np.float32, copy=False), device=self.device)

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the weights."""
        return list(self.net.parameters().astorch())

    def forward(self, inputs: torch.Tensor, *, training: bool) -> Pass:
        """Run the net; logits are what the loss sees of the readout."""
        settings = self.settings
        by_membrane = settings.loss == "membrane"
        saturating = training and settings.saturation_penalty != 0
        result = _run(self.net, inputs, rasters=saturating, record=by_membrane)
        series = result.recorded["vmem"] if by_membrane else result.output
        running = None
        if settings.loss == "early":
            running = settings.logit_scale * losses.running_counts(series)
        return Pass(
            settings.logit_scale * losses.EVIDENCE[settings.loss](series),
            self._price(result) if training else None,
            result.counts[:-1],
            [spikes.numel() for spikes in result.spikes[:-1]],
            running,
        )

    def _price(self, result: fusing.Run) -> torch.Tensor:
        """Return what the spikes of hidden layers cost."""
        return losses.activity_price(
            result.means[:-1],
            result.spikes[:-1],
            spike_penalty=self.settings.spike_penalty,
            saturation_penalty=self.settings.saturation_penalty,
            saturated=SATURATED,
        )

    def decide(self, logits: torch.Tensor) -> np.ndarray:
        """Return the class whose neuron says most; a silent readout decides nothing."""
        counts = logits.cpu().numpy()
        return np.where(counts.any(axis=1), counts.argmax(axis=1), readout.SILENT)

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return the net as a Network, scales as part of its thresholds."""
        network = network_from_module(self.net.to("cpu"))
        if scales is not None:
            network = network.with_threshold([*scales, 1.0])
        return {"network": network}

    def keep(self, folder: Path) -> None:
        """Write nothing: whoever passes windows has them."""

    def provenance(self) -> dict[str, Any]:
        """Return nothing: what the windows are is known to whoever passes them."""
        return {}


class ImuTask(EventTask):
    """Encoded recordings, and the fresh net of a run; see `tasks.Task`.

    Raises:
        InputError: there are no windows to train on.
    """

    def __init__(self, settings: TrainConfig, dataset: Dataset, device: torch.device):
        if not len(dataset.train.labels):
            raise InputError("dataset.train is empty; there is nothing to train on")
        self.dataset = dataset
        windows = {part: getattr(dataset, part) for part in ("train", "validation", "test")}
        parts = {part: Events(w.raster, w.labels) for part, w in windows.items()}
        channels = dataset.train.raster.shape[2]
        net = build(settings, channels, len(dataset.classes), dataset.front_end.dt)
        axes = _axes(dataset.front_end, channels)
        super().__init__(settings, parts, net, device, axes)

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return the net as a Network, scales as part of its thresholds, encoder and samples.

        Of a user's own recordings also how windows of each class were decided.
        """
        results = super().results(scales) | {
            "front_end": self.dataset.front_end.to_dict(),
            "data": stored_windows.described(self.dataset),
        }
        if self.dataset.reading is not None:
            trained = module_from_network(results["network"])
            task = EventTask(self.settings, self.parts, trained, torch.device("cpu"))
            results["confusion"] = {
                part: confusion(task, part, len(self.dataset.classes)).tolist()
                for part in ("validation", "test")
            }
        return results

    def keep(self, folder: Path) -> None:
        """Write the windows of a user's own recordings, unless they are not to be kept."""
        files = self.settings.data
        if self.dataset.reading is not None and (files is None or files.keep_windows):
            stored_windows.save(folder, self.dataset)

    def provenance(self) -> dict[str, Any]:
        """Return name, classes, split and hash of the training windows."""
        split = {part: list(people) for part, people in asdict(self.dataset.split).items()}
        return {
            "dataset": self.dataset.name,
            "classes": list(self.dataset.classes),
            "split": split,
            "train_sha256": self.dataset.train_sha256,
        }


def _axes(front_end: FrontEnd | Direct, channels: int) -> tuple[int, ...] | None:
    """Return the axes of a front end's bands, or None for events that it cannot have made."""
    return front_end.band_axes if len(front_end.channel_names) == channels else None


def build(settings: TrainConfig, channels: int, classes: int, dt: float) -> TorchModule:
    """Return the fresh net of a run's settings: `snn.layered.layered` or `snn.synnet.synnet`.

    Args:
        settings: of the run.
        channels: input channels.
        classes: output neurons.
        dt: time step in seconds.
    """
    shared: dict[str, Any] = {
        "hidden": settings.hidden,
        "weight_gain": settings.weight_gain,
        "dt": dt,
        "seed": settings.seed,
    }
    if settings.architecture == "synnet":
        counts = [2 ** min(k + 1, 3) for k in range(len(settings.hidden))]
        shared |= {"time_constants": counts, "tau_syn": 2 * dt, "tau_mem": 2 * dt}
        return synnet(channels, classes, **shared)
    return layered(channels, classes, decay_shifts=settings.decay_shifts, **shared)


def forward(net: TorchModule, events: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Run a Sequential from a zero state on events (B, T, channels).

    Returns:
        Its output (B, T, classes) and the spikes (B, T, neurons) of every LIF layer.
    """
    result = _run(net, events, rasters=True)
    return result.output, result.spikes


def _run(net: TorchModule, events: torch.Tensor, **wanted: bool) -> fusing.Run:
    """Run a Sequential from a zero state, each linear layer as one with its neurons."""
    reset_state(net)
    return fusing.run(list(net.modules().values()), events, **wanted)


def random_gain(
    events: np.ndarray,
    gain_spread: tuple[float, float, float],
    rng: np.random.Generator,
    axes: Sequence[int] | None = None,
) -> np.ndarray:
    """Multiply event counts by random gains and round at random, so that means are kept.

    People do one exercise with more or less force, turn the wrist to it differently, and differ
    in how smoothly they move: a window, its axes and its channels each have a log-normal gain.
    Gravity is as strong for everybody: its channels, which stand last, stay as they are.

    Args:
        events: (samples, time, channels) counts of at most MAX_EVENTS.
        gain_spread: standard deviation of the logarithm of the gains of windows, axes and
            channels; zeros change nothing and draw nothing.
        rng: where gains and rounding are drawn.
        axes: the axis of each channel that has gains, from the first on (`FrontEnd.band_axes`);
            BANDS channels an axis, and all with gains, when None.

    Returns:
        (samples, time, channels) float32 whole numbers in 0..MAX_EVENTS, where counts saturate.
    """
    counts = events.astype(np.float32)
    if not any(gain_spread):
        return counts
    which = np.arange(counts.shape[2]) // BANDS if axes is None else np.array(axes, dtype=int)
    if not len(which):
        return counts
    window, axis, channel = (
        rng.normal(0, sigma, (len(counts), 1, size))
        for sigma, size in zip(gain_spread, (1, which.max() + 1, len(which)), strict=True)
    )
    louder = counts[:, :, : len(which)]
    louder *= np.exp(window + axis[:, :, which] + channel).astype(np.float32)
    louder += rng.random(louder.shape, dtype=np.float32)
    np.minimum(np.floor(louder, out=louder), MAX_EVENTS, out=louder)
    return counts
