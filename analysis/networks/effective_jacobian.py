"""How much of a gradient passes a layer of spiking neurons: AHSAR's J = diag(G) W (section 3).

G is the mean surrogate gradient of each neuron, `stationary.gate`. Through depth the product
J_L ... J_1 decides whether gradients vanish or explode, and G moves with the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.networks.membrane_drive import membrane, rate_weights
from neurosim.analysis.thresholds.stationary import Surrogate, gate
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.network import Layer, Network


class Passage(NamedTuple):
    """What gradients meet on their way through a network of L layers."""

    norms: FloatArray
    """Spectral norm of each layer's Jacobian, (L,)."""
    log_product: FloatArray
    """ln of the spectral norm of the product of the first l Jacobians, l = 1..L, (L,)."""
    per_layer: float
    """exp(log_product[-1]/L): below 1 gradients vanish with depth, above 1 they explode."""


def layer_jacobian(layer: Layer, gates: Numbers, dt: float | None = None) -> FloatArray:
    """Return diag(G) W, (n_out, n_in).

    Args:
        layer: a layer of a Network; the synapses of a neuron add up.
        gates: G of each neuron, or one for all.
        dt: the time step [s] to count a lasting change of the input, which synapse and membrane
            sum up: each weight times b/((1 - a)(1 - b)), a and b the decays per step of membrane
            and synapse. By default the weight alone, as AHSAR has it.
    """
    if dt is None:
        weight = np.asarray(layer.weight, dtype=np.float64)
        weight = weight.reshape(*weight.shape[:2], -1).sum(2)
    else:
        weight = rate_weights(layer, dt)
    openings = np.broadcast_to(np.asarray(gates, dtype=np.float64), weight.shape[1])
    return np.asarray(openings[:, None] * weight.T)


def network_gates(
    network: Network,
    rates: Sequence[Numbers],
    surrogate: str | Surrogate = "laplace",
    threshold_scale: float | Sequence[float] = 1.0,
) -> list[FloatArray]:
    """Return G of every neuron of every layer, from the spikes that reach it.

    Args:
        network: a Network.
        rates: spikes per step of the input channels and of each layer, L or L + 1 arrays.
        surrogate: as for `stationary.gate`.
        threshold_scale: as for `Network.with_threshold`.

    Raises:
        InputError: the rates do not fit the network.
    """
    scaled = network.with_threshold(threshold_scale)
    inputs, own = layer_inputs(network, rates)
    gates = []
    for layer, rate, back in zip(scaled.layers, inputs, own, strict=True):
        free = membrane(layer, rate, network.dt, back)
        gates.append(np.asarray(gate(layer.threshold, free.mean, free.std, surrogate)))
    return gates


def passage(network: Network, gates: Sequence[Numbers], *, lasting: bool = False) -> Passage:
    """Return the norms of the layers' Jacobians and of their product through depth.

    Args:
        network: a Network; recurrent weights are left out.
        gates: G of each layer's neurons, L arrays (`network_gates`).
        lasting: whether a lasting change of the input is meant, see `layer_jacobian`.

    Raises:
        InputError: there is not one array of gates for each layer.
    """
    if len(gates) != len(network.layers):
        raise InputError(f"passage: {len(gates)} gates for {len(network.layers)} layers")
    product: FloatArray | None = None
    log_scale, norms, logs = 0.0, [], []
    for layer, opening in zip(network.layers, gates, strict=True):
        jacobian = layer_jacobian(layer, opening, network.dt if lasting else None)
        norms.append(float(np.linalg.norm(jacobian, 2)))
        product = jacobian if product is None else jacobian @ product
        size = float(np.linalg.norm(product, 2))
        with np.errstate(divide="ignore"):
            log_scale += float(np.log(size))
        if size > 0:  # the product is kept at norm 1, so that deep nets do not underflow
            product = product / size
        logs.append(log_scale)
    depth = len(norms)
    return Passage(np.array(norms), np.array(logs), float(np.exp(log_scale / depth)))


def layer_inputs(
    network: Network, rates: Sequence[Numbers]
) -> tuple[list[FloatArray], list[FloatArray | None]]:
    """Return the rates that each layer reads and its own, None where they are not given.

    Raises:
        InputError: there are neither L nor L + 1 arrays, or one has the wrong length.
    """
    depth = len(network.layers)
    if len(rates) not in (depth, depth + 1):
        raise InputError(
            f"rates: {len(rates)} arrays for {depth} layers; give the input's and each layer's"
        )
    arrays = [np.asarray(rate, dtype=np.float64) for rate in rates]
    for k, (rate, size) in enumerate(zip(arrays, network.shape, strict=False)):
        if rate.shape != (size,):
            raise InputError(f"rates[{k}] has shape {rate.shape}; it needs ({size},)")
    own: list[FloatArray | None] = [*arrays[1:]]
    return arrays[:depth], [*own, None][:depth]
