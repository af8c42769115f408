"""The sentences under the figure of the homeostat, checked against its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.figures import homeostat_stability as figure


@pytest.fixture(scope="module")
def arrays():
    return figure.compute(figure.Config(grid=25))


def test_calm_gains_are_20_to_100_times_below_the_bound(arrays):
    ratios = []
    for regime in arrays["regime"].T[arrays["gamma"] < 0.5]:
        stable, calm = (arrays["gain"][regime <= kind].max() for kind in (1, 0))
        ratios.append(stable / calm)
    assert 15 < min(ratios) < 40
    assert 60 < max(ratios) < 130


def test_the_marked_runs_settle_ring_and_never_settle(arrays):
    spread = {name: np.ptp(arrays[name], axis=1) for name in figure.RUNS}
    assert 0.35 < spread["calm"][-1] / spread["calm"][0] < 0.8
    assert spread["ringing"][-1] < 0.2 * spread["ringing"][0]
    assert spread["running"][-20:].max() > spread["running"][0]


def test_stale_averages_shrink_the_stable_range_17_fold(arrays):
    fresh, stale = arrays["border"][:, 0]
    at = np.abs(arrays["momentum"] - 0.1).argmin()
    assert fresh[at] / stale[at] == pytest.approx(17, abs=0.5)
    assert (stale < fresh).all()


def test_a_plain_chain_is_driven_apart_where_normalised_layers_agree(arrays):
    assert arrays["b"] > 4 / 3
    assert arrays["chain"][-1] == pytest.approx(10 * arrays["chain"][0], rel=0.2)
    assert arrays["normalised"][-1] < 1e-4 * arrays["normalised"][0]
    assert arrays["held"][-1] < 0.01 * arrays["held"][0]


def test_the_sum_rule_is_exact_up_to_nine_layers(arrays):
    exact, rule = arrays["limit_exact"], arrays["limit_sum"]
    few = arrays["depth"] <= 9
    np.testing.assert_allclose(exact[few], rule[few], rtol=1e-6)
    assert (exact[~few] < rule[~few] - 1e-3).all()


def test_it_draws(arrays):
    panels = figure.draw(arrays).axes
    assert len(panels) == 6
    assert all(panel.get_title(loc="left") and panel.get_xlabel() for panel in panels)
