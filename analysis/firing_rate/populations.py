"""Self-consistent firing rates of sparse networks of leaky integrate-and-fire neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import root

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.white_noise import gradient, siegert
from neurosim.errors import InputError

Excess = Callable[[FloatArray], FloatArray]


class OperatingPoint(NamedTuple):
    """A fixed point of the mean-field equations; one value per population."""

    rate: FloatArray
    """[Hz]"""
    mean: FloatArray
    """Mean of the free membrane potential."""
    std: FloatArray
    """Its standard deviation (sigma of Brunel 2000 over sqrt(2))."""
    residual: float
    """Largest |siegert(mean, std) - rate|, relative to the larger of the two and 1e-3 Hz."""
    stable: bool
    """Whether rates that follow their input slowly return to this point."""


def self_consistent(
    weight: Numbers,
    indegree: Numbers,
    *,
    external_mean: Numbers,
    external_variance: Numbers,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
    start: Numbers = 0.0,
) -> OperatingPoint:
    """Return rates nu = siegert(mean(nu), std(nu)) of n populations.

    mean = tau sum_b weight_ab indegree_ab nu_b + external_mean and
    2 std^2 = tau sum_b weight_ab^2 indegree_ab nu_b + external_variance (Brunel 2000, eqs. 4, 5).

    Args:
        weight: (n, n) jump of the potential, from column to row.
        indegree: (n, n) synapses per neuron.
        external_mean: (n,) part of the mean from outside.
        external_variance: (n,) part of 2 std^2 from outside.
        threshold: (n,), like all parameters of `siegert` that follow.
        reset: (n,)
        tau: (n,) [s]
        refractory: (n,) [s]
        start: (n,) rates [Hz] to relax from; with several fixed points it chooses the one.

    Raises:
        InputError: the shapes do not fit.
    """
    jump, degree = broadcast(weight, indegree)
    if jump.ndim != 2 or jump.shape[0] != jump.shape[1]:
        raise InputError(f"self_consistent: weight has shape {jump.shape}; it needs (n, n)")
    columns = (external_mean, external_variance, threshold, reset, tau, refractory, start)
    mean0, variance0, theta, v_reset, tau_m, dead, nu = _columns(len(jump), columns)
    cell = {"threshold": theta, "reset": v_reset, "tau": tau_m, "refractory": dead}
    to_mean, to_variance = tau_m[:, None] * jump * degree, tau_m[:, None] * jump**2 * degree

    def inputs(rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        positive = np.maximum(rate, 0.0)
        variance = np.maximum(to_variance @ positive + variance0, 0.0)
        return to_mean @ positive + mean0, np.sqrt(variance / 2)

    def excess(rate: FloatArray) -> FloatArray:
        return siegert(*inputs(rate), **cell) - rate

    def jacobian(rate: FloatArray) -> FloatArray:
        mean, std = inputs(rate)
        slope = gradient(mean, std, **cell)
        by_std = np.where(std > 0, slope.std / (4 * np.where(std > 0, std, 1.0)), 0.0)
        full = np.nan_to_num(slope.mean)[:, None] * to_mean + by_std[:, None] * to_variance
        return np.asarray(full - np.eye(len(rate)))

    rate = _settled(excess, jacobian, nu)
    error = np.abs(excess(rate)) / np.maximum(rate, 1e-3)
    stable = bool(np.linalg.eigvals(jacobian(rate)).real.max() < 0)
    return OperatingPoint(rate, *inputs(rate), float(error.max()), stable)


def brunel(
    external_rate: float,
    *,
    psp: float,
    g: float,
    excitatory: int,
    inhibitory: int,
    threshold: float,
    reset: float,
    tau: float,
    refractory: float = 0.0,
    start: float = 0.0,
) -> OperatingPoint:
    """Return the rates of excitatory and inhibitory neurons of Brunel's network, model A.

    Brunel (2000), J. Comput. Neurosci. 8:183: every neuron gets `excitatory` and `inhibitory`
    synapses from within, and as many excitatory ones from outside.

    Args:
        external_rate: rate of one external synapse [Hz].
        psp: jump J of the potential at an excitatory synapse.
        g: relative strength of inhibition; an inhibitory synapse jumps by -g J.
        excitatory: synapses C_E.
        inhibitory: synapses C_I.
        threshold: as for `siegert`, like all that follow.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time [s].
        start: rate [Hz] to relax from.
    """
    row_weight, row_degree = [psp, -g * psp], [excitatory, inhibitory]
    drive = tau * excitatory * external_rate
    return self_consistent(
        [row_weight, row_weight],
        [row_degree, row_degree],
        external_mean=drive * psp,
        external_variance=drive * psp**2,
        threshold=threshold,
        reset=reset,
        tau=tau,
        refractory=refractory,
        start=start,
    )


def _relaxed(excess: Excess, rate: FloatArray) -> FloatArray:
    """Follow d rate / dt = excess with adaptive steps until it moves by less than 1e-6."""
    step = 0.1
    gap = excess(rate)
    for _ in range(5000):
        trial = np.maximum(rate + step * gap, 0.0)
        following = excess(trial)
        if np.abs(following).max() > 1.05 * np.abs(gap).max() and step > 1e-4:
            step /= 2
            continue
        step = min(step * 1.1, 0.5)
        rate, gap = trial, following
        if np.all(np.abs(gap) < 1e-6 * np.maximum(rate, 1e-3)):
            break
    return rate


def _settled(excess: Excess, jacobian: Excess, start: FloatArray) -> FloatArray:
    """Return the fixed point that rates relax to, refined by Newton's method if it stays near."""
    nu = _relaxed(excess, start)
    solution = root(excess, nu, jac=jacobian, tol=1e-13)
    near = np.allclose(solution.x, nu, rtol=0.1, atol=1e-3)
    return np.maximum(solution.x if near else nu, 0.0)


def _columns(populations: int, values: tuple[Numbers, ...]) -> list[FloatArray]:
    """Return each parameter as one value per population."""
    _, *columns = broadcast(np.empty(populations), *values)
    if columns[0].shape != (populations,):
        raise InputError(
            f"self_consistent: parameters of shape {columns[0].shape} for {populations}"
        )
    return columns
