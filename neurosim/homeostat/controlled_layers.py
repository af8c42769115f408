"""Spiking layers as a homeostat sees them: a mean rate to read, a threshold scale to write."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import torch

from neurosim.errors import InputError
from neurosim.snn.adapters import ADAPTERS, Scale, adapter_of, reads_rate

_ABSENT = object()


class ControlledLayer:
    """A layer of ours, whose `threshold_scale` is written and whose `mean_rate` is read."""

    def __init__(self, name: str, module: Any):
        self.name, self.module = name, module
        adapter = adapter_of(module)
        if adapter is None:
            raise InputError(
                f"layer {name} is {type(module).__name__}, which is not known to spike"
            )
        self._adapter = adapter
        self._rates: list[torch.Tensor] = []
        self._sensed: torch.cuda.Event | None = None
        self._hooks = [module.register_forward_hook(self._sense)]
        self._hook()
        self.sensing = True

    @property
    def sensing(self) -> bool:
        """Whether calls are taken in."""
        return self._sensing

    @sensing.setter
    def sensing(self, on: bool) -> None:
        self._sensing, self._taken = on, getattr(self.module, "mean_rate", None)

    def write(self, scale: Scale) -> None:
        """Set the factor on the thresholds; a number or (1, T, 1)."""
        # Past torch's and rockpool's registries, which are slow.
        object.__setattr__(self.module, "threshold_scale", self._before * scale)

    def rate(self) -> torch.Tensor:
        """Return the mean spikes () per neuron and step of the calls since the last time.

        Raises:
            InputError: the layer has not run.
        """
        rates = self.sensed()[0]
        rate = rates[0] if len(rates) == 1 else torch.stack(rates).mean()
        self.forget()
        return rate

    def sensed(self) -> tuple[list[torch.Tensor], torch.cuda.Event | None]:
        """Return the rates () of the calls since the last time, and when a GPU knows them.

        Raises:
            InputError: the layer has not run.
        """
        self._sense_steps()
        if not self._rates:
            raise InputError(f"layer {self.name} has not run since the last step of the homeostat")
        return self._rates, self._sensed

    def forget(self) -> None:
        """Drop what was sensed."""
        self._rates.clear()
        self._taken = getattr(self.module, "mean_rate", None)

    def detach(self) -> None:
        """Leave the layer as it was."""
        for hook in self._hooks:
            hook.remove()
        self.module.threshold_scale = self._before

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and files of the net hold: one that no homeostat reads yet."""
        return vars(self) | {"_sensing": False, "_sensed": None}

    def _hook(self) -> None:
        self._before = self.module.threshold_scale

    @reads_rate
    def _sense(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        if self.sensing:
            self._take(self._adapter.rate(module, output))

    def _take(self, rate: torch.Tensor) -> None:
        # Rate-based nets call a layer once more; step by step it is one tensor, which is added to.
        if not (self._rates and self._rates[-1] is rate):
            self._rates.append(rate)
        self._sensed = None
        if rate.is_cuda and not torch.cuda.is_current_stream_capturing():
            self._sensed = torch.cuda.current_stream(rate.device).record_event()

    def _sense_steps(self) -> None:
        """Take in the rate of a layer that was run step by step, past its hooks."""
        latest = getattr(self.module, "mean_rate", None)
        if self.sensing and not self._rates and latest is not None and latest is not self._taken:
            self._take(latest)


class ShadowedLayer(ControlledLayer):
    """A layer of another library, whose threshold is a scaled one for the time of each call."""

    def write(self, scale: Scale) -> None:
        """Set the factor on the thresholds; a number."""
        self._scale: Scale = scale

    def detach(self) -> None:
        """Leave the layer as it was."""
        for hook in self._hooks:
            hook.remove()

    def _hook(self) -> None:
        self.write(1.0)
        self._shadows: list[tuple[str, Any]] = []
        self._hooks += [
            self.module.register_forward_pre_hook(self._shadow),
            self.module.register_forward_hook(self._unshadow, always_call=True),
        ]

    def _shadow(self, module: torch.nn.Module, inputs: Any) -> None:
        # An instance's own attributes are found before torch looks among parameters and buffers.
        assert self._adapter.scaled is not None
        name, value = self._adapter.scaled(module, self._scale)
        self._shadows.append((name, module.__dict__.get(name, _ABSENT)))
        module.__dict__[name] = value

    def _unshadow(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        if not self._shadows:  # another hook failed before the threshold was hidden
            return
        name, before = self._shadows.pop()
        if before is _ABSENT:
            del module.__dict__[name]
        else:
            module.__dict__[name] = before


def rates(layers: Sequence[ControlledLayer]) -> list[float]:
    """Return the rates of layers; those on one GPU in one copy.

    The copy waits for the forward pass only. To wait for all that the GPU has been given would
    hold up what follows: the backward pass and the optimiser are still under way then.

    Raises:
        InputError: a layer has not run.
    """
    sensed = [layer.sensed() for layer in layers]
    places = {(rate.device, rate.dtype) for series, _ in sensed for rate in series}
    known = [event for _, event in sensed if event is not None]
    if len(places) > 1 or len(known) < len(sensed):
        return [float(layer.rate()) for layer in layers]
    beside = _stream_beside(next(iter(places))[0])
    for event in known:
        beside.wait_event(event)
    with torch.cuda.stream(beside):
        together: list[float] = torch.stack([layer.rate() for layer in layers]).tolist()
    return together


@lru_cache
def _stream_beside(device: torch.device) -> torch.cuda.Stream:
    """Return a stream whose small kernels go before those of training."""
    return torch.cuda.Stream(device, priority=-1)


def find(net: torch.nn.Module, *, readout: bool = False) -> list[tuple[str, Any]]:
    """Return the names and modules of a net's spiking layers, in order.

    Args:
        net: any nesting of modules that holds spiking layers of neurosim, rockpool, snnTorch,
            SpikingJelly, Norse or sinabs (`neurosim.snn.adapters`).
        readout: include a spiking layer that is the last module of the net.

    Raises:
        InputError: there are none.
    """
    modules = dict(torch.nn.Module.named_modules(net))
    layers = [(name, module) for name, module in modules.items() if adapter_of(module) is not None]
    last = next(reversed(modules)) if modules else ""
    if layers and not readout and f"{last}.".startswith(f"{layers[-1][0]}."):
        layers.pop()
    if not layers:
        known = ", ".join(dict.fromkeys(adapter.library for adapter in ADAPTERS))
        raise InputError(
            f"{type(net).__name__} holds no spiking layer of {known} besides the readout; "
            "readout=True takes that in"
        )
    return layers


def control(layers: Iterable[tuple[str, Any]]) -> list[ControlledLayer]:
    """Hook into layers; `detach` each of what is returned to undo it."""
    return [
        (ControlledLayer if hasattr(module, "threshold_scale") else ShadowedLayer)(name, module)
        for name, module in layers
    ]


def check_write(write: str, ticks: int, units: int, layers: Iterable[tuple[str, Any]]) -> None:
    """Refuse a way of writing thresholds that the ticks or the layers do not allow.

    Args:
        write: "end", "step" or "block".
        ticks: of an optimisation step.
        units: number of layers or blocks.
        layers: their names and modules.

    Raises:
        InputError: the way is not known, or does not fit; the layer is named.
    """
    if write not in ("end", "step", "block"):
        raise InputError(f"write is {write!r}; give 'end', 'step' or 'block'")
    if write == "block" and ticks != units:
        raise InputError(f"write='block' needs a tick for each of {units} units")
    other = [(n, type(m).__name__) for n, m in layers if not hasattr(m, "threshold_scale")]
    if write == "step" and other:
        raise InputError(
            f"write='step': layer {other[0][0]} is {other[0][1]}, which has one threshold for all "
            "steps; use neurosim.snn.LIF or Spiking"
        )


def duplicate(net: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy of a net, also after a forward pass whose graph its states belong to."""
    memo: dict[int, Any] = {}
    for module in torch.nn.Module.modules(net):
        held = vars(module)
        for store in (held, *(value for value in held.values() if isinstance(value, dict))):
            for value in store.values():
                if isinstance(value, torch.Tensor) and not value.is_leaf:
                    memo[id(value)] = value.detach().clone()
    return copy.deepcopy(net, memo)
