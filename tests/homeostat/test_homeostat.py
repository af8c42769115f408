"""Homeostat on nets: what it touches, its ticks and units, evaluation, its checkpoint."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFTorch, LinearTorch, aLIFTorch

from neurosim.analysis.homeostasis import Loop
from neurosim.errors import InputError
from neurosim.homeostat import Homeostat
from neurosim.homeostat.controller import GlobalGain
from neurosim.homeostat.gains import HomeostatWarning
from neurosim.snn import LIF, image_nets, reset_state
from neurosim.snn.adapters import ADAPTERS
from neurosim.training import ThresholdSampler
from neurosim.training.imu_task import forward
from tests.snn.nets import attach, deep, raster, respond, spiking

KINDS = pytest.mark.parametrize("kind", [LIF, LIFTorch])


# --- attach and detach ----------------------------------------------------------------------------


def attributes(net):
    """Everything that torch or a caller can see of the modules."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called")
    return [
        (sorted(m.__dict__), [list(m.__dict__[n]) for n in names], getattr(m, "threshold_scale", 1))
        for m in torch.nn.Module.modules(net)
    ]


@KINDS
def test_detach_leaves_the_net_as_it_was(kind):
    net, events = deep(kind), raster()
    expected, gradients = respond(net, events), None
    expected.sum().backward()
    gradients = [p.grad.clone() for p in torch.nn.Module.parameters(net) if p.grad is not None]
    before, weights = attributes(net), copy.deepcopy(net.state_dict())
    homeostat = attach(net, events=events)
    for _ in range(5):
        respond(net, events)
        homeostat.step()
    assert not torch.equal(respond(net, events), expected)
    homeostat.detach()
    assert attributes(net) == before
    for parameter in torch.nn.Module.parameters(net):
        parameter.grad = None
    spikes = respond(net, events)
    spikes.sum().backward()
    assert spikes.sum() > 10
    assert torch.equal(spikes, expected)
    after = [p.grad for p in torch.nn.Module.parameters(net) if p.grad is not None]
    assert len(after) == len(gradients) > 6
    assert all(torch.equal(a, b) for a, b in zip(after, gradients, strict=True))
    reset_state(net)
    assert net.state_dict().keys() == weights.keys()


@KINDS
def test_scales_are_thresholds_and_nothing_else(kind):
    """Spikes and gradients of a controlled net are those of a net with other thresholds."""
    net, events = deep(kind), raster()
    names = [name for name, _ in torch.nn.Module.named_parameters(net)]
    gains = Loop(beta=0.2, gamma=0.05, D=0.0, layers=2)
    homeostat = attach(net, loop=gains, common_mode=True, target=0.02)
    respond(net, events)
    homeostat.step()
    scales = homeostat.history["scale"][-1]
    assert np.abs(np.log(scales)).min() > 0.05
    assert [name for name, _ in torch.nn.Module.named_parameters(net)] == names
    spikes = respond(net, events)
    spikes.sum().backward()
    other = deep(kind)
    for module, scale in zip(spiking(other), [*scales, 1.0], strict=True):
        module.threshold = torch.nn.Parameter(module.threshold.detach() * float(scale))
    expected = respond(other, events)
    expected.sum().backward()
    assert spikes.sum() > 10
    assert torch.equal(spikes, expected)
    assert torch.equal(net[0].weight.grad, other[0].weight.grad)
    factor = torch.tensor(float(scales[0]))
    assert torch.allclose(net[1].threshold.grad, other[1].threshold.grad * factor, rtol=1e-5)


def test_a_failing_call_leaves_no_shadow():
    net = deep(LIFTorch)
    homeostat = attach(net)
    with pytest.raises(ValueError, match="wrong neuron dimension"):
        spiking(net)[0](torch.ones(2, 3, 5))
    assert "threshold" not in spiking(net)[0].__dict__
    homeostat.detach()


def test_rates_are_mean_spikes_of_all_calls_since_the_last_step():
    net, events = deep(LIF), raster()
    homeostat = attach(net)
    means = []
    for half in (events[:4], events[4:]):
        _, layers = forward(net, half)
        means.append([float(s.detach().mean()) for s in layers[:-1]])
    homeostat.step()
    assert homeostat.history["rate"][0] == pytest.approx(np.mean(means, axis=0), rel=1e-6)
    assert min(means[0]) > 0.01
    with pytest.raises(InputError, match="layer 1_LIF has not run"):
        homeostat.step()


def test_rates_can_be_handed_in():
    net, events = deep(LIF), raster()
    homeostat = attach(net)
    respond(net, events)
    homeostat.step([0.1, 0.2])
    assert homeostat.history["rate"].tolist() == [[0.1, 0.2]]
    with pytest.raises(InputError, match="has not run"):
        homeostat.step()
    with pytest.raises(InputError, match="one for each of 2 layers"):
        homeostat.step([0.1])
    with pytest.raises(InputError, match="rate of layer 3_LIF is nan"):
        homeostat.step([0.1, np.nan])


