"""The homeostat's inner loop against paper and linear theory; its outer loop, the global gain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from neurosim.analysis import homeostasis
from neurosim.analysis.homeostasis import Loop
from neurosim.errors import InputError
from neurosim.homeostat.controller import GlobalGain, LayerControl


def laplacian(n):
    """The matrix of section 4.2, entry by entry."""
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i == j:
                matrix[i, j] = 1 if i in (0, n - 1) else 2
            elif abs(i - j) == 1:
                matrix[i, j] = -1
    return matrix if n > 1 else np.zeros((1, 1))


def paper(loop, batches, floor, windup):
    """Equations 4.1 and 4.2 as they stand; yields c and s after every tick."""
    lap, c, smooth = laplacian(loop.layers), np.full(loop.layers, loop.c0), None
    for rate in batches:
        smooth = rate if smooth is None else (1 - loop.m_r) * smooth + loop.m_r * rate
        log_rate = np.log(np.maximum(smooth, floor))
        reference = loop.centring * log_rate.mean() + (1 - loop.centring) * loop.reference
        for _ in range(loop.ticks):
            c = (
                c
                + loop.beta * (log_rate - reference)
                - loop.gamma * (c - loop.c0)
                - loop.D * lap @ c
            )
            c = np.clip(c, loop.c0 - windup / loop.kappa, loop.c0 + windup / loop.kappa)
            yield c, loop.s_base * (1 + loop.alpha * np.tanh(loop.kappa * c))


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    st.sampled_from([1, 4, 10]),
    st.sampled_from([2.0, 20.0, np.inf]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
)
def test_the_papers_equations_for_a_thousand_ticks(seed, units, ticks, windup, centring, leak):
    rng = np.random.default_rng(seed)
    gamma, D = (rng.uniform(0.01, 0.4), rng.uniform(0, 0.35)) if leak else (0.0, 0.0)
    loop = Loop(
        beta=rng.uniform(0.01, 0.5), gamma=gamma, D=D, layers=units, alpha=rng.uniform(0.1, 0.9),
        kappa=rng.uniform(0.3, 2), m_r=rng.uniform(0.05, 1), s_base=rng.uniform(0.5, 2),
        ticks=ticks, centring=centring, reference=-2.0, c0=rng.uniform(-0.5, 0.5),
    )  # fmt: skip
    batches = np.exp(rng.normal(-2, 1, (1000 // ticks, units)))
    batches[rng.random(batches.shape) < 0.1] = 0
    control = LayerControl(loop, floor=1e-3, windup=windup)
    expected = list(paper(loop, batches, 1e-3, windup))
    for k, batch in enumerate(batches):
        scales = control.step(batch)
        states, theirs = zip(*expected[k * ticks : (k + 1) * ticks], strict=True)
        # Rounding grows with the states, which without leak and bound are sums of 1000 terms.
        assert np.abs(control.c - states[-1]).max() <= 1e-12 * max(1, np.abs(states[-1]).max())
        assert np.abs(scales - np.array(theirs)).max() <= 1e-12
    if units > 1 or centring < 1:
        assert np.ptp([s for _, s in expected]) > 0.01


def closed(control, loop, log_rates, steps):
    """Let layers with rates as powers of their thresholds answer; return the log rates."""
    series, scale = [], loop.scale(np.full(loop.layers, loop.c0))
    for _ in range(steps):
        series.append(log_rates - loop.a * np.log(scale))
        scale = control.step(np.exp(series[-1]))[-1]
    return np.array(series)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_it_runs_away_just_where_the_theory_says(seed):
    """The bound beta_T k = (2 - m)(1 + R)/m at the mode of the largest wave number."""
    rng = np.random.default_rng(seed)
    units, ticks = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    base = Loop(
        beta=1.0, gamma=rng.uniform(0.02, 0.3), D=rng.uniform(0, 0.1), layers=units,
        m_r=rng.uniform(0.3, 1), ticks=ticks, sensitivity=rng.uniform(0.5, 2),
    )  # fmt: skip

    def growth(beta):
        return homeostasis.spectral_radius(replace(base, beta=beta), mean=False) - 1

    critical = brentq(growth, 1e-3, 1e3)
    start = 1e-7 * rng.normal(size=units)
    sizes = []
    for factor in (0.97, 1.03):
        loop = replace(base, beta=critical * factor)
        rates = closed(LayerControl(loop, windup=np.inf), loop, start - 2, 1000)
        sizes.append(np.ptp(rates[-20:], axis=1).max() / np.ptp(start))
    assert sizes[0] < 1 < 100 < sizes[1]


def test_recommended_gains_settle_where_the_theory_says():
    loop = homeostasis.recommend(4, steps=20, ticks=10)
    start = np.log([0.04, 0.05, 0.06, 0.05])
    rates = closed(LayerControl(loop), loop, start, 200)
    rest = homeostasis.steady_state(loop, start).log_rate
    assert np.allclose(rates[-1], rest, atol=1e-9)
    assert np.ptp(rates[-1]) < 0.2 * np.ptp(start)


def test_a_wound_up_state_comes_back_at_once():
    """After 500 batches of a silent layer; an unbounded integrator needs as many to unwind."""
    loop = Loop(beta=0.1, gamma=0.0, D=0.0, layers=2, m_r=1.0)
    back = []
    for windup in (2.0, np.inf):
        control = LayerControl(loop, windup=windup)
        for _ in range(500):
            control.step(np.array([0.0, 0.1]))
        assert control.c[0] < -1.9
        steps = 0
        while control.c[0] < 0:
            control.step(np.array([0.2, 0.1]))
            steps += 1
        back.append(steps)
    assert back[0] < 80 < 1000 < back[1]


@pytest.mark.parametrize("bound", [{"floor": 0.0}, {"windup": 0.0}])
def test_wrong_bounds_are_refused(bound):
    with pytest.raises(InputError, match=f"{next(iter(bound))} is 0.0"):
        LayerControl(Loop(beta=0.1, gamma=0.0, D=0.0, layers=2), **bound)


# --- the global gain ------------------------------------------------------------------------------


def epochs(losses, energies, **gains):
    gain = GlobalGain(**gains)
    return [gain.update(a, b) for a, b in zip(losses, energies, strict=True)]


FALLING, FLAT = np.geomspace(1, 0.1, 20), np.ones(20)
UP, DOWN = np.linspace(0.1, 0.3, 20), np.linspace(0.3, 0.1, 20)


@pytest.mark.parametrize(
    ("losses", "energies", "sign"),
    [
        (FLAT, UP, 1),  # stalled while energy is high: fewer spikes
        (FALLING, DOWN, -1),  # progress while energy is low: more spikes
        (FLAT, DOWN, 0),
        (FALLING, UP, 0),
        (FLAT, FLAT, 0),
        (1 / FALLING, UP, 1),  # getting worse is no progress
    ],
)
def test_the_gain_follows_the_papers_rule(losses, energies, sign):
    changes = np.diff(np.log(epochs(losses, energies, trust=0.02)))
    assert (changes * sign >= 0).all()
    assert changes.any() == (sign != 0)
    assert np.abs(changes).max() <= 0.02 + 1e-15
    assert sign == 0 or np.abs(changes).max() > 0.015


POSITIVE = st.floats(0, 1e6)


@given(
    st.lists(st.tuples(POSITIVE, POSITIVE), min_size=2, max_size=60),
    st.floats(0, 5),
    st.floats(0, 2),
    st.floats(1e-9, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_gain_stays_positive_and_in_its_trust_region(
    history, rate, trust, stall, momentum, trend
):
    gain = GlobalGain(rate=rate, trust=trust, stall=stall, momentum=momentum, trend=trend)
    before = gain.value
    for loss, energy in history:
        after = gain.update(loss, energy)
        assert 0 < after < np.inf
        # Logarithms near 120 (60 epochs of 2), rounded, and their difference.
        assert abs(np.log(after) - np.log(before)) <= trust + 1e-13
        before = after


def test_a_louder_and_a_calmer_net_are_answered_alike():
    """Twice the trend while progress stalls moves ln g as far as half of it while there is some."""
    moved = []
    for losses, last in (([1.0, 1.0, 1.0], 2.0), ([1.0, 0.9, 0.8], 0.5)):
        gain = GlobalGain(trust=9.0, momentum=1.0, trend=0.0)
        for loss, energy in zip(losses, (1.0, 1.0, last), strict=True):
            gain.update(loss, energy)
        moved.append(np.log(gain.value))
    assert moved == pytest.approx([0.5 * np.log(2), -0.5 * np.log(2)], rel=1e-12)


def test_the_gain_has_no_jump_where_progress_becomes_a_stall():
    """A sharp switch would turn a push into none for losses that differ by a rounding."""
    pushes = []
    for progress in np.linspace(-0.002, 0.012, 141):
        gain = GlobalGain(momentum=1.0)
        for loss, energy in ((1.0, 0.1), (1.0, 0.1), (1.0 - progress, 0.11)):
            gain.update(loss, energy)
        pushes.append(np.log(gain.value))
    assert pushes[0] > 0.02
    assert pushes[-1] == 0
    assert np.abs(np.diff(pushes)).max() < 0.02 * pushes[0]  # a hundredth of the way at a time


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"stall": 0.0}, "GlobalGain.stall is 0; allowed is >= 1e-09"),
        ({"trust": -0.1}, "GlobalGain.trust is -0.1; allowed is >= 0"),
        ({"momentum": 1.5}, r"GlobalGain.momentum is 1.5; allowed is 0\.\.1"),
        ({"rate": np.nan}, "GlobalGain.rate is nan"),
        ({"value": 0.0}, "GlobalGain.value is 0.0; it is a positive number"),
    ],
)
def test_settings_outside_the_declared_bounds_are_refused(setting, message):
    with pytest.raises(InputError, match=message):
        GlobalGain(**setting)


def test_the_gain_goes_through_its_state():
    gain = GlobalGain()
    for k in range(5):
        gain.update(FLAT[k], UP[k])
    other = GlobalGain(rate=9.0)
    other.load_state_dict(gain.state_dict())
    assert other == gain
    assert other.update(1.0, 1.0) == gain.update(1.0, 1.0) > 1
    with pytest.raises(InputError, match="validation loss nan"):
        gain.update(float("nan"), 0.1)
