"""What AHSAR's homeostat leaves of a disagreement between layers, and gains that work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, root

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.homeostasis.loop import Loop, chain_modes, hashable, laplacian, propagation
from neurosim.analysis.homeostasis.stability import (
    feedback_sign,
    feedback_sum,
    is_stable,
    overshoot,
    response,
    settling_time,
)
from neurosim.errors import InputError

MOMENTA = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Weights of the moving average that `recommend` tries, smoothest first."""
_DIFFUSION = 0.25
"""D in units of gamma: diffusion then at most doubles the pull of relaxation on a mode."""


class SteadyState(NamedTuple):
    """Where the loop comes to rest, (L,) each; NaN where it finds no rest."""

    c: FloatArray
    scale: FloatArray
    log_rate: FloatArray


def steady_state(loop: Loop, log_rates: Numbers) -> SteadyState:
    """Return the fixed point of the nonlinear loop with power-law layers.

    Small disagreements h of equal uncoupled layers end at h_j (gamma + D lambda_j)/(gamma +
    D lambda_j + beta k) in mode j: rate deviations vanish only for gamma = D = 0, not at AHSAR's
    fixed point "where deviations vanish". With gamma = 0 and centring the mean of c stays at c0.

    Args:
        loop: the gains.
        log_rates: natural logarithms of the open-loop rates, (L,).
    """
    open_loop = np.asarray(log_rates, dtype=np.float64)
    plant, pull = loop.plant(open_loop), loop.gamma * np.eye(loop.layers)
    pull = pull + loop.D * laplacian(loop.layers)
    average = np.full((loop.layers, loop.layers), 1 / loop.layers)
    centre = np.eye(loop.layers) - loop.centring * average
    if loop.gamma == 0 and loop.centring == 1:
        pull = pull + average  # nothing else decides the mean of c
    gain = loop.beta * centre @ (propagation(loop.J) * loop.a)

    def drift(c: FloatArray) -> FloatArray:
        return np.asarray(loop.reaction(plant(loop.scale(c))) - pull @ (c - loop.c0))

    def slope(c: FloatArray) -> FloatArray:
        return np.asarray(-gain * loop.actuator(c) - pull)

    with np.errstate(all="ignore"):
        solution = root(drift, np.full(loop.layers, loop.c0), jac=slope, tol=1e-13)
        left = float(np.abs(drift(solution.x)).max())
        small = 1e-8 * (1 + float(np.abs(loop.reaction(open_loop)).max()))
    c = solution.x if left < small else np.full(loop.layers, np.nan)
    scale = loop.scale(c)
    return SteadyState(c, scale, plant(scale))


def remaining_disagreement(loop: Loop, c: float | Sequence[float] = 0.0) -> float:
    """Return the largest share of a small disagreement between layers that the loop leaves.

    The 2-norm of the map from open-loop to settled log rates, over the modes that are controlled.
    """
    first = 1 if loop.centring == 1 else 0
    values, _ = chain_modes(loop.layers)
    beta = np.full(loop.layers, loop.beta)
    beta[0] *= 1 - loop.centring
    pull = np.diag(loop.gamma + loop.D * values[first:])
    gain = response(loop, c)[first:, first:]
    if not gain.size:
        return 0.0
    try:
        settled = np.linalg.solve(pull + beta[first:, None] * gain, np.diag(beta[first:]))
    except np.linalg.LinAlgError:
        return float("inf")
    return float(np.linalg.norm(np.eye(len(gain)) - gain @ settled, 2))


def steepest_state(loop: Loop) -> float:
    """Return the c at which the actuator d ln s/dc is steepest.

    There tanh(kappa c) = (sqrt(1 - alpha^2) - 1)/alpha, and it reaches
    2 kappa (1 - sqrt(1 - alpha^2))/alpha.
    """
    if loop.alpha == 0 or loop.kappa == 0:
        return 0.0
    return float(np.arctanh((np.sqrt(1 - loop.alpha**2) - 1) / loop.alpha) / loop.kappa)


