"""Modules to Network and back: nothing is lost, and what a Network cannot say is refused."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFBitshiftTorch, LIFTorch, LinearTorch
from rockpool.nn.networks.synnet import SynNet
from rockpool.parameters import Constant

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import rockpool_json
from neurosim.formats.rockpool import module_from_network, network_from_module
from neurosim.network import Layer, Network
from neurosim.snn import LIF
from tests import nets
from tests.snn.nets import deep, raster

FIELDS = ("weight", "tau_mem", "tau_syn", "threshold", "bias", "recurrent")


@st.composite
def networks(draw):
    """A Network with one to three layers of one to three synapses, some recurrent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    layers = []
    for n_in, n_out in pairwise(sizes):
        synapses = draw(st.integers(1, 3))
        extra = (synapses,) if synapses > 1 else ()
        recurrent = draw(st.booleans())
        layers.append(
            Layer(
                weight=rng.normal(size=(n_in, n_out, *extra)).astype(dtype),
                tau_mem=rng.uniform(1e-3, 0.1, n_out).astype(dtype),
                tau_syn=rng.uniform(1e-3, 0.1, (n_out, *extra)).astype(dtype),
                threshold=rng.uniform(0.5, 2, n_out).astype(dtype),
                bias=rng.normal(size=n_out).astype(dtype),
                recurrent=rng.normal(size=(n_out, n_out, *extra)).astype(dtype)
                if recurrent
                else None,
                max_spikes=draw(st.integers(1, 40)),
            )
        )
    return Network(tuple(layers), dt=draw(st.sampled_from([1e-3, 5e-3])))


@given(networks())
def test_network_to_module_and_back(network):
    dtype = torch.from_numpy(network.layers[0].weight[:0].copy()).dtype
    back = network_from_module(module_from_network(network, dtype))
    assert back.digest() == network.digest()
    assert back.shape == network.shape


@pytest.mark.parametrize("kind", [LIF, LIFTorch])
def test_module_to_network_and_back(kind):
    net = deep(kind)
    again = module_from_network(network_from_module(net))
    expected, _, _ = net(raster())
    assert expected.sum() > 10
    assert torch.equal(again(raster())[0], expected)


@pytest.mark.parametrize(
    "leaks",
    [
        {"leak_mode": "decays", "alpha": torch.tensor(0.9), "beta": torch.tensor(0.75)},
        {"leak_mode": "bitshifts", "dash_mem": torch.tensor(3.0), "dash_syn": torch.tensor(2.0)},
        {"tau_mem": torch.full((4,), 0.02), "tau_syn": torch.full((1, 2), 0.01)},
    ],
)
def test_decays_of_every_leak_mode_survive(leaks):
    lif = LIFTorch((8, 4), dt=2e-3, **leaks)
    network = network_from_module(Sequential(LinearTorch((3, 8)), lif))
    (layer,) = network.layers
    assert layer.weight.shape == (3, 4, 2)
    # float32 time constants give decays back to a few roundings.
    alpha, beta = lif.alpha.detach().numpy(), lif.beta.detach().numpy()
    np.testing.assert_allclose(np.exp(-2e-3 / layer.tau_mem), np.full(4, alpha), rtol=1e-6)
    beta = np.broadcast_to(beta, (4, 2))
    np.testing.assert_allclose(np.exp(-2e-3 / layer.tau_syn), beta, rtol=1e-6)


def test_bitshift_neurons_keep_the_decay_they_compute_with():
    lif = LIFBitshiftTorch((4,), tau_mem=torch.full((4,), 0.02), tau_syn=torch.full((4, 1), 0.01))
    (layer,) = network_from_module(Sequential(LinearTorch((3, 4)), lif)).layers
    np.testing.assert_allclose(np.exp(-1e-3 / layer.tau_mem), 1 - 2.0**-4, rtol=1e-6)
    np.testing.assert_allclose(np.exp(-1e-3 / layer.tau_syn), 1 - 2.0**-3, rtol=1e-6)
    assert layer.max_spikes == 31


def test_weight_orientation():
    weight = torch.arange(6.0).reshape(2, 3)
    rockpools = Sequential(LinearTorch((2, 3), weight=weight), LIF((3,)))
    torchs = torch.nn.Linear(2, 3, bias=False)
    torchs.weight.data = weight.T.clone()
    for net in (rockpools, torch.nn.Sequential(torchs, LIF((3,)))):
        np.testing.assert_array_equal(network_from_module(net).layers[0].weight, weight.numpy())


