"""Rockpool's own LIFTorch as an engine: what all others here are measured against."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from rockpool.nn.modules import LIFTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential

from neurosim.engines import check_record
from neurosim.engines.torch import as_recorded, with_second_synapse
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.raster import check_raster
from neurosim.recording import Recording


class LIFTorchEngine:
    """Run a Network in rockpool's LIFTorch, in float32; its time is quadratic in the steps."""

    name = "liftorch"

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
    ) -> Recording:
        """Run all samples, each from a zero state; populations are the network's layers.

        Args:
            model: a Network with at most two synapses a neuron.
            raster: (samples, time, channels) event counts 0..255.
            record: any of `spikes`, `v_mem`, `i_syn`.
            seed: without effect, a Network is deterministic.

        Raises:
            InputError: the model is no Network, or the raster does not fit it.
        """
        if not isinstance(model, Network):
            raise InputError(f"liftorch runs a Network, got {type(model).__name__}")
        synapses = max(layer.synapses for layer in model.layers)
        if synapses > 2:
            raise InputError(f"a layer has {synapses} synapses; a Recording holds at most 2")
        wanted = with_second_synapse(check_record(record), synapses)
        value = torch.from_numpy(check_raster(raster, model.shape[0])).float()
        arrays: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
        for layer in model.layers:
            value = value @ _float(layer.weight.reshape(layer.n_in, -1))
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value, _, recorded = _neurons(layer, model.dt)(value, record=True)
            for name in wanted:
                arrays[name].append(as_recorded(name, layer, value, recorded))
            value = value.float()
        provenance = {"engine": self.name, "rockpool": version("rockpool"), "seed": seed}
        provenance |= {"torch": version("torch"), "model": model.digest()}
        recordings: dict[str, Any] = {name: tuple(found) for name, found in arrays.items()}
        return Recording(**recordings, dt=model.dt, provenance=provenance)


def _neurons(layer: Layer, dt: float) -> LIFTorch:
    """Return LIFTorch with the layer's parameters; its constructor would change some."""
    neurons = LIFTorch(
        (layer.n_out * layer.synapses, layer.n_out),
        has_rec=layer.recurrent is not None,
        max_spikes_per_dt=torch.tensor(float(layer.max_spikes)),
        spike_generation_fn=PeriodicExponential,
        dt=dt,
    )
    for name in ("tau_mem", "threshold", "bias"):
        getattr(neurons, name).data = _float(getattr(layer, name))
    neurons.tau_syn.data = _float(layer.tau_syn.reshape(layer.n_out, layer.synapses))
    if layer.recurrent is not None:
        neurons.w_rec.data = _float(layer.recurrent.reshape(layer.n_out, -1))
    return neurons


def _float(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float32)


ENGINE = LIFTorchEngine()
