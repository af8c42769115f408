"""Torch as an engine: a Network through the training kernels, step by step as it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from neurosim.engines import check_record
from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Layer, Network
from neurosim.raster import check_raster
from neurosim.recording import Recording

BATCH = 256
"""Samples run at a time, which bounds the memory."""


class TorchEngine:
    """Run a Network in float32, or in float64 if any of its arrays is."""

    name = "torch"

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
            model: a Network.
            raster: (samples, time, channels) event counts 0..255.
            record: any of `spikes`, `v_mem`, `i_syn`.
            seed: without effect, a Network is deterministic.

        Raises:
            InputError: the model is no Network, the raster does not fit it, or currents of more
                than two synapses are to be recorded.
        """
        if not isinstance(model, Network):
            raise InputError(f"torch runs a Network, got {type(model).__name__}")
        variables = check_record(record)
        raster = check_raster(raster, model.shape[0])
        synapses = max(layer.synapses for layer in model.layers)
        if "i_syn" in variables and synapses > 2:
            raise InputError(f"record: a layer has {synapses} synapses; i_syn holds at most 2")
        wanted = with_second_synapse(variables, synapses)
        dtype = np.result_type(*model.tensors().values())
        net = module_from_network(model, torch.float64 if dtype == np.float64 else torch.float32)
        parts = [
            _evolve(net, model, raster[start : start + BATCH], wanted)
            for start in range(0, len(raster), BATCH)
        ]
        arrays: dict[str, Any] = {
            v: tuple(np.concatenate(layer) for layer in zip(*(p[v] for p in parts), strict=True))
            for v in wanted
        }
        provenance = {
            "engine": self.name,
            "torch": version("torch"),
            "dtype": str(dtype),
            "model": model.digest(),
            "seed": seed,
        }
        return Recording(**arrays, dt=model.dt, provenance=provenance)


def _evolve(
    net: torch.nn.Module, model: Network, raster: np.ndarray, wanted: Sequence[str]
) -> dict[str, list[np.ndarray]]:
    """Return the wanted variables of every layer."""
    arrays: dict[str, list[np.ndarray]] = {v: [] for v in wanted}
    modules: list[Any] = list(torch.nn.Module.children(net))
    value = torch.from_numpy(raster).to(modules[0].weight.dtype)
    with torch.no_grad():
        for layer, linear, neurons in zip(model.layers, modules[::2], modules[1::2], strict=True):
            neurons.exact = True
            neurons.reset_state()
            value, _, recorded = neurons(linear(value)[0], record=len(wanted) > 1)
            for variable in wanted:
                arrays[variable].append(as_recorded(variable, layer, value, recorded))
    return arrays


def with_second_synapse(variables: Sequence[str], synapses: int) -> list[str]:
    """Return the variables to keep: currents are two where a layer has two synapses."""
    wanted = [v for v in variables if v != "i_syn_2"]
    return [*wanted, "i_syn_2"] if "i_syn" in wanted and synapses == 2 else wanted


def as_recorded(
    name: str, layer: Layer, spikes: torch.Tensor, recorded: dict[str, torch.Tensor]
) -> np.ndarray:
    """Return one variable (samples, time, neurons) of a layer from what its module recorded."""
    if name == "spikes":
        return spikes.numpy().astype(np.min_scalar_type(layer.max_spikes))
    if name == "v_mem":
        return recorded["vmem"].numpy()
    synapse = 1 if name == "i_syn_2" else 0
    if synapse == layer.synapses:  # another layer has two
        return np.zeros_like(recorded["vmem"].numpy())
    return np.ascontiguousarray(recorded["isyn"][..., synapse].numpy())


ENGINE = TorchEngine()
