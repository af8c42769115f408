"""The membrane without reset: exceedance, gates and the productive band."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from neurosim.analysis.thresholds.stationary import (
    SURROGATES,
    Atan,
    Box,
    Gaussian,
    Laplace,
    PeriodicExponential,
    Sigmoid,
    StepPWL,
    Triangular,
    density,
    exceedance,
    gate,
    gate_bias,
    log_exceedance,
    productive_band,
)
from neurosim.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_gates.json").read_text(encoding="utf-8")
)


def make(name, width):
    return Sigmoid(1 / width) if name == "sigmoid" else SURROGATES[name](width)


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_gate_against_mpmath(name):
    rows = [row for row in REFERENCE["gates"] if row["surrogate"] == name]
    assert len(rows) >= 8
    for row in rows:
        found = gate(*row["cell"], make(name, row["width"]))
        # 1e-12 absolute for gates of order one; atan's tails are cut at 12 std in the reference
        assert found == pytest.approx(row["gate"], abs=1e-12 * max(1, row["gate"]))


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_gate_against_simulation(name):
    rng = np.random.default_rng(5)
    threshold, mean, std = 1.0, 0.6, 0.4
    form = SURROGATES[name]()
    values = form.derivative(mean + std * rng.standard_normal(200_000), np.asarray(threshold))
    assert values.std() > 0.01  # the surrogate does vary over the membrane
    error = 4 * values.std() / np.sqrt(values.size)
    assert gate(threshold, mean, std, form) == pytest.approx(values.mean(), abs=error)


@pytest.mark.parametrize("name", sorted(set(SURROGATES) - {"periodic-exponential", "step-pwl"}))
def test_textbook_surrogates_have_unit_mass(name):
    form = SURROGATES[name]()
    mass = 2 * quad(lambda x: form.derivative(np.asarray(x), np.zeros(())), 0, np.inf)[0]
    assert mass == pytest.approx(1, rel=1e-6)


def test_rockpool_surrogates_are_what_its_backward_passes_compute():
    torch = pytest.importorskip("torch")
    lif = pytest.importorskip("rockpool.nn.modules.torch.lif_torch")
    v = np.linspace(-2.013, 5.017, 400)
    for threshold, window, most in ((1.0, 0.5, 2.0**16), (0.7, 0.2, 3.0)):
        for function, form in (
            (lif.PeriodicExponential, PeriodicExponential(window, most)),
            (lif.StepPWL, StepPWL(window)),
        ):
            x = torch.tensor(v, requires_grad=True)
            parts = (torch.tensor(threshold), torch.tensor(window), torch.tensor(most))
            function.apply(x, *parts).sum().backward()
            expected = form.derivative(v, np.asarray(threshold))
            np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)  # float32 parameters


def test_gate_is_the_density_for_narrow_surrogates_only():
    z = np.array([0.0, 0.5, 1.0, 2.0])
    for form, moment in (
        (Gaussian(0.02), 0.02**2),
        (Laplace(0.02), 2 * 0.02**2),
        (Triangular(0.05), 0.05**2 / 6),
        (Sigmoid(60.0), np.pi**2 / (3 * 60.0**2)),
        (Box(0.04), 0.04**2 / 3),
    ):
        expected = moment * (z**2 - 1) / 2
        # next order: width^4
        np.testing.assert_allclose(gate_bias(z, 0.0, 1.0, form), expected, atol=5 * moment**2)
    assert gate_bias(6.0, 0.0, 1.0, Laplace(0.5)) > 1e3
    assert gate_bias(6.0, 0.0, 1.0, Laplace(1.0)) > 1e5
    assert gate_bias(40.0, 0.0, 1.0, Atan(0.1)) == np.inf


def test_exceedance_and_density():
    theta = np.linspace(-3, 3, 13)
    step = 1e-5
    slope = (exceedance(theta - step, 0.2, 0.7) - exceedance(theta + step, 0.2, 0.7)) / (2 * step)
    np.testing.assert_allclose(density(theta, 0.2, 0.7), slope, rtol=1e-8, atol=1e-10)
    assert log_exceedance(100.0, 0.0, 1.0) == pytest.approx(-5005.5242, abs=1e-3)
    assert exceedance(1.0, 0.5, 0.0) == 0
    assert exceedance(0.5, 0.5, 0.0) == 1
    assert np.isnan(exceedance(0.5, 0.5, -1.0))


def test_membrane_statistics_against_simulation():
    """Time spent above threshold by a simulated Ornstein-Uhlenbeck membrane."""
    rng = np.random.default_rng(6)
    mean, std, decay, n, steps = 0.4, 0.5, 0.8, 4000, 400
    v = mean + std * rng.standard_normal(n)
    above = 0
    for _ in range(steps):
        noise = std * np.sqrt(1 - decay**2)
        v = mean + (v - mean) * decay + noise * rng.standard_normal(n)
        above += (v >= 1.0).sum()
    expected = exceedance(1.0, mean, std)
    assert above > 10_000
    # successive steps are correlated: (1 + decay)/(1 - decay) = 9 fewer independent samples
    error = 4 * np.sqrt(expected * 9 / (n * steps))
    assert above / (n * steps) == pytest.approx(expected, abs=error)


def test_productive_band():
    low, high = productive_band(0.3, 0.5, fraction=0.5)
    theta = np.linspace(low, high, 1001)
    value = exceedance(theta, 0.3, 0.5) * density(theta, 0.3, 0.5)
    peak = value.max()
    assert value[0] == pytest.approx(peak / 2, rel=1e-5)
    assert value[-1] == pytest.approx(peak / 2, rel=1e-5)
    assert productive_band(0.3, 0.5, fraction=0.9)[0] > low
    narrow, wide = productive_band([0.0, 0.0], [1.0, 2.0])
    np.testing.assert_allclose(narrow[1] / narrow[0], 2, rtol=1e-9)
    assert np.all(wide > narrow)
    laplace = productive_band(0.3, 0.5, surrogate=Laplace(0.01))
    np.testing.assert_allclose(laplace, (low, high), atol=1e-3)
    scaled = productive_band(0.5, 0.3, surrogate="periodic-exponential")
    assert 0 < scaled[0] < scaled[1] < 1.5
    assert np.isnan(productive_band(0.0, 0.0)[0])


@given(
    threshold=st.floats(-1e3, 1e3),
    mean=st.floats(-1e3, 1e3),
    std=st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 1e3]),
    name=st.sampled_from(sorted(SURROGATES)),
)
@settings(max_examples=200, deadline=None)
def test_gates_are_finite_and_not_negative(threshold, mean, std, name):
    if name in ("periodic-exponential", "step-pwl"):
        threshold = abs(threshold) + 0.01 + 1e-2 * std  # spans fewer bumps than the limit
    value = gate(threshold, mean, std, name)
    assert np.isfinite(value)
    assert value >= -1e-12


def test_scalars_and_arrays_agree():
    theta, std = np.linspace(0.2, 2, 5)[:, None], np.array([0.1, 1.0])
    for name in SURROGATES:
        table = gate(theta, 0.5, std, name)
        single = [[gate(t, 0.5, s, name) for s in std] for t in theta[:, 0]]
        np.testing.assert_allclose(table, single, rtol=1e-13, atol=1e-15)  # sums reordered


def test_unknown_surrogate():
    with pytest.raises(InputError, match="choose one of"):
        gate(1.0, 0.0, 1.0, "relu")
    with pytest.raises(InputError, match="between 0 and 1"):
        productive_band(0.0, 1.0, fraction=1.5)


@pytest.mark.parametrize("name", ["periodic-exponential", "sigmoid"])
def test_many_gates_at_once_are_those_of_single_membranes(name):
    rng = np.random.default_rng(3)
    mean, std = rng.normal(0, 2, (700, 2)), rng.uniform(0.01, 3, (700, 2))
    std[5, 0] = 400.0  # one membrane that reaches thousands of bumps
    std[6, 1] = 1e6  # and one that reaches too many
    values = gate(1.0, mean, std, name)
    assert values.shape == mean.shape
    chosen = [(0, 0), (5, 0), (6, 1), *((int(i), 1) for i in rng.integers(0, 700, 20))]
    singles = [gate(1.0, mean[i], std[i], name) for i in chosen]
    # sums of positive terms in another order
    np.testing.assert_allclose([values[i] for i in chosen], singles, rtol=1e-13)
    assert np.isnan(values).sum() == (name == "periodic-exponential")
