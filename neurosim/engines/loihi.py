"""A second neuromorphic target: a Network in the integers of Intel's Loihi, run in Brian2.

Against the net's own neurons Loihi has binary spikes where these may fire up to 31 in a step, and a
reset to zero where these subtract the threshold: what that costs is measured, not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.raster import check_raster
from neurosim.recording import Recording

WEIGHT_MAX = 254
"""Largest weight of mixed sign; such weights are even (8 bits, the lowest one lost to the sign)."""
THRESHOLD_MAX = 131071
"""Largest mantissa of a threshold (17 bits)."""
DECAY_ONE, SHIFT = 4096, 64
STATE_MAX = 2**23
"""States have 24 bits with sign."""
EXPONENTS = range(0, -7, -1)
"""Exponents that are tried until currents of the calibration events fill half of their bits."""


VARIABLES = ("spikes", "v_mem", "i_syn")


@dataclass(frozen=True, eq=False)
class LoihiLayer:
    """A layer in Loihi's registers: one scale, so one threshold profile for equal thresholds."""

    weight: np.ndarray
    """(n_in, n_out) even integers, -256..254."""
    threshold: np.ndarray
    """(n_out,) mantissas."""
    decay_v: np.ndarray
    decay_i: np.ndarray
    exponent: int = 0
    """A weight counts weight * 2^(6 + exponent); -8..7."""


@dataclass(frozen=True, eq=False)
class LoihiNet:
    """Layers that feed each other, in integers."""

    layers: tuple[LoihiLayer, ...]
    dt: float

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
    heard = None
    if calibration is not None:
        heard = np.moveaxis(check_raster(calibration, network.shape[0]), 1, 0).astype(float)
    layers = []
    for k, layer in enumerate(network.layers):
        for exponent in EXPONENTS:
            mapped = _integers(layer, network.dt, exponent, max(max_threshold_scale, 1.0))
            if heard is None:
                break
            states = _run_layer(mapped, heard)
            if np.abs(states["i_syn"]).max() < STATE_MAX / 2:
                heard = states["spikes"]
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
    alpha = np.exp(-dt / layer.tau_mem.astype(float))
    beta = np.exp(-dt / layer.tau_syn.astype(float).reshape(-1))
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


def _run_layer(layer: LoihiLayer, heard: np.ndarray) -> dict[str, np.ndarray]:
    """Return spikes and states (steps, samples, neurons) of a layer for what it hears."""
    from neurosim.engines.brian2 import simulate

    steps, samples = heard.shape[:2]
    n = layer.weight.shape[1]
    values = {"decay_v": layer.decay_v, "decay_i": layer.decay_i}
    values["theta_0"] = SHIFT * layer.threshold
    current = heard @ (SHIFT * 2.0**layer.exponent * layer.weight)
    result = simulate(
        "loihi",
        n=samples * n,
        duration=steps * 1e-3,
        dt=1e-3,
        parameters={name: np.tile(v, samples) for name, v in values.items()},
        inputs={"I": current.reshape(steps, -1)},
        record=VARIABLES,
    )
    return {v: np.asarray(result.traces[v]).reshape(steps, samples, n) for v in VARIABLES}


def run(net: LoihiNet, raster: np.ndarray) -> Recording:
    """Run all samples in Brian2, each from a zero state, layer after layer.

    Input channels may have several events in a step, as if each came over an axon of its own. A
    layer hears the one before in the same step; on the chip it is one step late.

    Args:
        net: the layers.
        raster: (samples, time, channels) event counts.

    Raises:
        InputError: the raster does not fit, or a current leaves 24 bits.
    """
    raster = check_raster(raster, net.layers[0].weight.shape[0])
    heard: np.ndarray = np.moveaxis(raster, 1, 0).astype(float)
    found: dict[str, list[np.ndarray]] = {name: [] for name in VARIABLES}
    for k, layer in enumerate(net.layers):
        states = _run_layer(layer, heard)
        if np.abs(states["i_syn"]).max() >= STATE_MAX:
            raise InputError(
                f"layer {k}: a current leaves Loihi's 24 bits; map the net with events like these "
                "as calibration"
            )
        for name, arrays in found.items():
            arrays.append(np.ascontiguousarray(np.moveaxis(states[name], 0, 1)))
        heard = states["spikes"]
    spikes = tuple(s.astype(np.uint8) for s in found["spikes"])
    whole = {n: tuple(a.astype(np.int32) for a in found[n]) for n in ("v_mem", "i_syn")}
    provenance = {"engine": "brian2", "model": "loihi"}
    return Recording(spikes, whole["v_mem"], whole["i_syn"], dt=net.dt, provenance=provenance)
