"""A second neuromorphic target: a Network in the integers of Intel's Loihi, run in Brian2.

Against the net's own neurons Loihi has binary spikes where these may fire up to 31 in a step, and a
reset to zero where these subtract the threshold: what that costs is measured, not hidden.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from neurosim.engines.brian2 import cache
from neurosim.engines.engine import Engine, Records
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.network import Layer, Network
from neurosim.raster import check_raster

WEIGHT_MIN, WEIGHT_MAX = -256, 254
"""Smallest and largest weight of mixed sign; they are even: 8 bits, the lowest lost to the sign."""
THRESHOLD_MAX = 131071
"""Largest mantissa of a threshold (17 bits)."""
DECAY_ONE, SHIFT = 4096, 64
STATE_MAX = 2**23
"""States have 24 bits with sign."""
EXPONENTS = range(0, -7, -1)
"""Exponents that are tried until currents of the calibration events fill half of their bits."""

WEIGHT_EXPONENTS = range(-8, 8)
"""What the register of a weight exponent holds: 4 bits with sign."""

_RULES = {
    "weight": ("weight_register", WEIGHT_MIN, WEIGHT_MAX, 2),
    "threshold": ("threshold_register", 1, THRESHOLD_MAX, 1),
    "decay_v": ("decay_register", 0, DECAY_ONE, 1),
    "decay_i": ("decay_register", 0, DECAY_ONE, 1),
}
"""By register: its rule's name, the smallest and the largest value, and their distance."""

_TYPES = {"spikes": np.uint8, "v_mem": np.int32, "i_syn": np.int32}


@dataclass(frozen=True, eq=False)
class LoihiLayer(Frozen):
    """A layer in Loihi's registers: one scale, so one threshold profile for equal thresholds."""

    weight: np.ndarray
    """(n_in, n_out) even integers, -256..254."""
    threshold: np.ndarray
    """(n_out,) mantissas, 1..131071."""
    decay_v: np.ndarray
    """(n_out,) integers, 0..4096: what leaves the membrane in a step, of 4096 parts."""
    decay_i: np.ndarray
    """(n_out,) integers, 0..4096: what leaves the current in a step, of 4096 parts."""
    exponent: int = 0
    """A weight counts weight * 2^(6 + exponent); -8..7."""

    def __post_init__(self) -> None:
        """Check all registers.

        Raises:
            InputError: a value that its register cannot hold, with the rule's name.
        """
        exponent = self.exponent
        if not (isinstance(exponent, int | np.integer) and exponent in WEIGHT_EXPONENTS):
            raise InputError(f"exponent is {exponent!r}; rule weight_exponent: an integer -8..7")
        arrays = {name: np.asarray(getattr(self, name)) for name in _RULES}
        if arrays["weight"].ndim != 2 or 0 in arrays["weight"].shape:
            raise InputError(f"weight has shape {arrays['weight'].shape}; it needs (n_in, n_out)")
        neurons = arrays["weight"].shape[1]
        for name, array in arrays.items():
            if name != "weight" and array.shape != (neurons,):
                raise InputError(f"{name} has shape {array.shape}; it needs ({neurons},)")
            _check_register(name, array)
        super().__post_init__()


def _check_register(name: str, values: np.ndarray) -> None:
    """Refuse values that a register cannot hold.

    Raises:
        InputError: with the first such value and the rule's name.
    """
    rule, low, high, step = _RULES[name]
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {values.dtype}; give numbers")
    with np.errstate(invalid="ignore"):
        bad = ~((values >= low) & (values <= high) & (values % step == 0))
    if bad.any():
        even = "even " if step == 2 else ""
        raise InputError(
            f"{name} holds {values[bad][0]:g}; rule {rule}: {even}integers {low}..{high}"
        )


