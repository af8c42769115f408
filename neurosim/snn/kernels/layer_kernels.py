"""Numba kernels of a chain of linear layers and LIF neurons at once, from spikes to spikes.

A sample goes through all layers before the next one starts, and its steps are taken in blocks, so
that what a layer hands on is still in cache; spikes are written as bits. Step order and rounding
of the neurons are those of `neurosim.snn.kernels.forward`. Neurons lie in rows of whole vectors, W
floats, those that pad a row with zeros for constants and 1 for the threshold.

Shapes: L layers, B samples, T steps, R = B * T rows, N neurons, W of them with padding. Floats are
in flat arrays; `event_kernels` says how spikes are laid out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.snn.kernels.event_kernels import clear, outer_rows, products
from neurosim.snn.kernels.floats import kernel, part, set_mode, start_flushing
from neurosim.snn.kernels.lanes import (
    LANES,
    lanes_where,
    load,
    load_first,
    ones_in,
    spread,
    store,
    store_first,
)
from neurosim.snn.kernels.rows import BLOCK, add_product
from neurosim.snn.kernels.slopes import PERIODIC_EXPONENTIAL, slope_at
from neurosim.snn.kernels.stepping import WIDEST, advance, retreat

STEPS = 32
"""Steps of a block."""


class Bits(NamedTuple):
    """Spikes of a layer; `Spikes.flat` and `Spikes.tops`."""

    flat: np.ndarray
    octets: np.ndarray
    """The same memory as bytes, the first neurons first."""
    size: int
    words: int
    tops: np.ndarray


class Cells(NamedTuple):
    """Constants of the neurons, padded."""

    alpha: np.ndarray
    """(W,) membrane decay per step."""
    beta: np.ndarray
    """(W,) synaptic decay per step; empty: delta synapses."""
    bias: np.ndarray
    """(W,)."""
    theta: np.ndarray
    """(1 or B) * (1 or T) * W thresholds."""
    inverse: np.ndarray
    """1 / theta."""
    twice: np.ndarray
    """Membranes below which no neuron spikes more than once."""
    each_b: int
    """Elements from a sample's thresholds to those of the next."""
    each_t: int
    """Elements from a step's thresholds to those of the next."""
    limit: np.floating
    """Most spikes in a step."""
    window: np.floating
    """Width of the surrogate."""


SHAPES = range(16)
(
    NEURONS, WIDTH, DELTA, EACH_B, EACH_T, CELLS, THETA, TABLE, BACK, WORDS, PLANE, WORDS_AT, ROWS,
    STATE, SURROGATE, SPARSE,
) = SHAPES  # fmt: skip
"""Columns of `Chain.shapes`. N and W of a layer; whether its synapses are delta synapses; elements
from a sample's thresholds, a step's, to those of the next; where its constants begin, its
thresholds, its weights, its weights transposed; words of a row of spikes, words of a plane, where
its words begin; where its trace begins; where its state begins; its surrogate; whether its weights'
gradient goes through events."""


class Chain(NamedTuple):
    """Constants of L layers, each array those of one layer after those of the one before."""

    shapes: np.ndarray
    """(L, len(SHAPES)) int64."""
    alpha: np.ndarray
    beta: np.ndarray
    bias: np.ndarray
    start: np.ndarray
    """What is added to products."""
    theta: np.ndarray
    inverse: np.ndarray
    twice: np.ndarray
    limit: np.ndarray
    """(L,)."""
    window: np.ndarray
    """(L,)."""
    weights: np.ndarray
    """(inputs, W) of each layer."""
    backs: np.ndarray
    """(W, W of the layer below) of each layer but the first."""


class Gradients(NamedTuple):
    """What the backward pass writes; arrays without elements are not wanted."""

    by_x: np.ndarray
    """R * W gradients by the products of the first layer."""
    tables: np.ndarray
    """(groups, all weights) sums that are the gradient by the weights."""
    sums: np.ndarray
    """(groups, all W) sums of the gradients by the products."""


class State(NamedTuple):
    """Where the neurons stand, (B, W) of each layer."""

    v: np.ndarray
    i: np.ndarray


class Written(NamedTuple):
    """What the forward pass writes; arrays without elements are not wanted."""

    spikes: Bits
    trace: np.ndarray
    """R * W membranes at the spike decision, of all layers."""
    raster: np.ndarray
    """R * N spikes of the last layer."""
    counts: np.ndarray
    """(L, B, 2): spikes, set bits of a sample."""
    last: np.ndarray
    """Spikes of sample 0 in the last step, W of each layer."""


