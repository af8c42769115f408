"""Gains of the homeostat: recommended, measured, warned of, and what they do to training."""

import numpy as np
import pytest
import torch

from neurosim.analysis.homeostasis import Loop, recommend
from neurosim.homeostat import Homeostat
from neurosim.homeostat.gains import HomeostatWarning, measured_response
from neurosim.snn import LIF
from neurosim.training import config
from neurosim.training.imu_task import build, forward
from tests.snn.nets import attach, deep, raster, respond, spiking


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
        _, layers = forward(other, events)
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
        respond(net, events)
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
    net = build(settings, channels=6, classes=3, dt=5e-3)
    net[0].weight.data *= 1.5
    net[2].weight.data *= 0.5
    homeostat = attach(net, events=events[:32]) if controlled else None
    optimiser = torch.optim.Adam(list(net.parameters().astorch()), lr=1e-3)
    rates, losses = [], []
    for _ in range(steps):
        batch = rng.permutation(96)[:32]
        output, layers = forward(net, events[batch])
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
