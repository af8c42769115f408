"""Firing rate of the neuron that a spiking network really runs: one step of length dt at a time.

    pre = mean + (V - mean) decay + std sqrt(1 - decay^2) xi,    decay = exp(-dt/tau)
    reset "hard":  a spike if pre >= threshold, then V = reset_to
    reset "soft":  a spike if pre >= threshold, then V = pre - threshold
    reset "multi": n = floor(pre/threshold) spikes, at most max_spikes, then V = pre - n threshold

`mean` and `std` describe the potential without threshold. A network whose membrane does
V = decay V + x with x of mean m and variance v has mean = m/(1 - decay) and
std^2 = v/(1 - decay^2). At dt/tau = 0.1 the continuous-time rate overstates the one here by
20 to 40 %. All arguments broadcast; an element outside the model gives NaN, never an error.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import log_ndtr

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.discrete.membrane_chain import STEP_REACH, Cell, solve
from neurosim.analysis.firing_rate.white_noise import Gradient, log_siegert
from neurosim.analysis.laws import Levels
from neurosim.errors import InputError

Reset = Literal["hard", "soft", "multi"]

OVERSHOOT = 0.5826
"""-zeta(1/2)/sqrt(2 pi): how far a Gaussian walk oversteps a boundary, in steps' std."""

_FINE = 0.999
_QUICK = 0.9
_REMOTE = 36.0
_COUNTLESS = 1000
_NEAR = 30.0
_ORBIT = 4096


def rate(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    decay: Numbers,
    reset: Reset = "hard",
    reset_to: Numbers = 0.0,
    max_spikes: float = np.inf,
) -> FloatArray:
    """Return the expected spikes per step in the stationary state.

    Solved as an integral equation on Gauss-Legendre nodes (`membrane_chain`): relative error
    below 1e-12, for rare spikes too. About 1 ms an element at decay = 0.9, 5 ms at 0.99, 0.1 s for
    little noise. Where the noise of a step is less than 1/600 of the range of V it is replaced:
    above threshold by the noiseless map (decay < 0.999; exact but for the steps of its staircase),
    below by a way from the reset to 30 std from the mean without noise (within 2e-4), for fine
    steps by `corrected_siegert` (within 1e-3). A threshold 36 std above the mean or more gets the
    logarithm's leading term. Of more than 1000 spikes in a step the mean's share is returned
    (within 1e-3), or NaN where noise decides how many.

    Args:
        mean: stationary mean of the free potential.
        std: its standard deviation, >= 0.
        threshold: above reset_to ("hard") or above 0.
        decay: exp(-dt/tau) in [0, 1).
        reset: "hard", "soft" or "multi".
        reset_to: potential after a hard reset.
        max_spikes: most spikes in a step for "multi"; LIFTorch and the Xylo allow 31.

    Raises:
        InputError: `reset` or `max_spikes` is not one of the above.
    """
    logs = _log_rates((mean, std, threshold, decay, reset_to), reset, max_spikes)
    return np.asarray(np.exp(logs))[()]


def log_rate(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    decay: Numbers,
    reset: Reset = "hard",
    reset_to: Numbers = 0.0,
    max_spikes: float = np.inf,
) -> FloatArray:
    """Return the natural logarithm of `rate`, finite where the rate underflows."""
    return _log_rates((mean, std, threshold, decay, reset_to), reset, max_spikes)[()]


def gradient(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    decay: Numbers,
    reset: Reset = "hard",
    reset_to: Numbers = 0.0,
    max_spikes: float = np.inf,
) -> Gradient:
    """Return the derivatives of ln(rate) with respect to threshold, mean and std.

    Ten rates on Chebyshev nodes within 0.3 std of a step's noise, differentiated as a
    polynomial: relative error near 1e-9, as the rates are good to 1e-14. For a hard reset
    d ln(rate)/d threshold = -f(threshold-) T(threshold-) with the density f of V and the mean
    time T to the next spike, which the tests use as an independent check.
    """
    values = broadcast(mean, std, threshold, decay, reset_to)
    mu, s, theta, a, origin = (value[..., None] for value in values)
    nodes, weights = _chebyshev_derivative(11)
    step = 0.3 * s * np.sqrt((1 - a) * (1 + a))

    def slope(mean: FloatArray, std: FloatArray, threshold: FloatArray) -> FloatArray:
        logs = _log_rates((mean, std, threshold, a, origin), reset, max_spikes)
        with np.errstate(all="ignore"):
            return np.asarray((logs @ weights) / step[..., 0])[()]

    shift = step * nodes
    return Gradient(
        slope(mu, s, theta + shift), slope(mu + shift, s, theta), slope(mu, s + shift, theta)
    )