def test_nested_sequentials_are_flattened():
    net = Sequential(
        Sequential(LinearTorch((2, 3)), LIF((3,))), LinearTorch((3, 4)), Sequential(LIF((4,)))
    )
    assert network_from_module(net).shape == (2, 3, 4)


def test_recurrent_weights_act_from_row_to_column():
    """A spike of neuron 0 excites neuron 1 one step later, and not the other way round."""
    recurrent = np.array([[0.0, 5.0], [0.0, 0.0]])
    layer = Layer(
        weight=np.array([[9.0, 0.0]]), tau_mem=0.01, tau_syn=0.001, threshold=1.0, bias=0.0,
        recurrent=recurrent, max_spikes=1,
    )  # fmt: skip
    net = module_from_network(Network((layer,), dt=1e-3))
    spikes, _, _ = net(torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1))
    assert spikes[0, :, 0].tolist()[0] == 1
    assert spikes[0, :, 1].tolist()[:2] == [0, 1]
    np.testing.assert_array_equal(network_from_module(net).layers[0].recurrent, recurrent)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([LinearTorch((2, 3))], "holds 1 modules"),
        ([LIF((2,)), LinearTorch((2, 3))], "0_LIF is LIF where a Network needs LinearTorch"),
        ([LinearTorch((2, 3)), LinearTorch((3, 3))], "1_LinearTorch is LinearTorch where"),
        ([LinearTorch((2, 3), has_bias=True), LIF((3,))], "0_LinearTorch has a bias"),
        ([LinearTorch((2, 3)), LIF((3,), noise_std=0.5)], "1_LIF has noise_std 0.5"),
        (
            [LinearTorch((2, 3)), LIF((3,), leak_mode="decays", alpha=Constant(torch.tensor(1.5)))],
            "alpha of module 1_LIF holds 1.5",
        ),
        (
            [LinearTorch((2, 3)), LIF((3,)), LinearTorch((3, 3)), LIF((3,), dt=2e-3)],
            "different time steps",
        ),
        ([LinearTorch((2, 3)), LIF((3,), max_spikes_per_dt=0.5)], "max_spikes is 0.5"),
        ([LinearTorch((2, 3)), LIF((3,), threshold=torch.tensor(0.0))], "threshold holds 0.0"),
    ],
)
def test_what_a_network_cannot_say_is_refused(modules, message):
    with pytest.raises(InputError, match=message):
        network_from_module(Sequential(*modules))


def test_an_unknown_module_is_named_by_its_path():
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 3, bias=False), torch.nn.Sequential(torch.nn.ReLU())
    )
    with pytest.raises(InputError, match=r"module 1\.0 is ReLU"):
        network_from_module(net)


# --- rockpool's SynNet ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"p_dropout": 0.2, "threshold_out": [0.5, 0.7, 0.9]},
        {"train_threshold": True, "train_time_constants": True},
    ],
)
def test_a_synnet_is_read_from_memory_and_from_its_file(rng, tmp_path, settings):
    """Bos and Muir 2022; most of its parameters are single numbers that all neurons share."""
    torch.manual_seed(0)
    net = SynNet(
        3, 6, size_hidden_layers=[10, 7], time_constants_per_layer=[4, 3], **settings
    ).eval()
    for name, module in net.seq.modules().items():
        if "linear" in name:  # on a dyadic grid: sums of counts are exact in any order
            module.weight.data = torch.round(module.weight.data * 512) / 128
    net.save(str(tmp_path / "net.json"))
    network = network_from_module(net)
    assert network.shape == (6, 10, 7, 3)
    assert rockpool_json.load(tmp_path / "net.json").digest() == network.digest()
    events = nets.events(rng, (2, 60, 6))
    net.reset_state()
    spikes = net(torch.tensor(events, dtype=torch.float32))[0].detach().numpy()
    assert spikes.sum() > 20
    np.testing.assert_array_equal(engines.get("liftorch").run(network, events).spikes[-1], spikes)


def test_a_synnet_that_gives_membranes_is_refused():
    net = SynNet(3, 6, size_hidden_layers=[8], time_constants_per_layer=[2], output="vmem")
    with pytest.raises(InputError, match="SynNet gives its readout's vmem"):
        network_from_module(net)
