"""Homeostat on nets: what it touches, what it does to training, its checkpoint and its warnings."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFTorch, LinearTorch, aLIFTorch

from neurosim.analysis.homeostasis import Loop, recommend
from neurosim.errors import InputError
from neurosim.training import LIF, Homeostat, ThresholdSampler, config, loop, reset_state
from neurosim.training.global_gain import GlobalGain
from neurosim.training.homeostat_gains import HomeostatWarning
from neurosim.training.measured_response import measured_response
from neurosim.training.nets import layered
from tests.training.nets import deep, raster

KINDS = pytest.mark.parametrize("kind", [LIF, LIFTorch])


def spiking(net):
    return [m for m in torch.nn.Module.modules(net) if isinstance(m, LIFTorch)]


def attach(net, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Homeostat.attach(net, **settings)


def run(net, events):
    reset_state(net)
    return net(events)[0]


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
    expected, gradients = run(net, events), None
    expected.sum().backward()
    gradients = [p.grad.clone() for p in torch.nn.Module.parameters(net) if p.grad is not None]
    before, weights = attributes(net), copy.deepcopy(net.state_dict())
    homeostat = attach(net, events=events)
    for _ in range(5):
        run(net, events)
        homeostat.step()
    assert not torch.equal(run(net, events), expected)
    homeostat.detach()
    assert attributes(net) == before
    for parameter in torch.nn.Module.parameters(net):
        parameter.grad = None
    spikes = run(net, events)
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
    run(net, events)
    homeostat.step()
    scales = homeostat.history["scale"][-1]
    assert np.abs(np.log(scales)).min() > 0.05
    assert [name for name, _ in torch.nn.Module.named_parameters(net)] == names
    spikes = run(net, events)
    spikes.sum().backward()
    other = deep(kind)
    for module, scale in zip(spiking(other), [*scales, 1.0], strict=True):
        module.threshold = torch.nn.Parameter(module.threshold.detach() * float(scale))
    expected = run(other, events)
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
        _, layers = loop.forward(net, half)
        means.append([float(s.detach().mean()) for s in layers[:-1]])
    homeostat.step()
    assert homeostat.history["rate"][0] == pytest.approx(np.mean(means, axis=0), rel=1e-6)
    assert min(means[0]) > 0.01
    with pytest.raises(InputError, match="layer 1_LIF has not run"):
        homeostat.step()


def test_rates_can_be_handed_in():
    net, events = deep(LIF), raster()
    homeostat = attach(net)
    run(net, events)
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
    _, layers = loop.forward(net, events)
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
        run(net, events)
        homeostat.step()
        assert run(net, events).sum() > 10
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
    run(net, events)
    homeostat.step()
    own = [m.threshold_scale for m in spiking(net)]
    with ThresholdSampler((1.4, 1.4)).drawn(net, *events.shape[:2], rng):
        drawn = [m.threshold_scale for m in spiking(net)]
        run(net, events)
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
        run(net, events)
        homeostat.step()
        expected = 0.9 * expected + 0.1 * homeostat.history["scale"][-1]
    training = [m.threshold_scale for m in spiking(net)]
    with homeostat.evaluating():
        evaluated = [m.threshold_scale for m in spiking(net)]
        run(net, events)
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
        run(net, events)
        homeostat.step()
        for _ in range(60):
            run(net, events)
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
            run(net, events)
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


# --- gains and warnings ---------------------------------------------------------------------------


def test_gains_are_the_recommended_ones_and_can_be_left_out():
    assert attach(deep(LIF), ticks=5).control.loop == recommend(2, ticks=5)
    ablated = attach(deep(LIF), relaxation=False, diffusion=False, gain=False)
    assert (ablated.control.loop.gamma, ablated.control.loop.D, ablated.gain) == (0, 0, None)
    assert attach(deep(LIF), relaxation=False).control.loop.D > 0


def test_the_answer_of_the_layers_is_measured():
    """Against layers whose thresholds are really moved, further down the net."""
    net, events = deep(LIF), raster(samples=32)
    a, b = measured_response(net, events)
    rates = []
    for factor in (0.9, 1.1):
        other = deep(LIF, threshold=torch.tensor(1.0))
        spiking(other)[0].threshold_scale = factor
        _, layers = loop.forward(other, events)
        rates.append(np.log([float(s.detach().mean()) for s in layers]))
    slope = (rates[1] - rates[0]) / np.log(1.1 / 0.9)
    assert a[0] == pytest.approx(-slope[0], rel=0.02)
    assert b[0] == 0
    assert b[1] == pytest.approx(slope[1] / slope[0], rel=0.05)
    assert (a > 0.3).all()
    homeostat = attach(net, events=events)
    assert homeostat.control.loop.sensitivity == pytest.approx(tuple(a))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensitivity": 1.0, "coupling": 3.0}, "feeds disagreements.*is -1.*common_mode=True"),
        ({"beta": 50.0}, "unstable at beta 50"),
        ({"beta": 1.8, "gamma": 0.2}, "oscillates"),
    ],
)
def test_a_loop_that_misbehaves_is_warned_of(changes, message):
    gains = Loop(**{"beta": 0.1, "gamma": 0.1, "D": 0.0, "layers": 2, "m_r": 0.5, **changes})
    with pytest.warns(HomeostatWarning, match=message):
        Homeostat.attach(deep(LIF), loop=gains)


def test_a_silent_layer_is_warned_of():
    net, events = deep(LIF), raster()
    net[2].weight.data.zero_()
    with pytest.warns(HomeostatWarning, match="unit 1 does not answer its threshold"):
        homeostat = Homeostat.attach(net, events=events)
    for _ in range(30):
        run(net, events)
        homeostat.step()
    scale = homeostat.history["scale"]
    assert np.isfinite(scale).all()
    assert 0.5 < scale[-1, 1] < 0.6  # lowered as far as the bound on c lets it: 1 - tanh(2)/2


def test_the_cure_for_positive_feedback_works():
    """Centred, coupled layers are driven apart; held to a reference they agree."""
    gains = Loop(beta=0.2, gamma=0.01, D=0.0, layers=2, coupling=3.0)
    with pytest.warns(HomeostatWarning, match="feeds"):
        Homeostat.attach(deep(LIF), loop=gains)
    assert attach(deep(LIF), loop=gains, common_mode=True).control.loop.centring == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blocks": [[0], [0]]}, "each of the layers 0..1 once"),
        ({"write": "never"}, "write is 'never'"),
        ({"write": "block"}, "a tick for each of 2 units"),
        ({"target": 0.1}, "for common_mode=True only"),
        ({"blocks": [[0, 1]]}, "one unit has no other"),
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


# --- in training ----------------------------------------------------------------------------------


def train(controlled, seed, steps=30):
    """Train on classes that are loud on two channels each; return the log rates and the last loss.

    The layers start out unequally active: the first is loud, the second hears it weakly.
    """
    rng = np.random.default_rng(seed)
    labels = torch.tensor(np.arange(96) % 3)
    loud = (np.arange(6) // 2 == labels[:, None].numpy())[:, None]
    events = torch.tensor(rng.poisson(np.where(loud, 2.0, 0.5), (96, 60, 6)), dtype=torch.float32)
    settings = config.TrainConfig(hidden=(12, 12, 10), weight_gain=1.5, seed=seed)
    net = layered(settings, channels=6, classes=3, dt=5e-3)
    net[0].weight.data *= 1.5
    net[2].weight.data *= 0.5
    homeostat = attach(net, events=events[:32]) if controlled else None
    optimiser = torch.optim.Adam(list(net.parameters().astorch()), lr=1e-3)
    rates, losses = [], []
    for _ in range(steps):
        batch = rng.permutation(96)[:32]
        output, layers = loop.forward(net, events[batch])
        loss = torch.nn.functional.cross_entropy(0.05 * output.sum(1), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.append([float(spikes.detach().mean()) for spikes in layers[:-1]])
        losses.append(loss.item())
        if homeostat:
            homeostat.step()
    return np.log(rates), losses


SLOW = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=SLOW), pytest.param(2, marks=SLOW)])
def test_layers_grow_alike_while_the_net_learns(seed):
    free, controlled = (train(on, seed) for on in (False, True))
    spread = [np.ptp(log_rates, axis=1) for log_rates, _ in (free, controlled)]
    assert spread[0][0] == spread[1][0] > 1.5  # e^1.5: 4.5 times as active as the least
    assert spread[0][-5:].mean() > 1.5 * spread[1][-5:].mean()
    assert np.exp(controlled[0]).min() > 0.02
    for _, losses in (free, controlled):
        assert np.mean(losses[-5:]) < 0.6 * losses[0]
