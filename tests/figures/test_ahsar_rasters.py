"""Rasters and rate maps over threshold scales: a net of a moment's training, all of it drawn."""

import numpy as np
import pytest

from neurosim.figures import ahsar_rasters
from neurosim.figures.ahsar_rasters import COLUMNS, SHOWN
from neurosim.workflows import caches


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(caches.NETS_VARIABLE, str(tmp_path_factory.mktemp("nets")))
        tiny = {"epochs": 1, "steps": 3, "batch_size": 32, "every": 24, "neurons": 20}
        return ahsar_rasters.compute(ahsar_rasters.Config(**tiny))


def test_rates_fall_with_the_scale_and_ahsar_moved_the_thresholds(arrays):
    assert arrays["rate"][0].min() > 0.05
    assert (np.diff(arrays["rate"][:, 0]) <= 0).all()  # the first layer's input stays the same
    assert arrays["rate"][0].sum() > arrays["rate"][-1].sum()
    assert np.ptp(arrays["own_scales"]) > 1e-3
    first = np.interp(arrays["own_scales"][0], arrays["scales"], arrays["rate"][:, 0])
    assert arrays["found_rate"][0] == pytest.approx(first, abs=0.02)  # between points of the grid


def test_maps_and_rasters_are_of_the_same_spikes(arrays):
    for layer, side in zip(SHOWN, (8, 4), strict=True):
        raster, places = arrays[f"raster_{layer}"], arrays[f"map_{layer}"]
        assert raster.shape == (len(COLUMNS), 20, 3)
        assert places.shape == (len(COLUMNS), side, side)
        assert set(np.unique(raster)) == {0, 1}
    # Of all neurons the raster's mean is the map's.
    spikes = np.zeros((3, 2, 4, 4))
    spikes[1, 0, 2, 3] = 1
    whole = ahsar_rasters._raster(spikes, 32)
    assert whole.shape == (32, 3)
    assert whole.mean() == spikes.mean(axis=(0, 1)).mean()
    assert arrays["map_0"][0].mean() > arrays["map_0"][-1].mean()


def test_every_column_is_drawn(arrays):
    figure = ahsar_rasters.draw(arrays)
    images = [axis for axis in figure.axes if axis.images]
    assert len(images) == 2 * len(SHOWN) * len(COLUMNS) + 1, "all maps and rasters, and the input"
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert sum("AHSAR's\n" in title for title in titles) == 1
