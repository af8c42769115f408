"""The law of one first-passage time: solved once on a grid, then asked for any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import comb, factorial

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline
from scipy.optimize.elementwise import find_root

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.passage.volterra import end_corrections, passage_density

Boundary = Callable[[FloatArray], FloatArray]

STEPS = 2000
MOST_STEPS = 60_000
MOST_MOVING = 16_000
"""The same for a moving threshold, whose kernel changes at every step."""
CLOSEST = 0.3
"""Starts closer to the threshold than this many std are not resolved."""
FARTHEST = 1e50
"""Nor are a threshold or a start so many std from the mean, whose squares would overflow."""
_DEGREE = 7
_POINTS = 6
_GONE = 1e-10
"""Survival below this is the solver's rounding and counts as none."""


@dataclass(frozen=True)
class PassageLaw:
    """Density and survival of a passage time, in seconds."""

    density_spline: BSpline
    mass_spline: BSpline
    grid: FloatArray
    """Equidistant times [s] at which the equation was solved."""
    survivors: float
    """Probability of no passage until then."""
    hazard: float
    """Rate [Hz] at which they pass from then on; NaN where it is not known."""

    @property
    def end(self) -> float:
        """End of the grid [s]."""
        return float(self.grid[-1])

    def survival(self, t: FloatArray, neurons: float = 1) -> FloatArray:
        """Return the probability that none of so many independent neurons has passed at t."""
        inside = 1 - np.clip(self.mass_spline(np.clip(t, 0.0, self.end)), 0.0, 1.0)
        beyond = np.zeros_like(inside)
        if self.survivors > 0:
            with np.errstate(over="ignore", under="ignore"):
                late = np.exp(-self.hazard * np.maximum(t - self.end, 0.0))
            beyond = self.survivors * late
        return np.asarray(np.where(t <= self.end, inside, beyond) ** neurons)

    def density(self, t: FloatArray, neurons: float = 1) -> FloatArray:
        """Return the density [1/s] of the first passage among so many neurons."""
        inside = np.maximum(self.density_spline(np.clip(t, 0.0, self.end)), 0.0)
        beyond = self.hazard * self.survival(t) if self.survivors > 0 else np.zeros_like(inside)
        single = np.where(t <= 0, 0.0, np.where(t <= self.end, inside, beyond))
        return np.asarray(neurons * self.survival(t, neurons - 1) * single)

    def quantile(self, p: FloatArray, neurons: float = 1) -> FloatArray:
        """Return the time [s] by which the first neuron has passed with probability p."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = -np.expm1(np.log1p(-p) / neurons)
            late = self.end + np.log(self.survivors / (1 - mass)) / self.hazard
            late = (
                np.where(mass < 1, late, np.inf)
                if self.survivors > 0
                else np.full_like(p, self.end)
            )
        levels = np.maximum.accumulate(self.mass_spline(self.grid))
        early = np.clip(mass, levels[0], levels[-1])
        k = np.searchsorted(levels, early).clip(1, self.grid.size - 1)
        passed = find_root(
            lambda time, level: self.mass_spline(time) - level,
            (self.grid[k - 1], self.grid[k]),
            args=(early,),
        )
        time = np.where(mass <= 1 - self.survivors, passed.x, late)
        return np.where((p >= 0) & (p <= 1), np.where(p == 0, 0.0, time), np.nan)

    def moment(self, order: int, neurons: float = 1) -> float:
        """Return E[T^order] [s^order] of the first passage among so many neurons."""
        grid = self.grid
        values = order * grid ** (order - 1) * self.survival(grid, neurons)
        # trapezoidal rule, corrected at both ends: a passage takes time, so early on the survival
        # is flat and only the polynomial is to be corrected
        ends = values + values[::-1]
        flat = end_corrections(_POINTS)[1]
        inside = float(grid[1]) * float(
            values.sum() - values[0] - values[-1] + flat @ ends[:_POINTS]
        )
        if self.survivors == 0:
            return inside
        rate = neurons * self.hazard
        terms = (
            comb(order - 1, j) * self.end ** (order - 1 - j) * factorial(j) / rate ** (j + 1)
            for j in range(order)
        )
        return inside + float(order * self.survivors**neurons * sum(terms))


def constant(
    threshold: float, mean: float, std: float, tau: float, start: float, end: float = np.inf
) -> PassageLaw | None:
    """Return the law for a constant threshold, its exponential tail included.

    The grid ends where the survivors have forgotten their start (all slower modes than the first
    have decayed by exp(-25)) or nobody is left; from there the hazard is constant. None where
    that takes more than MOST_STEPS: a start within CLOSEST std of the threshold, or a mean
    thousands of std above it.
    """
    s, x = (threshold - mean) / std, (start - mean) / std
    if (threshold - start) / std < CLOSEST or not max(abs(s), abs(x)) < FARTHEST:
        return None
    settle = 25.0 + np.log1p(max(-x, 0.0))
    if s < 0:
        settle = np.log1p((s - x) / (1 - s)) + 45.0 / (1 + s * s / 2) + 8.0 / (1 - s)
    duration = min(settle, end / tau) if end > 0 else settle
    peak = 0.04 / (1 + max(-s, min(s, 8.0)))  # a passage far above threshold takes no time
    finest = min(duration / STEPS, (s - x) ** 2 / 200, peak)
    needed = np.ceil(duration / finest)
    if not needed <= MOST_STEPS:
        return None
    steps = int(needed)
    density = passage_density(np.full(steps + 1, s), None, x, duration / steps)
    return _law(density, duration, tau)


def moving(
    threshold: Boundary,
    mean: float,
    std: float,
    tau: float,
    start: float,
    end: float,
    steps: int | None = None,
) -> PassageLaw | None:
    """Return the law up to `end` for a threshold that is a smooth function of time [s].

    Its derivative is taken from a spline of degree 7 through the grid. Without `steps` the grid
    resolves the earliest passages; None where that takes more than MOST_MOVING steps.
    """
    first, x = float(np.ravel(threshold(np.zeros(1)))[0]), (start - mean) / std
    gap = (first - start) / std
    if not (abs(x) < FARTHEST and 0 < gap < FARTHEST):
        return None
    if steps is None:
        needed = max(np.ceil(150 * end / tau / gap**2), STEPS) if gap >= CLOSEST else np.inf
        if not needed <= MOST_MOVING:
            return None
        steps = int(needed)
    time = np.linspace(0.0, end / tau, steps + 1)
    values = np.broadcast_to(np.asarray(threshold(time * tau), dtype=np.float64), time.shape)
    boundary = (values - mean) / std
    slope = make_interp_spline(time, boundary, k=_DEGREE).derivative()(time)
    density = passage_density(boundary, slope, x, time[1])
    law = _law(density, float(time[-1]), tau)
    return replace(law, hazard=np.nan)


def _running_integral(values: FloatArray, step: float) -> FloatArray:
    """Integrate from 0 to every grid point a function that is flat at 0."""
    flat = end_corrections(_POINTS)[1]
    total = np.cumsum(values) - values
    for m in range(_POINTS):
        total[m:] += flat[m] * values[: values.size - m]
    return np.asarray(step * total)


def _law(density: FloatArray, duration: float, tau: float) -> PassageLaw:
    time = np.linspace(0.0, duration * tau, density.size)
    spline = make_interp_spline(time, density / tau, k=_DEGREE)
    mass = make_interp_spline(time, _running_integral(density, time[1] / tau), k=_DEGREE)
    survivors = 1 - float(mass(time[-1]))
    if survivors < _GONE:
        return PassageLaw(spline, mass, time, 0.0, np.nan)
    return PassageLaw(spline, mass, time, survivors, density[-1] / tau / survivors)