def density(
    v: Numbers,
    mean: float,
    std: float,
    *,
    threshold: float,
    decay: float,
    reset: Reset = "hard",
    reset_to: float = 0.0,
    max_spikes: float = np.inf,
) -> FloatArray:
    """Return the stationary density of V after the reset at the points v, in 1/unit of V.

    With a hard reset V also equals `reset_to` with probability `rate`, which is not in it.

    Raises:
        InputError: the noise is too small for its range, or an argument is not one of `rate`.
    """
    points = np.asarray(v, dtype=np.float64)
    cell = _cell(mean, std, threshold, decay, reset_to, *_kind(reset, max_spikes))
    solution = solve(cell) if cell else None
    if solution is None:
        raise InputError(
            f"density: no density for mean {mean}, std {std}, threshold {threshold}, decay "
            f"{decay}; the noise of a step must exceed 1/600 of the range of V"
        )
    return solution.density(points.ravel()).reshape(points.shape)[()]


def corrected_siegert(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    decay: Numbers,
    reset: Reset = "hard",
    reset_to: Numbers = 0.0,
) -> FloatArray:
    """Return spikes per step from Siegert's formula with a shifted threshold: quick, not exact.

    A discrete walk meets a boundary that lies higher by 0.5826 of its steps' standard deviation
    w = std sqrt(2 dt/tau) (Broadie, Glasserman and Kou 1997); a drift d = (mean - threshold)
    dt/tau towards it adds max(d, 0)/4 (fitted here). A reset by subtraction keeps the overshoot,
    so there the reset is shifted as well. Against `rate` within 2.1 % for dt/tau = 0.1 and 0.3 %
    for 0.01, below 0.2 spikes per step; 7 % too high when a hard reset follows every third step.
    Above dt/tau = 0.1 a RuntimeWarning tells to use `rate`.
    """
    _kind(reset, 1)
    mu, s, theta, a, origin = broadcast(mean, std, threshold, decay, reset_to)
    with np.errstate(all="ignore"):
        length = -np.log(a)
        if (length > 0.1 + 1e-9).any():
            warnings.warn(
                f"corrected_siegert: dt/tau reaches {length.max():.3g}; above 0.1 use rate()",
                RuntimeWarning,
                stacklevel=2,
            )
        return np.asarray(np.exp(log_corrected_siegert(mu, s, theta, a, reset, origin)))[()]


def log_corrected_siegert(
    mean: FloatArray,
    std: FloatArray,
    threshold: FloatArray | float,
    decay: FloatArray | float,
    reset: Reset,
    reset_to: FloatArray | float = 0.0,
) -> FloatArray:
    """Return the natural logarithm of `corrected_siegert`, without its checks and warning."""
    length = -np.log(decay)
    shift = OVERSHOOT * std * np.sqrt(2 * length) + np.maximum(mean - threshold, 0.0) * length / 4
    origin = reset_to if reset == "hard" else shift
    logs = log_siegert(mean, std, threshold=threshold + shift, reset=origin, tau=1.0)
    return np.asarray(logs + np.log(length))


def _log_rates(parameters: tuple[Numbers, ...], reset: Reset, max_spikes: float) -> FloatArray:
    """Return log rates for (mean, std, threshold, decay, reset_to), element by element."""
    hard, most = _kind(reset, max_spikes)
    arrays = broadcast(*parameters)
    columns = (array.ravel().tolist() for array in arrays)
    cells = (_cell(m, s, t, a, v, hard, most) for m, s, t, a, v in zip(*columns, strict=True))
    values = [_log_rate(cell) for cell in cells]
    return np.array(values, dtype=np.float64).reshape(arrays[0].shape)


