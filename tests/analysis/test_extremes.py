"""An extreme element never raises and leaves its neighbours alone, in any public function."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis import firing_rate
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.passage import first_passage, latency
from neurosim.analysis.thresholds import random_threshold, stationary
from neurosim.analysis.thresholds.random_threshold import Gaussian, Levels, Uniform

ORDINARY = (1.0, 0.6, 0.4, 0.0)
"""Threshold, mean, std, reset or start."""
VALUES = [0.0, 0.5, 1.0, -1.0, 30.0, 1e9, 1e-12, 1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan]
STDS = [0.0, 0.3, 1e-9, 1e9, 1e-300, 1e300, np.inf, np.nan, -1.0]
LAW = Uniform(1.0, 1.5)


def lif(function, **more):
    def ask(theta, mean, std, reset):
        return function(mean, std, threshold=theta, reset=reset, tau=0.02, **more)

    return ask


def steps(function, decay, reset):
    def ask(theta, mean, std, origin):
        at = {"reset_to": origin} if reset == "hard" else {}
        return function(mean, std, threshold=theta, decay=decay, reset=reset, **at)

    return ask


def passage(function, first, **more):
    def ask(theta, mean, std, start):
        return function(first, theta, mean, std, 0.02, start, **more)

    return ask


FUNCTIONS = {
    "exceedance": lambda theta, mean, std, _: stationary.exceedance(theta, mean, std),
    "log_exceedance": lambda theta, mean, std, _: stationary.log_exceedance(theta, mean, std),
    "density": lambda theta, mean, std, _: stationary.density(theta, mean, std),
    "productive_band": lambda _, mean, std, __: stationary.productive_band(mean, std),
    "siegert": lif(firing_rate.siegert, refractory=0.002),
    "log_siegert": lif(firing_rate.log_siegert),
    "gradient": lif(firing_rate.gradient),
    "log_gradient": lif(firing_rate.log_gradient),
    "cv": lif(firing_rate.cv),
    "colored": lif(firing_rate.colored, tau_syn=1e-3),
    "transfer": lambda *cell: lif(
        lambda mean, std, **c: firing_rate.transfer(10.0, mean, std, **c)
    )(*cell),
    "first_passage.density": passage(first_passage.density, 0.01),
    "first_passage.survival": passage(first_passage.survival, 0.01),
    "first_passage.quantile": passage(first_passage.quantile, 0.5, neurons=3),
    "first_passage.moments": passage(first_passage.moments, 2),
    "latency.survival": passage(latency.survival, 0.01, neurons=5, needed=2),
    "latency.quantile": passage(latency.quantile, 0.5, neurons=5, needed=2),
    "latency.noiseless": lambda theta, mean, _, start: latency.noiseless(theta, mean, 0.02, start),
    "rate": steps(discrete_time.rate, 0.9, "hard"),
    "log_rate": steps(discrete_time.log_rate, 0.5, "multi"),
    "rate, soft": steps(discrete_time.rate, 0.0, "soft"),
    "corrected_siegert": steps(discrete_time.corrected_siegert, 0.95, "soft"),
    "expected_exceedance": lambda _, mean, std, __: [
        random_threshold.expected_exceedance(law, mean, std)
        for law in (LAW, Levels([1.0, 2.0]), Gaussian(1.0, 0.2))
    ],
    "jensen_gap": lambda _, mean, std, __: random_threshold.jensen_gap(LAW, mean, std),
    "expected_rate": lambda _, mean, std, reset: random_threshold.expected_rate(
        LAW, mean, std, reset_to=reset, tau=0.02
    ),
    "expected_rate, annealed": lambda _, mean, std, reset: random_threshold.expected_rate(
        Levels([1.0, 1.5]), mean, std, reset_to=reset, decay=0.9, draw="annealed"
    ),
    "convexity_boundary": lambda _, mean, std, reset: random_threshold.convexity_boundary(
        mean, std, reset=reset, refractory=3.0
    ),
    **{
        f"gate, {name}": lambda theta, mean, std, _, name=name: stationary.gate(
            theta, mean, std, name
        )
        for name in stationary.SURROGATES
    },
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(
    threshold=st.sampled_from(VALUES),
    mean=st.sampled_from(VALUES),
    std=st.sampled_from(STDS),
    reset=st.sampled_from(VALUES),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_extremes_neither_raise_nor_spread(name, threshold, mean, std, reset):
    function = FUNCTIONS[name]
    pairs = zip(ORDINARY, (threshold, mean, std, reset), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        both = np.asarray(function(*(np.array(pair) for pair in pairs)))
        alone = np.asarray(function(*ORDINARY))
    assert both.shape == (*alone.shape, 2)
    assert not np.isnan(alone).all()
    # sums in another order, and passages on a grid that the latest time decides
    np.testing.assert_allclose(both[..., 0], alone, rtol=1e-7, atol=1e-15)
