"""A chain of linear layers and LIF neurons as one node of torch's graph, from spikes to spikes.

Inside a chain spikes are bits only: no raster exists, and what a layer hands on is still in cache
when the next one takes it. The forward pass keeps the membrane at each spike decision, so that the
backward pass repeats nothing. Products with spikes go through events, and through dense matrices
where that is faster: the constants that begin with DENSE say where.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.errors import InputError
from neurosim.snn.kernels import layer_kernels as kernels
from neurosim.snn.kernels.events import Spikes, groups_of, pad, padded
from neurosim.snn.kernels.fused import not_finite
from neurosim.snn.kernels.layout import Room, joined, layout_of
from neurosim.snn.kernels.rows import BLOCK
from neurosim.snn.kernels.threads import share

DENSE_PRODUCT, DENSE_GRADIENT = 0.55, 0.45
"""Set bits per neuron and step from which on torch's dense products are faster."""
DENSE_WIDE, WIDE = 0.3, 100_000
"""The same of more than so many weights, which do not stay in a core's cache."""
DENSE_INSIDE = 0.3
"""The same between the layers of a chain, where the tables are in cache; sample by sample."""
WIDEST_INSIDE = 16_384
"""Weights of a layer that is not the first of a chain, at most: 128 x 128, which a core's cache
holds beside a sample's steps. Wider ones pass gradients on through torch's matrix product."""


@dataclass
class Layer:
    """What a linear layer and its neurons need besides tensors that can have gradients.

    State arrays are in and out; those out are of sample 0.
    """

    cells: kernels.Cells
    """Constants; see `constants`."""
    surrogate: type[torch.autograd.Function]
    vmem: np.ndarray
    """(N,)."""
    isyn: np.ndarray
    """(N,)."""
    spikes: Spikes | None = None
    """The layer's spikes, out."""
    last: np.ndarray | None = None
    """(N,) spikes in the last step, out."""
    count: float = 0.0
    """Spikes, out."""


def constants(
    alpha: np.ndarray,
    beta: np.ndarray,
    bias: np.ndarray,
    theta: np.ndarray,
    limit: float,
    window: float,
) -> kernels.Cells | None:
    """Return the constants of neurons for kernels; None where a threshold is not above zero.

    Args:
        alpha: (N,) membrane decay per step.
        beta: (N,) synaptic decay per step; empty for delta synapses.
        bias: (N,) added to the membrane each step.
        theta: (1 or B, 1 or T, N) thresholds.
        limit: most spikes in a step.
        window: width of the surrogate.
    """
    scalar, width = alpha.dtype.type, padded(alpha.size)
    edges = np.ones((*theta.shape[:2], width), scalar)
    edges[:, :, : theta.shape[2]] = theta
    samples, steps, _ = theta.shape
    edges = edges.reshape(-1)
    if not (edges > 0).all():
        return None
    rows = [np.zeros(width if row.size else 0, scalar) for row in (alpha, beta, bias)]
    for row, values in zip(rows, (alpha, beta, bias), strict=True):
        row[: values.size] = values
    return kernels.Cells(
        rows[0],
        rows[1],
        rows[2],
        edges,
        1 / edges,
        edges * scalar(1.9 if limit > 1 else np.inf),
        steps * width if samples > 1 else 0,
        width if steps > 1 else 0,
        scalar(limit),
        scalar(window),
    )


def chain(
    x: Tensor,
    entering: Spikes | None,
    weights: Sequence[Tensor],
    offsets: Sequence[Tensor | None],
    layers: Sequence[Layer],
    *,
    raster: bool = True,
) -> tuple[Tensor, Tensor]:
    """Run linear layers and their neurons; all tensors on the CPU, of float32 or float64.

    Args:
        x: (B, T, inputs) input, or what another chain returned, whose spikes are `entering`.
        entering: the input as bits; None: it is the tensor itself.
        weights: (inputs, N) of each linear layer; `inside` holds of all but the first.
        offsets: (N,) bias of each linear layer, or None.
        layers: all else; their states are advanced.
        raster: whether the spikes of the last layer are wanted as floats.

    Raises:
        InputError: a state is not finite at the end.

    Returns:
        Spikes (B, T, N) of the last layer; the bits of each are in `layers`. Without `raster` the
        values are all zero, and the tensor is good only for passing gradients on. Then spikes per
        neuron and step (L,) of all layers.
    """
    wanted = (x, *weights, *(offset for offset in offsets if offset is not None))
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in wanted):
        outputs: tuple[Tensor, Tensor] = _Chain.apply(
            x, entering, layers, raster, *weights, *offsets
        )
        return outputs
    return _Pass(x, entering, weights, offsets, layers).forward(layers, raster, keep=False)


