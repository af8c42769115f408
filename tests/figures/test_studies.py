"""Each study's figure draws from a table of its form, and what is stored has values."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import figures, studies
from neurosim.errors import InputError
from neurosim.figures import ahsar_nets, ahsar_stability
from neurosim.studies import results
from neurosim.studies.claims import pool
from neurosim.studies.estimates import interval
from tests.studies import study_tables

DRAWN = [name for name in studies.names() if name in figures.names()]


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_stored_is_drawn_with_units_on_every_axis(name, tmp_path, rng):
    stored = results.shipped(name)
    path = stored if stored.is_file() else study_tables.write(name, tmp_path, rng)
    figure = figures.get(name)
    drawn = figure.draw(figure.compute(path))
    panels = [axis for axis in drawn.axes if axis.get_title(loc="left")]
    assert len(panels) >= 2
    for axis in panels:
        for label, sharing in (("xlabel", "shared_x"), ("ylabel", "shared_y")):
            alike = getattr(axis, f"get_{sharing}_axes")().get_siblings(axis)
            assert any(getattr(other, f"get_{label}")() for other in (axis, *alike))
        drawn_lines = [np.asarray(line.get_ydata(), float) for line in axis.lines]
        assert any(np.isfinite(y).any() for y in drawn_lines), "it is empty"


def test_a_study_may_have_more_figures_than_its_own(tmp_path, rng):
    figure = figures.get("ahsar_curves")
    path = study_tables.write(figures.study_of("ahsar_curves"), tmp_path, rng)
    axes = figure.draw(figure.compute(path)).axes
    assert {len(axis.lines) for axis in axes} == {4}, "both methods, with and without AHSAR"


def test_nearly_every_study_has_a_figure():
    assert set(studies.names()) - set(DRAWN) <= {"ahsar_cifar", "ahsar_cost", "aspen_governor"}


def test_all_settings_of_the_nets_are_pooled_within_each_seed(tmp_path, rng):
    path = study_tables.write("ahsar_nets", tmp_path, rng)
    d = results.read(path).sel(shown="events")
    gap = 100 * (d.accuracy.sel(variant="full") - d.accuracy.sel(variant="none"))
    drawn = ahsar_nets.compute(path).accuracy.sel(shown="events", cell="all", steps="all")
    expected = pool(gap).overall
    estimate = interval(drawn.values)
    assert estimate.n == study_tables.SEEDS
    assert (estimate.mean, estimate.low) == pytest.approx((expected.mean, expected.low))


def test_swings_and_disagreements_are_averaged_as_logarithms():
    assert all(panel.geometric for panel in ahsar_stability.SHEET.panels)


def test_missing_results_say_what_to_run(tmp_path):
    with pytest.raises(InputError, match="run `neurosim study aspen_laws --ship`"):
        figures.get("aspen_laws").compute(tmp_path / "aspen_laws.csv")
