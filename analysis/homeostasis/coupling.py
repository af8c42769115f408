"""How the layers of a network answer their thresholds and each other, for a homeostat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import logsumexp

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.networks.effective_jacobian import layer_inputs
from neurosim.analysis.networks.layer_response import log_response
from neurosim.analysis.networks.membrane_drive import membrane

if TYPE_CHECKING:
    from neurosim.analysis.firing_rate import Elasticities
    from neurosim.network import Layer, Network

STEP = 0.01
"""Relative change of threshold or rate for the derivatives, fourth order in it."""

_STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


class Coupling(NamedTuple):
    """Elasticities of the layers' mean rates; fields of `homeostasis.Loop`."""

    sensitivity: FloatArray
    """a = -d ln r/d ln threshold of the layer, (L,)."""
    coupling: FloatArray
    """b = d ln r/d ln(rates that it reads), (L,) in a chain; (L, L) where all hear each other."""


def coupling_from_network(network: Network, rates: Sequence[Numbers]) -> Coupling:
    """Return the sensitivity of each layer to its thresholds and to the rates of the one before.

    Each neuron's rate is the exact one of `discrete_time` (reset by subtraction) at the mean and
    std of its membrane under Poisson inputs, which synapses filter (`filtered_rate`). The
    layer before is taken to change all its rates by one factor. A recurrent layer's feedback on
    itself is summed: a and b are divided by 1 - d ln r/d ln(own rate).

    For white noise and a reset to 0 rates depend on ratios of threshold, mean and std only, so
    b = a - (1/2) d ln r/d ln std: layers that are sensitive to their threshold pass on deviations
    just as strongly. Layers whose input is normalised have b = 0.

    Args:
        network: a Network.
        rates: spikes per step of the input channels and of each layer at the operating point,
            measured or predicted; L or L + 1 arrays, the last needed only if recurrent.

    Raises:
        InputError: the rates do not fit the network.
    """
    elasticities = []
    for layer, rate, own in zip(network.layers, *layer_inputs(network, rates), strict=True):
        a, b, feedback = _elasticities(layer, rate, own, network.dt)
        elasticities.append((a / (1 - feedback), b / (1 - feedback)))
    return Coupling(*np.array(elasticities, dtype=np.float64).reshape(-1, 2).T)


def coupling_from_populations(answer: Elasticities) -> Coupling:
    """Return the sensitivity of populations to their thresholds, and their coupling to all rates.

    A scale on the thresholds acts on what they are above rest. Rates of the whole network answer
    thresholds by -(I - J)^-1 diag(a), J being the coupling: so inhibition that follows excitation
    weakens the answer, and excitation alone strengthens it.

    Args:
        answer: what `firing_rate.elasticities` gives, at the rates that the populations settle to.
    """
    return Coupling(-answer.threshold, answer.rates)


def _elasticities(
    layer: Layer, rates: FloatArray, own: FloatArray | None, dt: float
) -> tuple[float, float, float]:
    """Return -d ln r/d ln threshold, d ln r/d ln input and d ln r/d ln own rate of the mean r."""
    back = own if layer.recurrent is not None else None
    shifts = np.array([shift for shift, _ in _STENCIL]) * STEP
    weights = np.array([weight for _, weight in _STENCIL]) / STEP

    def mean_log_rates(threshold: FloatArray, read: FloatArray, fed: FloatArray) -> FloatArray:
        """Logarithms of the mean rate for factors of threshold, input and own rates."""
        logs = []
        for k, factor in enumerate(threshold):
            free = membrane(layer, rates * read[k], dt, None if back is None else back * fed[k])
            logs.append(log_response(layer, free, float(factor)))
        return np.asarray(logsumexp(np.array(logs), axis=1))

    moved, still = np.exp(shifts), np.ones(shifts.size)
    with np.errstate(invalid="ignore"):
        a = -float(weights @ mean_log_rates(moved, still, still))
        b = float(weights @ mean_log_rates(still, moved, still))
        own_part = 0.0 if back is None else float(weights @ mean_log_rates(still, still, moved))
    return a, b, own_part
