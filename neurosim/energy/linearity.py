"""Is power linear in spikes? Straight-line fits with intervals, and how far the line misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError


@dataclass(frozen=True)
class Linearity:
    """How well a straight line through (x, y) describes it."""

    slope: float
    slope_ci: tuple[float, float]
    """95 % interval of the slope (Student's t, residuals taken as independent)."""
    intercept: float
    r_squared: float
    curvature: float
    """Quadratic coefficient of a parabola, times the squared range of x, over the range of y."""
    curvature_ci: tuple[float, float]
    """95 % interval; a line describes y only if it holds 0."""
    worst_residual: float
    """Largest distance from the line over the range of y."""
    elasticity: float
    """Slope of log y against log x: 1 where y is proportional to x; nan where either is <= 0."""

    @property
    def linear(self) -> bool:
        """Whether the data are compatible with a line: the curvature's interval holds 0, or nothing
        but rounding is left.
        """
        exact = self.worst_residual < 1e-9
        return exact or self.curvature_ci[0] <= 0 <= self.curvature_ci[1]


def fit(x: np.ndarray, y: np.ndarray) -> Linearity:
    """Fit a line and a parabola by least squares.

    Args:
        x: (n,) n >= 4, not all equal: e.g. spikes per inference.
        y: (n,): e.g. dynamic power.

    Raises:
        InputError: fewer than four points, other shapes, or no spread in x or y.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 4:
        raise InputError(f"x {x.shape} and y {y.shape}: a fit needs the same four or more points")
    range_x, range_y = np.ptp(x), np.ptp(y)
    if not (np.isfinite(range_x + range_y) and range_x > 0 and range_y > 0):
        raise InputError(f"x spans {range_x}, y {range_y}; both must be finite and vary")
    u = (x - x.min()) / range_x  # both ranges are 1, so that squares keep their digits
    v = (y - y.min()) / range_y
    line, line_ci, residuals = _least_squares(u, v, 1)
    square, square_ci, _ = _least_squares(u, v, 2)
    scale = range_y / range_x
    positive = x.min() > 0 and y.min() > 0
    return Linearity(
        slope=line[1] * scale,
        slope_ci=((line[1] - line_ci[1]) * scale, (line[1] + line_ci[1]) * scale),
        intercept=y.min() + line[0] * range_y - line[1] * scale * x.min(),
        r_squared=1 - float(residuals @ residuals / ((v - v.mean()) @ (v - v.mean()))),
        curvature=float(square[2]),
        curvature_ci=(float(square[2] - square_ci[2]), float(square[2] + square_ci[2])),
        worst_residual=float(np.abs(residuals).max()),
        elasticity=float(np.polyfit(np.log(x), np.log(y), 1)[0]) if positive else float("nan"),
    )


def _least_squares(
    u: np.ndarray, v: np.ndarray, degree: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the coefficients, lowest first, half widths of their 95 % intervals, residuals."""
    from scipy.stats import t

    highest_first, covariance = np.polyfit(u, v, degree, cov=True)
    half = t.ppf(0.975, len(u) - degree - 1) * np.sqrt(np.diag(covariance))
    return highest_first[::-1], half[::-1], v - np.polyval(highest_first, u)
