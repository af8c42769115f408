"""First-passage density of the Ornstein-Uhlenbeck process through a moving boundary.

In units of std and tau, dX = -X dt + sqrt(2) dW with boundary S(t) and S' = dS/dt, the density g
of the first passage solves a Volterra equation of the second kind (Buonocore, Nobile and
Ricciardi 1987, Adv. Appl. Prob. 19:784),

    g(t) = -2 Psi(t | x0, 0) + 2 int_0^t g(u) Psi(t | S(u), u) du,
    Psi(t | y, u) = f(S, t | y, u) [(S' + S)/2 - (S - y e)/v],   e = exp(u - t), v = 1 - e^2,

f being the Gaussian transition density. Below the mean (S < 0) errors of the mass would grow;
adding r = -S times the renewal equation P(X > S | x0) = int g P(X > S | S(u), u) damps them.

The kernel is sqrt(t - u) times a smooth function, plus -r/2. The trapezoidal rule is therefore
corrected at u = t by weights that make the generalised Euler-Maclaurin expansion (Navot 1961)
exact to high order, where the published scheme has order 3/2.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import solve as solve_linear
from scipy.special import erf, ndtr, zeta

from neurosim.analysis.arrays import FloatArray
from neurosim.compiled import compiled

_POINTS = 6
_DIRECT = 1024
"""So many steps are summed one by one."""
_NOTHING = -300.0  # smaller densities would fill the sums with slow subnormal numbers


def passage_density(
    boundary: FloatArray, slope: FloatArray | None, start: float, step: float
) -> FloatArray:
    """Return g at 0, step, 2 step, ... in units of 1/tau.

    Args:
        boundary: (n,) S on the grid; above `start` at time 0.
        slope: (n,) S' on the grid, or None for a constant boundary.
        start: x0.
        step: grid step in units of tau.
    """
    n = boundary.size
    time = np.asarray(step * np.arange(n), dtype=np.float64)
    damping = np.maximum(-boundary, 0.0)
    speed = np.zeros(n) if slope is None else slope
    density = np.zeros(n)
    free = np.zeros(n)
    # the first point has no kernel: the passage cannot happen at time 0
    free[1:] = -2 * _psi(boundary[1:], speed[1:], start, time[1:])
    free[1:] += damping[1:] * _above(boundary[1:], start, time[1:])
    if slope is None:
        return _homogeneous(boundary, free, time, damping, step)
    root, flat = end_corrections(_POINTS)
    total = 0.0
    for k in range(1, n):
        kernel = _kernel(boundary[k], speed[k], boundary[:k], time[k] - time[:k], damping[k])
        past = density[:k]
        m = min(k, _POINTS)
        smooth = kernel @ past + (kernel[-m:] * past[-m:]) @ root[:m][::-1]
        total += past[-1]
        level = total + past[k - m + 1 :] @ flat[1:m][::-1]
        implicit = 1 + step * damping[k] / 2 * flat[0]
        density[k] = (free[k] + step * (smooth - damping[k] / 2 * level)) / implicit
    return density


def _homogeneous(
    boundary: FloatArray, free: FloatArray, time: FloatArray, damping: FloatArray, step: float
) -> FloatArray:
    """Solve for a constant boundary, where the kernel depends on the elapsed time alone.

    The sums over the past are a convolution of what is still being found: halves of the grid in
    turn, each handing on its part of the sums of the next by a fast Fourier transform (Hairer,
    Lubich and Schlichte 1985, SIAM J. Sci. Stat. Comput. 6:532).
    """
    n = time.size
    kernel = np.zeros(n)
    kernel[1:] = _kernel(boundary[:1], np.zeros(1), boundary[1:], time[1:], damping[:1])
    density, sums = np.zeros(n), np.zeros(n)
    corrections = end_corrections(_POINTS)

    def solve(first: int, end: int) -> None:
        if end - first <= _DIRECT:
            _advance(density, sums, free, kernel, *corrections, damping[0], step, first, end)
            return
        middle = (first + end) // 2
        solve(first, middle)
        size = next_fast_len(end - first, real=True)
        spectrum = rfft(density[first:middle], size) * rfft(kernel[: end - first], size)
        # of the circular convolution only places that nothing wraps around to are read
        sums[middle:end] += irfft(spectrum, size)[middle - first : end - first]
        solve(middle, end)

    solve(0, n)
    return density


@compiled
def _advance(  # type: ignore[no-untyped-def]
    density, sums, free, kernel, root, flat, damping, step, first, end
):  # pragma: no cover
    """Solve from `first` to `end`; `sums` hold what all before `first` contribute."""
    total = density[: max(first - 1, 0)].sum()
    implicit = 1 + step * damping / 2 * flat[0]
    for k in range(max(first, 1), end):
        smooth = sums[k]
        for j in range(first, k):
            smooth += kernel[k - j] * density[j]
        total += density[k - 1]
        level = total
        for i in range(min(k, len(root))):
            smooth += kernel[i + 1] * density[k - 1 - i] * root[i]
            if i:
                level += flat[i] * density[k - i]
        density[k] = (free[k] + step * (smooth - damping / 2 * level)) / implicit


def _psi(
    boundary: FloatArray, slope: FloatArray, origin: FloatArray | float, elapsed: FloatArray
) -> FloatArray:
    e = np.exp(-elapsed)
    v = -np.expm1(-2 * elapsed)
    distance = boundary - origin * e
    exponent = -0.5 * distance * distance / v
    density = np.where(exponent > _NOTHING, np.exp(exponent), 0.0) / np.sqrt(2 * np.pi * v)
    return np.asarray(density * ((slope + boundary) / 2 - distance / v))


def _above(boundary: FloatArray, origin: float, elapsed: FloatArray) -> FloatArray:
    """Return P(X > boundary) after a start at the origin."""
    spread = np.sqrt(-np.expm1(-2 * elapsed))
    return np.asarray(ndtr((origin * np.exp(-elapsed) - boundary) / spread))


def _kernel(
    boundary: FloatArray,
    slope: FloatArray,
    origin: FloatArray,
    elapsed: FloatArray,
    damping: FloatArray,
) -> FloatArray:
    """Return 2 Psi - r [P(X > S) - 1/2], which vanishes like sqrt(elapsed)."""
    value = 2 * _psi(boundary, slope, origin, elapsed)
    if np.any(damping > 0):
        spread = np.sqrt(-2 * np.expm1(-2 * elapsed))
        value += damping / 2 * erf((boundary - origin * np.exp(-elapsed)) / spread)
    return np.asarray(value)


def end_corrections(points: int) -> tuple[FloatArray, FloatArray]:
    """Return end corrections for sqrt(x) phi(x), at x = h, 2h, ..., and for phi(x), at 0, h, ...

    The plain sum over x = h, 2h, ... of x^a exceeds the integral by zeta(-a) h^(a + 1); the
    corrections remove this for a = 1/2, 3/2, ... and for a = 0, 1, ...
    """
    k = np.arange(points)
    m = np.arange(1, points + 1)
    root = solve_linear(m ** (k[:, None] + 0.5), -zeta(-0.5 - k))
    m = np.arange(points)
    flat = solve_linear(
        np.where((m == 0) & (k[:, None] == 0), 1.0, m ** k[:, None].astype(float)), -zeta(-1.0 * k)
    )
    return root, flat
