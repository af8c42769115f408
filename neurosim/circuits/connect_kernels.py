"""Numba kernels that draw connections, row by row of their sources.

Numbers come from a hash of a key and a counter: drawn again, they are the same, so that a rule
which goes from targets to sources can first count and then fill its rows, and needs no list of
pairs. Targets of a source come in ascending order.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from neurosim.compiled import compiled

kernel: Any = partial(compiled, nogil=True)

_STEP, _A, _B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(
    0x94D049BB133111EB
)  # fmt: skip
_30, _27, _31, _32, _11 = (np.uint64(k) for k in (30, 27, 31, 32, 11))
_UNIT = 2.0**-53


@kernel
def mixed(key, counter):
    """Return 64 random bits: SplitMix64's output for a state that is key + counter steps."""
    z = key + counter * _STEP
    z = (z ^ (z >> _30)) * _A
    z = (z ^ (z >> _27)) * _B
    return z ^ (z >> _31)


@kernel
def below(bits, n):
    """Return a whole number in 0..n - 1 from 64 random bits; n is below 2^32."""
    return np.int64(((bits >> _32) * np.uint64(n)) >> _32)


@kernel
def bernoulli(n_pre, n_post, p, key, skip_self, rows, targets):
    """Connect each pair with probability p; with empty `targets` only count into `rows`."""
    scale = 1.0 / math.log1p(-p) if p < 1 else 0.0
    place = np.int64(0)
    for i in range(n_pre):
        own, counter, j = mixed(key, np.uint64(i + 1)), np.uint64(0), np.int64(-1)
        while True:
            counter += np.uint64(1)
            u = np.float64(mixed(own, counter) >> _11) * _UNIT
            skip = np.floor(math.log1p(-u) * scale)  # a float: no integer holds it where p is tiny
            if not skip < n_post - j:
                break
            j += 1 + np.int64(skip)
            if j >= n_post:
                break
            if skip_self and j == i:
                continue
            if targets.size:
                targets[place] = j
            place += 1
        rows[i + 1] = place


@kernel
def _pick(own, counter, n, k, other, stamps, stamp, replace):
    """Return the next of n that may be taken, and the counter after it."""
    while True:
        counter += np.uint64(1)
        i = below(mixed(own, counter), n)
        if i == other or (not replace and stamps[i] == stamp):
            continue
        if not replace:
            stamps[i] = stamp
        return i, counter


@kernel
def in_degree(n_pre, n_post, k, key, skip_self, replace, rows, cursor, targets):
    """Give each target k sources; with empty `targets` only count into `rows` (n_pre + 1,).

    Without replacement, and k more than half of what there is, the others are drawn instead.
    cursor: (n_pre,) where each row goes on.
    """
    stamps = np.full(n_pre, np.int64(-1))
    for j in range(n_post):
        own, counter = mixed(key, np.uint64(j + 1)), np.uint64(0)
        other = j if skip_self else np.int64(-1)
        there = n_pre - 1 if skip_self else n_pre
        inverse = not replace and 2 * k > there
        for _ in range(there - k if inverse else k):
            i, counter = _pick(own, counter, n_pre, k, other, stamps, np.int64(j), replace)
            if not inverse:
                if targets.size:
                    targets[cursor[i]] = j
                    cursor[i] += 1
                else:
                    rows[i + 1] += 1
        if inverse:
            for i in range(n_pre):
                if stamps[i] == j or i == other:
                    continue
                if targets.size:
                    targets[cursor[i]] = j
                    cursor[i] += 1
                else:
                    rows[i + 1] += 1


@kernel
def out_degree(n_pre, n_post, k, key, skip_self, replace, targets):
    """Give each source k targets, in ascending order: targets (n_pre * k,)."""
    stamps = np.full(n_post, np.int64(-1))
    for i in range(n_pre):
        own, counter = mixed(key, np.uint64(i + 1)), np.uint64(0)
        other = i if skip_self else np.int64(-1)
        there = n_post - 1 if skip_self else n_post
        place = i * k
        if not replace and 2 * k > there:
            for _ in range(there - k):
                _, counter = _pick(own, counter, n_post, k, other, stamps, np.int64(i), replace)
            for j in range(n_post):
                if stamps[j] != i and j != other:
                    targets[place] = j
                    place += 1
            continue
        for n in range(k):
            targets[place + n], counter = _pick(
                own, counter, n_post, k, other, stamps, np.int64(i), replace
            )
        targets[place : place + k].sort()


@kernel
def fill_rows(rows, n_post, key, skip_self, targets):
    """Draw each row's targets, with replacement, in ascending order."""
    for i in range(rows.size - 1):
        own, counter = mixed(key, np.uint64(i + 1)), np.uint64(0)
        for place in range(rows[i], rows[i + 1]):
            while True:
                counter += np.uint64(1)
                j = below(mixed(own, counter), n_post)
                if not (skip_self and j == i):
                    break
            targets[place] = j
        targets[rows[i] : rows[i + 1]].sort()


@kernel
def by_delay(rows, targets, weights, delays, order):
    """Sort each row's synapses by delay, and those of one delay as they were, in place.

    weights: (synapses,), or empty. order: room for the longest row.
    Returns how many runs of equal delays there are.
    """
    runs = np.int64(0)
    for i in range(rows.size - 1):
        a, b = rows[i], rows[i + 1]
        if a == b:
            continue
        length = b - a
        order[:length] = np.argsort(delays[a:b], kind="mergesort")
        t, d = targets[a:b].copy(), delays[a:b].copy()
        for k in range(length):
            targets[a + k] = t[order[k]]
            delays[a + k] = d[order[k]]
        if weights.size:
            w = weights[a:b].copy()
            for k in range(length):
                weights[a + k] = w[order[k]]
        runs += 1
        for k in range(a + 1, b):
            runs += delays[k] != delays[k - 1]
    return runs


@kernel
def runs_of(rows, delays, first, starts, steps):
    """Write where runs of one delay begin.

    first: (n_pre + 1,) the first run of each row. starts: (runs + 1,) their first synapses. steps:
    (runs,) their delays.
    """
    run = np.int64(0)
    for i in range(rows.size - 1):
        first[i] = run
        for k in range(rows[i], rows[i + 1]):
            if k == rows[i] or delays[k] != delays[k - 1]:
                starts[run], steps[run] = k, delays[k]
                run += 1
    first[rows.size - 1] = run
    starts[run] = rows[rows.size - 1]


@kernel
def shares(starts, targets, edges, bounds):
    """Write where in each run the targets of each thread begin and end.

    starts: (runs + 1,); the targets of a run ascend. edges: (threads + 1,) targets edges[k] to
    edges[k + 1] - 1 are those of thread k. bounds: (runs, threads + 1), written.
    """
    for run in range(starts.size - 1):
        place = starts[run]
        for k in range(edges.size):
            while place < starts[run + 1] and targets[place] < edges[k]:
                place += 1
            bounds[run, k] = place
