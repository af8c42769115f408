"""Rockpool's own LIFTorch as an engine: what all others here are measured against."""

from __future__ import annotations

import threading
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from neurosim.engines.engine import Records
from neurosim.engines.torch import TorchEngine
from neurosim.network import Layer, Network
from neurosim.snn.rockpool_modules import LIFTorch, PeriodicExponential

_alone = threading.Lock()
"""Held while warnings are silenced, which Python does for the whole process."""


class LIFTorchEngine(TorchEngine):
    """Runs a Network in LIFTorch, in float32; its time is quadratic in the steps."""

    name = "liftorch"
    own_check = False

    def _run(
        self, model: Network, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        with _alone, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super()._run(model, raster, variables)

    def _dtype(self, model: Network) -> torch.dtype:
        return torch.float32

    def _modules(self, model: Network, dtype: torch.dtype) -> list[tuple[Any, Any]]:
        linear = [pair[0] for pair in super()._modules(model, dtype)]
        neurons = [_neurons(layer, model.dt) for layer in model.layers]
        return list(zip(linear, neurons, strict=True))

    def _versions(self) -> dict[str, str]:
        return {"rockpool": version("rockpool"), **super()._versions()}


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
