"""Rules by which a projection connects two populations, in the words of PyNN and NEST.

A rule draws its synapses row by row: all targets of a source, then those of the next. In this order
a spike's synapses lie side by side in memory, which decides how fast a network runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from neurosim.circuits import connect_kernels as kernels
from neurosim.circuits.plan import row_numbers
from neurosim.errors import InputError

_NONE = np.zeros(0, np.int32)
_ROWS_AT_ONCE = 4_000_000
"""Pairs whose distance is worked out at once."""


class Connections(NamedTuple):
    """Synapses by source."""

    rows: np.ndarray
    """(n_pre + 1,) source i has synapses rows[i] to rows[i + 1] - 1."""
    targets: np.ndarray
    """(synapses,) int32, ascending for each source."""
    order: np.ndarray | None = None
    """(synapses,) where each stood in the lists that a user gave."""

    @property
    def sources(self) -> np.ndarray:
        """(synapses,) the source of each."""
        return row_numbers(self.rows)


class Ends(NamedTuple):
    """What a rule must know of the two populations."""

    n_pre: int
    n_post: int
    same: bool
    """Whether they are one population, in which a neuron could hear itself."""
    pre_positions: np.ndarray | None = None
    """(n_pre, dimensions)."""
    post_positions: np.ndarray | None = None
    """(n_post, dimensions)."""


class Rule(Protocol):
    """What every rule offers."""

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives."""
        ...


def _key(seed: int) -> np.uint64:
    return np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]


def _chance(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise InputError(f"{name} is {p}; it lies in 0..1")


def _number(name: str, value: int, most: int | None = None, of: str = "") -> None:
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise InputError(f"{name} is {value}; it is a whole number >= 0")
    if most is not None and value > most:
        raise InputError(
            f"{name} is {value}, and there are {most} {of}; allow with_replacement=True, or fewer"
        )


def _rows(counts: np.ndarray) -> np.ndarray:
    rows = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=rows[1:])
    return rows


@dataclass(frozen=True)
class AllToAll:
    """Each source to each target; see `all_to_all`."""

    self_connections: bool = True

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses."""
        row = np.arange(ends.n_post, dtype=np.int32)
        targets = np.tile(row, ends.n_pre)
        counts = np.full(ends.n_pre, ends.n_post)
        if ends.same and not self.self_connections:
            targets = np.delete(targets, np.arange(ends.n_pre) * (ends.n_post + 1))
            counts -= 1
        return Connections(_rows(counts), targets)


@dataclass(frozen=True)
class OneToOne:
    """Source k to target k; see `one_to_one`."""

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses.

        Raises:
            InputError: the populations differ in size.
        """
        if ends.n_pre != ends.n_post:
            raise InputError(
                f"one_to_one connects {ends.n_pre} with {ends.n_post} neurons; they must be as many"
            )
        return Connections(
            np.arange(ends.n_pre + 1, dtype=np.int64), np.arange(ends.n_post, dtype=np.int32)
        )


@dataclass(frozen=True)
class FixedProbability:
    """Each pair with a probability; see `fixed_probability`."""

    p: float
    self_connections: bool = True

    def __post_init__(self) -> None:
        _chance("p", self.p)

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives."""
        if self.p == 1:
            return AllToAll(self.self_connections).draw(ends, seed)
        rows = np.zeros(ends.n_pre + 1, np.int64)
        if self.p == 0:
            return Connections(rows, _NONE)
        skip = ends.same and not self.self_connections
        arguments = ends.n_pre, ends.n_post, float(self.p), _key(seed), skip, rows
        kernels.bernoulli(*arguments, _NONE)
        targets = np.empty(rows[-1], np.int32)
        if targets.size:
            kernels.bernoulli(*arguments, targets)
        return Connections(rows, targets)


@dataclass(frozen=True)
class _FixedDegree:
    """As many partners for each neuron."""

    k: int
    self_connections: bool = True
    with_replacement: bool = False

    def _arguments(self, ends: Ends, seed: int, name: str, n: int, of: str) -> tuple[Any, ...]:
        """Return what the kernels take, after a check that n partners are enough."""
        skip = ends.same and not self.self_connections
        there = n - skip
        most = None if self.with_replacement and there else there
        _number(name, self.k, most, of)
        return ends.n_pre, ends.n_post, int(self.k), _key(seed), skip, self.with_replacement


class FixedInDegree(_FixedDegree):
    """As many sources for each target; see `fixed_in_degree`."""

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives.

        Raises:
            InputError: there are too few sources.
        """
        arguments = self._arguments(ends, seed, "in-degree", ends.n_pre, "sources")
        rows = np.zeros(ends.n_pre + 1, np.int64)
        kernels.in_degree(*arguments, rows, rows, _NONE)
        np.cumsum(rows, out=rows)
        targets = np.empty(rows[-1], np.int32)
        if targets.size:
            kernels.in_degree(*arguments, rows, rows[:-1].copy(), targets)
        return Connections(rows, targets)


class FixedOutDegree(_FixedDegree):
    """As many targets for each source; see `fixed_out_degree`."""

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives.

        Raises:
            InputError: there are too few targets.
        """
        arguments = self._arguments(ends, seed, "out-degree", ends.n_post, "targets")
        targets = np.empty(ends.n_pre * int(self.k), np.int32)
        kernels.out_degree(*arguments, targets)
        return Connections(np.arange(ends.n_pre + 1, dtype=np.int64) * int(self.k), targets)


@dataclass(frozen=True)
class FixedTotalNumber:
    """So many synapses between random pairs; see `fixed_total_number`."""

    n: int
    self_connections: bool = True

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives."""
        _number("number of synapses", self.n)
        skip = ends.same and not self.self_connections
        if skip and ends.n_post == 1 and self.n:
            raise InputError("a single neuron has no other to connect to")
        rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
        rows = _rows(rng.multinomial(int(self.n), np.full(ends.n_pre, 1 / ends.n_pre)))
        targets = np.empty(int(self.n), np.int32)
        kernels.fill_rows(rows, ends.n_post, _key(seed), skip, targets)
        return Connections(rows, targets)


