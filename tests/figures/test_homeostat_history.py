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
        d = arrays.sel(norm=norm)
        assert dict(d.rate.sizes) == {"run": len(RUNS), "epoch": 20, "layer": 2}
        assert float(d.rate.min()) > 0.01
        off = d.rate.sel(run="off")
        for run in ("centred", "common"):
            one = d.sel(run=run)
            assert np.array_equal(one.rate[0], off[0])  # thresholds have not moved yet
            assert not np.array_equal(one.rate[-1], off[-1])
            # AHSAR, 4.2, with alpha = 0.5 and kappa = 1, times the gain where it acts on scales.
            gain = one.gain if run == "centred" else 1.0
            expected = gain * (1 + 0.5 * np.tanh(one.c))
            np.testing.assert_allclose(one.scale, expected, rtol=1e-5)  # tables have six digits
            assert float(one.scale.max() - one.scale.min()) > 0.01


def test_every_series_is_drawn(arrays):
    figure = homeostat_history.draw(arrays)
    axes = figure.axes
    assert len(axes) == 10
    drawn = axes[1].get_lines()[1].get_ydata()
    assert np.array_equal(drawn, arrays.rate.sel(norm="bn", run="centred", layer=1))
    assert len(axes[9].get_lines()) == 5  # two layers under two controllers, and the gain