@part
def _advance(x, place, cells, state, b, t0, t1, steps, bits, traces, spare):
    """Advance a sample from step t0 to t1 with input from x[place] on."""
    width = cells.alpha.size
    delta = np.int64(cells.beta.size == 0)
    beta = cells.alpha if delta else cells.beta
    r, at, theta = b * steps + t0, b * width, b * cells.each_b + t0 * cells.each_t
    for w in range(r * bits.words, (r + t1 - t0) * bits.words):
        bits.flat[w] = np.uint64(0)
    for n in range(0, width, WIDEST * LANES):
        vectors = min(WIDEST, (width - n) // LANES)
        trace, trace_at, trace_step = spare, np.int64(0), np.int64(0)
        if traces.size:
            trace, trace_at, trace_step = traces, r * width + n, width
        advance(
            x, place + n, width, state.v, at + n, state.i, at + n, cells.alpha, n, beta, n,
            cells.bias, n, cells.theta, theta + n, cells.each_t, cells.twice, theta + n, trace,
            trace_at, trace_step, bits.octets, r * 8 * bits.words + n // LANES, 8 * bits.words,
            bits.tops, r, 8 * bits.size, n // LANES, cells.limit, t1 - t0, vectors, delta,
        )  # fmt: skip


@part
def _count(bits, r0, r1):
    """Return spikes and set bits of rows r0..r1, and note which rows have none."""
    count = ones = np.int64(0)
    for r in range(r0, r1):
        in_row = np.int64(0)
        for w in range(bits.words):
            in_row += ones_in(bits.flat[r * bits.words + w])
        count += in_row
        ones += in_row
        if bits.tops[r] < 2:
            bits.tops[r] = min(in_row, 1)
        for p in range(1, bits.tops[r]):
            for w in range(bits.words):
                here = ones_in(bits.flat[p * bits.size + r * bits.words + w])
                count += here << p
                ones += here
    return count, ones


@part
def _write_floats(bits, r, one, to, at, count):
    """Write the first `count` spikes of a row as floats."""
    for n in range(0, count, LANES):
        place = r * 8 * bits.words + n // LANES
        spikes = lanes_where(bits.octets[place], one)
        for p in range(1, bits.tops[r]):
            digit = bits.octets[p * bits.size * 8 + place]
            spikes = spikes + lanes_where(digit, one) * (np.int64(1) << p)
        store_first(to, at + n, count - n, spikes)


@part
def _write_rows(bits, r0, rows, one, to, width):
    """Write rows of spikes as floats (rows, width)."""
    for k in range(rows):
        _write_floats(bits, r0 + k, one, to, k * width, width)


@part
def _dense_products(bits, r0, rows, one, below, inputs, weights, start, width, to, floats):
    """Do what `products` does, through `floats`; `inputs` neurons, `below` with padding."""
    _write_rows(bits, r0, rows, one, floats, below)
    for k in range(rows):
        for n in range(0, width, LANES):
            store(to, k * width + n, load(start, n))
    add_product(floats, below, 1, rows, inputs, weights, width, to, width)


@part
def _dense_outer(bits, r0, rows, one, below, inputs, table, width, by_rows, floats):
    """Do what `outer_rows` does, through `floats`; `inputs` neurons, `below` with padding."""
    _write_rows(bits, r0, rows, one, floats, below)
    add_product(floats, 1, below, inputs, rows, by_rows, width, table, width)


@part
def _dense(counts, chain, k, b, steps, dense_from):
    """Return whether so many neurons below layer k spike that dense products are faster."""
    return k > 0 and counts[k - 1, b, 1] >= dense_from * steps * chain.shapes[k - 1, NEURONS]


@part
def _cells(chain, k):
    """Return the constants of layer k."""
    shape = chain.shapes[k]
    a, width, theta = shape[CELLS], shape[WIDTH], shape[THETA]
    b = a + width
    return Cells(
        chain.alpha[a:b],
        chain.beta[a : a if shape[DELTA] else b],
        chain.bias[a:b],
        chain.theta[theta:],
        chain.inverse[theta:],
        chain.twice[theta:],
        shape[EACH_B],
        shape[EACH_T],
        chain.limit[k],
        chain.window[k],
    )


@part
def _spikes(chain, bits, k):
    """Return the spikes of layer k."""
    shape = chain.shapes[k]
    a, rows = shape[WORDS_AT], shape[PLANE] // shape[WORDS]
    return Bits(
        bits.flat[a:], bits.octets[8 * a :], shape[PLANE], shape[WORDS], bits.tops[k * rows :]
    )


@kernel
def forward(entering, x, chain, state, written, room, dense_from, steps, b0, b1):
    """Advance samples b0..b1 over all steps, each through all layers.

    Args:
        entering: spikes that enter the first layer; without words where `x` stands for products.
        x: R * W products of the first layer.
        chain: constants.
        state: before the first step, then after the last.
        written: what is written.
        room: floats to work in, 2 * STEPS * (the largest W) + BLOCK of them.
        dense_from: set bits per neuron and step of a sample from which on products between two
            layers are dense.
        steps: T.
        b0: first sample.
        b1: behind the last one.
    """
    layers, one = chain.shapes.shape[0], type(chain.limit[0])(1)
    spare, floats = room[room.size - BLOCK :], room[(room.size - BLOCK) // 2 :]
    mode = start_flushing(True)
    for b in range(b0, b1):
        for k in range(layers):
            shape, cells, spikes = (
                chain.shapes[k],
                _cells(chain, k),
                _spikes(chain, written.spikes, k),
            )
            width, neurons = shape[WIDTH], shape[NEURONS]
            here = State(state.v[shape[STATE] :], state.i[shape[STATE] :])
            trace = written.trace[min(shape[ROWS], written.trace.size) :]
            start, weights = chain.start[shape[CELLS] :], chain.weights[shape[TABLE] :]
            incoming = entering if k == 0 else _spikes(chain, written.spikes, k - 1)
            last = k == layers - 1
            dense = _dense(written.counts, chain, k, b, steps, dense_from)
            for t0 in range(0, steps, STEPS):
                t1 = min(t0 + STEPS, steps)
                source, place = x, (b * steps + t0) * width
                if dense:
                    source, place = room, np.int64(0)
                    below = chain.shapes[k - 1]
                    _dense_products(
                        incoming, b * steps + t0, t1 - t0, one, below[WIDTH], below[NEURONS],
                        weights, start, width, room, floats,
                    )  # fmt: skip
                elif k or not x.size:
                    source, place = room, np.int64(0)
                    products(
                        incoming.flat, incoming.size, incoming.words, incoming.tops, weights, start,
                        width, b * steps + t0, t1 - t0, room, 0, spare,
                    )  # fmt: skip
                _advance(source, place, cells, here, b, t0, t1, steps, spikes, trace, spare)
                r0, r1 = b * steps + t0, b * steps + t1
                count, ones = _count(spikes, r0, r1)
                written.counts[k, b, 0] += count
                written.counts[k, b, 1] += ones
                if last and written.raster.size:
                    for r in range(r0, r1):
                        _write_floats(spikes, r, one, written.raster, r * neurons, neurons)
            if b == 0:
                _write_floats(spikes, steps - 1, one, written.last, shape[CELLS], width)
    set_mode(mode)


@part
def _slopes(surrogate, trace, place, cells, theta, each_t, steps, to):
    """Write the derivatives of the spikes by the membrane for `steps` rows into `to`."""
    width = cells.alpha.size
    for t in range(steps):
        for n in range(0, width, LANES):
            edge = theta + t * each_t + n
            slope = slope_at(
                surrogate, load(trace, place + t * width + n), load(cells.theta, edge),
                load(cells.inverse, edge), cells.limit, cells.window,
            )  # fmt: skip
            store(to, t * width + n, slope)


@part
def _all_slopes(surrogate, trace, place, cells, theta, steps, to):
    """Do `_slopes`, in a loop of its own for the surrogate at hand."""
    if surrogate == PERIODIC_EXPONENTIAL:
        _slopes(PERIODIC_EXPONENTIAL, trace, place, cells, theta, cells.each_t, steps, to)
    else:
        _slopes(surrogate, trace, place, cells, theta, cells.each_t, steps, to)


@part
def _retreat(
    surrogate, trace, cells, by_spikes, by_b, by_t, state, b, t0, t1, neurons, steps, to, at_x, room
):
    """Write the gradients by the input of steps t0..t1 of a sample into to[at_x].

    Gradients by the sample's spikes lie from by_spikes[by_b] on, by_t elements from step to step.
    """
    width, delta = cells.alpha.size, np.int64(cells.beta.size == 0)
    beta = cells.alpha if delta else cells.beta
    place, theta = (b * steps + t0) * width, b * cells.each_b + t0 * cells.each_t
    _all_slopes(surrogate, trace, place, cells, theta, t1 - t0, room)
    source, by_at, by_step = by_spikes, by_b + t0 * by_t, by_t
    if neurons < width:  # vectors would read beyond the last neuron
        source, start, by_step = room, STEPS * width, width
        for t in range(t1 - t0):
            for n in range(0, width, LANES):
                here = by_at + t * by_t + n
                store(room, start + t * width + n, load_first(by_spikes, here, neurons - n))
        by_at = start
    for n in range(0, width, WIDEST * LANES):
        vectors = min(WIDEST, (width - n) // LANES)
        retreat(
            source, by_at + n, by_step, room, n, width, cells.theta, theta + n, cells.each_t,
            cells.alpha, n, beta, n, state.v, b * width + n, state.i, b * width + n, to, at_x + n,
            width, t1 - t0, vectors, delta,
        )  # fmt: skip


@part
def _add_rows(to, at_x, rows, sums, start, width):
    """Add up rows of gradients."""
    for k in range(rows):
        for n in range(0, width, LANES):
            here = start + n
            store(sums, here, load(sums, here) + load(to, at_x + k * width + n))


@part
def _lower(by_x, steps, width, backs, inputs, each, to):
    """Write gradients by the spikes of the layer below (T, inputs), padded, from those by products.

    `each` is what every spike adds to the loss besides. backs are the weights, transposed and
    padded: (W, inputs).
    """
    for n in range(0, steps * inputs, LANES):
        store(to, n, spread(each))
    add_product(by_x, width, 1, steps, width, backs, inputs, to, inputs)


@kernel
def backward(
    entering, chain, spikes, counts, trace, by_spikes, strides, each, state, written, room,
    dense_from, edges, steps, g0, g1,
):  # fmt: skip
    """Take the gradients of groups g0..g1 of samples back through all layers and steps.

    Args:
        entering: spikes that entered the first layer.
        chain: constants.
        spikes: of all layers, from `forward`.
        counts: from `forward`.
        trace: from `forward`.
        by_spikes: gradients by the spikes of the last layer, wherever they lie.
        strides: elements from one sample, and one step, to the next in by_spikes.
        each: (L,) what every spike of a layer but the last adds to the gradient by it.
        state: zeros; gradients by the state.
        written: what is written.
        room: floats to work in, 2 * STEPS * W + 2 * T * W + BLOCK of them for the largest W.
        dense_from: as for `forward`.
        edges: group g has samples edges[g]..edges[g + 1].
        steps: T.
        g0: first group.
        g1: behind the last one.
    """
    layers, groups = chain.shapes.shape[0], edges.size - 1
    widest = (room.size - BLOCK) // (2 * (STEPS + steps))
    own, below = room[2 * STEPS * widest :], room[(2 * STEPS + steps) * widest :]
    spare = room[room.size - BLOCK :]
    of_group, of_sums = written.tables.size // groups, written.sums.size // groups
    mode = start_flushing(True)
    for group in range(g0, g1):
        clear(written.tables, group * of_group, of_group // LANES)
        clear(written.sums, group * of_sums, of_sums // LANES)
        for b in range(edges[group], edges[group + 1]):
            for k in range(layers - 1, -1, -1):
                shape, cells = chain.shapes[k], _cells(chain, k)
                width, neurons = shape[WIDTH], shape[NEURONS]
                incoming = entering if k == 0 else _spikes(chain, spikes, k - 1)
                here = State(state.v[shape[STATE] :], state.i[shape[STATE] :])
                source, by_b, by_t = by_spikes, b * strides[0], strides[1]
                if k < layers - 1:  # rows of whole vectors
                    source, by_b, by_t, neurons = below, np.int64(0), width, width
                to, at_b = own, np.int64(0)
                if k == 0 and written.by_x.size:
                    to, at_b = written.by_x, b * steps * width
                for t0 in range((steps - 1) // STEPS * STEPS, -1, -STEPS):
                    t1, r = min(t0 + STEPS, steps), b * steps + t0
                    at_x = at_b + t0 * width
                    _retreat(
                        shape[SURROGATE], trace[shape[ROWS] :], cells, source, by_b, by_t, here, b,
                        t0, t1, neurons, steps, to, at_x, room,
                    )  # fmt: skip
                    if shape[SPARSE] and _dense(counts, chain, k, b, steps, dense_from):
                        lower = chain.shapes[k - 1]
                        table = written.tables[group * of_group + shape[TABLE] :]
                        _dense_outer(
                            incoming, r, t1 - t0, type(chain.limit[0])(1), lower[WIDTH],
                            lower[NEURONS], table, width, to[at_x:], room,
                        )  # fmt: skip
                    elif shape[SPARSE]:
                        outer_rows(
                            incoming.flat, incoming.size, incoming.words, incoming.tops, r, t1 - t0,
                            written.tables, group * of_group + shape[TABLE], width, to, at_x, spare,
                        )  # fmt: skip
                    if of_sums:
                        sums = group * of_sums + shape[CELLS]
                        _add_rows(to, at_x, t1 - t0, written.sums, sums, width)
                if k:
                    inputs = chain.shapes[k - 1, WIDTH]
                    backs = chain.backs[shape[BACK] :]
                    _lower(own, steps, width, backs, inputs, each[k - 1], below)
    set_mode(mode)
