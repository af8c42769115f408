"""The homeostat's history: real runs, all of them drawn."""

import numpy as np
import pytest

from neurosim import store
from neurosim.figures import homeostat_history
from neurosim.figures.homeostat_history import NORMS, RUNS


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    config = homeostat_history.Config(net="mlp", epochs=2, batch_size=32, every=4)
    path = tmp_path_factory.mktemp("table") / homeostat_history.TABLE
    store.write_table(path, homeostat_history.measure(config), command="this test", digits=6)
    return homeostat_history.compute(path)


def test_all_runs_start_alike_and_part(arrays):
    for norm in NORMS:
        rates = [arrays[f"{norm}_{name}_rate"] for name in RUNS]
        assert rates[0].shape == (2 * arrays["steps_per_epoch"], 2)
        assert min(rate.min() for rate in rates) > 0.01
        for rate in rates[1:]:
            assert np.array_equal(rate[0], rates[0][0])  # thresholds have not moved yet
            assert not np.array_equal(rate[-1], rates[0][-1])
        for name in ("centred", "common"):
            scale, c = (arrays[f"{norm}_{name}_{key}"] for key in ("scale", "c"))
            # AHSAR, 4.2, with alpha = 0.5 and kappa = 1, times the gain where it acts on scales.
            gain = arrays[f"{norm}_{name}_gain"][:, None] if name == "centred" else 1.0
            assert scale == pytest.approx(
                gain * (1 + 0.5 * np.tanh(c)), rel=1e-5
            )  # tables have six digits
            assert np.ptp(scale) > 0.01


def test_every_series_is_drawn(arrays):
    figure = homeostat_history.draw(arrays)
    axes = figure.axes
    assert len(axes) == 10
    drawn = axes[1].get_lines()[1].get_ydata()
    assert np.array_equal(drawn, arrays["bn_centred_rate"][:, 1])
    assert len(axes[9].get_lines()) == 5  # two layers under two controllers, and the gain