def test_a_readout_is_controlled_on_demand_or_where_it_is_not_last():
    net = deep(LIF)
    assert [layer.module for layer in attach(net).layers] == spiking(net)[:-1]
    assert len(attach(deep(LIF), readout=True).layers) == 3
    linear = Sequential(*deep(LIF).modules().values(), LinearTorch((6, 2)))
    assert len(attach(linear).layers) == 3
    with pytest.raises(InputError, match="holds no spiking layer"):
        Homeostat.attach(Sequential(LinearTorch((3, 2))))


# --- units, ticks and writing ---------------------------------------------------------------------


def test_a_block_has_the_mean_rate_of_its_layers_and_one_scale():
    net, events = deep(LIF), raster()
    homeostat = attach(net, blocks=[[0, 1], [2]], readout=True)
    assert homeostat.control.loop.ticks == 2
    _, layers = forward(net, events)
    homeostat.step()
    rates = [float(s.detach().mean()) for s in layers]
    expected = [(rates[0] + rates[1]) / 2, rates[2]]
    assert homeostat.history["rate"][0] == pytest.approx(expected, rel=1e-6)
    first, second, third = (m.threshold_scale for m in spiking(net))
    assert first == second != third
    assert homeostat.evaluation_scales.shape == (3,)


def test_thresholds_can_follow_the_ticks():
    gains, events = Loop(beta=0.02, gamma=0.01, D=0.002, layers=2), raster()
    nets = {}
    for write in ("end", "step", "block"):
        net = nets[write] = deep(LIF)
        ticks = 2 if write == "block" else events.shape[1]
        homeostat = Homeostat.attach(net, loop=gains, ticks=ticks, write=write)
        respond(net, events)
        homeostat.step()
        assert respond(net, events).sum() > 10
    end, step, block = ([m.threshold_scale for m in spiking(n)[:-1]] for n in nets.values())
    assert [s.shape for s in step] == [(1, 60, 1)] * 2
    assert [float(s[0, -1, 0]) for s in step] == end
    # Tick 1 is the first step's in all; its layer 0 in "block" has just that.
    assert float(step[0][0, 0, 0]) == pytest.approx(block[0], rel=1e-14)
    assert abs(block[1] - 1) > abs(float(step[1][0, 0, 0]) - 1)
    with homeostat.evaluating():
        assert isinstance(spiking(net)[0].threshold_scale, float)


def test_drawn_thresholds_multiply_and_go():
    net, events, rng = deep(LIF), raster(), np.random.default_rng(0)
    homeostat = attach(net)
    respond(net, events)
    homeostat.step()
    own = [m.threshold_scale for m in spiking(net)]
    with ThresholdSampler((1.4, 1.4)).drawn(net, *events.shape[:2], rng):
        drawn = [m.threshold_scale for m in spiking(net)]
        respond(net, events)
    assert drawn == [own[0] * 1.4, own[1] * 1.4, 1.0]
    homeostat.step()
    rates = homeostat.history["rate"]
    assert (rates[1] < rates[0]).all()


# --- evaluation, gain, checkpoint -----------------------------------------------------------------


def test_evaluation_uses_a_moving_average_and_senses_nothing():
    net, events = deep(LIF), raster()
    homeostat = attach(net, gain=False)
    expected = np.ones(2)
    for _ in range(4):
        respond(net, events)
        homeostat.step()
        expected = 0.9 * expected + 0.1 * homeostat.history["scale"][-1]
    training = [m.threshold_scale for m in spiking(net)]
    with homeostat.evaluating():
        evaluated = [m.threshold_scale for m in spiking(net)]
        respond(net, events)
    assert evaluated[:2] == pytest.approx(expected, rel=1e-14)
    assert homeostat.evaluation_scales == pytest.approx(expected, rel=1e-14)
    assert [m.threshold_scale for m in spiking(net)] == training != evaluated
    with pytest.raises(InputError, match="has not run"):
        homeostat.step()


def test_the_gain_acts_on_all_layers_or_on_the_reference():
    events = raster()
    for common_mode in (False, True):
        net = deep(LIF)
        homeostat = attach(net, gain=GlobalGain(value=1.25), common_mode=common_mode, target=None)
        respond(net, events)
        homeostat.step()
        for _ in range(60):
            respond(net, events)
            homeostat.step()
        history = homeostat.history
        if common_mode:
            held = np.log(history["rate"][0]).mean() - np.log(1.25)
            assert np.log(history["rate"][-1]).mean() == pytest.approx(held, abs=0.06)
        else:
            inner = homeostat.control.loop.scale(homeostat.control.c)
            assert history["scale"][-1] == pytest.approx(1.25 * inner, rel=1e-14)
        assert (history["gain"] == 1.25).all()


