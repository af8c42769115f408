"""How far the integer net follows the float net, layer by layer: a measured gap, never equality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.xylo import calibration
from neurosim.xylo.rules import REGISTER_MAX
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class LayerFidelity:
    """One layer on the chip against the same layer in float."""

    layer: int
    correlation: float
    """Of spike counts over windows and neurons; NaN where one side does not vary."""
    saturated: float
    """Share of neurons and steps whose membrane or current stands at a 16-bit limit."""
    lost: float
    """Share of the nonzero weights into the layer that became 0."""
    rate: float
    """Spikes of a neuron in a step, in float."""
    integer_rate: float
    """The same on the chip."""


def measure(
    spec: XyloSpec,
    network: Network,
    raster: np.ndarray,
    residuals: calibration.Residuals = (),
    *,
    aligned: bool = True,
) -> list[LayerFidelity]:
    """Run both nets on events and compare them, each layer's lag on the chip removed.

    Args:
        spec: mapped from the network, nothing pruned.
        network: the float net.
        raster: (samples, time, channels) event counts.
        residuals: residual connections that were mapped.
        aligned: as they were mapped.

    Raises:
        InputError: the raster does not fit.
        UnavailableError: xylosim is not installed.
    """
    from neurosim import engines

    record = ("spikes", "v_mem", "i_syn")
    recording = engines.get("xylosim").run(spec, raster, record=record)
    steps = raster.shape[1]
    seen = calibration.run_layers(network, raster.astype(float), residuals, aligned=aligned)
    found = []
    for k, (layer, weights) in enumerate(zip(network.layers, _weights(spec), strict=True)):
        ids, population = _neurons(spec, k)
        window = (slice(None), slice(k, k + steps), ids)
        integer = recording.spikes[population][window].astype(float)
        wished, got = seen[k].emitted.sum(axis=1), integer.sum(axis=1)
        there = layer.weight.reshape(layer.n_in, layer.n_out, -1) != 0
        weights = weights[:, :, : layer.synapses]
        found.append(
            LayerFidelity(
                k,
                correlation(wished, got),
                _saturated(recording, population, window),
                float((weights[there] == 0).mean()) if there.any() else 0.0,
                float(seen[k].emitted.mean()),
                float(integer.mean()),
            )
        )
    return found


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation of all entries of two arrays of one shape.

    NaN where one side does not vary.
    """
    if not (np.ptp(a) and np.ptp(b)):
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _neurons(spec: XyloSpec, k: int) -> tuple[np.ndarray, int]:
    """Return the ids of a layer's neurons, relays left out, and their population."""
    if k == len(spec.layers):
        return np.arange(spec.outputs), 1
    first = sum(spec.layers[:k])
    ids = np.arange(first, first + spec.layers[k])
    return ids[~np.isin(ids, spec.relays)], 0


def _weights(spec: XyloSpec) -> Iterator[np.ndarray]:
    """Yield the integer weights into each layer."""
    before = None
    for k in range(len(spec.layers)):
        ids, _ = _neurons(spec, k)
        weights = spec.weights_in if before is None else spec.weights_rec[before]
        yield weights[:, ids]
        before = ids
    yield spec.weights_out[:, :, None]


def _saturated(recording: Recording, population: int, window: tuple) -> float:
    full = np.zeros((), bool)
    for states in (recording.v_mem, recording.i_syn, recording.i_syn_2):
        if states is not None:
            state = states[population][window].astype(int)
            full = full | (state >= REGISTER_MAX) | (state < -REGISTER_MAX)
    return float(full.mean())
