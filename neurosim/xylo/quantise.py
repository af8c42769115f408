"""Integer weights, thresholds and biases for the chip, chosen by what they do to the spikes.

Every neuron has a scale of its own: multiplying what it receives and its threshold by one number
changes none of its spikes. A large scale keeps small weights and slow leaks alive, a small one
keeps the 16-bit states from saturating. Which is worse depends on the data, so it is tried: each
layer is fed the events that it receives in the float net, and each neuron takes the scale, each
matrix the weight shift, with which its spike counts come nearest to those of the float net.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from neurosim.equations.xylo import MAX_INPUT, MAX_SPIKES
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.xylo import integer_layer
from neurosim.xylo.calibration import LayerRun, Residuals, calibration_events, run_layers
from neurosim.xylo.grid import Integers, check_bits, largest_scale, round_layer, threshold_room

SHIFTS = range(7)
"""Weight shifts that are tried."""
HALVINGS = range(4)
"""A neuron's scale is tried at its largest, and halved so many times."""
TRIED_THRESHOLDS = (1.0, 1.6)
"""Runtime threshold scales at which the counts are compared."""


def saturation_aware(job: Job) -> tuple[list[Integers], dict[str, int]]:
    """Return the layers in integers, and the weight shifts of the chip's three matrices.

    Every neuron takes the share of its largest scale, every matrix the weight shift, with which
    the spike counts on the calibration events come nearest to those of the float net.
    """
    last = len(job.network.layers) - 1

    def fit(k: int, shift: int, recurrent_shift: int) -> Integers:
        largest = job.largest_scale(k, shift, recurrent_shift)
        tried = [job.measured(k, largest * 0.5**m, shift, recurrent_shift) for m in HALVINGS]
        return _pick(tried)

    recurs = job.network.layers[0].recurrent is not None
    inner = range(1, last) or range(recurs)
    shift_rec, middle = _cheapest(lambda s: [fit(k, s, s) for k in inner])
    shift_in, first = _cheapest(lambda s: [fit(0, s, shift_rec)])
    shift_out, output = _cheapest(lambda s: [fit(last, s, 0)])
    layers = [*first, *(middle if last > 1 else []), *output]
    return layers, _shifts(shift_in, shift_rec, shift_out)


def per_channel(job: Job) -> tuple[list[Integers], dict[str, int]]:
    """Give every neuron the largest scale that its weights, threshold and bias fit the registers.

    Weights into it, from input and recurrence alike, and its bias share the scale of its threshold;
    a neuron without weights takes the scale that fills its threshold register.
    """
    scales = [job.largest_scale(k) for k in range(len(job.network.layers))]
    return [job.measured(k, scale) for k, scale in enumerate(scales)], _shifts()


def global_scale(job: Job) -> tuple[list[Integers], dict[str, int]]:
    """Give all hidden neurons one scale and all output neurons another, the largest that fit."""
    *hidden, output = (job.largest_scale(k) for k in range(len(job.network.layers)))
    common = [np.full(len(s), min(h.min() for h in hidden)) for s in hidden]
    scales = [*common, np.full(len(output), output.min())]
    return [job.measured(k, scale) for k, scale in enumerate(scales)], _shifts()


QUANTISERS = {
    "saturation-aware": saturation_aware,
    "per-channel": per_channel,
    "global": global_scale,
}
"""Ways to choose scales; the first is the default, the others are what is usual."""


def quantise(
    network: Network,
    calibration: np.ndarray | None,
    max_threshold_scale: float,
    *,
    quantiser: str = "saturation-aware",
    residuals: Residuals = (),
    aligned: bool = True,
    bits: int = 8,
) -> tuple[list[Integers], dict[str, int]]:
    """Return the layers in integers, and the weight shifts of the chip's three matrices.

    Args:
        network: hidden layers and an output layer.
        calibration: (samples, time, channels) events, or None for random ones.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.
        quantiser: a name of `QUANTISERS`.
        residuals: (source, target) hidden layers whose spikes are added.
        aligned: whether they are added in the step of the float net.
        bits: width of a weight, 2..8; the chip has 8.

    Raises:
        InputError: no quantiser has that name, or no weight that width.
    """
    if quantiser not in QUANTISERS:
        raise InputError(
            f"quantiser {quantiser!r} is not known; choose from {', '.join(QUANTISERS)}"
        )
    check_bits(bits)
    events = calibration_events(calibration, network.shape[0])
    runs = {
        scale: run_layers(network.with_threshold(scale), events, residuals, aligned=aligned)
        for scale in TRIED_THRESHOLDS
    }
    return QUANTISERS[quantiser](Job(network, runs, max_threshold_scale, bits))


