"""Where AHSAR's loop settles, rings or runs away: the linearised map of one optimisation step.

In the modes j of the chain's Laplacian (eigenvalue lambda_j) a tick multiplies c_j by
rho_j = 1 - gamma - D lambda_j, so T ticks with the rates held multiply it by R_j = rho_j^T and add
B_j = beta (1 - R_j)/(1 - rho_j) times the smoothed log rate. With u the smoothed log rates, y the
states, both in modes, and K = modes' propagation(J) diag(a d ln s/dc) modes:

    u <- (1 - m) u - m K y,    y <- R y + B u.

Centring multiplies B_0 by 1 - centring. At AHSAR's centring of 1 the mean of c is not driven at
all: it follows (1 - gamma)^T exactly, in the nonlinear loop too.

For equal layers without coupling K = k is a number and each mode is a 2x2 map with trace
1 - m + R - B m k and determinant R (1 - m). Jury's test then gives: stable if and only if

    |R (1 - m)| < 1   and   -(1 - R) < B k < (1 + R)(2 - m)/m.

With a moving average that is used before it takes in the new rate the determinant is
R (1 - m) + B m k and the upper bound becomes B k < (1 - R (1 - m))/m, far tighter at R near 1.
Derived here; AHSAR gives no stability condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.homeostasis.loop import Loop, chain_modes, propagation
from neurosim.errors import InputError

ComplexArray = npt.NDArray[np.complex128]


class Modes(NamedTuple):
    """The modes of the chain, from the mean (j = 0) to neighbours against each other; (L,) each."""

    laplacian: FloatArray
    """lambda_j."""
    rho: FloatArray
    """What a tick leaves of the state."""
    carried: FloatArray
    """What an optimisation step leaves of it, R = rho^T."""
    beta: FloatArray
    """B, the reaction gain of an optimisation step; 0 for the mean when it is centred away."""


class Region(NamedTuple):
    """Stability over a grid of two parameters, each array (n_first, n_second)."""

    spectral_radius: FloatArray
    overshoot: FloatArray
    stable: npt.NDArray[np.bool_]
    positive_feedback: npt.NDArray[np.bool_]


def modes(loop: Loop) -> Modes:
    """Return the loop's modes."""
    values, _ = chain_modes(loop.layers)
    rho = 1 - loop.gamma - loop.D * values
    with np.errstate(over="ignore", invalid="ignore"):
        powers = rho[None] ** np.arange(loop.ticks)[:, None]
        beta = loop.beta * powers.sum(0)
        beta[0] *= 1 - loop.centring
        return Modes(values, rho, rho**loop.ticks, beta)


def response(loop: Loop, c: float | Sequence[float] = 0.0) -> FloatArray:
    """Return K = -d ln r/dc at the states c, (L, L), in the modes of the chain."""
    states = np.broadcast_to(np.asarray(c, dtype=np.float64), loop.layers)
    _, basis = chain_modes(loop.layers)
    return np.asarray(basis.T @ (propagation(loop.J) * (loop.a * loop.actuator(states))) @ basis)


def linear_map(loop: Loop, c: float | Sequence[float] = 0.0) -> FloatArray:
    """Return the map of (u, y) over one optimisation step, (2L, 2L), in the modes of the chain."""
    chain, gain, keep = modes(loop), response(loop, c), 1 - loop.m_r
    identity = np.eye(loop.layers)
    sensed = np.hstack([keep * identity, -loop.m_r * gain])
    used = sensed if loop.fresh else np.hstack([identity, np.zeros_like(gain)])
    carried = np.hstack([np.zeros_like(gain), np.diag(chain.carried)])
    return np.vstack([sensed, carried + chain.beta[:, None] * used])


def eigenvalues(loop: Loop, c: float | Sequence[float] = 0.0, *, mean: bool = True) -> ComplexArray:
    """Return the eigenvalues of `linear_map`, (2L,), largest first.

    Args:
        loop: the gains.
        c: states at which the loop is linearised, one for all layers or (L,).
        mean: False leaves out the mean of c and of the log rates where centring is 1, since no
            disagreement between layers feeds on them: (2L - 2,).
    """
    matrix = linear_map(loop, c)
    if not mean and loop.centring == 1:
        kept = [i for i in range(2 * loop.layers) if i % loop.layers]
        matrix = matrix[np.ix_(kept, kept)]
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.inf + 0j)
    values = np.linalg.eigvals(matrix).astype(np.complex128)
    return values[np.argsort(-np.abs(values), kind="stable")]


def spectral_radius(loop: Loop, c: float | Sequence[float] = 0.0, *, mean: bool = True) -> float:
    """Return the largest modulus of `eigenvalues`; 0 where there are none."""
    return float(np.abs(eigenvalues(loop, c, mean=mean)).max(initial=0.0))


def is_stable(loop: Loop, c: float | Sequence[float] = 0.0) -> bool:
    """Return whether small disagreements between layers die out.

    For equal uncoupled layers by Jury's conditions (module's text), else by eigenvalues. The mean
    of c must not grow; with gamma = 0 and centring it may stay where it is.
    """
    states = np.broadcast_to(np.asarray(c, dtype=np.float64), loop.layers)
    gains = loop.a * loop.actuator(states)
    chain = modes(loop)
    centred = loop.centring == 1
    if centred and not abs(chain.carried[0]) <= 1:
        return False
    if loop.J.any() or (gains != gains[0]).any():
        return spectral_radius(loop, c, mean=not centred) < 1
    first = 1 if centred else 0
    carried, k, m = chain.carried[first:], chain.beta[first:] * gains[0], loop.m_r
    with np.errstate(invalid="ignore"):
        turning = carried * (1 - m) + (0.0 if loop.fresh else m * k)
        returning = m * (1 - carried + k)
        flipping = (2 - m) * (1 + carried) - (m * k if loop.fresh else -m * k)
        return bool(((np.abs(turning) < 1) & (returning > 0) & (flipping > 0)).all())


