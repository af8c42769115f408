"""A Network in float64: equal to LIFTorch where arithmetic is exact, and near continuous time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from rockpool.nn.modules import LIFTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential

from neurosim import engines
from neurosim.engines.brian2 import Brian2Engine, continuous
from neurosim.errors import InputError, UnavailableError
from neurosim.network import Layer, Network
from tests import nets

STATES = ("spikes", "v_mem", "i_syn")
BRIAN2 = engines.get("brian2")


@pytest.fixture
def float64():
    """LIFTorch makes its records in torch's default type, whatever the module's type is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class Spikes:
    """Rockpool's spike function, its float32 counts cast to the type of the membrane."""

    @staticmethod
    def apply(membrane: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return PeriodicExponential.apply(membrane, *rest).to(membrane.dtype)


def liftorch(network: Network, raster: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Run rockpool's own LIFTorch layer by layer, decays 1/2, in torch's default type."""
    dtype = torch.get_default_dtype()
    value = torch.from_numpy(raster).to(dtype)
    records = []
    for layer in network.layers:
        value = value @ torch.from_numpy(layer.weight.reshape(layer.n_in, -1)).to(dtype)
        neurons = LIFTorch(
            (layer.n_out * layer.synapses, layer.n_out),
            has_rec=layer.recurrent is not None,
            max_spikes_per_dt=torch.tensor(float(layer.max_spikes)),
            spike_generation_fn=Spikes,
            dt=network.dt,
            leak_mode="decays",
        ).to(dtype)
        values = {name: getattr(layer, name) for name in ("threshold", "bias")}
        # The decays themselves: another processor's exp may miss 1/2 by a rounding.
        values |= {"alpha": np.full(layer.n_out, 0.5)}
        values |= {"beta": np.full((layer.n_out, layer.synapses), 0.5)}
        if layer.recurrent is not None:
            values["w_rec"] = layer.recurrent.reshape(layer.n_out, -1)
        for name, array in values.items():
            getattr(neurons, name).data = torch.from_numpy(array.copy()).to(dtype)
        with torch.no_grad():
            value, _, recorded = neurons(value, record=True)
        records.append({"spikes": value, "v_mem": recorded["vmem"], "i_syn": recorded["isyn"]})
        value = value.to(dtype)
    return [{name: tensor.numpy() for name, tensor in record.items()} for record in records]


def assert_equal_to_liftorch(network: Network, raster: np.ndarray) -> None:
    ours = BRIAN2.run(network, raster, record=STATES)
    for k, theirs in enumerate(liftorch(network, raster)):
        alpha, beta = network.layers[k].decays(network.dt)
        assert (alpha == 0.5).all()
        assert (beta == 0.5).all()
        np.testing.assert_array_equal(ours.spikes[k], theirs["spikes"])
        np.testing.assert_array_equal(ours.v_mem[k], theirs["v_mem"])
        np.testing.assert_array_equal(ours.i_syn[k], theirs["i_syn"][..., 0])
        if ours.i_syn_2 is not None:
            np.testing.assert_array_equal(ours.i_syn_2[k], theirs["i_syn"][..., 1])
        assert max(np.abs(ours.v_mem[k]).max(), np.abs(ours.i_syn[k]).max()) < 2**11
    assert sum(spikes.sum() for spikes in ours.spikes) > 100


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("synapses", [1, 2])
@pytest.mark.parametrize("seed", range(2))
def test_equal_to_liftorch_in_float64_on_a_dyadic_grid(synapses, recurrent, seed, float64) -> None:
    rng = np.random.default_rng([seed, synapses, recurrent])
    network = nets.dyadic(rng, bits=8, synapses=synapses, recurrent=recurrent)
    assert_equal_to_liftorch(network, rng.poisson(0.4, (6, 12, 5)).astype(np.uint8))


@pytest.mark.parametrize("recurrent", [False, True])
def test_equal_to_liftorch_in_float32_on_a_coarser_grid(recurrent) -> None:
    rng = np.random.default_rng([9, recurrent])
    network = nets.dyadic(rng, bits=4, recurrent=recurrent)
    assert_equal_to_liftorch(network, rng.poisson(0.4, (8, 8, 5)).astype(np.uint8))


def with_recurrence(network: Network, rng: np.random.Generator) -> Network:
    layers = [
        replace(layer, recurrent=rng.normal(0, 0.05, (layer.n_out, layer.n_out)))
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def test_three_synapses_are_refused() -> None:
    rng = np.random.default_rng(0)
    layer = Layer(
        weight=rng.normal(size=(3, 2, 3)),
        tau_mem=np.array(0.02),
        tau_syn=np.array(0.01),
        threshold=np.array(1.0),
        bias=np.array(0.0),
    )
    with pytest.raises(InputError, match="3 synapses"):
        BRIAN2.run(Network((layer,), dt=1e-3), np.ones((1, 2, 3), int))


def test_a_network_needs_the_library() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UnavailableError, match="use the engine 'torch'"):
        Brian2Engine(target="numpy").run(nets.network(rng), nets.events(rng))


# --- continuous time ------------------------------------------------------------------------------


def slow_net(rng: np.random.Generator) -> Network:
    def layer(n_in: int, n_out: int, gain: float) -> Layer:
        return Layer(
            weight=rng.uniform(0.0, gain, (n_in, n_out)) / np.sqrt(n_in),
            tau_mem=np.array(20e-3),
            tau_syn=np.array(10e-3),
            threshold=np.array(1.0),
            bias=np.array(0.0),
        )

    return Network((layer(6, 8, 0.4), layer(8, 5, 0.3)), dt=2e-3)


def test_the_map_comes_near_the_continuous_net_at_first_order() -> None:
    rng = np.random.default_rng(3)
    network, raster = slow_net(rng), rng.poisson(0.15, (60, 6)).astype(np.uint8)
    flow = continuous.flow(network, raster, 256)
    assert min(len(layer.spike_steps) for layer in flow) > 50
    factors = 2 ** np.arange(6)
    errors = np.array([_lateness(network, raster, flow, int(f)) for f in factors])
    for k in range(2):
        order = np.polyfit(np.log(1 / factors), np.log(errors[:, k]), 1)[0]
        assert 0.8 < order < 1.2
        assert errors[-1, k] < 0.05 * errors[0, k]


def _lateness(network: Network, raster: np.ndarray, flow, factor: int) -> list[float]:
    """Mean distance of the spikes of each layer from those of the continuous net, in seconds."""
    fine = continuous.refine(network, factor)
    run = BRIAN2.run(fine, continuous.refine_raster(raster[None], factor))
    means = []
    for k, layer in enumerate(network.layers):
        late = []
        for neuron in range(layer.n_out):
            counts = run.spikes[k][0, :, neuron]
            times = np.repeat(np.arange(run.steps), counts) * fine.dt
            exact = flow[k].times_of(neuron)
            pairs = min(len(times), len(exact))
            late += list(np.abs(times[:pairs] - exact[:pairs]))
        means.append(float(np.mean(late)))
    return means


def test_refining_keeps_time_constants_and_shares_out_the_input() -> None:
    network = nets.network(np.random.default_rng(1))
    fine = continuous.refine(network, 4)
    assert fine.dt == network.dt / 4
    np.testing.assert_array_equal(fine.layers[0].tau_mem, network.layers[0].tau_mem)
    np.testing.assert_allclose(fine.layers[0].weight * 4, network.layers[0].weight)
    raster = continuous.refine_raster(np.ones((1, 3, 2), np.uint8), 4)
    assert raster.shape == (1, 12, 2)
    assert raster.sum() == 6
    with pytest.raises(InputError, match="factor is 0"):
        continuous.refine(network, 0)
    recurrent = with_recurrence(network, np.random.default_rng(0))
    with pytest.raises(InputError, match="recurrent"):
        continuous.flow(recurrent, np.ones((3, 6), int), 2)
