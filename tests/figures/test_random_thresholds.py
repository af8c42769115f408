"""The sentences under the figure of the random thresholds, checked against its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.analysis.thresholds.random_threshold import Uniform, expected_rate
from neurosim.figures import random_thresholds as figure

MEANS = (0.4, 1.0, 1.3, 1.4, 1.5, 2.2)
ROUNDING = 1e-15


@pytest.fixture(scope="module")
def arrays():
    return figure.compute(figure.Config(means=MEANS, stds=(0.06, 0.1147, 0.3)))


def test_without_reset_the_sign_is_that_of_law_minus_drive(arrays):
    expected = np.broadcast_to(np.sign(1.25 - arrays["mean"]), arrays["free"].shape)
    gap = arrays["free"]
    assert (np.abs(gap) > ROUNDING).sum() == gap.size - 1  # all but drive 2.2 at noise 0.06
    assert (gap * expected >= 0).all()
    np.testing.assert_allclose(arrays["free"][2, :2], [1.20, 0.124], atol=6e-3)
    assert arrays["free"][2].min() == pytest.approx(-0.03, abs=5e-3)


def test_with_reset_only_a_corner_of_little_noise_saves(arrays):
    saves = arrays["reset"] < 0
    assert saves.any()
    assert not saves[1:].any()
    assert set(arrays["mean"][saves[0]]) == {1.3, 1.4}
    assert -0.03 < arrays["reset"].min() < -0.02
    np.testing.assert_allclose(arrays["reset"][2, [0, 1, -1]], [0.71, 0.05, 0.02], atol=6e-3)


def test_the_higher_mean_saves_the_spikes(arrays):
    saved = [1 - arrays[name][1] for name in ("fixed", "quenched", "annealed")]
    np.testing.assert_allclose(saved, [0.49, 0.46, 0.30], atol=6e-3)
    assert (arrays["fixed"] < arrays["quenched"]).all()
    assert (arrays["quenched"] < arrays["annealed"]).all()
    assert (arrays["annealed"] < 1).all()


def test_levels_of_the_same_variance_fire_alike(arrays):
    assert 1e-3 < np.abs(arrays["matched"]).max() < 7e-3
    assert arrays["spread"].max() == pytest.approx(0.44, abs=6e-3)
    assert arrays["spread"].min() == pytest.approx(0.02, abs=6e-3)


def test_few_nodes_are_enough_for_the_picture(arrays):
    config = arrays["config"]
    decay = np.exp(-config.dt_over_tau)
    exact = expected_rate(Uniform(1.0, 1.5), 1.3, 0.06, decay=decay, reset="multi", max_spikes=31)
    few = expected_rate(
        figure._panel(Uniform(1.0, 1.5), config.nodes),
        1.3,
        0.06,
        decay=decay,
        reset="multi",
        max_spikes=31,
    )
    assert few == pytest.approx(float(exact), rel=1e-4)


def test_it_draws(arrays):
    panels = figure.draw(arrays).axes[:4]
    assert all(panel.get_title(loc="left") and panel.get_xlabel() for panel in panels)
