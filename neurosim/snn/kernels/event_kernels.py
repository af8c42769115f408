"""Numba kernels of products with spikes: packing, forward product, weight gradient.

Spikes of R rows (a sample at a time step) and N neurons are counts, written in binary: bit n of
planes[p, r] is binary digit p of the count of neuron n, 64 neurons a word, and tops[r] says how
many planes row r uses; what is above holds anything. Weights and sums have rows that are padded
to whole vectors.
"""

from __future__ import annotations

import numpy as np

from neurosim.snn.kernels import lanes
from neurosim.snn.kernels.floats import kernel, part
from neurosim.snn.kernels.lanes import LANES, bits_of, load, ones_in, spread, store
from neurosim.snn.kernels.rows import BLOCK, add_rows, add_to_rows

_ONE, _NONE = np.uint64(1), np.uint64(0)


@part
def put_counts(counts, place, total, planes, tops, r):
    """Write a row of counts[place : place + total] into all planes; return its set bits.

    -1 where a number is no count that the planes can hold.
    """
    digits, words = planes.shape[0], planes.shape[2]
    for p in range(digits):
        for w in range(words):
            planes[p, r, w] = _NONE
    most, events, top = np.float64(1 << digits), np.int64(0), np.int64(0)
    for n in range(total):
        x = np.float64(counts[place + n])
        if x == 0:
            continue
        if not (0 < x < most) or np.floor(x) != x:
            return np.int64(-1)
        count, digit = np.uint64(x), np.int64(0)
        while count:
            planes[digit, r, n >> 6] |= (count & _ONE) << np.uint64(n & 63)
            events += np.int64(count & _ONE)
            count >>= _ONE
            digit += np.int64(1)
        top = max(top, digit)
    tops[r] = top
    return events


@kernel
def pack(raster, neurons, planes, tops, events, r0, r1):
    """Pack rows r0..r1 of a flat raster; events (R,) receives their set bits, or -1 (no counts)."""
    words = planes.shape[2]
    for r in range(r0, r1):
        binary, ones = True, np.int64(0)
        for w in range(words):
            word, start = _NONE, r * neurons + 64 * w
            here = min(neurons - 64 * w, 64)
            for n in range(0, here, LANES):
                if n + LANES <= here:
                    x = load(raster, start + n)
                else:
                    x = lanes.load_first(raster, start + n, here - n)
                fires = bits_of(x >= 1.0)
                others = bits_of(x * x - x >= 0.0) & bits_of(x - x * x >= 0.0)
                binary = binary and others == np.uint64(255)
                word |= fires << np.uint64(n)
            planes[0, r, w] = word
            ones += ones_in(word)
        tops[r] = 1 if ones else 0
        events[r] = ones if binary else put_counts(raster, r * neurons, neurons, planes, tops, r)


@kernel
def unpack(planes, tops, neurons, raster, r0, r1):
    """Write rows r0..r1 as floats (R, N)."""
    for r in range(r0, r1):
        for n in range(neurons):
            count, place = _NONE, np.uint64(n & 63)
            for p in range(tops[r]):
                count |= ((planes[p, r, n >> 6] >> place) & _ONE) << np.uint64(p)
            raster[r, n] = count


@part
def clear(to, at, vectors):
    """Set a row of vectors to zero."""
    for k in range(vectors):
        store(to, at + k * LANES, spread(to.dtype.type(0)))


@part
def scale(row, place, vectors, factor, to, at):
    """Write a row times a factor."""
    for k in range(vectors):
        store(to, at + k * LANES, load(row, place + k * LANES) * factor)


@part
def add_scaled(row, place, vectors, factor, to, at):
    """Add a row times a factor."""
    for k in range(vectors):
        here = at + k * LANES
        store(to, here, load(to, here) + load(row, place + k * LANES) * factor)


@part
def product_row(flat, size, words, r, top, weights, column, stride, vectors, to, place, room):
    """Add row r of spikes times a block of weights to `to`; `room` holds a block to work in.

    flat are all planes, one after the other, of `size` words each.
    """
    if top:
        add_rows(flat, r * words, words, weights, column, stride, vectors, to, place)
    for p in range(1, top):
        clear(room, 0, vectors)
        add_rows(flat, p * size + r * words, words, weights, column, stride, vectors, room, 0)
        add_scaled(room, 0, vectors, np.int64(1) << p, to, place)


@part
def outer_row(flat, size, words, r, top, table, column, stride, vectors, row, place, room):
    """Add row r of spikes, as a column, times a block of `row` to a block of a table."""
    if top:
        add_to_rows(flat, r * words, words, table, column, stride, vectors, row, place)
    for p in range(1, top):
        scale(row, place, vectors, np.int64(1) << p, room, 0)
        add_to_rows(flat, p * size + r * words, words, table, column, stride, vectors, room, 0)


@part
def products(flat, size, words, tops, weights, start, width, r0, rows, to, at, room):
    """Write rows r0..r0 + rows of spikes times weights, plus `start`, to `to` from `at` on."""
    for column in range(0, width, BLOCK):
        vectors = min(width - column, BLOCK) // LANES
        for k in range(rows):
            place = at + k * width + column
            for n in range(0, vectors * LANES, LANES):
                store(to, place + n, load(start, column + n))
            product_row(
                flat, size, words, r0 + k, tops[r0 + k], weights, column, width, vectors, to, place,
                room,
            )  # fmt: skip


@part
def outer_rows(flat, size, words, tops, r0, rows, table, start, width, by_rows, at, room):
    """Add rows r0..r0 + rows of spikes, transposed, times rows of by_rows[at:] to table[start:]."""
    for column in range(0, width, BLOCK):
        vectors = min(width - column, BLOCK) // LANES
        for k in range(rows):
            outer_row(
                flat, size, words, r0 + k, tops[r0 + k], table, start + column, width, vectors,
                by_rows, at + k * width + column, room,
            )  # fmt: skip


@kernel
def product(flat, size, words, tops, weights, start, to, room, r0, r1):
    """Write spikes (R, N) times weights (N, M) plus `start` (M,) for rows r0..r1; M is padded."""
    width = weights.shape[1]
    products(flat, size, words, tops, weights, start, width, r0, r1 - r0, to, r0 * width, room)


@kernel
def outer(flat, size, words, tops, by_rows, tables, room, edges, g0, g1):
    """Write into tables[g] (N, M) the spikes, transposed, times by_rows (R, M), for some rows.

    Group g has rows edges[g]..edges[g + 1]; groups g0..g1 are done. M is padded.
    """
    neurons, width = tables.shape[1], tables.shape[2]
    for g in range(g0, g1):
        start, r0 = g * neurons * width, edges[g]
        clear(tables, start, neurons * width // LANES)
        outer_rows(
            flat, size, words, tops, r0, edges[g + 1] - r0, tables, start, width, by_rows,
            r0 * width, room,
        )  # fmt: skip