def inside(inputs: int, neurons: int) -> bool:
    """Return whether a layer can follow another one in a chain.

    Args:
        inputs: neurons of the one before.
        neurons: its own.
    """
    return padded(inputs) * padded(neurons) <= WIDEST_INSIDE


class _Pass:
    """Arrays of a call of a chain."""

    def __init__(
        self,
        x: Tensor,
        entering: Spikes | None,
        weights: Sequence[Tensor],
        offsets: Sequence[Tensor | None],
        layers: Sequence[Layer],
    ):
        self.samples, self.steps, _ = x.shape
        self.rows = self.samples * self.steps
        self.x, self.entering = x, entering
        self.tables = [pad(weight) for weight in weights]
        self.neurons = [weight.shape[1] for weight in weights]
        self.widths = [table.shape[1] for table in self.tables]
        self.dtype = self.tables[0].numpy().dtype
        cells = [layer.cells for layer in layers]
        alpha, beta, bias, theta, inverse, twice, limits, windows = joined(cells)
        starts = [
            np.zeros(width, self.dtype) if offset is None else pad(offset).numpy()
            for width, offset in zip(self.widths, offsets, strict=True)
        ]
        # The weights of a layer that passes gradients on inside the chain, transposed and padded.
        backs = [np.zeros(0, self.dtype)]
        for below, width, table in zip(self.widths, self.widths[1:], self.tables[1:], strict=False):
            back = np.zeros((width, below), self.dtype)
            back[:, : len(table)] = table.numpy().T
            backs.append(back.reshape(-1))
        tables = [table.numel() for table in self.tables]
        surrogates = [layer.surrogate for layer in layers]
        sizes = zip(
            self.neurons, tables, (back.size for back in backs), cells, surrogates, strict=True
        )
        layout = layout_of(self.samples, self.steps, list(sizes))
        self.shapes, self.digits, self.words = layout.shapes.copy(), layout.digits, layout.words
        self.constants = kernels.Chain(
            self.shapes, alpha, beta, bias, np.concatenate(starts), theta, inverse, twice,
            limits, windows,
            np.concatenate([table.numpy().reshape(-1) for table in self.tables]),
            np.concatenate(backs),
        )  # fmt: skip

    def forward(
        self, layers: Sequence[Layer], raster: bool, *, keep: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the spikes of the last layer and all means; keep the trace if it is wanted."""
        constants, entering = self.constants, self.entering
        products = np.empty(0, self.dtype)
        if entering is None or entering.density >= self._dense_from(DENSE_PRODUCT):
            start = torch.from_numpy(constants.start[: self.widths[0]])
            products = torch.addmm(start, self._floats(), self.tables[0]).reshape(-1).numpy()
        words = np.empty(self.words, np.uint64)
        tops = np.zeros(self.rows * len(layers), np.uint8)
        self.bits = kernels.Bits(words, words.view(np.uint8), 0, 0, tops)
        size = self.samples * sum(self.widths)
        self.trace = Room(self.steps * size if keep else 0, self.dtype)
        spikes = self.x.new_empty((self.samples, self.steps, self.neurons[-1]) if raster else 0)
        counts = np.zeros((len(layers), self.samples, 2), np.int64)
        last = np.empty(sum(self.widths), self.dtype)
        state = kernels.State(*np.zeros((2, size), self.dtype))
        for k, layer in enumerate(layers):
            self._of(state.v, k)[:, : self.neurons[k]] = layer.vmem
            self._of(state.i, k)[:, : self.neurons[k]] = layer.isyn
        self.counts = counts
        written = kernels.Written(
            self.bits, self.trace.array, spikes.reshape(-1).numpy(), counts, last
        )
        incoming = _bits(None if products.size else entering)

        def run(b0: int, b1: int) -> None:
            room = np.empty(2 * kernels.STEPS * max(self.widths) + BLOCK, self.dtype)
            kernels.forward(
                incoming, products, constants, state, written, room, DENSE_INSIDE, self.steps, b0,
                b1,
            )  # fmt: skip

        share(run, self.samples, self.steps * size)
        with np.errstate(invalid="ignore"):  # inf - inf
            end = state.v.sum() + state.i.sum()
        if not math.isfinite(end):
            raise InputError(self._not_finite(state))
        totals = counts.sum(1).tolist()
        for k, layer in enumerate(layers):
            neurons, cells = self.neurons[k], self.shapes[k, kernels.CELLS]
            layer.vmem, layer.isyn = (
                self._of(array, k)[0, :neurons].copy() for array in (state.v, state.i)
            )
            layer.last = last[cells : cells + neurons].copy()
            layer.count, events = float(totals[k][0]), totals[k][1]
            layer.spikes = self._spikes(k, events)
        if not raster:
            spikes = self.x.new_zeros(()).expand(self.samples, self.steps, self.neurons[-1])
        means = [
            layer.count / (self.rows * n) for layer, n in zip(layers, self.neurons, strict=True)
        ]
        return spikes, self.x.new_tensor(means)

    def backward(
        self,
        by_spikes: Tensor | None,
        by_means: Tensor | None,
        needs_x: bool,
        needs_weights: Sequence[bool],
        needs_offset: bool,
    ) -> tuple[Tensor | None, list[Tensor | None], list[Tensor] | None]:
        """Return the gradients by the input, the weights, and what is added to products."""
        entering, needs_first = self.entering, needs_weights[0]
        sparse = entering is not None and entering.density < self._dense_from(DENSE_GRADIENT)
        sparse, dense = needs_first and sparse, needs_first and not sparse
        self.shapes[:, kernels.SPARSE] = needs_weights
        self.shapes[0, kernels.SPARSE] = sparse
        weights, widths = self.constants.weights.size, sum(self.widths)
        some = bool(self.shapes[:, kernels.SPARSE].any())
        groups = groups_of(self.samples, weights if some else widths)
        edges = np.arange(groups + 1) * self.samples // groups
        tables = np.empty((groups, weights if some else 0), self.dtype)
        sums = np.empty((groups, widths if needs_offset else 0), self.dtype)
        first = self.rows * self.widths[0]
        by_x = Room(first if needs_x or dense else 0, self.dtype)
        state = kernels.State(*np.zeros((2, self.samples * widths), self.dtype))
        written = kernels.Gradients(by_x.array, tables.reshape(-1), sums.reshape(-1))
        each = np.zeros(len(self.tables), self.dtype)
        if by_means is not None:
            each = (by_means.numpy() / (self.rows * np.array(self.neurons))).astype(self.dtype)
        shape = self.samples, self.steps, self.neurons[-1]
        by_spikes = self.x.new_zeros(()).expand(shape) if by_spikes is None else by_spikes
        by_spikes = by_spikes + float(each[-1]) if each[-1] else by_spikes
        by_spikes = by_spikes if by_spikes.stride(2) == 1 else by_spikes.contiguous()
        strides, line = by_spikes.stride()[:2], _in_line(by_spikes)
        incoming = _bits(entering if sparse else None)

        def run(g0: int, g1: int) -> None:
            size = 2 * (kernels.STEPS + self.steps) * max(self.widths) + BLOCK
            kernels.backward(
                incoming, self.constants, self.bits, self.counts, self.trace.array, line, strides,
                each, state, written, np.empty(size, self.dtype), DENSE_INSIDE, edges, self.steps,
                g0, g1,
            )  # fmt: skip

        share(run, groups, self.steps * self.samples * widths)
        by_products = torch.from_numpy(by_x.array).reshape(-1, self.widths[0])
        by_weights: list[Tensor | None] = [None] * len(needs_weights)
        total = tables.sum(0)
        for k, table in enumerate(self.tables):
            if self.shapes[k, kernels.SPARSE]:
                at = self.shapes[k, kernels.TABLE]
                whole = total[at : at + table.numel()].reshape(table.shape)
                by_weights[k] = torch.from_numpy(whole)[:, : self.neurons[k]]
        if dense:
            by_weights[0] = torch.mm(self._floats().T, by_products)[:, : self.neurons[0]]
        by_offsets = None
        if needs_offset:
            total, ends = sums.sum(0), np.cumsum(self.widths)
            by_offsets = [
                torch.from_numpy(total[end - width : end - width + neurons])
                for end, width, neurons in zip(ends, self.widths, self.neurons, strict=True)
            ]
        by_input = None
        if needs_x:
            by_input = torch.mm(by_products, self.tables[0].T).reshape(self.x.shape)
        return by_input, by_weights, by_offsets

    def _dense_from(self, density: float) -> float:
        """Return from which density of the input on a product is dense, for the table's size."""
        return min(density, DENSE_WIDE) if self.tables[0].numel() > WIDE else density

    def _of(self, array: np.ndarray, k: int) -> np.ndarray:
        """Return the part (B, W) of a layer in a state array."""
        start, width = self.shapes[k, kernels.STATE], self.widths[k]
        return array[start : start + self.samples * width].reshape(self.samples, width)

    def _spikes(self, k: int, events: int) -> Spikes:
        """Return the spikes of a layer."""
        start, plane, digits = *self.shapes[k, [kernels.WORDS_AT, kernels.PLANE]], self.digits[k]
        planes = self.bits.flat[start : start + digits * plane].reshape(digits, self.rows, -1)
        tops = self.bits.tops[k * self.rows : (k + 1) * self.rows]
        return Spikes(self.neurons[k], planes, tops, events)

    def _floats(self) -> Tensor:
        """Return the input as (R, inputs) floats."""
        if self.entering is None:
            return self.x.detach().flatten(0, 1)
        return self.entering.floats(self.x.dtype)

    def _not_finite(self, state: kernels.State) -> str:
        """Say what is not finite, in the first layer whose end is not."""
        values = self._floats()
        for k in range(len(self.tables)):
            if not np.isfinite(self._of(state.v, k) + self._of(state.i, k)).all():
                break
            values = self._spikes(k, 0).floats(self.x.dtype)
        cells = self.shapes[k, kernels.CELLS]
        start = torch.from_numpy(self.constants.start[cells : cells + self.widths[k]])
        products = torch.addmm(start, values, self.tables[k])
        return not_finite(products.reshape(self.samples, self.steps, -1))


class _Chain(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        entering: Spikes | None,
        layers: Sequence[Layer],
        raster: bool,
        *tensors: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        weights, offsets = tensors[: len(layers)], tensors[len(layers) :]
        ctx.run = _Pass(x, entering, weights, offsets, layers)  # type: ignore[arg-type]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *tensors)  # torch refuses to go back if one has changed
        outputs: tuple[Tensor, Tensor] = ctx.run.forward(layers, raster, keep=True)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, by_spikes: Tensor | None, by_means: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        needs_x, _, _, _, *needs = ctx.needs_input_grad
        count = len(ctx.saved_tensors) // 2
        by_x, by_weights, by_offsets = ctx.run.backward(
            by_spikes, by_means, needs_x, needs[:count], any(needs[count:])
        )
        offsets = [
            by_offsets[k] if needed and by_offsets is not None else None
            for k, needed in enumerate(needs[count:])
        ]
        return by_x, None, None, None, *by_weights, *offsets


def _bits(spikes: Spikes | None) -> kernels.Bits:
    flat, size, words = (np.empty(0, np.uint64), 0, 0) if spikes is None else spikes.flat
    tops = np.empty(0, np.uint8) if spikes is None else spikes.tops
    return kernels.Bits(flat, flat.view(np.uint8), size, words, tops)


def _in_line(series: Tensor) -> np.ndarray:
    """Return the memory of a tensor from its first element to its last."""
    places = zip(series.shape, series.stride(), strict=True)
    length = 1 + sum((size - 1) * stride for size, stride in places)
    line: np.ndarray = series.detach().as_strided((length,), (1,)).numpy()
    return line
