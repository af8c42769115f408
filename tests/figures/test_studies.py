"""Each study's figure draws from a table of its form, and shows means and Student's intervals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurosim import figures, studies
from neurosim.errors import InputError
from neurosim.figures import aspen_widths
from neurosim.figures.intervals import over_seeds
from neurosim.studies import results
from tests.studies import study_tables

DRAWN = [name for name in studies.names() if name in figures.names()]


@pytest.mark.parametrize("name", DRAWN)
def test_it_draws_with_units_on_every_axis(name, tmp_path, rng):
    path = study_tables.write(name, tmp_path, rng)
    figure = figures.get(name)
    drawn = figure.draw(figure.compute(path))
    panels = [axis for axis in drawn.axes if axis.get_title(loc="left")]
    assert len(panels) >= 2
    for axis in panels:
        for label, sharing in (("xlabel", "shared_x"), ("ylabel", "shared_y")):
            alike = getattr(axis, f"get_{sharing}_axes")().get_siblings(axis)
            assert any(getattr(other, f"get_{label}")() for other in (axis, *alike))
        assert axis.lines or axis.collections, "the panel is empty"


def test_a_study_may_have_more_figures_than_its_own(tmp_path, rng):
    figure = figures.get("ahsar_curves")
    path = study_tables.write(figures.study_of("ahsar_curves"), tmp_path, rng)
    found = figure.compute(path)
    d = results.read(path).sel(net="mlp", shown="events", learning="rate", variant="full")
    chosen = found["loss"].sel(net="mlp", shown="events", learning="rate", variant="full")
    np.testing.assert_allclose(chosen["mean"], d.loss.mean("seed"))
    lines = {len(axis.lines) for axis in figure.draw(found).axes}
    assert lines == {4}, "both methods, with and without AHSAR, in every panel"


def test_nearly_every_study_has_a_figure():
    assert set(studies.names()) - set(DRAWN) <= {"ahsar_cifar", "ahsar_cost", "aspen_governor"}


@pytest.mark.parametrize("name", [n for n in DRAWN if results.shipped(n).is_file()])
def test_shipped_results_are_drawn_and_have_values(name):
    figure = figures.get(name)
    found = figure.compute()
    datasets = [value for value in found.values() if isinstance(value, xr.Dataset)]
    for dataset in datasets:
        first = next(iter(dataset.data_vars.values()))
        assert bool(first.notnull().any())
    assert figure.draw(found).axes


def test_bands_are_students_intervals(tmp_path, rng):
    d = results.read(study_tables.write("aspen_thresholds", tmp_path, rng))
    found = over_seeds(d.accuracy).sel(net="aspen", threshold=1.0)
    values = d.accuracy.sel(net="aspen", threshold=1.0).values
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    shown = [found.lower, found["mean"], found.upper]
    np.testing.assert_allclose(shown, [low, values.mean(), high])


def test_one_seed_has_no_band(tmp_path, rng):
    d = results.read(study_tables.write("aspen_thresholds", tmp_path, rng)).isel(seed=[0])
    found = over_seeds(d.accuracy)
    xr.testing.assert_equal(found.lower, found.upper)


def test_the_front_has_no_point_that_another_beats(rng):
    spikes, accuracy = rng.uniform(size=(2, 60))
    chosen = aspen_widths.front(spikes, accuracy)
    assert 1 < len(chosen) < 60
    for k in range(60):
        beaten = (spikes[chosen] <= spikes[k]) & (accuracy[chosen] >= accuracy[k])
        assert beaten.any(), "each point is on the front or beaten by one of it"
    assert (np.diff(accuracy[chosen]) > 0).all()


def test_missing_results_say_what_to_run(tmp_path):
    with pytest.raises(InputError, match="run `neurosim study aspen_laws --ship`"):
        figures.get("aspen_laws").compute(tmp_path / "aspen_laws.csv")
