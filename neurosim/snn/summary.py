"""What a net is made of: shapes, parameters, neurons, synaptic operations; as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional

from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.snn.image_nets import ImageNet
from neurosim.snn.lif import LIF
from neurosim.snn.rockpool_modules import LIFBaseTorch, LinearTorch, TorchModule
from neurosim.snn.spiking import Spiking

Tensor = torch.Tensor

_SILENT = (nn.Identity, nn.Flatten, nn.Dropout)
"""Modules that have no row."""


@dataclass(frozen=True)
class Row:
    """One layer. Operations are of one sample, all its steps together."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """Of the output in a step."""
    parameters: int
    neurons: int
    """That spike."""
    rate: float | None
    """Spikes per neuron and step, in spiking layers, where inputs are given."""
    dense: int
    """Synaptic operations with every weight and input counted."""
    effective_acs: float | None
    """Accumulations: nonzero weights times nonzero inputs, where all inputs are -1, 0 or 1."""
    effective_macs: float | None
    """Multiply-accumulations: the same where inputs have other values."""


@dataclass(frozen=True)
class Summary:
    """The layers of a net in the order in which they run; `str` gives a table."""

    title: str
    rows: tuple[Row, ...]
    steps: int
    """T of a sample."""

    def total(self, column: str) -> float | None:
        """Return the sum of a column, `parameters` for instance; None where it is unknown."""
        values = [getattr(row, column) for row in self.rows]
        return None if None in values else sum(values)

    def __rich__(self) -> Table:
        table = Table(title=f"{self.title}; synaptic operations per sample of {self.steps} steps")
        left = ("layer", "kind")
        for name in (*left, "output", "parameters", "neurons", "rate", "dense", "ACs", "MACs"):
            table.add_column(name, justify="left" if name in left else "right")
        for row in self.rows:
            rate = "" if row.rate is None else f"{row.rate:.3f}"
            shape = " x ".join(map(str, row.shape))
            counts = _cells(row.dense, row.effective_acs, row.effective_macs)
            own = _cells(row.parameters, row.neurons)
            table.add_row(row.name, row.kind, shape, *own, rate, *counts)
        columns = ("parameters", "neurons", "dense", "effective_acs", "effective_macs")
        sums = [self.total(column) for column in columns]
        table.add_section()
        table.add_row("total", "", "", *_cells(*sums[:2]), "", *_cells(*sums[2:]))
        return table

    def __str__(self) -> str:
        console = Console(width=120)
        with console.capture() as capture:
            console.print(self)
        return capture.get()


def summary(
    net: nn.Module | Network,
    input_shape: Sequence[int] | None = None,
    *,
    inputs: torch.Tensor | np.ndarray | None = None,
) -> Summary:
    """Return what a net is made of; `print(summary(net, (3, 32, 32)))`.

    Effective operations and rates are counted exactly on given inputs, as NeuroBench defines them
    (Yik et al., Nat. Commun. 16, 1545, 2025; Methods): per sample, biases left out. The net stays
    as it is, its state and BatchNorm's statistics too.

    Args:
        net: a rockpool net of linear and LIF modules, an `ImageNet` or another net of torch's
            convolutions and linear layers from series (B, T, ...), or a Network.
        input_shape: of a sample: (C, H, W) for an `ImageNet`, (T, ...) for other nets; (1,
            channels) for a Network when left out.
        inputs: samples (B, ...) to count effective operations and rates on.

    Raises:
        InputError: neither a shape nor inputs are given where they are needed.
    """
    if isinstance(net, Network):
        shape = (1, net.shape[0]) if input_shape is None else input_shape
        return summary(net.to_rockpool(), shape, inputs=inputs)
    if inputs is None and input_shape is None:
        raise InputError("input_shape is None; give the shape of a sample, or inputs")
    x = torch.as_tensor(torch.zeros(1, *(input_shape or ())) if inputs is None else inputs)
    x = x.to(next(nn.Module.parameters(net), torch.zeros(())))
    # Contiguous: operations on a constant input count in every step.
    x = net.series(x).contiguous() if isinstance(net, ImageNet) else x
    calls: dict[str, _Calls] = {}
    with torch.no_grad(), _watched(net, calls), _untouched(net):
        net(x)
    rows = [c.row(len(x), x.shape[1], counted=inputs is not None) for c in calls.values()]
    return Summary(type(net).__name__, tuple(rows), x.shape[1])


@dataclass(frozen=True)
class Counts:
    """Operations of all samples of a call together."""

    dense: int = 0
    """Every weight with every input; the zero padding of a convolution is none."""
    acs: int = 0
    """Nonzero weights with nonzero inputs, of a call whose inputs are all -1, 0 or 1."""
    macs: int = 0
    """The same of other calls."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.dense + other.dense, self.acs + other.acs, self.macs + other.macs)


