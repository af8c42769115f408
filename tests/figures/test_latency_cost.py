"""The sentences under the figure of the latency's cost, checked against its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.figures import latency_cost as figure


@pytest.fixture(scope="module")
def arrays():
    return figure.compute(figure.Config(means=(0.7, 1.2, 2.0), stds=(0.05,), points=3))


def test_cost_and_saving_are_as_written(arrays):
    one, first, quarter = arrays["cost"][[0, 2, 3]]
    np.testing.assert_allclose(arrays["saving"], [0.91, 0.66, 0.48], atol=6e-3)
    np.testing.assert_allclose(one, [9.8, 2.8, 1.9], atol=0.05)
    np.testing.assert_allclose(first, [3.5, 2.4, 2.0], atol=0.06)
    assert (quarter[:2] > first[:2]).all()
    assert (quarter[:2] < one[:2]).all()


def test_the_net_goes_from_53_to_136_ms(arrays):
    np.testing.assert_allclose(arrays["net_median"], [0.053, 0.136], atol=5e-4)
    step = np.diff(arrays["time"])[0]
    np.testing.assert_allclose(arrays["net"].sum(1) * step, 1, atol=1e-3)


def test_latencies_rise_with_the_threshold(arrays):
    assert (np.diff(arrays["single"]) > 0).all()
    assert (np.diff(arrays["decision"]) > 0).all()


def test_it_draws(arrays):
    panels = figure.draw(arrays).axes
    assert len(panels) == 4
    assert all(panel.get_title(loc="left") and panel.get_xlabel() for panel in panels)
