"""Rate of the leaky integrate-and-fire neuron when synapses filter the noise."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import zeta

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.white_noise import siegert

SHIFT = float(-zeta(0.5) / np.sqrt(2))
"""1.0326: the effective boundary moves by this times sqrt(2) std sqrt(tau_syn / tau)."""

VALID = 0.1
"""Largest tau_syn / tau for which the expansion may be used."""


def colored(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    tau_syn: Numbers,
    refractory: Numbers = 0.0,
) -> FloatArray:
    """Return the rate in Hz for noise that an exponential synapse filters.

    Siegert's rate with threshold and reset moved up by |zeta(1/2)| std sqrt(tau_syn / tau)
    (Fourcaud and Brunel 2002, Neural Comput. 14:2057, eq. 4.33): the first order in
    sqrt(tau_syn / tau). Against simulation within 2 % for tau_syn / tau <= 0.05; above 0.1 a
    RuntimeWarning says that the expansion has left its range.

    Args:
        mean: as for `siegert`.
        std: standard deviation of the free potential in the limit of fast synapses; the filtered
            potential has std / sqrt(1 + tau_syn / tau).
        threshold: as for `siegert`.
        reset: as for `siegert`.
        tau: as for `siegert`.
        tau_syn: synaptic time constant [s], >= 0.
        refractory: as for `siegert`.
    """
    mu, s, theta, v_reset, tau_m, tau_s = broadcast(mean, std, threshold, reset, tau, tau_syn)
    with np.errstate(all="ignore"):
        ratio = tau_s / tau_m
        shift = np.sqrt(2) * SHIFT * s * np.sqrt(np.where(ratio >= 0, ratio, np.nan))
    if (ratio > VALID).any():
        warnings.warn(
            f"colored: tau_syn / tau reaches {np.nanmax(ratio):.3g}; the expansion holds to "
            f"{VALID}, beyond it simulate or use the discrete-time rate",
            RuntimeWarning,
            stacklevel=2,
        )
    return siegert(
        mu, s, threshold=theta + shift, reset=v_reset + shift, tau=tau_m, refractory=refractory
    )
