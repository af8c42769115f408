"""A layered network in continuous time, and the maps that come near it with smaller steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.engines.brian2.plan import Spikes, positive
from neurosim.engines.brian2.simulate import simulate
from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.raster import check_raster


def refine(network: Network, factor: int) -> Network:
    """Return the same network with a step `factor` times smaller.

    Time constants stay; what a step adds to a membrane is shared out, so that the sum of many
    small steps comes near the integral that one large step stands for.
    """
    factor = positive("factor", factor)
    layers = tuple(
        replace(
            layer,
            weight=layer.weight / factor,
            recurrent=None if layer.recurrent is None else layer.recurrent / factor,
            bias=layer.bias / factor,
        )
        for layer in network.layers
    )
    return replace(network, layers=layers, dt=network.dt / factor)


def refine_raster(raster: np.ndarray, factor: int) -> np.ndarray:
    """Return a raster with a step `factor` times smaller; events fall into the first small step."""
    factor = positive("factor", factor)
    fine = np.zeros((raster.shape[0], raster.shape[1] * factor, raster.shape[2]), raster.dtype)
    fine[:, ::factor] = raster
    return fine


def flow(network: Network, raster: np.ndarray, factor: int, **options: object) -> list[Simulation]:
    """Run one sample in continuous time, layer by layer, with an integrator of fourth order.

    Args:
        network: layers with one synapse and no recurrent weights.
        raster: event counts (time, channels) in the network's steps.
        factor: small steps of the integrator in one of the network's.
        options: for `simulate`, for example `target`.

    Returns:
        For each layer its spikes, and the traces v_mem and i_syn in small steps.

    Raises:
        InputError: a layer has recurrent weights or two synapses.
    """
    factor = positive("factor", factor)
    raster = check_raster(np.asarray(raster)[None], network.shape[0])
    events = refine_raster(raster, factor)[0]
    results = []
    for k, layer in enumerate(network.layers):
        if layer.recurrent is not None or layer.synapses != 1:
            raise InputError(f"layer {k} has recurrent weights or two synapses; flow runs neither")
        result = simulate(
            "lif-flow",
            n=layer.n_out,
            duration=len(events) * network.dt / factor,
            dt=network.dt / factor,
            parameters={
                "tau_mem": layer.tau_mem * 1e3,
                "tau_syn": layer.tau_syn.reshape(-1) * 1e3,
                "bias": layer.bias,
                "theta_0": layer.threshold,
                "dt_map": network.dt * 1e3,
            },
            inputs={"receive": Spikes(events, layer.weight.reshape(layer.n_in, layer.n_out))},
            record=("v_mem", "i_syn"),
            **options,  # type: ignore[arg-type]
        )
        events = np.zeros((len(events), layer.n_out), dtype=np.uint8)
        np.add.at(events, (result.spike_steps, result.spike_neurons), 1)
        results.append(result)
    return results
