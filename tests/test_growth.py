"""The exponents that benchmarks/growth.py fits, against power laws that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("no checkout: benchmarks are not installed", allow_module_level=True)


@pytest.fixture
def power_laws(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from measure import power_laws

    return power_laws


def test_a_power_law_gives_its_exponent_and_no_interval(power_laws):
    sizes = (1, 2, 4, 8)
    result = power_laws.fitted("", sizes, [3 * n**1.5 for n in sizes])
    exponents = (result.exponent, result.low, result.high, result.last)
    assert np.allclose(exponents, 1.5, atol=1e-6)  # rounding, which the t quantile multiplies


def test_the_interval_holds_the_exponent_as_often_as_it_says(power_laws):
    """400 fits of noise: the number of intervals that hold it is binomial, within 4 deviations."""
    rng = np.random.default_rng(0)
    sizes = (1, 2, 4, 8, 16)
    held = 0
    for _ in range(400):
        noise = np.exp(0.1 * rng.standard_normal(len(sizes)))
        result = power_laws.fitted("", sizes, list(np.array(sizes) ** 0.8 * noise))
        held += result.low <= 0.8 <= result.high
    assert abs(held - 380) < 4 * np.sqrt(400 * 0.95 * 0.05)


def test_a_constant_part_shows_in_the_last_exponent(power_laws):
    sizes = (1, 2, 4, 8, 16)
    result = power_laws.fitted("", sizes, [5.0 + n for n in sizes])
    assert result.exponent < result.last < 1
    assert result.low < result.exponent < result.high


def test_twice_as_fast_on_two_processes_is_an_exponent_of_minus_1(power_laws):
    result = power_laws.of_pairs("", [2.0, 4.0, 3.0], [1.0, 2.0, 1.5])
    assert (result.exponent, result.low, result.high) == (-1.0, -1.0, -1.0)
    assert result.seconds == (3.0, 1.5)


def test_the_interval_of_pairs_is_that_of_their_logarithms(power_laws):
    result = power_laws.of_pairs("", [1.0, 1.0, 1.0], [0.25, 0.5, 1.0])
    assert result.exponent == pytest.approx(-1.0)
    # t of 2 degrees of freedom: 4.3027 (tables); deviation of -2, -1, 0 is 1.
    assert result.high - result.exponent == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
