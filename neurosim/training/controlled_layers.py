"""Spiking layers as a homeostat sees them: a mean rate to read, a threshold scale to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from rockpool.nn.modules import LIFTorch

from neurosim.errors import InputError
from neurosim.training.modules import LIF

Scale = float | torch.Tensor


class ControlledLayer:
    """A LIF layer, whose `threshold_scale` is written."""

    def __init__(self, name: str, module: Any):
        self.name, self.module = name, module
        self.sensing = True
        self._sensed: list[torch.Tensor] = []
        self._hooks = [module.register_forward_hook(self._sense)]
        self._hook()

    def write(self, scale: Scale) -> None:
        """Set the factor on the thresholds; a number or (1, T, 1)."""
        # Past torch's and rockpool's registries, which are slow.
        object.__setattr__(self.module, "threshold_scale", self._before * scale)

    def rate(self) -> float:
        """Return the mean spikes per neuron and step since the last call.

        Raises:
            InputError: the layer has not run.
        """
        if not self._sensed:
            raise InputError(f"layer {self.name} has not run since the last step of the homeostat")
        rate = float(torch.stack(self._sensed).mean())
        self._sensed.clear()
        return rate

    def forget(self) -> None:
        """Drop what was sensed."""
        self._sensed.clear()

    def detach(self) -> None:
        """Leave the layer as it was."""
        for hook in self._hooks:
            hook.remove()
        self.module.threshold_scale = self._before

    def _hook(self) -> None:
        self._before = self.module.threshold_scale

    def _sense(self, module: torch.nn.Module, inputs: Any, spikes: torch.Tensor) -> None:
        if self.sensing:
            self._sensed.append(spikes.detach().mean())


class ShadowedLayer(ControlledLayer):
    """A LIFTorch, whose `threshold` is hidden behind a scaled one for the time of each call."""

    def write(self, scale: Scale) -> None:
        """Set the factor on the thresholds; a number."""
        self._scale: Scale = scale

    def detach(self) -> None:
        """Leave the layer as it was."""
        for hook in self._hooks:
            hook.remove()

    def _hook(self) -> None:
        self.write(1.0)
        self._hooks += [
            self.module.register_forward_pre_hook(self._shadow),
            self.module.register_forward_hook(self._unshadow, always_call=True),
        ]

    def _shadow(self, module: torch.nn.Module, inputs: Any) -> None:
        # An instance's own attributes are found before torch looks among parameters and buffers.
        module.__dict__["threshold"] = self.module.threshold * self._scale

    def _unshadow(self, module: torch.nn.Module, inputs: Any, spikes: torch.Tensor) -> None:
        module.__dict__.pop("threshold", None)


def find(net: torch.nn.Module, *, readout: bool = False) -> list[tuple[str, LIFTorch]]:
    """Return the names and modules of a rockpool net's spiking layers, in order.

    Args:
        net: any nesting of modules that holds LIF or LIFTorch (and what derives from it).
        readout: include a spiking layer that is the last module of the net.

    Raises:
        InputError: there are none.
    """
    leaves = [
        (name, module)
        for name, module in torch.nn.Module.named_modules(net)
        if not any(True for _ in torch.nn.Module.children(module))
    ]
    kept = leaves if readout else leaves[:-1]
    layers = [(name, module) for name, module in kept if isinstance(module, LIFTorch)]
    if not layers:
        raise InputError(
            f"{type(net).__name__} holds no LIF or LIFTorch besides the readout; readout=True "
            "takes that in"
        )
    return layers


def control(layers: Iterable[tuple[str, LIFTorch]]) -> list[ControlledLayer]:
    """Hook into layers; `detach` each of what is returned to undo it."""
    return [
        (ControlledLayer if isinstance(module, LIF) else ShadowedLayer)(name, module)
        for name, module in layers
    ]
