"""Linear response of the firing rate to a weak modulation of its input."""

from __future__ import annotations

from typing import Literal

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.hermite import ComplexArray, log_ratio
from neurosim.analysis.firing_rate.white_noise import gradient, siegert
from neurosim.errors import InputError


def transfer(
    frequency: Numbers,
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
    modulated: Literal["mean", "std"] = "mean",
) -> ComplexArray:
    """Return the complex response of the rate, in Hz per unit of mean (or std).

    With the input mean + eps cos(2 pi f t) the rate is nu + Re[N(f) eps exp(2 pi i f t)],

        N = nu / (sqrt(2) std (1 + k)) [psi'] / [psi],    k = 2 pi i f tau

    (Brunel and Hakim 1999; Lindner and Schimansky-Geier 2001; Brunel et al. 2001), where psi is
    the function of `hermite`, [psi'] = psi'(y_threshold) - psi'(y_reset) and [psi] the same with
    exp(-2 pi i f refractory) on the reset's term. For a modulated std, psi'' replaces psi' and
    nu / (std (2 + k)) the factor. At f = 0 this is `gradient`, which is what is returned there.

    Args:
        frequency: f [Hz].
        mean: as for `siegert`, like all that follow.
        std: of the free potential, > 0.
        threshold: above reset.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time [s].
        modulated: which input varies in time.

    Raises:
        InputError: `modulated` is neither "mean" nor "std".
    """
    if modulated not in ("mean", "std"):
        raise InputError(f"transfer: modulated is {modulated!r}; it is 'mean' or 'std'")
    arguments = (frequency, mean, std, threshold, reset, tau, refractory)
    f, mu, s, theta, v_reset, tau_m, dead = broadcast(*arguments)
    cell = {"threshold": theta, "reset": v_reset, "tau": tau_m, "refractory": dead}
    response = _response(np.where(f == 0, np.nan, f), mu, s, cell, modulated == "std")
    static = gradient(mu, s, **cell)
    limit = static.mean if modulated == "mean" else static.std
    return np.where(f == 0, limit, response)[()]


def _response(
    f: FloatArray, mu: FloatArray, s: FloatArray, cell: dict[str, FloatArray], of_std: bool
) -> ComplexArray:
    """Return the formula of `transfer` at f > 0."""
    rate = siegert(mu, s, **cell)
    with np.errstate(all="ignore"):
        scale = np.sqrt(2) * s
        top, bottom = (cell["threshold"] - mu) / scale, (cell["reset"] - mu) / scale
        turn = 2j * np.pi * f
        k = turn * cell["tau"]
        gain, slope_bottom, slope_top = log_ratio(bottom, top, k)
        escaped = np.where(np.isposinf(gain.real), 0, np.exp(-gain))
        delay = turn * cell["refractory"]
        denominator = np.where(np.isposinf(gain.real), 1, -np.expm1(-gain - delay))
        if of_std:
            factor = rate / (s * (2 + k))
            ends = (2 * top * slope_top + 2 * k, 2 * bottom * slope_bottom + 2 * k)
        else:
            factor, ends = rate / (scale * (1 + k)), (slope_top, slope_bottom)
        return np.asarray(factor * (ends[0] - escaped * ends[1]) / denominator)
