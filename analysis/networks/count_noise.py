"""How much a readout's spike counts vary from trial to trial, and how often it errs for that.

Over a window much longer than all time constants the covariance of counts grows by a matrix C per
step. A layer passes on that of the one before through the slope of its rates and adds noise of its
own,

    C <- A C A' + diag(n),    A = diag(dr/dmean) d(mean)/d(rates before).

`n` is what the fast part of a neuron's input noise (`filtered_rate`) puts into its spike train
beyond what already came through A: of a renewal train with rate r and coefficient of variation CV
under white noise,

    n = r CV^2 - (dr/dmean)^2 2 std^2 tau/dt,

averaged over the slow part. It vanishes where the mean drives the neuron, which then counts its
input, and is r where spikes are rare. Derived here; noise of different neurons is taken as
independent given the layer before, and responses as linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.discrete.discrete_time import OVERSHOOT
from neurosim.analysis.discrete.filtered_rate import slow_nodes
from neurosim.analysis.firing_rate.variability import cv
from neurosim.analysis.firing_rate.white_noise import gradient, siegert
from neurosim.analysis.networks.layer_response import log_response
from neurosim.analysis.networks.mean_field import predict
from neurosim.analysis.networks.membrane_drive import Membrane, rate_weights
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.network import Layer, Network

_DRAWS = 1024
_SHIFT = 0.05
"""Step of the derivative of the rate, in std of the membrane."""


class Counts(NamedTuple):
    """Spike counts of the readout in a window."""

    mean: FloatArray
    """(..., classes)"""
    covariance: FloatArray
    """(..., classes, classes), from trial to trial."""

    @property
    def std(self) -> FloatArray:
        """Standard deviations, (..., classes)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))


def readout_counts(
    network: Network,
    input_rates: Numbers,
    steps: int,
    *,
    threshold_scale: float | Sequence[float] = 1.0,
    known_input: bool = False,
) -> Counts:
    """Return mean and covariance of the last layer's spike counts over a window.

    Standard deviations are within 30 % of simulated ones; a readout counts far more regularly
    than Poisson (variance over mean 0.05 to 0.5), and classes that read the same layer vary
    together.

    Args:
        network: a Network without recurrent layers.
        input_rates: (..., bins, channels) mean events per step in consecutive bins.
        steps: length of a bin in steps; of one bin, that of the window.
        threshold_scale: as for `mean_field.predict`.
        known_input: whether the rates are counts of the very trial, of which only the moments of
            the events within a bin are open, rather than rates of Poisson events.

    Raises:
        InputError: a layer is recurrent, or as for `mean_field.predict`.
    """
    if any(layer.recurrent is not None for layer in network.layers):
        raise InputError("readout_counts: a layer is recurrent; noise is followed forward only")
    prediction = predict(network, input_rates, threshold_scale=threshold_scale, bin_steps=steps)
    rates = np.maximum(np.asarray(input_rates, dtype=np.float64), 0.0)
    noise = _diagonal(np.zeros_like(rates) if known_input else rates)
    for layer, free in zip(
        network.with_threshold(threshold_scale).layers, prediction.membranes, strict=True
    ):
        slope = _slope(layer, free)
        passed = slope[..., None] * rate_weights(layer, network.dt).T
        noise = passed @ noise @ np.swapaxes(passed, -1, -2) + _diagonal(_own_noise(layer, free))
    return Counts(steps * prediction.rates[-1].sum(-2), steps * noise.sum(-3))


def expected_accuracy(
    counts: Counts, labels: Sequence[int] | npt.NDArray[np.integer[Any]]
) -> float:
    """Return the expected share of samples decided as labelled, by the most spikes.

    Gaussian counts with their covariance, rounded to whole spikes: ties go to the lower class and
    a silent readout is wrong (`neurosim.readout`). On 1024 quasi-random draws (error near 1e-3).

    Args:
        counts: of samples on the leading axis.
        labels: (samples,) class numbers.
    """
    classes = counts.mean.shape[-1]
    uniform = qmc.Sobol(classes, seed=0).random(_DRAWS)
    normal = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
    values, vectors = np.linalg.eigh(counts.covariance)
    spread = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    drawn = np.rint(counts.mean[..., None, :] + normal @ np.swapaxes(spread, -1, -2))
    right = drawn.argmax(-1) == np.asarray(labels)[..., None]
    return float((right & (drawn.max(-1) > 0)).mean())


def _slope(layer: Layer, free: Membrane) -> FloatArray:
    """Return dr/dmean of every neuron, (..., n_out)."""
    step = _SHIFT * np.where(free.std > 0, free.std, 1.0)
    above, below = (
        np.exp(log_response(layer, free._replace(mean=free.mean + sign * step))) for sign in (1, -1)
    )
    return np.asarray((above - below) / (2 * step))


def _own_noise(layer: Layer, free: Membrane) -> FloatArray:
    """Return n of the module's text, (..., n_out), by quick continuous-time formulas."""
    length = -np.log(free.decay)[:, None]
    held, shares, fast = slow_nodes(free.mean, free.std, free.fast)
    shift = OVERSHOOT * fast * np.sqrt(2 * length)
    threshold = np.asarray(layer.threshold, dtype=np.float64)[:, None] + shift
    cell = {"threshold": threshold, "reset": shift, "tau": 1.0}
    with np.errstate(all="ignore"):
        renewal = length * siegert(held, fast, **cell) * cv(held, fast, **cell) ** 2
        response = length * gradient(held, fast, **cell).mean
        rest = renewal - response**2 * 2 * fast**2 / length
    return np.asarray(np.nan_to_num(np.maximum(rest, 0.0)) @ shares)


def _diagonal(values: FloatArray) -> FloatArray:
    return np.asarray(values[..., None] * np.eye(values.shape[-1]))
