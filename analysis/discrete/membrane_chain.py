"""The membrane of a discrete-time neuron as a Markov chain on quadrature nodes.

A step is   pre = mean + (V - mean) decay + q xi,  q = std sqrt(1 - decay^2),
            n = spikes that `pre` causes,  V = pre after its reset.

The density of V after the reset obeys an integral equation with a Gaussian kernel; on panels of
Gauss-Legendre nodes of length 2.5 q it is solved by Nystrom's method to machine precision. As
the kernel is a probability, the discretised equation is a Markov chain (`markov`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr

from neurosim.analysis.arrays import FloatArray, panels
from neurosim.analysis.discrete.markov import log_stationary
from neurosim.analysis.laws import Law
from neurosim.compiled import compiled

REACH = 8.5
"""The free membrane is cut off this many standard deviations from its mean (2e-17)."""
STEP_REACH = 9.5
"""Noise of a step beyond this many standard deviations is dropped (3e-21), see `_kernel`."""
PANEL = 2.5
ORDER = 12
LONGEST = 36.0
"""Steps of more standard deviations underflow (their density is below 1e-280)."""
MOST_NODES = 3000
"""A chain that would need more nodes is not solved: its noise is too small for its range."""


@dataclass(frozen=True)
class Cell:
    """A neuron in discrete time whose threshold is drawn from a law at every step."""

    mean: float
    """Mean of the free membrane potential."""
    std: float
    """Its standard deviation, > 0."""
    decay: float
    """exp(-dt/tau), in [0, 1)."""
    law: Law
    """Law of the threshold; one level for a fixed threshold."""
    hard: bool
    """V becomes `reset_to` after a spike, else the drawn threshold is subtracted per spike."""
    reset_to: float = 0.0
    max_spikes: float = 1
    """Most spikes in a step; above 1 only for subtraction of a fixed threshold; may be inf."""

    @property
    def noise(self) -> float:
        """Standard deviation of the noise of one step."""
        return float(self.std * np.sqrt((1 - self.decay) * (1 + self.decay)))

    def drift(self, v: FloatArray | float) -> FloatArray:
        """Mean of `pre` for a start at v."""
        return np.asarray(self.mean + (v - self.mean) * self.decay)


@dataclass(frozen=True)
class Solution:
    """Stationary state of a cell."""

    cell: Cell
    nodes: FloatArray
    log_mass: FloatArray
    """Log probability of each node; with a hard reset that of V = reset_to comes first."""
    log_rate: float
    """Log of the expected spikes per step."""

    def density(self, v: FloatArray) -> FloatArray:
        """Return the density of V after the reset; the atom of a hard reset is not in it."""
        sources = self.nodes
        if self.cell.hard:
            sources = np.concatenate(([self.cell.reset_to], sources))
        return np.asarray(np.exp(self.log_mass) @ _kernel(self.cell, sources, v))


def solve(cell: Cell) -> Solution | None:
    """Return the stationary state, or None where it cannot be had.

    That is where it would need more than MOST_NODES, and where the threshold is so remote that
    the last step of the likeliest way there, z sqrt(1 - decay^2) for z std, underflows.
    """
    remote = (cell.law.support[0] - cell.mean) / cell.std
    if remote * cell.noise > LONGEST * cell.std:
        return None
    edges = _breakpoints(cell)
    if edges is None:
        return None
    nodes, weights = panels(edges, ORDER)
    nodes, weights = nodes[::-1], weights[::-1]  # rare states first
    sources = np.concatenate(([cell.reset_to], nodes)) if cell.hard else nodes
    spikes = _expected_spikes(cell, sources)
    matrix = _kernel(cell, sources, nodes, weights, atom=cell.hard)
    if cell.hard:
        matrix[:, 0] = spikes
    log_mass = log_stationary(matrix)
    log_mass -= logsumexp(log_mass)
    with np.errstate(divide="ignore"):
        log_rate = log_mass[0] if cell.hard else logsumexp(log_mass + np.log(spikes))
    return Solution(cell, nodes, log_mass, float(log_rate))


def _breakpoints(cell: Cell) -> FloatArray | None:
    """Panel edges over all that V reaches, with every kink of its density an edge."""
    lowest, highest = cell.law.support
    origin = cell.reset_to if cell.hard else 0.0
    spread = REACH * cell.std
    low, high = min(origin, cell.mean) - spread, highest
    if not cell.hard:
        peak = cell.drift(highest) + STEP_REACH * cell.noise
        if peak >= (cell.max_spikes + 1) * lowest:
            settled = cell.mean - cell.max_spikes * lowest / (1 - cell.decay)
            high = max(highest, settled) + spread
    marks = np.unique([low, high, origin, *cell.law.kinks])
    marks = marks[(marks >= low) & (marks <= high)]
    counts = np.ceil(np.diff(marks) / (PANEL * cell.noise))
    if not (np.isfinite(counts).all() and counts.sum() * ORDER <= MOST_NODES):
        return None
    pieces = [
        np.linspace(a, b, int(n) + 1)[:-1]
        for a, b, n in zip(marks[:-1], marks[1:], counts, strict=True)
    ]
    return np.asarray(np.concatenate([*pieces, marks[-1:]]))


def _kernel(
    cell: Cell,
    start: FloatArray,
    end: FloatArray,
    weights: FloatArray | float = 1.0,
    *,
    atom: bool = False,
) -> FloatArray:
    """Density of V = end one step after V = start, times weights; (start, end).

    Spikes of a hard reset are left out; `atom` leaves a first column free for them. Steps of
    more than STEP_REACH standard deviations are zero, which leaves a band. The likeliest way to a
    threshold z std away has steps of up to z sqrt(1 - decay^2) / decay (the time-reversed
    relaxation), so the band is wider by that and rare events stay exact.
    """
    drift = cell.drift(start)
    remote = max(0.0, (cell.law.support[1] - cell.mean) / cell.std)
    reach = STEP_REACH + remote * cell.noise / (cell.std * max(cell.decay, 1e-3))
    order = np.argsort(end)
    points, weight = end[order], np.broadcast_to(weights, end.shape)[order]
    band = np.zeros((start.size, end.size + atom))
    order += atom
    survivors = weight * cell.law.survival(points)
    _add_gaussians(band, order, drift, points, survivors, cell.noise, reach)
    if cell.hard:
        return band
    for threshold, probability in zip(*cell.law.nodes(cell.noise), strict=True):
        for n in range(1, _most_spikes(cell, drift, threshold) + 1):
            inside = (points >= 0) & ((n == cell.max_spikes) | (points < threshold))
            moved = points + n * threshold
            landed = probability * weight * inside
            _add_gaussians(band, order, drift, moved, landed, cell.noise, reach)
    return band


@compiled
def _add_gaussians(out, column, drift, points, factor, noise, reach):  # type: ignore[no-untyped-def]
    """Add factor times the density of N(drift, noise^2) at ascending points, within reach."""
    scale = 1 / (np.sqrt(2 * np.pi) * noise)
    for i in range(drift.size):
        first = np.searchsorted(points, drift[i] - reach * noise)
        last = np.searchsorted(points, drift[i] + reach * noise, side="right")
        for j in range(first, last):
            if factor[j] > 0:
                z = (points[j] - drift[i]) / noise
                out[i, column[j]] += factor[j] * scale * np.exp(-0.5 * z * z)


def _expected_spikes(cell: Cell, v: FloatArray) -> FloatArray:
    """Return the expected number of spikes in the step that starts at v."""
    drift = cell.drift(v)
    total = np.zeros_like(v)
    for threshold, probability in zip(*cell.law.nodes(cell.noise), strict=True):
        for n in range(1, _most_spikes(cell, drift, threshold) + 1):
            total += probability * ndtr((drift - n * threshold) / cell.noise)
    return total


def _most_spikes(cell: Cell, drift: FloatArray, threshold: float) -> int:
    top = float(drift.max()) + STEP_REACH * cell.noise
    return int(min(cell.max_spikes, max(np.floor(top / threshold), 1)))
