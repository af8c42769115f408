"""The homeostat that trains nets and the one that Brian2 runs from its equations are the same."""

import numpy as np
import pytest

from neurosim.analysis.homeostasis import Loop
from neurosim.engines.brian2 import graphs, homeostasis
from neurosim.homeostat import Homeostat
from neurosim.snn.layered import layered

UNITS, TICKS = 5, 1000
FLOOR, BOUND = 1e-3, 1.5


@pytest.mark.parametrize(
    "gains",
    [
        {"beta": 0.3, "gamma": 0.05, "D": 0.1, "m_r": 0.2, "alpha": 0.6, "kappa": 1.3, "c0": 0.1},
        {"beta": 0.4, "gamma": 0.0, "D": 0.2, "m_r": 0.5, "s_base": 1.2},  # no relaxation
        {"beta": 0.2, "gamma": 0.02, "D": 0.0, "m_r": 1.0},  # no diffusion, no average
    ],
    ids=["all", "no relaxation", "no diffusion"],
)
@pytest.mark.filterwarnings("ignore:the loop oscillates")
def test_a_thousand_random_rates_give_the_same_states_and_scales(rng, gains):
    rates = np.exp(rng.normal(-2, 1, (TICKS, UNITS)))
    rates[rng.random(rates.shape) < 0.1] = 0  # silent layers meet the floor
    rates[200:400, 0] = 0  # and one of them the bound of its state
    loop = Loop(layers=UNITS, **gains)
    # Brian2's bound is on c, the trainer's on kappa |c - c0|; both have one at c0 = 0 alone.
    bound = 1e6 if loop.c0 else BOUND
    net = layered(2, 2, hidden=(3,) * UNITS, dt=1e-3)
    ours = Homeostat.attach(net, loop=loop, gain=False, floor=FLOOR, windup=bound * loop.kappa)
    ours.control.average[:] = FLOOR  # where the equations start; AHSAR starts at the first rates
    for row in rates:
        ours.step(row)
    tick = 10.0
    theirs = homeostasis.respond(
        rates,
        graphs.chain(UNITS),
        dt=tick * 1e-3,
        parameters={
            "tick": tick,
            "momentum": loop.m_r,
            "floor_rate": FLOOR,
            "beta": loop.beta,
            "gamma": loop.gamma,
            "c_0": loop.c0,
            "D": loop.D,
            "s_base": loop.s_base,
            "alpha": loop.alpha,
            "kappa": loop.kappa,
            "c_max": bound,
        },
    )
    history = ours.history
    assert theirs.c.shape == history["c"].shape == (TICKS, UNITS)
    for name in ("c", "scale"):
        assert np.abs(getattr(theirs, name) - history[name]).max() <= 1e-12, name
    assert np.abs(theirs.sensed - history["smoothed"]).max() <= 1e-12
    assert np.ptp(history["scale"]) > 0.2
    assert loop.c0 or np.abs(history["c"]).max() == BOUND
