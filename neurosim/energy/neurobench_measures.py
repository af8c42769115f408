"""Complexity measures of NeuroBench (Yik et al., Nat. Commun. 16, 1545, 2025; Methods).

Effective synaptic operations are those with a nonzero weight and a nonzero input: accumulations
(ACs) where a layer's inputs are all -1, 0 or 1, multiply-accumulations (MACs) otherwise. Biases do
not count. The Xylo core itself pays by cycles, see `neurosim.energy.price`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Measures:
    """NeuroBench's measures of one model on one set of samples."""

    footprint_bytes: int
    connection_sparsity: float
    """Share of weights that are zero."""
    activation_sparsity: float
    """Share of (sample, step, neuron) that are zero."""
    effective_acs: float
    """Per sample."""
    effective_macs: float
    """Per sample."""
    dense_operations: float
    """Per sample, with every weight and input counted."""


def measure(model: Network | XyloSpec, raster: np.ndarray, recording: Recording) -> Measures:
    """Return the measures of a model that was run on a raster.

    Args:
        model: a Network, or a XyloSpec with its recording of two populations.
        raster: (samples, time, channels) event counts; a deployed net runs some steps longer.
        recording: spikes of the run.

    Raises:
        InputError: the recording is not that of the model and raster.
    """
    acs = macs = dense = 0.0
    for inputs, weight in _connections(model, raster, recording):
        active = np.count_nonzero(inputs, axis=(0, 1)).astype(np.float64)
        count = float(active @ np.count_nonzero(weight, axis=tuple(range(1, weight.ndim))))
        spiking = inputs.max(initial=0) <= 1
        acs, macs = (acs + count, macs) if spiking else (acs, macs + count)
        dense += inputs.shape[0] * inputs.shape[1] * weight.size
    weights = [w for _, w in _connections(model, raster, recording)]
    total = sum(s.size for s in recording.spikes)
    return Measures(
        footprint_bytes=footprint_bytes(model),
        connection_sparsity=1 - sum(map(np.count_nonzero, weights)) / sum(w.size for w in weights),
        activation_sparsity=1 - sum(map(np.count_nonzero, recording.spikes)) / total,
        effective_acs=acs / len(raster),
        effective_macs=macs / len(raster),
        dense_operations=dense / len(raster),
    )


def footprint_bytes(model: Network | XyloSpec) -> int:
    """Return the bytes of all parameters.

    A Network's arrays at their own precision; a XyloSpec's registers and memories: one byte for
    each input and output weight, nonzero recurrent weight and decay shift, two for each threshold
    and bias.
    """
    if isinstance(model, Network):
        return int(sum(array.nbytes for array in model.tensors().values()))
    bytes_of = {"threshold": 2, "threshold_out": 2, "bias": 2, "bias_out": 2}
    registers = ("weights_in", "weights_out", "dash_mem", "dash_mem_out", "dash_syn")
    one = sum(getattr(model, name).size for name in (*registers, "dash_syn_out"))
    if model.synapses == 2:
        one += model.dash_syn_2.size
    two = sum(size * getattr(model, name).size for name, size in bytes_of.items())
    return int(one + two + np.count_nonzero(model.weights_rec))


def _connections(
    model: Network | XyloSpec, raster: np.ndarray, recording: Recording
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what each matrix of weights reads (samples, time, n_in), and the matrix (n_in, ...)."""
    sizes = model.shape[1:] if isinstance(model, Network) else (model.hidden, model.outputs)
    sizes_run = tuple(s.shape[2] for s in recording.spikes)
    if sizes_run != tuple(sizes) or recording.samples != len(raster):
        raise InputError(
            f"recording has populations {sizes_run} and {recording.samples} samples; the model has "
            f"{tuple(sizes)}, the raster {len(raster)}; pass the model's run on this raster"
        )
    if isinstance(model, Network):
        for layer, inputs, own in zip(
            model.layers, (raster, *recording.spikes[:-1]), recording.spikes, strict=True
        ):
            yield inputs, layer.weight
            if layer.recurrent is not None:
                yield own[:, :-1], layer.recurrent  # spikes act one step later
        return
    hidden = recording.spikes[0]
    yield raster, model.weights_in
    if model.weights_rec.any():
        yield hidden[:, :-1], model.weights_rec
    yield hidden[:, :, -len(model.weights_out) :][:, :-1], model.weights_out
