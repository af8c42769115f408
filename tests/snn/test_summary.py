"""Summaries: counts against hand counts and against loops, nets left as they were."""

import numpy as np
import pytest
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LinearTorch

from neurosim.errors import InputError
from neurosim.formats.rockpool import network_from_module
from neurosim.snn import LIF, image_nets
from neurosim.snn.summary import summary


def _net(recurrent=False, seed=0):
    rng = np.random.default_rng(seed)
    modules = []
    for n_in, n_out in ((5, 7), (7, 3)):
        weight = rng.normal(0.4, 0.8, (n_in, n_out)).astype(np.float32)
        weight[rng.random(weight.shape) < 0.3] = 0
        modules.append(LinearTorch((n_in, n_out), weight=torch.tensor(weight), has_bias=False))
        own = {"has_rec": True, "w_rec": torch.eye(n_out) * 0.1} if recurrent else {}
        modules.append(LIF((n_out,), tau_mem=0.01, tau_syn=0.005, dt=1e-3, **own))
    return Sequential(*modules)


@pytest.mark.parametrize("recurrent", [False, True])
def test_operations_of_a_rockpool_net_one_by_one(recurrent):
    net = _net(recurrent)
    raster = torch.tensor(np.random.default_rng(1).binomial(1, 0.4, (4, 30, 5)).astype(np.float32))
    made = summary(net, inputs=raster)
    first, _, _ = net[1](net[0](raster)[0])
    second, _, _ = net[3](net[2](first)[0])
    reads = [(0, raster, net[0].weight), (2, first, net[2].weight)]
    if recurrent:
        reads += [(1, first[:, :-1], net[1].w_rec), (3, second[:, :-1], net[3].w_rec)]
    for k, inputs, weight in reads:
        by_hand = sum(int((weight[n] != 0).sum()) for _, _, n in torch.nonzero(inputs).tolist())
        row = made.rows[k]
        effective = row.effective_acs + row.effective_macs
        assert effective * len(raster) == by_hand > 0
        assert (row.effective_macs > 0) == bool((inputs > 1).any())
        assert row.dense == inputs.shape[1] * weight.numel()
    for k, spikes in ((1, first), (3, second)):
        assert made.rows[k].rate == pytest.approx(spikes.mean().item(), rel=1e-6)
        assert made.rows[k].neurons == spikes.shape[2]
        assert made.rows[k].rate > 0
    assert made.total("parameters") == sum(p.numel() for p in torch.nn.Module.parameters(net))
    assert made.steps == 30


def test_shapes_and_totals_of_an_image_net():
    net = image_nets.build("small-vgg", shape=(1, 8, 8), classes=10, steps=4)
    made = summary(net, (1, 8, 8))
    assert made.total("parameters") == sum(p.numel() for p in net.parameters())
    assert [row.shape for row in made.rows if row.kind == "Spiking"] == [
        (32, 8, 8), (32, 8, 8), (64, 4, 4), (64, 4, 4), (64, 2, 2),
    ]  # fmt: skip
    assert made.total("neurons") == 2 * 32 * 64 + 2 * 64 * 16 + 64 * 4
    assert made.total("effective_acs") is None
    # A 3x3 convolution of an 8x8 image, zero padding left out: 22 x 22 products a channel pair.
    assert made.rows[0].dense == 4 * 22 * 22 * 32
    assert made.rows[-1].dense == 4 * 64 * 10
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    counted = summary(net, inputs=images)
    assert counted.rows[0].effective_macs == made.rows[0].dense  # no pixel is zero
    second = [row for row in counted.rows if row.kind == "Conv2d"][1]
    assert second.effective_macs == 0
    assert 0 < second.effective_acs < 0.5 * second.dense
    single = image_nets.build("small-vgg", shape=(1, 8, 8), classes=10, steps=4, mode="single")
    stepped = summary(single, inputs=images)
    for a, b in zip(stepped.rows, counted.rows, strict=True):
        assert a.effective_acs == pytest.approx(b.effective_acs, rel=0.01)  # rounding of currents
        assert (a.shape, a.dense, a.neurons) == (b.shape, b.dense, b.neurons)


def test_networks_have_a_summary_too():
    net = _net()
    network = network_from_module(net)
    made = summary(network, inputs=np.ones((2, 9, 5)))
    assert [row.neurons for row in made.rows] == [0, 7, 0, 3]
    assert made.rows[0].dense == 9 * 35
    assert summary(network).steps == 1


def test_the_net_stays_as_it_was():
    net = image_nets.build("small-resnet", shape=(2, 8, 8), classes=3, steps=3)
    net.body[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    summary(net, inputs=torch.rand(4, 2, 8, 8))
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(m._forward_hooks for m in net.modules())
    rockpool = _net()
    rockpool(torch.ones(1, 20, 5))
    state = rockpool[1].vmem.clone()
    summary(rockpool, inputs=torch.zeros(1, 10, 5))
    assert torch.equal(rockpool[1].vmem, state)
    assert state.abs().max() > 0


def test_the_table_says_it_all():
    made = summary(image_nets.build("mlp", shape=(1, 8, 8), classes=10, steps=4), (1, 8, 8))
    text = str(made)
    for word in ("Spiking", "256", "16,384", f"{made.total('dense'):,}", "total", "4 steps"):
        assert word in text, word


def test_a_net_without_a_shape_is_refused():
    with pytest.raises(InputError, match="input_shape"):
        summary(_net())
