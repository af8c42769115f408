"""Self-consistent firing rates of sparse networks of leaky integrate-and-fire neurons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import root

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.white_noise import Gradient, gradient, log_gradient, siegert
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
    network, begin = _network(
        weight, indegree, external_mean, external_variance, threshold, reset, tau, refractory, start
    )
    return network.point(begin)


class Elasticities(NamedTuple):
    """How the rates of populations that hear each other answer, each by itself."""

    point: OperatingPoint
    """At which they are taken."""
    threshold: FloatArray
    """(n,) d ln rate/d ln(threshold - rest), the rates that a population hears being held."""
    rates: FloatArray
    """(n, n) d ln rate/d ln(rate that it hears), from column to row."""


def elasticities(
    weight: Numbers,
    indegree: Numbers,
    *,
    external_mean: Numbers,
    external_variance: Numbers,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
    rest: Numbers = 0.0,
    start: Numbers = 0.0,
) -> Elasticities:
    """Return the elasticities of `self_consistent`'s rates at its solution, analytically.

    With x = ln(threshold - rest), rates of the whole network answer as (I - rates)^-1 threshold dx.

    Args:
        weight: as for `self_consistent`, like all but `rest`.
        indegree: synapses per neuron.
        external_mean: part of the mean from outside.
        external_variance: part of 2 std^2 from outside.
        threshold: of each population.
        reset: potential after a spike.
        tau: membrane time constants [s].
        refractory: dead times [s].
        rest: (n,) potential that thresholds count from.
        start: rates [Hz] to relax from.

    Raises:
        InputError: the shapes do not fit, or a population is silent.
    """
    network, begin = _network(
        weight, indegree, external_mean, external_variance, threshold, reset, tau, refractory, start
    )
    point = network.point(begin)
    if not (point.rate > 0).all():
        raise InputError(f"elasticities: rates are {point.rate}; a silent population has none")
    slope = log_gradient(point.mean, point.std, **network.cell)
    height = network.cell["threshold"] - broadcast(np.empty(len(begin)), rest)[1]
    return Elasticities(
        point, height * slope.threshold, network.chained(slope, point.rate) * point.rate
    )


@dataclass(frozen=True)
class _Network:
    """The mean-field equations of n populations."""

    to_mean: FloatArray
    """(n, n) what a rate adds to the mean."""
    to_variance: FloatArray
    """(n, n) what it adds to 2 std^2."""
    mean: FloatArray
    """(n,) from outside."""
    variance: FloatArray
    """(n,) from outside."""
    cell: dict[str, FloatArray]
    """Parameters of `siegert`, (n,) each."""

    def inputs(self, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and std of the free potentials."""
        positive = np.maximum(rate, 0.0)
        variance = np.maximum(self.to_variance @ positive + self.variance, 0.0)
        return self.to_mean @ positive + self.mean, np.sqrt(variance / 2)

    def excess(self, rate: FloatArray) -> FloatArray:
        """Return by how much the rates sent are above those heard."""
        return siegert(*self.inputs(rate), **self.cell) - rate

    def jacobian(self, rate: FloatArray) -> FloatArray:
        """Return the derivative of `excess`, (n, n)."""
        slope = gradient(*self.inputs(rate), **self.cell)
        return np.asarray(self.chained(slope, rate) - np.eye(len(rate)))

    def point(self, start: FloatArray) -> OperatingPoint:
        """Return the fixed point that rates relax to."""
        rate = _settled(self.excess, self.jacobian, start)
        error = np.abs(self.excess(rate)) / np.maximum(rate, 1e-3)
        stable = bool(np.linalg.eigvals(self.jacobian(rate)).real.max() < 0)
        return OperatingPoint(rate, *self.inputs(rate), float(error.max()), stable)

    def chained(self, slope: Gradient, rate: FloatArray) -> FloatArray:
        """Return derivatives by the rates heard, (n, n), from those by mean and std."""
        std = self.inputs(rate)[1]
        by_std = np.where(std > 0, slope.std / (4 * np.where(std > 0, std, 1.0)), 0.0)
        by_mean = np.nan_to_num(slope.mean)
        return np.asarray(by_mean[:, None] * self.to_mean + by_std[:, None] * self.to_variance)


def _network(weight: Numbers, indegree: Numbers, *columns: Numbers) -> tuple[_Network, FloatArray]:
    """Return the equations for the arguments of `self_consistent`, and the rates to start from."""
    jump, degree = broadcast(weight, indegree)
    if jump.ndim != 2 or jump.shape[0] != jump.shape[1]:
        raise InputError(f"self_consistent: weight has shape {jump.shape}; it needs (n, n)")
    mean, variance, theta, v_reset, tau_m, dead, start = _columns(len(jump), columns)
    cell = {"threshold": theta, "reset": v_reset, "tau": tau_m, "refractory": dead}
    to_mean, to_variance = tau_m[:, None] * jump * degree, tau_m[:, None] * jump**2 * degree
    return _Network(to_mean, to_variance, mean, variance, cell), start


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
