"""One controller: the trainer's, Brian2's from the equations, theory's, and the description's.

The equations of `neurosim.equations.homeostasis` are run by Brian2; the trainer and the theory of
the loop have formulations of their own. All are the same maps, and settings that they share have
the same defaults.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from neurosim.analysis.homeostasis import Loop, trajectory
from neurosim.engines.brian2 import graphs, homeostasis, simulate
from neurosim.equations.homeostasis import GLOBAL_GAIN, HOMEOSTAT, HOMEOSTAT_MAP
from neurosim.homeostat import GlobalGain, Homeostat, LayerControl
from neurosim.homeostat.controller import FLOOR, WINDUP
from neurosim.snn.layered import layered

UNITS, TICKS = 5, 1000
SILENT, BOUND = 1e-3, 1.5
TOLERANCE = 1e-12
"""Sums of a thousand rounded terms of order 1 differ by some 1e-14; a changed term by far more."""

GAINS = pytest.mark.parametrize(
    "gains",
    [
        {"beta": 0.3, "gamma": 0.05, "D": 0.1, "m_r": 0.2, "alpha": 0.6, "kappa": 1.3, "c0": 0.1},
        {"beta": 0.4, "gamma": 0.0, "D": 0.2, "m_r": 0.5, "s_base": 1.2},  # no relaxation
        {"beta": 0.2, "gamma": 0.02, "D": 0.0, "m_r": 1.0},  # no diffusion, no average
    ],
    ids=["all", "no relaxation", "no diffusion"],
)


def random_rates(rng: np.random.Generator) -> np.ndarray:
    """Rates of layers that at times are silent, the first of them for long."""
    rates = np.exp(rng.normal(-2, 1, (TICKS, UNITS)))
    rates[rng.random(rates.shape) < 0.1] = 0  # meets the floor
    rates[200:400, 0] = 0  # meets the bound of its state
    return rates


def by_equations(loop: Loop, rates: np.ndarray, windup: float) -> homeostasis.Regulation:
    """Run the declared equations in Brian2, a tick a step."""
    return homeostasis.respond(
        rates,
        graphs.chain(UNITS),
        dt=0.01,
        parameters={
            "tick": 10.0,
            "momentum": loop.m_r,
            "floor_rate": SILENT,
            "beta": loop.beta,
            "gamma": loop.gamma,
            "c_0": loop.c0,
            "D": loop.D,
            "s_base": loop.s_base,
            "alpha": loop.alpha,
            "kappa": loop.kappa,
            "windup": windup,
        },
    )


# --- the loop over layers -------------------------------------------------------------------------


@GAINS
def test_a_thousand_random_rates_give_the_same_states_and_scales(rng, gains):
    """Trainer, equations and theory; where the average starts is set alike."""
    rates, loop = random_rates(rng), Loop(layers=UNITS, **gains)
    control = LayerControl(loop, floor=SILENT, windup=BOUND)
    control.average[:] = SILENT  # where the equations start; AHSAR starts at the first rates
    scales, states, averages = [], [], []
    for row in rates:
        scales.append(control.step(row)[-1])
        states.append(control.c)
        averages.append(control.average)
    equations = by_equations(loop, rates, BOUND)
    for values, ours in (
        (equations.c, states),
        (equations.scale, scales),
        (equations.sensed, averages),
    ):
        assert values.shape == (TICKS, UNITS)
        assert np.abs(values - np.array(ours)).max() <= TOLERANCE
    assert np.ptp(scales) > 0.2
    reached = np.abs(loop.kappa * (np.array(states) - loop.c0)).max()
    assert reached == pytest.approx(BOUND, rel=1e-12)


@GAINS
def test_the_theory_runs_the_same_loop(rng, gains):
    rates, loop = random_rates(rng), Loop(layers=UNITS, **gains)
    control = LayerControl(loop, floor=SILENT, windup=BOUND)
    scales = [control.step(row)[-1] for row in rates]
    batches = iter(rates)
    with np.errstate(divide="ignore"):  # the logarithm of a silent layer
        run = trajectory(
            loop,
            np.zeros(UNITS),
            TICKS,
            plant=lambda scale: np.log(next(batches)),
            floor=SILENT,
            limit=BOUND / loop.kappa,
        )
    assert np.abs(run.scale[1:] - np.array(scales[:-1])).max() <= TOLERANCE
    assert np.ptp(scales) > 0.2


def test_settings_have_one_default():
    declared = HOMEOSTAT_MAP.parameters
    assert declared == HOMEOSTAT.parameters
    for name, there in (
        ("alpha", "alpha"),
        ("kappa", "kappa"),
        ("s_base", "s_base"),
        ("c0", "c_0"),
    ):
        assert getattr(Loop, name) == declared[there].default, name
    assert Loop.m_r == 1  # theory averages only where it says so
    control = LayerControl(Loop(beta=0.1, gamma=0.0, D=0.0, layers=2))
    assert (control.floor, control.windup) == (FLOOR, WINDUP)
    assert (declared["floor_rate"].default, declared["windup"].default) == (FLOOR, WINDUP)
    assert np.tanh(WINDUP) == pytest.approx(0.96, abs=0.005)  # the share of the actuator's reach
    gain = GlobalGain()
    settings = {n for n, p in GLOBAL_GAIN.parameters.items() if not p.varies} - {"epsilon"}
    assert settings == {"rate", "trust", "stall", "momentum", "trend"}
    for name in settings:
        assert getattr(gain, name) == GLOBAL_GAIN.parameters[name].default, name


# --- the gain that layers share -------------------------------------------------------------------


def average(values: list[float], weight: float) -> float:
    """The moving average that begins with its first value, as the sum that it is."""
    last = len(values) - 1
    old = (1 - weight) ** last * values[0]
    return math.fsum(
        [old, *(weight * (1 - weight) ** (last - k) * values[k] for k in range(1, last + 1))]
    )


def described(losses: list[float], energies: list[float]) -> list[float]:
    """The gain after each epoch by AHSAR's section 4.3, with the numbers that are chosen here.

    Up where progress stalls while energy is high, down where there is progress while it is low,
    multiplicative, within a trust region of 0.05; 0.01 is full progress, 0.5 the strength; signals
    are averaged with a weight of 0.3, and energy is high above its average with a weight of 0.1.
    """
    gains = [1.0]
    for epoch in range(1, len(losses)):
        falls = [(a - b) / max(a, 1e-12) for a, b in pairwise(losses)]
        progress = average(falls[:epoch], 0.3)
        share = min(max(progress / 0.01, 0.0), 1.0)
        high = math.log(average(energies[: epoch + 1], 0.3) / average(energies[: epoch + 1], 0.1))
        change = 0.5 * high * ((1 - share) if high > 0 else share)
        gains.append(gains[-1] * math.exp(min(max(change, -0.05), 0.05)))
    return gains


EPOCHS, RUNS = 400, 12


@pytest.fixture(scope="module")
def histories() -> tuple[np.ndarray, np.ndarray]:
    """Losses and energies (epochs, runs), random walks; from run to run losses fall faster."""
    rng = np.random.default_rng(20)
    drift = np.linspace(0.005, -0.03, RUNS)
    losses = np.exp(np.cumsum(rng.normal(drift, 0.02, (EPOCHS, RUNS)), axis=0))
    return losses, np.exp(-2 + np.cumsum(rng.normal(0, 0.1, (EPOCHS, RUNS)), axis=0))


@pytest.fixture(scope="module")
def trained(histories) -> np.ndarray:
    """The trainer's gains (epochs, runs)."""
    losses, energies = histories
    gains = [GlobalGain() for _ in range(RUNS)]
    return np.array(
        [
            [gain.update(*epoch) for gain, *epoch in zip(gains, *both, strict=True)]
            for both in zip(losses, energies, strict=True)
        ]
    )