def recommend(
    layers: int,
    *,
    steps: float = 20,
    sensitivity: float | Sequence[float] = 1.0,
    coupling: float | Sequence[float] | FloatArray = 0.0,
    ticks: int = 1,
    alpha: float = Loop.alpha,
    kappa: float = Loop.kappa,
    centring: float = Loop.centring,
    left: float = 0.1,
    remaining: float = 0.01,
    swing: float = 0.01,
) -> Loop:
    """Return gains whose loop is stable, does not oscillate and settles within `steps` steps.

    D = gamma/4; beta/gamma so large that at most `left` of a disagreement stays; then the smoothest
    moving average, and with it the smallest gains, that settle in time. Oscillation and stability
    are judged where the actuator is steepest, settling at rest.

    Args:
        layers: number of controlled layers.
        steps: optimisation steps to settle in.
        sensitivity: a of the layers (`coupling_from_network`).
        coupling: b of the layers, or J of populations that hear each other.
        ticks: ticks in an optimisation step.
        alpha: largest relative change of a threshold.
        kappa: slope of the actuator.
        centring: as for `Loop`.
        left: share of a disagreement that may stay, in (0, 1).
        remaining: share of a transient at which it counts as settled.
        swing: largest overshoot allowed.

    Raises:
        InputError: the feedback is positive, or no gains settle so fast.
    """
    if not 0 < left < 1:
        raise InputError(f"recommend: left is {left}; it lies between 0 and 1")
    base = Loop(
        beta=1.0,
        gamma=1.0,
        D=_DIFFUSION,
        layers=layers,
        alpha=alpha,
        kappa=kappa,
        ticks=ticks,
        sensitivity=hashable(sensitivity),
        coupling=hashable(coupling),
        centring=centring,
    )
    if feedback_sign(base) >= 0:
        raise InputError(
            f"recommend: the feedback is positive, sum of (1 - b)/a is {feedback_sum(base):.3g}; "
            "normalise the layers' inputs or set centring=0"
        )
    loop, fastest = _smoothest(base, _reaction(base, left), steps, remaining, swing)
    if loop is None:
        raise InputError(
            f"recommend: no gains settle in {steps} steps without oscillating; the fastest need "
            f"{fastest:.3g}"
        )
    return loop


def _smoothest(
    base: Loop, ratio: float, steps: float, remaining: float, swing: float
) -> tuple[Loop | None, float]:
    """Return the smoothest loop of a ratio beta/gamma that settles in time without oscillating.

    None if there is none; the second value is the settling time, or the shortest of those tried.
    """
    fastest = float("inf")
    for momentum in MOMENTA:
        for gamma in (np.geomspace(1e-4, 1.0, 120) / ratio).tolist():
            loop = replace(
                base, beta=ratio * gamma, gamma=gamma, D=_DIFFUSION * gamma, m_r=momentum
            )
            if not _calm(loop, swing):
                continue
            needed = settling_time(loop, remaining=remaining)
            fastest = min(fastest, needed)
            if needed <= steps:
                return loop, needed
    return None, fastest


def _calm(loop: Loop, swing: float) -> bool:
    """Return whether a loop is stable and overshoots little, at rest and where it is steepest."""
    steep = steepest_state(loop)
    return all(is_stable(loop, c) and overshoot(loop, c) <= swing for c in (0.0, steep))


def _reaction(base: Loop, left: float) -> float:
    """Return the smallest beta/gamma that leaves at most so much of a disagreement."""

    def excess(power: float) -> float:
        return remaining_disagreement(replace(base, beta=10.0**power)) - left

    low, high = -6.0, 12.0
    if excess(low) <= 0 or excess(high) >= 0:
        return float(10.0 ** (low if excess(low) <= 0 else high))
    return float(10.0 ** brentq(excess, low, high, xtol=1e-15))
