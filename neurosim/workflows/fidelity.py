"""How far the integer net follows the float net, layer by layer: a measured gap, never equality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.verify.integer_rungs import correlation, layer_ids
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
    floats = calibration.run_layers(network, raster.astype(float), residuals, aligned=aligned)
    neurons = [*((ids, 0) for ids in layer_ids(spec)), (np.arange(spec.outputs), 1)]
    rows = []
    for k, (layer, weights) in enumerate(zip(network.layers, _weights(spec), strict=True)):
        ids, population = neurons[k]
        window = (slice(None), slice(k, k + steps), ids)
        integer = recording.spikes[population][window].astype(float)
        agreement = correlation(floats[k].emitted, integer)
        there = layer.weight.reshape(layer.n_in, layer.n_out, -1) != 0
        weights = weights[:, :, : layer.synapses]
        rows.append(
            LayerFidelity(
                k,
                float("nan") if agreement is None else agreement,
                _saturated(recording, population, window),
                float((weights[there] == 0).mean()) if there.any() else 0.0,
                float(floats[k].emitted.mean()),
                float(integer.mean()),
            )
        )
    return rows


def _weights(spec: XyloSpec) -> Iterator[np.ndarray]:
    """Yield the integer weights into each layer."""
    before = None
    for ids in layer_ids(spec):
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