@dataclass(frozen=True, eq=False)
class LoihiNet:
    """Layers that feed each other, in integers."""

    layers: tuple[LoihiLayer, ...]
    dt: float

    def __post_init__(self) -> None:
        """Check that the layers fit each other.

        Raises:
            InputError: there are none, they do not fit, or dt is no time.
        """
        if not self.layers:
            raise InputError("layers is empty; give at least one LoihiLayer")
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise InputError(f"dt is {self.dt!r}; it must be a positive time")
        for k, (one, other) in enumerate(pairwise(self.layers)):
            if one.weight.shape[1] != other.weight.shape[0]:
                raise InputError(
                    f"layer {k} has {one.weight.shape[1]} neurons and layer {k + 1} weights for "
                    f"{other.weight.shape[0]}; they must be as many"
                )

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return len(self.layers[0].weight)

    @property
    def synapses(self) -> int:
        """Synapses per neuron: one."""
        return 1

    @property
    def lag(self) -> int:
        """Steps by which the output lags the input: none here, one for each layer on the chip."""
        return 0

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the layers: their numbers."""
        return tuple(map(str, range(len(self.layers))))

    def digest(self) -> str:
        """Return a hash of all registers."""
        state = hashlib.sha256(repr(self.dt).encode())
        for layer in self.layers:
            for field in fields(layer):
                array = np.asarray(getattr(layer, field.name), dtype="<f8")
                state.update(f"{field.name}{array.shape}".encode() + array.tobytes())
        return state.hexdigest()[:16]

    def with_threshold(self, scale: float) -> LoihiNet:
        """Return the net with scaled thresholds of all layers but the last.

        Raises:
            InputError: the scale is not positive, or a threshold leaves its register.
        """
        if not (np.isfinite(scale) and scale > 0):
            raise InputError(f"threshold scale is {scale!r}; it must be a positive number")
        layers = []
        for layer in self.layers[:-1]:
            threshold = np.floor(layer.threshold * scale + 0.5)
            if threshold.max() > THRESHOLD_MAX or threshold.min() < 1:
                raise InputError(
                    f"threshold scale {scale} takes a threshold to {threshold.max():.0f}; the "
                    f"register holds 1..{THRESHOLD_MAX}"
                )
            layers.append(replace(layer, threshold=threshold))
        return LoihiNet((*layers, self.layers[-1]), self.dt)


def from_network(
    network: Network, calibration: np.ndarray | None = None, *, max_threshold_scale: float = 2.4
) -> LoihiNet:
    """Map a feed-forward Network: decays to 12 bits, weights to 8, thresholds to 17.

    Args:
        network: the layers.
        calibration: (samples, time, channels) events; the weights' exponents are chosen so that
            currents stay within half of their 24 bits on them. Membranes saturate, as on the chip.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.

    Raises:
        InputError: a layer has recurrent weights, two synapses or a bias, or does not fit.
    """
    for k, layer in enumerate(network.layers):
        for what, there in (
            ("recurrent weights", layer.recurrent is not None),
            ("two synapses", layer.synapses != 1),
            ("a bias", bool(layer.bias.any())),
        ):
            if there:
                raise InputError(f"layer {k} has {what}; this map to Loihi has no place for them")
    events = None
    if calibration is not None:
        events = np.moveaxis(check_raster(calibration, network.channels), 1, 0).astype(float)
    layers = []
    for k, layer in enumerate(network.layers):
        for exponent in EXPONENTS:
            mapped = _integers(layer, network.dt, exponent, max(max_threshold_scale, 1.0))
            if events is None:
                break
            states = _run_layer(mapped, events)
            if np.abs(states["i_syn"]).max() < STATE_MAX / 2:
                events = states["spikes"]
                break
        else:
            raise InputError(f"layer {k}: its currents do not fit Loihi's 24 bits at any exponent")
        layers.append(mapped)
    return LoihiNet(tuple(layers), network.dt)


def _integers(layer: Layer, dt: float, exponent: int, room: float) -> LoihiLayer:
    """Round a layer; all of it shares a scale.

    Loihi's current decays before the input is added, the net's after: weights are multiplied by
    the synaptic decay to make up for it.
    """
    alpha, beta = layer.decays(dt)
    beta = beta[:, 0]
    weight = layer.weight.reshape(layer.n_in, layer.n_out).astype(float) * beta
    largest = max(float(np.abs(weight).max()), 1e-300)
    limit = THRESHOLD_MAX / (float(layer.threshold.max()) * room * 2.0**exponent)
    scale = min(WEIGHT_MAX / largest, limit)
    return LoihiLayer(
        weight=2.0 * np.rint(weight * scale / 2),
        threshold=np.maximum(np.rint(layer.threshold * scale * 2.0**exponent), 1.0),
        decay_v=np.rint(DECAY_ONE * (1 - alpha)),
        decay_i=np.rint(DECAY_ONE * (1 - beta)),
        exponent=exponent,
    )


def _run_layer(layer: LoihiLayer, events: np.ndarray) -> dict[str, np.ndarray]:
    """Return spikes and states (steps, samples, neurons) of a layer for what it receives.

    Args:
        layer: its registers.
        events: (steps, samples, n_in) counts, float64.
    """
    from neurosim.engines.brian2 import simulate

    steps, samples = events.shape[:2]
    n = layer.weight.shape[1]
    values = {"decay_v": layer.decay_v, "decay_i": layer.decay_i}
    values["theta_0"] = SHIFT * layer.threshold
    current = events @ (SHIFT * 2.0**layer.exponent * layer.weight)
    result = simulate(
        "loihi",
        n=samples * n,
        duration=steps * 1e-3,
        dt=1e-3,
        parameters={name: np.tile(v, samples) for name, v in values.items()},
        inputs={"I": current.reshape(steps, -1)},
        record=tuple(_TYPES),
    )
    return {v: np.asarray(result.traces[v]).reshape(steps, samples, n) for v in _TYPES}


class LoihiEngine(Engine):
    """Runs a LoihiNet in Brian2, layer after layer.

    Input channels may have several events in a step, as if each came over an axon of its own. A
    layer receives the spikes of the one before in the same step; on the chip they come one step
    late.
    """

    name = "loihi"
    models: ClassVar[tuple[type[Any], ...]] = (LoihiNet,)

    def _run(
        self, model: LoihiNet, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        events: np.ndarray = np.moveaxis(raster, 1, 0).astype(float)
        records = []
        for k, layer in enumerate(model.layers):
            states = _run_layer(layer, events)
            if np.abs(states["i_syn"]).max() >= STATE_MAX:
                raise InputError(
                    f"layer {k}: a current leaves Loihi's 24 bits; map the net with events like "
                    "these as calibration"
                )
            records.append(
                {
                    name: np.ascontiguousarray(np.moveaxis(states[name], 0, 1), dtype=_TYPES[name])
                    for name in variables
                }
            )
            events = states["spikes"]
        return records, {"brian2": cache.brian2_version()}


ENGINE = LoihiEngine()
