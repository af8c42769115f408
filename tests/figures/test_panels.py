"""Panels show means with Student's intervals, where facets, hues and ticks say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurosim.figures.panels import Hue, Panel, Sheet

NETS = ("first", "second")
METHODS = Hue("way", {"slow": "learns slowly", "fast": "learns fast", "none": "is not there"})
SHEET = Sheet(
    "no_study",
    (
        Panel("score", "score (1)", "{net}: score", lines=(0.5,), limits=(0, 1)),
        Panel("cost", "cost (J)", "{net}: cost of {law}", scales=("linear", "counts")),
    ),
    x="scale",
    xlabel="scale",
    hue=METHODS,
    columns="net",
    down=True,
    note="{seed} seeds",
)


@pytest.fixture
def d(rng):
    shape = {"net": 2, "way": 2, "scale": 3, "seed": 4}
    score, cost = (xr.DataArray(rng.uniform(0.2, 0.9, tuple(shape.values())), dims=tuple(shape))
                   for _ in range(2))  # fmt: skip
    axes = {"net": list(NETS), "way": ["fast", "slow"], "scale": [1.0, 2.0, 4.0]}
    return xr.Dataset({"score": score, "cost": cost}, axes | {"seed": range(4)}, {"law": "U"})


def _mean_and_ends(values):
    """Return mean and interval over the last axis, by scipy's test of a mean."""
    ends = stats.ttest_1samp(values, 0.0, axis=-1).confidence_interval(0.95)
    return values.mean(-1), ends.low, ends.high


def test_every_line_is_a_mean_and_every_band_its_interval(d):
    figure = SHEET.draw(d)
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "first: score", "second: score", "first: cost of U", "second: cost of U"
    ]  # fmt: skip
    for axis, (y, net) in zip(figure.axes, ((y, n) for y in d for n in NETS), strict=True):
        for way, line, band in zip(("slow", "fast"), axis.lines, axis.collections, strict=False):
            mean, low, high = _mean_and_ends(d[y].sel(net=net, way=way).values)
            assert line.get_label() == METHODS.labels[way]
            np.testing.assert_allclose(line.get_xdata(), d.scale)
            np.testing.assert_allclose(line.get_ydata(), mean)
            edges = band.get_paths()[0].vertices
            for x, *ends in zip(d.scale.values, low, high, strict=True):
                at = edges[edges[:, 0] == x, 1]
                assert (at.min(), at.max()) == pytest.approx(ends)


def test_labels_and_limits_stand_once_and_marks_in_each_panel(d):
    figure = SHEET.draw(d)
    score, other, cost, _ = figure.axes
    assert (score.get_xlabel(), score.get_ylabel()) == ("", "score (1)")
    assert (other.get_ylabel(), cost.get_xlabel(), cost.get_ylabel()) == ("", "scale", "cost (J)")
    assert score.get_ylim() == other.get_ylim() == (0, 1)
    assert cost.get_yscale() == "log"
    for axis in (score, other):
        assert list(axis.lines[-1].get_ydata()) == [0.5, 0.5]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["learns slowly", "learns fast"]
    assert figure.get_suptitle() == "4 seeds"


@pytest.mark.parametrize("flip", [False, True])
def test_points_stand_beside_their_ticks_in_the_order_named(d, flip):
    ticks = {4.0: "four", 3.0: "three", 1.0: "one"}
    panels = [Panel("score", "score (1)", "Score")]
    sheet = replace(
        SHEET, panels=panels, kind="points", ticks=ticks, sides=(-0.1, 0.1), flip=flip, down=False
    )
    first = sheet.draw(d).axes[0]
    which = "y" if flip else "x"
    assert [text.get_text() for text in getattr(first, f"get_{which}ticklabels")()] == [
        "four", "one"
    ]  # fmt: skip
    values = d.score.sel(net="first", way="fast", scale=[4.0, 1.0]).values
    mean, low, high = _mean_and_ends(values)
    marks, _, (bars,) = first.containers[1]
    places, middle = marks.get_data()[::-1] if flip else marks.get_data()
    np.testing.assert_allclose(places, [0.1, 1.1])
    np.testing.assert_allclose(middle, mean)
    along = 0 if flip else 1
    np.testing.assert_allclose([s[:, along] for s in bars.get_segments()], np.stack([low, high], 1))


def test_quantities_against_each_other_and_each_seed(d):
    trade = Panel("score", "score (1)", "Trade-off", x="cost", xlabel="cost (J)", kind="means")
    means, seeds = (replace(SHEET, panels=[p]) for p in (trade, replace(trade, kind="seeds")))
    at = d.sel(net="second", way="slow")
    line = means.draw(d).axes[1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), at.cost.mean("seed"))
    np.testing.assert_allclose(line.get_ydata(), at.score.mean("seed"))
    lines = seeds.draw(d).axes[1].lines
    assert len(lines) == 2 * 4
    np.testing.assert_allclose(lines[3].get_ydata(), at.score.sel(seed=3))


def test_a_geometric_mean_and_one_seed_without_an_interval(d):
    panel = Panel("cost", "cost (J)", "Cost", geometric=True)
    axis = replace(SHEET, panels=[panel]).draw(d).axes[0]
    logs = np.log(d.cost.sel(net="first", way="slow").values)
    np.testing.assert_allclose(axis.lines[0].get_ydata(), np.exp(_mean_and_ends(logs)[0]))
    axis = replace(SHEET, panels=[panel]).draw(d.isel(seed=[0])).axes[0]
    heights = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert set(np.round(heights, 12)) == set(np.round(axis.lines[0].get_ydata(), 12))


def test_an_empty_panel_is_refused(d):
    with pytest.raises(KeyError, match="score"):
        SHEET.draw(d.where(d.way == "neither"))