def test_trainer_and_equations_have_the_same_gain(histories, trained):
    losses, energies = histories
    run = simulate(
        "global-gain",
        n=RUNS,
        duration=EPOCHS,
        dt=1.0,
        inputs={"loss": losses, "energy": energies},
        record=("gain",),
        target="numpy",
    )
    assert np.abs(np.log(run.traces["gain"] / trained)).max() <= TOLERANCE
    assert np.abs(np.log(trained)).max() > 1


def test_both_have_the_gain_that_is_described(histories, trained):
    """The equations equal the trainer's gain in the test above, so one comparison is enough."""
    for losses, energies, gains in zip(*(x.T.tolist() for x in histories), trained.T, strict=True):
        expected = described(losses, energies)
        assert np.abs(np.log(gains / np.array(expected))).max() <= TOLERANCE
    change = np.diff(np.log(trained), axis=0)
    clipped, graded = np.abs(change) > 0.05 - 1e-9, (change != 0) & (np.abs(change) < 0.04)
    for sign in (-1, 1):  # both rules were at work, within and at the trust region
        assert ((change * sign > 0) & graded).mean() > 0.05
        assert ((change * sign > 0) & clipped).mean() > 0.01


def test_the_whole_controller_with_its_gain_is_that_of_the_equations(rng):
    """Twenty epochs of fifty steps: scales are the unit's times the gain of the epoch before."""
    epochs, steps = 20, TICKS // 20
    loop = Loop(beta=0.1, gamma=0.05, D=0.1, layers=UNITS, m_r=0.4)
    swell = np.exp(np.repeat(np.sin(np.arange(epochs)), steps))[:, None]
    rates, losses = random_rates(rng) * swell, 0.995 ** np.arange(epochs)
    net = layered(2, 2, hidden=(3,) * UNITS, dt=1e-3)
    ours = Homeostat.attach(net, loop=loop, floor=SILENT, windup=BOUND)
    ours.control.average[:] = SILENT
    for epoch in range(epochs):
        for row in rates[epoch * steps : (epoch + 1) * steps]:
            ours.step(row)
        ours.end_epoch(losses[epoch])
    units = by_equations(loop, rates, BOUND)
    run = simulate(
        "global-gain",
        duration=epochs,
        dt=1.0,
        inputs={
            "loss": losses[:, None],
            "energy": units.sensed.reshape(epochs, -1).mean(axis=1)[:, None],
        },
        record=("gain",),
        target="numpy",
    )
    gain = run.traces["gain"][:, 0]
    during = np.repeat(np.concatenate([[1.0], gain[:-1]]), steps)
    history = ours.history
    assert np.abs(history["gain"] - during).max() <= TOLERANCE
    assert np.abs(history["scale"] - units.scale * during[:, None]).max() <= TOLERANCE
    assert ours.global_gain == pytest.approx(gain[-1], rel=1e-12)
    assert np.ptp(np.log(gain)) > 0.1
