"""Torch as an engine: a Network through the training kernels, step by step as it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import torch

from neurosim.engines.engine import Engine, Records, not_finite
from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network

BATCH = 256
"""Samples run at a time, which bounds the memory."""


class TorchEngine(Engine):
    """Runs a Network in float32, or in float64 if any of its arrays is."""

    name = "torch"
    models: ClassVar[tuple[type[Any], ...]] = (Network,)
    own_check: ClassVar[bool] = True
    """Whether the layers themselves refuse a state that is not finite."""

    def _run(
        self, model: Network, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        dtype = self._dtype(model)
        modules = self._modules(model, dtype)
        batches = []
        with torch.no_grad():
            for start in range(0, len(raster), BATCH):
                events = torch.tensor(raster[start : start + BATCH], dtype=dtype)
                batches.append(list(self._evolve(model, modules, events, variables, start)))
        records = [
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            for parts in zip(*batches, strict=True)
        ]
        return records, {**self._versions(), "dtype": str(dtype).removeprefix("torch.")}

    def _dtype(self, model: Network) -> torch.dtype:
        double = np.result_type(*model.tensors().values()) == np.float64
        return torch.float64 if double else torch.float32

    def _modules(self, model: Network, dtype: torch.dtype) -> list[tuple[Any, Any]]:
        """Return the linear module and the neurons of each layer."""
        modules: list[Any] = list(torch.nn.Module.children(module_from_network(model, dtype)))
        for neurons in modules[1::2]:
            neurons.exact = True
        return list(zip(modules[::2], modules[1::2], strict=True))

    def _versions(self) -> dict[str, str]:
        return {"torch": version("torch")}

    def _evolve(
        self,
        model: Network,
        modules: list[tuple[Any, Any]],
        value: torch.Tensor,
        variables: tuple[str, ...],
        first: int,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yield what each layer records for events (samples, time, channels) from sample first."""
        for k, (layer, (linear, neurons)) in enumerate(zip(model.layers, modules, strict=True)):
            neurons.reset_state()
            record = len(variables) > 1 or not self.own_check
            spikes, _, recorded = neurons(linear(value)[0], record=record)
            if not self.own_check:
                end = recorded["vmem"][:, -1].sum(-1) + recorded["isyn"][:, -1].sum((-2, -1))
                if len(odd := torch.nonzero(~torch.isfinite(end))):
                    raise InputError(not_finite(sample=first + int(odd[0]), layer=k))
            arrays = {"spikes": spikes.numpy().astype(np.min_scalar_type(layer.max_spikes))}
            if len(variables) > 1:
                arrays["v_mem"] = recorded["vmem"].numpy()
                for k, name in enumerate(("i_syn", "i_syn_2")[: layer.synapses]):
                    arrays[name] = np.ascontiguousarray(recorded["isyn"][..., k].numpy())
            yield {name: arrays[name] for name in variables if name in arrays}
            value = spikes.to(value.dtype)


ENGINE = TorchEngine()