class Limits(NamedTuple):
    """Most events of a step that a layer reads from a channel or neuron, and that it fires."""

    received: int
    fired: int


@dataclass(frozen=True)
class Job:
    """A network to quantise, and what its layers receive and fire on calibration events."""

    network: Network
    runs: dict[float, list[LayerRun]]
    """By threshold scale."""
    max_threshold_scale: float
    bits: int

    def largest_scale(self, k: int, shift: int = 0, recurrent_shift: int = 0) -> np.ndarray:
        """Return (n_out,) the largest scale of each neuron of layer k that fits all registers."""
        layer, room = self.network.layers[k], threshold_room(self.network, self.max_threshold_scale)
        return largest_scale(layer, room[k], self.bits, shift, recurrent_shift)

    def measured(
        self, k: int, scale: np.ndarray, shift: int = 0, recurrent_shift: int = 0
    ) -> Integers:
        """Return layer k rounded at a scale for each neuron, with its error."""
        rounded = round_layer(
            self.network.layers[k], scale, shift, recurrent_shift, self.network.dt
        )
        # The readout's register stays as it is when the hidden thresholds are scaled.
        output = self._is_output(k)
        runs = [(1.0 if output else s, run[k]) for s, run in self.runs.items()]
        received = MAX_INPUT if k == 0 else MAX_SPIKES["hidden"]
        limits = Limits(received, MAX_SPIKES["output" if output else "hidden"])
        return _measured(rounded, runs, shift, recurrent_shift, limits)

    def _is_output(self, k: int) -> bool:
        return k == len(self.network.layers) - 1


def _shifts(shift_in: int = 0, shift_rec: int = 0, shift_out: int = 0) -> dict[str, int]:
    return {
        "weight_shift_in": shift_in,
        "weight_shift_rec": shift_rec,
        "weight_shift_out": shift_out,
    }


def _cheapest(fit: Callable[[int], list[Integers]]) -> tuple[int, list[Integers]]:
    """Return the weight shift with the least error, the smaller of equals, and its layers."""
    tried = {shift: fit(shift) for shift in SHIFTS}
    best = min(tried, key=lambda s: (sum(layer.error.sum() for layer in tried[s]), s))
    return best, tried[best]


def _pick(tried: list[Integers]) -> Integers:
    """Take for each neuron the candidate with the least error, the larger scale of equals."""
    best = np.argmin([t.error for t in tried], axis=0)
    chosen = {}
    for field in fields(Integers):
        axis = 1 if field.name in ("weight", "recurrent") else 0
        stack = np.stack([np.moveaxis(getattr(t, field.name), axis, 0) for t in tried])
        chosen[field.name] = np.moveaxis(stack[best, np.arange(len(best))], 0, axis)
    return Integers(**chosen)


def _measured(
    integers: Integers,
    runs: Sequence[tuple[float, LayerRun]],
    shift: int,
    recurrent_shift: int,
    limits: Limits,
) -> Integers:
    """Return the candidate with its error on what the layer received."""
    error, count = np.zeros((2, len(integers.threshold)))
    weight = integers.weight << shift
    if integers.recurrent.any():  # added after the inputs, in the order of the ids
        weight = np.concatenate([weight, integers.recurrent << recurrent_shift])
    for scale, run in runs:
        events = np.minimum(run.events, limits.received)
        if integers.recurrent.any():
            events = np.concatenate([events, run.own_before], axis=2)
        counts = integer_layer.spike_counts(
            events,
            weight,
            integers.dash_mem,
            integers.dash_syn,
            np.floor(integers.threshold * scale + 0.5).astype(np.int64),
            integers.bias,
            limits.fired,
        )
        error += np.abs(counts - run.spikes.sum(axis=1)).sum(axis=0)
        count += run.spikes.sum(axis=(0, 1))
    return replace(integers, error=error, count=count)