def test_a_checkpoint_continues_to_the_last_bit():
    events = raster()

    def steps(homeostat, net, count):
        for _ in range(count):
            respond(net, events)
            homeostat.step()
            homeostat.end_epoch(1.0)

    net = deep(LIF)
    homeostat = attach(net, ticks=7)
    steps(homeostat, net, 4)
    file = io.BytesIO()
    torch.save(homeostat.state_dict(), file)
    steps(homeostat, net, 4)
    file.seek(0)
    other = deep(LIF)
    with pytest.warns(HomeostatWarning):  # of gains that the checkpoint replaces
        resumed = Homeostat.attach(other, loop=Loop(beta=50.0, gamma=0.1, D=0.0, layers=2, ticks=7))
    resumed.load_state_dict(torch.load(file, weights_only=True))
    steps(resumed, other, 4)
    assert [m.threshold_scale for m in spiking(net)] == [m.threshold_scale for m in spiking(other)]
    assert resumed.control.loop == homeostat.control.loop
    for name, series in homeostat.history.items():
        assert len(series) == 8
        assert np.array_equal(series, resumed.history[name]), name
    with pytest.raises(InputError, match=r"\(7, 2\), this homeostat \(1, 2\)"):
        attach(deep(LIF)).load_state_dict(homeostat.state_dict())


# --- refused ----------------------------------------------------------------------------------


def saved(value):
    """Return a value as it comes back from a file."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("through", [saved, copy.deepcopy])
def test_a_net_is_saved_and_copied_whole_while_it_is_attached(through):
    """What comes back keeps its thresholds; the homeostat beside it goes on, and no other does."""
    images = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    net = image_nets.build("mlp", shape=(1, 8, 8), classes=10, steps=4)
    plain = net(images)
    homeostat = attach(net)
    net(images)
    homeostat.step()
    expected = net(images)
    assert not torch.equal(expected, plain)
    alone = through(net)
    assert torch.equal(alone(images), expected)
    hooks = [hook for module in alone.modules() for hook in module._forward_hooks.values()]
    assert hooks
    assert not any(hook.__self__.sensing for hook in hooks)
    other, theirs = through((net, homeostat))
    homeostat.step()
    theirs.step()
    assert np.array_equal(theirs.scales, homeostat.scales)
    assert torch.equal(other(images), net(images))
    theirs.detach()
    assert not [m for m in other.modules() if m._forward_hooks]


def test_adapters_of_all_libraries_can_be_pickled():
    assert pickle.loads(pickle.dumps(ADAPTERS)) == ADAPTERS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blocks": [[0], [0]]}, "each of the layers 0..1 once"),
        ({"write": "never"}, "write is 'never'"),
        ({"write": "block"}, "a tick for each of 2 units"),
        ({"target": 0.1}, "for common_mode=True only"),
        ({"blocks": [[0, 1]]}, "one unit has no other"),
        ({"blocks": []}, "each of the layers 0..1 once"),
        ({"ticks": 0}, "ticks is 0"),
        ({"loop": Loop(beta=0.1, gamma=0.1, D=0.0, layers=3)}, "loop has 3 layers, the net 2"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Homeostat.attach(deep(LIF), **settings)


@pytest.mark.parametrize("kind", [LIFTorch, aLIFTorch])
def test_thresholds_of_steps_are_refused_by_layers_that_have_one(kind):
    name = kind.__name__
    with pytest.raises(InputError, match=f"layer 1_{name} is {name}, which has one threshold"):
        Homeostat.attach(deep(kind), write="step")


# --- on a card ------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_senses_and_scales_as_a_processor_does():
    histories, x = [], torch.linspace(0, 2, 8 * 64).reshape(8, 1, 8, 8).double()
    for device in ("cpu", "cuda"):
        net = image_nets.build("small-vgg", shape=(1, 8, 8), classes=4, steps=4)
        net, batch = net.double().to(device), x.to(device)
        homeostat = Homeostat.attach(net)
        for calls in (1, 1, 2, 1):
            for call in range(calls):
                net(batch * (1 - call / 2)).square().sum().backward()
            homeostat.step()
        copied = copy.deepcopy(homeostat)  # events of a card cannot be copied
        assert copied.scales.tolist() == homeostat.scales.tolist()
        histories.append(homeostat.history)
    assert histories[0]["rate"].min() > 0.01
    for name, series in histories[0].items():
        np.testing.assert_allclose(histories[1][name], series, rtol=1e-9, err_msg=name)