def critical_gain(loop: Loop, c: float | Sequence[float] = 0.0) -> float:
    """Return the reaction gain beta from which on the loop is not stable, the rest of it kept.

    Infinite where none up to a million is too large, 0 where none is small enough.
    """

    def stable(power: float) -> bool:
        return is_stable(replace(loop, beta=10.0**power), c)

    tried = np.linspace(-9.0, 6.0, 301)
    unstable = next((k for k, power in enumerate(tried) if not stable(float(power))), None)
    if unstable is None:
        return float("inf")
    if unstable == 0:
        return 0.0
    low, high = map(float, tried[unstable - 1 : unstable + 1])
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    return float(10.0**high)


def overshoot(loop: Loop, c: float | Sequence[float] = 0.0) -> float:
    """Return how much of a disagreement comes back with the other sign, 0 for no oscillation.

    The largest |z|^(pi/|arg z|) over the eigenvalues z: what is left after half a turn.
    """
    z = eigenvalues(loop, c, mean=loop.centring != 1)
    size, angle = np.abs(z), np.abs(np.angle(z))
    turning = (angle > 0) & (size > 0)
    if not turning.any():
        return 0.0
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        return float(np.exp(np.pi / angle[turning] * np.log(size[turning])).max())


def settling_time(
    loop: Loop, c: float | Sequence[float] = 0.0, *, remaining: float = 0.01
) -> float:
    """Return the optimisation steps until a disagreement has shrunk to a share of it.

    By the slowest mode, once the faster ones are gone; infinite where the loop is not stable.

    Args:
        loop: the gains.
        c: states at which the loop is linearised.
        remaining: the share, in (0, 1).

    Raises:
        InputError: `remaining` is not between 0 and 1.
    """
    if not 0 < remaining < 1:
        raise InputError(f"settling_time: remaining is {remaining}; it lies between 0 and 1")
    radius = spectral_radius(loop, c, mean=loop.centring != 1)
    if radius >= 1 or not is_stable(loop, c):
        return float("inf")
    return float(np.log(remaining) / np.log(radius)) if radius > 0 else 1.0


def feedback_sum(loop: Loop) -> float:
    """Return sum over layers of (1 - b_l)/a_l; below 0 the centred loop has positive feedback.

    The centred response P K has det K (sum of 1 - b_l over a_l d ln s/dc)/L for the product of its
    eigenvalues other than the mean's, so a negative sum means an odd number of negative ones:
    disagreements that the loop feeds instead of fighting. Of populations that hear each other b_l
    is the sum of J_lm over m (then det K has the factor 1/det(I - J), positive where their rates
    are stable). Equal layers of a chain: b > L/(L - 1). Sufficient,
    not necessary: from 10 equal layers on an oscillating pair turns first, at b = 1.090 instead of
    1.111 for 10 (then again negative feedback from 1.107 to 1.111) and 1.010 instead of 1.034 for
    30; see `feedback_sign`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(((1 - loop.b) / loop.a).sum())


def feedback_sign(loop: Loop, c: float | Sequence[float] = 0.0) -> int:
    """Return 1 if the loop feeds some disagreement between layers (positive feedback), else -1.

    Exact, by the eigenvalues of the centred response: one with negative real part is pushed away
    from agreement at any gain beta that gamma and D do not outweigh. 0 where such a part
    is 0 (a layer that does not answer its threshold).
    """
    gain = response(loop, c)
    if loop.centring == 1:
        gain = gain[1:, 1:]
    else:
        gain = np.concatenate([(1 - loop.centring) * gain[:1], gain[1:]])
    if not gain.size:
        return -1
    least = float(np.linalg.eigvals(gain).real.min())
    noise = 1e-12 * float(np.abs(gain).max())
    return 0 if abs(least) <= noise else (1 if least < 0 else -1)


def stability_region(loop: Loop, **axes: Sequence[float] | FloatArray) -> Region:
    """Return stability over a grid of two of the loop's parameters, by name.

    `stability_region(loop, beta=[...], gamma=[...])` gives arrays (n_beta, n_gamma).

    Raises:
        InputError: there are not two axes, or no such parameter.
    """
    if len(axes) != 2 or not set(axes) <= set(Loop.__dataclass_fields__):
        raise InputError(
            f"stability_region: axes are {', '.join(axes) or 'none'}; give two of "
            f"{', '.join(Loop.__dataclass_fields__)}"
        )
    (first, xs), (second, ys) = axes.items()
    shape = (len(xs), len(ys))
    region = Region(
        np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool), np.empty(shape, dtype=bool)
    )
    for i, x in enumerate(np.asarray(xs).tolist()):
        for j, y in enumerate(np.asarray(ys).tolist()):
            changed = replace(loop, **{first: x, second: y})
            region.spectral_radius[i, j] = spectral_radius(changed, mean=loop.centring != 1)
            region.overshoot[i, j] = overshoot(changed)
            region.stable[i, j] = is_stable(changed)
            region.positive_feedback[i, j] = feedback_sign(changed) > 0
    return region
