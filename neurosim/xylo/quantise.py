"""Integer weights, thresholds and biases for the chip, chosen by what they do to the spikes.

Every neuron has a scale of its own: multiplying what it receives and its threshold by one number
changes none of its spikes. A large scale keeps small weights and slow leaks alive, a small one
keeps the 16-bit states from saturating. Which is worse depends on the data, so it is tried: each
layer is fed the events that it receives in the float net, and each neuron takes the scale, each
matrix the weight shift, with which its spike counts come nearest to those of the float net.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from neurosim.network import Layer, Network
from neurosim.xylo import float_layer, integer_layer
from neurosim.xylo.float_layer import Seen

WEIGHT_MAX, REGISTER_MAX, DASH_MAX = 127, 32767, 15
SHIFTS = range(7)
"""Weight shifts that are tried."""
HALVINGS = range(4)
"""A neuron's scale is tried at its largest, and halved so many times."""
TRIED_THRESHOLDS = (1.0, 1.6)
"""Runtime threshold scales at which the counts are compared."""


@dataclass(frozen=True)
class Integers:
    """A layer as the chip holds it."""

    weight: np.ndarray
    """(n_in, n_out, synapses), 8 bit."""
    recurrent: np.ndarray
    """(n_out, n_out, synapses), 8 bit; zero without recurrent weights."""
    threshold: np.ndarray
    bias: np.ndarray
    dash_mem: np.ndarray
    dash_syn: np.ndarray
    """(n_out, synapses)."""
    error: np.ndarray
    """(n_out,) sum of |spike count - the float net's| over windows and thresholds."""
    count: np.ndarray
    """(n_out,) the float net's spikes in them."""


def quantise(
    network: Network, calibration: np.ndarray | None, max_threshold_scale: float
) -> tuple[list[Integers], dict[str, int]]:
    """Return the layers in integers, and the weight shifts of the chip's three matrices.

    Args:
        network: hidden layers and an output layer.
        calibration: (samples, time, channels) events, or None for random ones.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.
    """
    events = float_layer.calibration_events(calibration, network.shape[0])
    runs = {
        scale: float_layer.run(network.with_threshold(scale), events) for scale in TRIED_THRESHOLDS
    }
    last = len(network.layers) - 1

    def fit(k: int, shift: int, recurrent_shift: int) -> Integers:
        seen = {scale if k < last else 1.0: run[k] for scale, run in runs.items()}
        room = max(max_threshold_scale, 1.0) if k < last else 1.0
        tried = [
            _measured(
                _integers(network.layers[k], 0.5**m, shift, recurrent_shift, room, network.dt),
                seen,
                shift,
                recurrent_shift,
                31 if k < last else 1,
            )
            for m in HALVINGS
        ]
        return _pick(tried)

    recurs = network.layers[0].recurrent is not None
    inner = range(1, last) or range(recurs)
    shift_rec, middle = _cheapest(lambda s: [fit(k, s, s) for k in inner])
    shift_in, first = _cheapest(lambda s: [fit(0, s, shift_rec)])
    shift_out, output = _cheapest(lambda s: [fit(last, s, 0)])
    layers = [*first, *(middle if last > 1 else []), *output]
    return layers, {
        "weight_shift_in": shift_in,
        "weight_shift_rec": shift_rec,
        "weight_shift_out": shift_out,
    }


def decay_shift(tau: np.ndarray, dt: float) -> np.ndarray:
    """Return the shift k whose decay 1 - 2^-k is nearest exp(-dt/tau), in the 4-bit register.

    k = round(-log2(1 - exp(-dt/tau))); rockpool's mapper takes log2(tau/dt) instead, which gives 0,
    a current wiped at every step, for tau below sqrt(2) dt.
    """
    shift = -np.log2(-np.expm1(-dt / np.asarray(tau, dtype=float)))
    return np.clip(np.rint(shift), 0, DASH_MAX).astype(np.int64)


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


def _integers(
    layer: Layer, share: float, shift: int, recurrent_shift: int, room: float, dt: float
) -> Integers:
    """Round a layer, every neuron at a share of its largest scale."""
    weight = layer.weight.reshape(layer.n_in, layer.n_out, -1).astype(float)
    recurrent = np.zeros((layer.n_out, *weight.shape[1:]))
    if layer.recurrent is not None:
        recurrent += layer.recurrent.reshape(recurrent.shape)
    largest = np.minimum(_fill(weight, shift), _fill(recurrent, recurrent_shift))
    register = REGISTER_MAX / np.maximum(layer.threshold * room, np.abs(layer.bias))
    scale = np.minimum(np.minimum(largest, register) * share, register)
    return Integers(
        weight=_round(weight * scale[:, None] / 2**shift),
        recurrent=_round(recurrent * scale[:, None] / 2**recurrent_shift),
        threshold=np.maximum(_round(layer.threshold * scale), 1),
        bias=_round(layer.bias * scale),
        dash_mem=decay_shift(layer.tau_mem, dt),
        dash_syn=decay_shift(layer.tau_syn, dt).reshape(layer.n_out, -1),
        error=np.zeros(layer.n_out),
        count=np.zeros(layer.n_out),
    )


def _fill(weight: np.ndarray, shift: int) -> np.ndarray:
    """Return the scale at which each neuron's largest weight fills 8 bits; inf without weights."""
    with np.errstate(divide="ignore"):
        return WEIGHT_MAX * 2.0**shift / np.abs(weight).max(axis=(0, 2))


def _measured(
    integers: Integers, seen: dict[float, Seen], shift: int, recurrent_shift: int, max_spikes: int
) -> Integers:
    """Return the candidate with its error on what the layer saw."""
    error, count = np.zeros((2, len(integers.threshold)))
    for scale, run in seen.items():
        inputs = np.tensordot(run.events, integers.weight * 2.0**shift, axes=1)
        if integers.recurrent.any():
            inputs += np.tensordot(
                run.own_before, integers.recurrent * 2.0**recurrent_shift, axes=1
            )
        counts = integer_layer.spike_counts(
            inputs,
            integers.dash_mem,
            integers.dash_syn,
            np.floor(integers.threshold * scale + 0.5).astype(np.int64),
            integers.bias,
            max_spikes,
        )
        error += np.abs(counts - run.spikes.sum(axis=1)).sum(axis=0)
        count += run.spikes.sum(axis=(0, 1))
    return replace(integers, error=error, count=count)


def _round(values: np.ndarray) -> np.ndarray:
    return np.rint(values).astype(np.int64)
