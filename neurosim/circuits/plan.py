"""What a circuit simulates, drawn and in SI units: the same for every target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engines.brian2.plan import Plan


def row_numbers(rows: np.ndarray) -> np.ndarray:
    """Return (items,) the row of each item, where row k holds items rows[k] to rows[k + 1] - 1."""
    return np.repeat(np.arange(len(rows) - 1), np.diff(rows))


@dataclass(frozen=True, eq=False)
class GivenSpikes:
    """A source that emits given spikes."""

    n: int
    rows: np.ndarray
    """(steps + 1,) the spikes of step k are rows[k] to rows[k + 1] - 1."""
    neurons: np.ndarray
    """(spikes,)."""

    @property
    def steps(self) -> np.ndarray:
        """(spikes,) the step of each."""
        return row_numbers(self.rows)


@dataclass(frozen=True, eq=False)
class PoissonSource:
    """Independent sources that spike at random."""

    n: int
    chances: np.ndarray
    """(n,) probability of a spike in a step."""
    seed: int


Node = Plan | GivenSpikes | PoissonSource


@dataclass(frozen=True, eq=False)
class Link:
    """The synapses of a projection, by source, and those of a source by delay."""

    source: int
    target: int
    event: str
    rows: np.ndarray
    """(n_pre + 1,) int64."""
    targets: np.ndarray
    """(synapses,) int32."""
    weights: np.ndarray
    """(synapses,), or (1,) what all share, in the SI unit of `w`."""
    delays: np.ndarray
    """(synapses,) int32, or (1,) what all share, in steps."""

    @property
    def sources(self) -> np.ndarray:
        """(synapses,) the source of each."""
        return row_numbers(self.rows)


@dataclass(frozen=True, eq=False)
class PoissonInput:
    """Independent Poisson spikes for each neuron of a population."""

    target: int
    event: str
    weight: float
    """In the SI unit of `w`."""
    means: np.ndarray
    """(laws,) spikes in a step."""
    course: np.ndarray | None
    """(steps,) which law holds; None: the first."""
    seed: int


@dataclass(frozen=True, eq=False)
class CircuitPlan:
    """A circuit to run."""

    dt: float
    steps: int
    names: tuple[str, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    poissons: tuple[PoissonInput, ...]
