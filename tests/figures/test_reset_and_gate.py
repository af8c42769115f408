"""The sentences under the figure of reset and gate, checked against its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.analysis.discrete import discrete_time
from neurosim.figures import reset_and_gate as figure

SIGMAS = 4.5
"""Standard errors allowed: one of some 50 comparisons exceeds them once in 3000 seeds."""


@pytest.fixture(scope="module")
def arrays():
    return figure.compute(figure.Config(points=19, simulated=4, neurons=200, steps=1500))


def test_the_formula_without_reset_is_too_high_by_the_factors_written(arrays):
    factor = arrays["factor"]
    np.testing.assert_allclose(factor.max(1)[[0, 1, 4]], [27, 9.1, 1.06], rtol=0.01)
    assert factor[1].min() == pytest.approx(2.0, abs=0.05)
    assert abs(arrays["threshold"][factor[1].argmax()] - 0.8) <= 0.1
    assert (arrays["slope_free"] / arrays["slope"]).max() == pytest.approx(11, abs=0.3)


def test_gates_without_reset(arrays):
    ratio = arrays["gate_free"] / arrays["slope_free"]
    near = ratio[:, arrays["threshold"] <= 1.2 + 1e-9]
    assert near[:3].min() == pytest.approx(0.46, abs=0.006)
    assert near[:3].max() == pytest.approx(0.85, abs=0.006)
    np.testing.assert_allclose([ratio[:3, -1].min(), ratio[:3, -1].max()], [26, 41], atol=0.5)
    periodic = ratio[3]
    found = [periodic[0], periodic.min(), periodic[-1]]
    np.testing.assert_allclose(found, [3.3, 0.63, 17.4], rtol=0.03)


def test_gates_with_reset(arrays):
    ratio, narrow = arrays["gate"] / arrays["slope"], arrays["narrow"] / arrays["slope"]
    np.testing.assert_allclose([ratio.min(), ratio.max()], [1.34, 87.9], rtol=0.01)
    np.testing.assert_allclose([narrow.min(), narrow.max()], [1.7, 3.8], atol=0.05)


def test_rate_and_slope_fall(arrays):
    assert (np.diff(arrays["rate"]) < 0).all()
    past = arrays["threshold"] >= 0.8
    assert (np.diff(arrays["slope"][past]) < 0).all()
    assert (np.diff(arrays["slope_free"][past]) < 0).all()


def test_simulated_neurons_agree(arrays):
    config, theta = arrays["config"], arrays["simulated"]
    decay = np.exp(-config.dt_over_tau)
    spikes = arrays["sim_rate"][0] * config.neurons * config.steps
    assert spikes.min() > 100

    def rate(threshold, reset="hard"):
        return discrete_time.rate(
            config.mean, config.std, threshold=threshold, decay=decay, reset=reset
        )

    exact = [rate(theta, reset) for reset in figure.RESETS]
    _assert_close(arrays["sim_rate"], np.array(exact))
    slope = (rate(theta - config.shift) - rate(theta + config.shift)) / (2 * config.shift)
    _assert_close(arrays["sim_slope"], slope)
    _assert_close(arrays["sim_gate"], figure._gates(theta, exact[0], config)[:-1])


def _assert_close(estimate, exact):
    value, error = estimate
    assert (error < 0.15 * value).all()
    assert (np.abs(value - exact) < SIGMAS * error).all()


def test_it_draws(arrays):
    panels = figure.draw(arrays).axes
    assert len(panels) == 4
    assert all(panel.get_title(loc="left") and panel.get_xlabel() for panel in panels)
