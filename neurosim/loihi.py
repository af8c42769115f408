"""A second neuromorphic target: a Network in the integers of Intel's Loihi, run in Brian2.

Against the net's own neurons Loihi has binary spikes where these may fire up to 31 in a step, and a
reset to zero where these subtract the threshold: what that costs is measured, not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engines import check_raster
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.recording import Recording

WEIGHT_MAX = 254
"""Largest weight of mixed sign; such weights are even (8 bits, the lowest one lost to the sign)."""
THRESHOLD_MAX = 131071
"""Largest mantissa of a threshold (17 bits)."""
DECAY_ONE, SHIFT = 4096, 64
STATE_MAX = 2**23
"""States have 24 bits with sign."""


@dataclass(frozen=True, eq=False)
class LoihiLayer:
    """A layer in Loihi's registers: one scale, so one threshold profile for equal thresholds."""

    weight: np.ndarray
    """(n_in, n_out) even integers, -256..254."""
    threshold: np.ndarray
    """(n_out,) mantissas."""
    decay_v: np.ndarray
    decay_i: np.ndarray


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
            layers.append(LoihiLayer(layer.weight, threshold, layer.decay_v, layer.decay_i))
        return LoihiNet((*layers, self.layers[-1]), self.dt)


def from_network(network: Network, *, max_threshold_scale: float = 2.4) -> LoihiNet:
    """Map a feed-forward Network: decays to 12 bits, weights to 8, thresholds to 17.

    Loihi's membrane takes a current before it decays, the net's after: weights are multiplied by
    the synaptic decay to make up for it.

    Raises:
        InputError: a layer has recurrent weights, two synapses or a bias.
    """
    layers = []
    for k, layer in enumerate(network.layers):
        for what, there in (
            ("recurrent weights", layer.recurrent is not None),
            ("two synapses", layer.synapses != 1),
            ("a bias", bool(layer.bias.any())),
        ):
            if there:
                raise InputError(f"layer {k} has {what}; this map to Loihi has no place for them")
        alpha = np.exp(-network.dt / layer.tau_mem.astype(float))
        beta = np.exp(-network.dt / layer.tau_syn.astype(float).reshape(-1))
        weight = layer.weight.reshape(layer.n_in, layer.n_out).astype(float) * beta
        largest = max(float(np.abs(weight).max()), 1e-300)
        room = THRESHOLD_MAX / (float(layer.threshold.max()) * max(max_threshold_scale, 1.0))
        scale = min(WEIGHT_MAX / largest, room)
        layers.append(
            LoihiLayer(
                weight=2.0 * np.rint(weight * scale / 2),
                threshold=np.maximum(np.rint(layer.threshold * scale), 1.0),
                decay_v=np.rint(DECAY_ONE * (1 - alpha)),
                decay_i=np.rint(DECAY_ONE * (1 - beta)),
            )
        )
    return LoihiNet(tuple(layers), network.dt)


def run(net: LoihiNet, raster: np.ndarray) -> Recording:
    """Run all samples in Brian2, each from a zero state, layer after layer.

    Input channels may have several events in a step, as if each came over an axon of its own. A
    layer hears the one before in the same step; on the chip it is one step late.

    Args:
        net: the layers.
        raster: (samples, time, channels) event counts.

    Raises:
        InputError: the raster does not fit, or a membrane leaves 24 bits.
    """
    from neurosim.engines.brian2 import simulate

    raster = check_raster(raster, net.layers[0].weight.shape[0])
    samples, steps = raster.shape[:2]
    heard: np.ndarray = np.moveaxis(raster, 1, 0).astype(float)
    found: dict[str, list[np.ndarray]] = {"spikes": [], "v_mem": [], "i_syn": []}
    for k, layer in enumerate(net.layers):
        n = layer.weight.shape[1]
        values = {"decay_v": layer.decay_v, "decay_i": layer.decay_i}
        values["theta_0"] = SHIFT * layer.threshold
        result = simulate(
            "loihi",
            n=samples * n,
            duration=steps * 1e-3,
            dt=1e-3,
            parameters={name: np.tile(v, samples) for name, v in values.items()},
            inputs={"I": (heard @ (SHIFT * layer.weight)).reshape(steps, -1)},
            record=tuple(found),
        )
        for name, arrays in found.items():
            course = np.asarray(result.traces[name]).reshape(steps, samples, n)
            arrays.append(np.ascontiguousarray(np.moveaxis(course, 0, 1)))
        if max(np.abs(found[v][-1]).max() for v in ("v_mem", "i_syn")) >= STATE_MAX:
            raise InputError(f"layer {k}: a state leaves Loihi's 24 bits; scale the weights down")
        heard = np.moveaxis(found["spikes"][-1], 1, 0)
    spikes = tuple(s.astype(np.uint8) for s in found["spikes"])
    states = {name: tuple(a.astype(np.int32) for a in found[name]) for name in ("v_mem", "i_syn")}
    provenance = {"engine": "brian2", "model": "loihi"}
    return Recording(spikes=spikes, **states, dt=net.dt, provenance=provenance)