@dataclass(frozen=True)
class DistanceDependent:
    """Each pair with a probability of its distance; see `distance_dependent`."""

    probability: Callable[[np.ndarray], np.ndarray]
    period: float | None = None
    self_connections: bool = True

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses that a seed gives.

        Raises:
            InputError: a population has no positions, or the probability is none.
        """
        pre, post = ends.pre_positions, ends.post_positions
        if pre is None or post is None:
            raise InputError("distance_dependent needs positions; give population(..., positions=)")
        if pre.shape[1] != post.shape[1]:
            raise InputError(f"positions have {pre.shape[1]} and {post.shape[1]} dimensions")
        rng = np.random.default_rng(seed)
        counts, parts = np.zeros(ends.n_pre, np.int64), [_NONE]
        chunk = max(1, _ROWS_AT_ONCE // max(1, ends.n_post))
        for first in range(0, ends.n_pre, chunk):
            away = np.abs(pre[first : first + chunk, None] - post[None])
            if self.period is not None:
                away = np.minimum(away % self.period, self.period - away % self.period)
            p = np.asarray(self.probability(np.sqrt((away**2).sum(-1))), float)
            if p.shape != away.shape[:2] or not ((p >= 0) & (p <= 1)).all():
                raise InputError(
                    "probability must give a number in 0..1 for each of an array of distances"
                )
            taken = rng.random(p.shape) < p
            if ends.same and not self.self_connections:
                here = np.arange(len(taken))
                taken[here, first + here] = False
            counts[first : first + chunk] = taken.sum(1)
            parts.append(np.nonzero(taken)[1].astype(np.int32))
        return Connections(_rows(counts), np.concatenate(parts))


@dataclass(frozen=True, eq=False)
class Explicit:
    """Lists of pairs; see `pairs`."""

    i: np.ndarray = field(repr=False)
    j: np.ndarray = field(repr=False)

    def draw(self, ends: Ends, seed: int) -> Connections:
        """Return the synapses.

        Raises:
            InputError: a neuron does not exist.
        """
        for name, values, n in (("i", self.i, ends.n_pre), ("j", self.j, ends.n_post)):
            if values.size and not (values.min() >= 0 and values.max() < n):
                raise InputError(f"pairs: {name} holds {values.max()}; there are 0..{n - 1}")
        order = np.lexsort((self.j, self.i))
        counts = np.bincount(self.i, minlength=ends.n_pre)
        return Connections(_rows(counts), self.j[order].astype(np.int32), order)


def all_to_all(self_connections: bool = True) -> Rule:
    """Return the rule that connects each source to each target.

    Args:
        self_connections: whether a neuron hears itself, where both populations are one.
    """
    return AllToAll(self_connections)


def one_to_one() -> Rule:
    """Return the rule that connects source k to target k."""
    return OneToOne()


def fixed_probability(p: float, self_connections: bool = True) -> Rule:
    """Return the rule that connects each pair with probability p, independently.

    Args:
        p: in 0..1.
        self_connections: whether a neuron may hear itself.
    """
    return FixedProbability(p, self_connections)


def fixed_in_degree(
    k: int, self_connections: bool = True, with_replacement: bool = False
) -> Rule:  # fmt: skip
    """Return the rule that gives each target k random sources.

    Args:
        k: sources of a target.
        self_connections: whether a neuron may hear itself.
        with_replacement: whether a target may hear a source more than once (NEST's multapses).
    """
    return FixedInDegree(k, self_connections, with_replacement)


def fixed_out_degree(
    k: int, self_connections: bool = True, with_replacement: bool = False
) -> Rule:  # fmt: skip
    """Return the rule that gives each source k random targets.

    Args:
        k: targets of a source.
        self_connections: whether a neuron may hear itself.
        with_replacement: whether a source may be heard by a target more than once.
    """
    return FixedOutDegree(k, self_connections, with_replacement)


def fixed_total_number(n: int, self_connections: bool = True) -> Rule:
    """Return the rule that makes n synapses, source and target of each drawn anew.

    Args:
        n: number of synapses.
        self_connections: whether a neuron may hear itself.
    """
    return FixedTotalNumber(n, self_connections)


def distance_dependent(
    probability: Callable[[np.ndarray], np.ndarray],
    period: float | None = None,
    self_connections: bool = True,
) -> Rule:
    """Return the rule that connects each pair with a probability of their distance.

    Args:
        probability: of an array of distances, in the unit of the positions; gives numbers in 0..1.
        period: side of the space, if it is closed to a ring or torus; a side's ends are neighbours.
        self_connections: whether a neuron may hear itself.
    """
    return DistanceDependent(probability, period, self_connections)


def pairs(i: np.ndarray, j: np.ndarray) -> Rule:
    """Return the rule of given pairs: source i[k] to target j[k].

    Args:
        i: (synapses,) sources.
        j: (synapses,) targets.

    Raises:
        InputError: they are no whole numbers, or not as many.
    """
    i, j = np.asarray(i), np.asarray(j)
    whole = i.dtype.kind in "iu" and j.dtype.kind in "iu"
    if not (whole or i.size == j.size == 0) or i.ndim != 1 or i.shape != j.shape:
        raise InputError(
            f"pairs: i is {i.dtype} {i.shape}, j is {j.dtype} {j.shape}; give whole numbers, "
            "as many of both"
        )
    return Explicit(i.astype(np.int64), j.astype(np.int64))
