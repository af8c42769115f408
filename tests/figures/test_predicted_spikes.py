"""Predicted against measured spike counts, on a small net in place of the demo's."""

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.figures import predicted_spikes
from neurosim.xylo import deploy
from tests import nets


def test_prediction_follows_the_integer_net(rng):
    network = nets.network(rng, (6, 40, 4), gain=0.6)
    raster = nets.events(rng, (12, 512, 6), rate=0.4)
    spec = deploy(network, calibration=raster)
    theory = predicted_spikes.predicted(network, raster, 1.5, bin_steps=32)
    counted, output = predicted_spikes.measured(spec, raster, 1.5)
    assert counted[0] > 500
    assert counted[1] == output.sum() / 12
    assert theory.shape == counted.shape == (2,)
    # 10 % is what the theory claims of a layer that is not almost silent.
    busy = counted > 0.02 * raster.shape[1] * np.array([40, 4])
    np.testing.assert_allclose(theory[busy], counted[busy], rtol=0.1)
    assert busy[0]


def test_figure_has_a_panel_for_each_net_and_the_error():
    one = {
        "predicted": np.array([[90.0, 11.0], [60.0, 5.0]]),
        "measured": np.array([[88, 10], [61, 4]]),
    }
    arrays = {"scales": np.array([1.0, 2.0]), "fixed": one, "aspen": one}
    assert len(predicted_spikes.draw(arrays).axes) == 3


def test_a_folder_without_a_demo_is_named(tmp_path):
    with pytest.raises(InputError, match="neurosim demo"):
        predicted_spikes.measure(tmp_path)


def test_the_stored_results_say_what_the_finding_says():
    arrays = predicted_spikes.compute()
    for net in predicted_spikes.NETS:
        theory, counted = (arrays[net][key] for key in ("predicted", "measured"))
        total = counted.sum(axis=1)
        assert total[0] > 8 * total[-1], "the thresholds move the spikes"
        np.testing.assert_allclose(theory.sum(axis=1), total, rtol=0.02)
        np.testing.assert_allclose(theory[:, :2], counted[:, :2], rtol=0.043)
