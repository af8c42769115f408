"""LIF in use: its state between calls, thresholds drawn per run, rockpool's graph and files."""

import copy

import numpy as np
import pytest
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFTorch

from neurosim.errors import InputError
from neurosim.snn import LIF, reset_state
from tests.snn.nets import assert_close, deep, raster, respond, weight_gradients

SUMS = 1e-5
"""Sums over samples and steps in another order; float32 keeps 6e-8, thousands are added."""


def test_a_threshold_scale_acts_with_all_digits_of_double_precision():
    """1.1 in single precision is 2.4e-8 too high, 0.9 as much too low; membranes miss by 1e-8."""
    for scale, spikes in ((1.1, 1), (0.9, 0)):
        lif = LIF(
            (1,), leak_mode="decays", alpha=torch.tensor(0.5), bias=torch.tensor(0.0),
            threshold=torch.tensor(1.0), synapse=False,
        ).double()  # fmt: skip
        lif.threshold_scale = scale
        gap = 1e-8 if spikes else -1e-8
        output, _, _ = lif(torch.full((1, 1, 1), scale + gap, dtype=torch.float64))
        assert output.item() == spikes


def test_reset_reaches_nested_nets():
    net = Sequential(Sequential(LIF((4,))), LIF((4,)))
    net(torch.rand(1, 30, 4))
    assert net[1].vmem.abs().max() > 0
    reset_state(net)
    assert float(net[0][0].vmem.abs().max()) == float(net[1].vmem.abs().max()) == 0


# --- threshold scale ----------------------------------------------------------------------------


def test_scaled_threshold_equals_another_threshold():
    net = deep(LIF, threshold=torch.tensor(1.3))
    scaled = deep(LIF, threshold=torch.tensor(1.0))
    for k in (1, 3, 5):
        scaled[k].threshold_scale = 1.3
    expected, gradients = weight_gradients(net, raster())
    spikes, ours = weight_gradients(scaled, raster())
    assert spikes.sum() > 10
    assert torch.equal(spikes, expected)
    assert all(torch.equal(a, b) for a, b in zip(ours, gradients, strict=True))
    assert scaled[1].threshold.item() == 1.0
    assert not [name for name in scaled.state_dict() if "scale" in name]


@pytest.mark.parametrize("shape", [(5,), (4, 1, 1), (4, 1, 5), (1, 20, 1), (4, 20, 5)])
def test_scale_per_neuron_sample_or_step(shape):
    """Against LIFTorch, one sample and one step at a time, with that step's threshold."""
    torch.manual_seed(7)
    scale, x = 1 + torch.rand(shape), torch.rand(4, 20, 5) * 0.3
    lif = LIF((5,))
    lif.threshold_scale = scale
    spikes, _, _ = lif(x)
    spikes.square().sum().backward()
    thresholds = (scale if scale.ndim == 3 else scale.reshape(1, 1, -1)).expand(4, 20, 5)
    expected = torch.zeros_like(spikes)
    for b in range(4):
        reference = LIFTorch((5,))
        for t in range(20):
            reference.threshold = torch.nn.Parameter(thresholds[b, t].clone())
            expected[b, t] = reference(x[b : b + 1, t : t + 1])[0][0, 0]
    assert expected.sum() > 10
    assert torch.equal(spikes, expected)
    assert lif.threshold.grad.shape == (5,)
    assert lif.threshold.grad.abs().min() > 0


@pytest.mark.parametrize("exact", [True, False])
def test_gradient_by_a_threshold_drawn_per_sample(exact):
    torch.manual_seed(8)
    x, scale = torch.rand(3, 20, 4) * 0.5, torch.tensor([0.8, 1.0, 1.7]).reshape(3, 1, 1)
    lif = LIF((4,), exact=exact)
    lif.threshold_scale = scale
    lif(x)[0].sum().backward()
    total = torch.zeros(4)
    for b in range(3):
        single = LIF((4,), exact=exact, threshold=torch.full((4,), float(scale[b])))
        single(x[b : b + 1])[0].sum().backward()
        total += single.threshold.grad * scale[b, 0]
    assert total.abs().min() > 0
    assert_close(lif.threshold.grad, total, SUMS)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (0.0, "positive"),
        (torch.tensor([1.0, -1.0, 1.0, 1.0]), "positive"),
        (torch.ones(3, 4), "shape"),
        (torch.ones(2, 1, 4), "shape"),
        (torch.ones(3), "shape"),
    ],
)
def test_wrong_scale_is_refused(scale, message):
    lif = LIF((4,))
    lif.threshold_scale = scale
    with pytest.raises(InputError, match=message):
        lif(torch.rand(3, 5, 4))


# --- rockpool's world ---------------------------------------------------------------------------


def test_rockpools_mapper_accepts_the_net():
    from neurosim.formats.rockpool_devices import mapper

    ours = mapper("syns63300")(deep(LIF).as_graph())
    theirs = mapper("syns63300")(deep(LIFTorch).as_graph())
    assert set(ours) == set(theirs)
    for name in ("weights_in", "weights_rec", "weights_out", "dash_mem", "threshold"):
        assert np.array_equal(np.asarray(ours[name]), np.asarray(theirs[name])), name
    assert np.abs(ours["weights_in"]).max() > 0


def test_parameters_go_through_files_and_copies(tmp_path):
    net, events = deep(LIF), raster()
    expected = respond(net, events)
    assert expected.sum() > 10
    path = tmp_path / "net.json"
    net.save(path)
    other = deep(LIF)
    for k in (0, 2, 4):
        other[k].weight.data.zero_()
    assert respond(other, events).sum() == 0
    other.load(path)
    assert torch.equal(respond(other, events), expected)
    other[0].weight.data.zero_()
    other.load_state_dict(deep(LIFTorch).state_dict(), strict=False)
    assert torch.equal(respond(copy.deepcopy(net), events), expected)