def _log_rate(cell: Cell | None) -> float:
    if cell is None:
        return float("nan")
    if cell.max_spikes > _COUNTLESS:
        push, level = cell.mean * (1 - cell.decay), cell.law.mean
        most = (push + STEP_REACH * cell.noise) / level + cell.decay
        if most > _COUNTLESS:  # V lies anywhere in [0, threshold)
            steady = push > STEP_REACH * cell.noise and most < cell.max_spikes
            return float(np.log(push / level - (1 - cell.decay) / 2)) if steady else float("nan")
    chain = solve(cell) if cell.std > 0 else None
    if chain is not None:
        return chain.log_rate
    threshold = cell.law.mean
    with np.errstate(all="ignore"):
        remote = (threshold - cell.mean) / cell.std if cell.std > 0 else 0.0
        settled = _after_settling(cell) if 0 < remote <= _REMOTE else None
        if settled is not None:
            return settled
        if remote > _REMOTE or (remote > 0 and cell.decay < _QUICK):
            return float(log_ndtr(-remote))
        if cell.std > 0 and (cell.decay > _FINE or cell.mean < threshold):
            mu, s, theta, a, origin = broadcast(
                cell.mean, cell.std, threshold, cell.decay, cell.reset_to
            )
            kind: Reset = "hard" if cell.hard else "soft"
            return float(log_corrected_siegert(mu, s, theta, a, kind, origin))
        return float(np.log(_noiseless(cell, threshold)))


def _after_settling(cell: Cell) -> float | None:
    """Return the log rate of a neuron that settles below threshold after each spike.

    Little noise: until _NEAR std from the mean the way from the reset is taken without noise (in
    whole steps), from there on by a chain on the short range that is left.
    """
    gap = cell.mean - (cell.reset_to if cell.hard else 0.0)
    near = _NEAR * cell.std
    if not (gap > near and cell.decay > 0):
        return None
    steps = np.ceil(np.log(gap / near) / -np.log(cell.decay))
    landing = float(cell.mean - gap * cell.decay**steps)
    chain = solve(replace(cell, hard=True, reset_to=landing, max_spikes=1))
    return None if chain is None else float(-np.logaddexp(-chain.log_rate, np.log(steps)))


def _noiseless(cell: Cell, threshold: float) -> float:
    """Spikes per step without noise: first passage, or the mean over a long orbit."""
    if cell.mean < threshold or (cell.mean == threshold and cell.decay > 0):
        return 0.0
    if cell.hard:
        if cell.decay == 0:
            return 1.0
        passage = np.log1p((threshold - cell.reset_to) / (cell.mean - threshold))
        return float(1 / max(np.ceil(-passage / np.log(cell.decay)), 1.0))
    v, spikes = 0.0, 0.0
    for step in range(2 * _ORBIT):
        v = cell.mean + (v - cell.mean) * cell.decay
        n = min(np.floor(v / threshold), cell.max_spikes) if v >= threshold else 0.0
        v -= n * threshold
        spikes += n if step >= _ORBIT else 0.0
    return float(spikes / _ORBIT)


def _kind(reset: Reset, max_spikes: float) -> tuple[bool, float]:
    """Return whether the reset is hard and the most spikes in a step."""
    if reset not in ("hard", "soft", "multi"):
        raise InputError(f"reset is {reset!r}; it is 'hard', 'soft' or 'multi'")
    if not max_spikes >= 1 or (np.isfinite(max_spikes) and max_spikes != int(max_spikes)):
        raise InputError(f"max_spikes is {max_spikes}; it is a whole number >= 1 or infinite")
    return reset == "hard", max_spikes if reset == "multi" else 1


def _cell(
    mean: float,
    std: float,
    threshold: float,
    decay: float,
    reset_to: float,
    hard: bool,
    most: float,
) -> Cell | None:
    """Return the cell, or None where the parameters make no model."""
    finite = np.isfinite([mean, std, threshold, decay, reset_to]).all()
    above = threshold > (reset_to if hard else 0.0)
    if not (finite and above and std >= 0 and 0 <= decay < 1):
        return None
    return Cell(mean, std, decay, Levels([threshold]), hard, reset_to, most)


def _chebyshev_derivative(count: int) -> tuple[FloatArray, FloatArray]:
    """Return Chebyshev nodes in [-1, 1] without 0 and weights of the derivative at 0."""
    nodes = np.cos(np.pi * np.arange(count) / (count - 1))
    nodes = nodes[np.arange(count) != count // 2]
    powers = nodes ** np.arange(nodes.size + 1)[:-1, None]
    target = np.zeros(nodes.size)
    target[1] = 1.0
    return nodes, np.linalg.solve(powers, target)