def synaptic_operations(module: nn.Module, x: Tensor, y: Tensor) -> Counts:
    """Return the synaptic operations of a module that made y of x; none for what has no synapses.

    Convolutions, linear layers (torch's and rockpool's) and recurrent weights of LIF modules are
    known.
    """
    if isinstance(module, nn.Conv2d):
        return _counts(x, lambda a, w: _convolved(module, a, w), module.weight)
    if isinstance(module, nn.Linear):
        return _counts(x, functional.linear, module.weight)
    if isinstance(module, LinearTorch):
        return _counts(x, lambda a, w: functional.linear(a, w.T), module.weight)
    if isinstance(module, LIFBaseTorch) and module._has_rec:
        weight: Any = module.w_rec
        before = y[:, :-1]  # spikes act one step later
        return _counts(before, lambda a, w: functional.linear(a, w.T), weight)
    return Counts()


def _convolved(module: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    padding: Any = module.padding
    return functional.conv2d(
        x, weight, None, module.stride, padding, module.dilation, module.groups
    )


def _counts(x: Tensor, combine: Any, weight: Tensor) -> Counts:
    """Count by combining ones in place of what is not zero."""
    active, used = (x != 0).to(weight), (weight != 0).to(weight)
    effective = _sum(combine(active, used))
    one = torch.ones_like(x[:1]).to(weight)
    dense = _sum(combine(one, torch.ones_like(weight))) * len(x)
    binary = bool(((x == 0) | (x.abs() == 1)).all())
    return Counts(dense, effective if binary else 0, 0 if binary else effective)


def _sum(counts: Tensor) -> int:
    return int(counts.sum(dtype=torch.float64))


class _Calls:
    """What the calls of a module add up to."""

    def __init__(self, name: str, module: Any):
        self.name, self.module = name, module
        self.counts = Counts()
        self.spikes = 0.0
        self.shape: tuple[int, ...] = ()

    def call(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
        """Take in a call, as a forward hook."""
        output = output[0] if isinstance(output, tuple) else output
        self.counts += synaptic_operations(module, inputs[0], output)
        self.spikes += float(output.sum()) if self.spiking else 0.0
        # Series (B, T, ...) of layers with time, and what has steps folded into the batch.
        folded = isinstance(module, nn.Conv2d | nn.modules.batchnorm._BatchNorm) or (
            output.ndim in (2, 4) and not self.spiking
        )
        self.shape = tuple(output.shape[1 if folded else 2 :])

    @property
    def spiking(self) -> bool:
        return isinstance(self.module, Spiking | LIFBaseTorch)

    def row(self, samples: int, steps: int, *, counted: bool) -> Row:
        """Return the row of the table."""
        neurons = int(np.prod(self.shape)) if self.spiking else 0
        rate = self.spikes / (samples * steps * neurons) if neurons and counted else None
        counts = self.counts
        return Row(
            self.name,
            getattr(self.module, "class_name", type(self.module).__name__),
            self.shape,
            sum(p.numel() for p in nn.Module.parameters(self.module, recurse=False)),
            neurons,
            rate,
            counts.dense // samples,
            counts.acs / samples if counted else None,
            counts.macs / samples if counted else None,
        )


@contextmanager
def _watched(net: nn.Module, calls: dict[str, _Calls]) -> Iterator[None]:
    """Fill `calls` with the innermost modules in the order in which they are called."""
    hooks = []

    def watch(name: str, module: nn.Module) -> None:
        def call(*arguments: Any) -> None:
            calls.setdefault(name, _Calls(name, module)).call(*arguments)

        hooks.append(module.register_forward_hook(call))

    for name, module in nn.Module.named_modules(net):
        inner = any(True for _ in nn.Module.children(module))
        if not inner and not isinstance(module, _SILENT):
            watch(name or type(module).__name__, module)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _untouched(net: nn.Module) -> Iterator[None]:
    """Run a net in evaluation and from rest; put back its mode, its state and its rates."""
    modules = list(nn.Module.modules(net))
    before = [(m, dict(m._buffers), vars(m).get("mean_rate")) for m in modules]
    training = [(m, m.training) for m in modules]
    for m in modules:
        m.training = False
        if isinstance(m, TorchModule) and not any(nn.Module.children(m)):
            m.reset_state()
    try:
        yield
    finally:
        for m, mode in training:
            m.training = mode
        for m, buffers, rate in before:
            m._buffers.update(buffers)
            if isinstance(m, LIF | Spiking):
                m.mean_rate = rate


def _cells(*values: float | None) -> list[str]:
    """Return counts as text; nothing for what is zero or unknown."""
    return [f"{round(value):,}" if value else "" for value in values]
