"""SynNet-style stacks: time constants, firing, residual connections as the chip has them."""

import numpy as np
import pytest
import torch
from rockpool.nn.networks import SynNet

from neurosim.errors import InputError
from neurosim.formats.rockpool import chain_of, network_from_module
from neurosim.snn import LIF
from neurosim.snn.initial_rates import set_rates
from neurosim.snn.synnet import synnet
from neurosim.xylo import calibration, mapping

DT = 1e-3


def _events(samples=4, steps=200, channels=16, p=0.2, seed=0):
    raster = np.random.default_rng(seed).random((samples, steps, channels)) < p
    return torch.tensor(raster, dtype=torch.float32)


def _neurons(net):
    return [m for m in torch.nn.Module.modules(net) if isinstance(m, LIF)]


def _spikes(net, events):
    """Return the spikes of each LIF layer."""
    seen = []
    hooks = [m.register_forward_hook(lambda *a: seen.append(a[2].detach())) for m in _neurons(net)]
    net(events)
    for hook in hooks:
        hook.remove()
    return seen


def test_time_constants_double_and_are_those_of_the_chip():
    net = synnet(16, 4, hidden=(24, 30), time_constants=(2, 4), tau_syn=2e-3)
    decays = [np.unique(1 - n.beta.detach().numpy().ravel().round(6)) for n in _neurons(net)]
    np.testing.assert_allclose(decays[0], [1 / 4, 1 / 2], rtol=1e-4)
    np.testing.assert_allclose(decays[1], [1 / 16, 1 / 8, 1 / 4, 1 / 2], rtol=1e-4)
    np.testing.assert_allclose(decays[2], [1 / 2], rtol=1e-4)


def test_time_constants_are_those_of_rockpools_synnet():
    theirs = SynNet(4, 16, [24, 30], [2, 4], dt=DT)
    net = synnet(16, 4, hidden=(24, 30), time_constants=(2, 4), dt=DT)
    for name, neurons in zip(theirs.lif_names[:2], _neurons(net)[:2], strict=True):
        shifts = [
            np.round(np.log2(tau.detach().numpy().ravel() / DT))
            for tau in (getattr(theirs.seq, name).tau_syn, neurons.tau_syn)
        ]
        np.testing.assert_array_equal(np.sort(shifts[0]), np.sort(shifts[1]))


def test_rockpools_synnet_is_silent_and_this_one_is_not():
    events = _events()
    theirs = SynNet(10, 16, [24, 24, 24], [2, 4, 8], dt=DT)
    assert theirs(events)[0].sum().item() == 0
    rates = [float(s.mean()) for s in _spikes(synnet(16, 10), events)]
    assert min(rates) > 0.01, rates


@pytest.mark.parametrize("residuals", [(), ((0, 2), (2, 4))])
def test_deep_stacks_fire_at_the_rate_that_is_set(residuals):
    net = synnet(16, 10, hidden=(32,) * 6, time_constants=4, residuals=residuals)
    before = [float(s.mean()) for s in _spikes(net, _events())]
    factors = set_rates(net, _events(), 0.1)
    rates = [float(s.mean()) for s in _spikes(net, _events())]
    np.testing.assert_allclose(rates, 0.1, atol=0.003)  # rates go in steps of 1/(B T N)
    assert len(factors) == 7
    assert max(before) > 0.5


def test_a_residual_adds_spikes_as_the_reference_of_the_chip_does():
    net = synnet(16, 5, hidden=(20, 20, 20, 20), time_constants=3, residuals=((0, 2), (2, 3)))
    events = _events(p=0.15)
    set_rates(net, events, 0.1)
    network, residuals = chain_of(net)
    assert residuals == ((0, 2), (2, 3))
    assert network.shape == (16, 20, 20, 20, 20, 5)
    ours = _spikes(net, events)
    reference = calibration.run_layers(network, events.numpy(), residuals)
    for spikes, seen in zip(ours, reference, strict=True):
        # Single against double precision: a spike may move by a step, rarely.
        assert np.mean(spikes.numpy() != seen.spikes) < 1e-3
        assert seen.spikes.mean() > 0.05
    plain = calibration.run_layers(network, events.numpy())
    assert np.mean(plain[-1].spikes != reference[-1].spikes) > 0.01


def test_a_net_with_residuals_can_be_deployed():
    net = synnet(16, 5, hidden=(20, 20, 20), time_constants=3, residuals=((0, 2),))
    events = _events()
    set_rates(net, events, 0.1)
    network, residuals = chain_of(net)
    deployment = mapping.plan(
        network, "xylo-imu", calibration=events.numpy().astype(np.uint8), residuals=residuals
    )
    assert sum(len(a) for a in deployment.spec.aliases) == 20


def test_residuals_are_not_lost_on_the_way_to_a_network():
    net = synnet(16, 5, hidden=(20, 20), residuals=((0, 1),), time_constants=2)
    with pytest.raises(InputError, match="chain_of"):
        network_from_module(net)
    straight = synnet(16, 5, hidden=(20, 20), time_constants=2)
    network, residuals = chain_of(straight)
    assert residuals == ()
    assert network.digest() == network_from_module(straight).digest()


def test_gradients_pass_through_residuals():
    net = synnet(16, 3, hidden=(20, 20, 20), time_constants=2, residuals=((0, 2),))
    out, _, _ = net(_events())
    out.mean().backward()
    for parameter in torch.nn.Module.parameters(net):
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hidden": ()}, "hidden"),
        ({"time_constants": (2, 2)}, "time_constants"),
        ({"time_constants": 20}, "decays go to"),
        ({"tau_syn": 1e-3}, "longer than dt"),
        ({"residuals": ((1, 1),)}, "earlier first"),
        ({"residuals": ((0, 1.5),)}, "residuals is 1.5; give a whole number"),
        ({"residuals": ((0, 3),)}, "0..2"),
        ({"residuals": ((0, 2), (1, 2))}, "overlap"),
        ({"hidden": (8, 8, 9), "residuals": ((0, 2),)}, "make equal"),
    ],
)
def test_what_does_not_fit_is_refused(changes, word):
    with pytest.raises(InputError, match=word):
        synnet(4, 2, **changes)


def test_rates_out_of_reach_are_refused():
    net = synnet(16, 5)
    with pytest.raises(InputError, match="out of reach"):
        set_rates(net, torch.zeros(2, 50, 16))
    with pytest.raises(InputError, match="rate"):
        set_rates(net, _events(), 0.0)
