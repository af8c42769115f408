"""Tables of results say what they are; intervals are those of the textbook."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurosim.errors import InputError
from neurosim.studies import results
from neurosim.studies.runner import run
from neurosim.studies.statistics import bootstrap, interval, paired
from tests.studies import sample_studies


def test_csv_and_netcdf_hold_the_same_with_units_and_command(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    rows, seconds = run(study, tmp_path / "out", jobs=1)
    table, cube = results.write(study, rows, tmp_path, command="neurosim study x", seconds=seconds)
    found = results.read(str(table))
    assert found.value.dims == ("letter", "seed", "time")
    assert float(found.value.sel(letter="c", seed=1, time=0.5)) == pytest.approx(ord("c") + 0.6)
    assert found.value.attrs["units"] == "1"
    assert found.attrs["command"] == "neurosim study x"
    with xr.open_dataset(cube, engine="h5netcdf") as same:
        xr.testing.assert_identical(same.load(), found)


def test_a_damaged_table_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    with pytest.raises(InputError, match="no such results; run `neurosim study x --ship`"):
        results.read(str(path))
    path.write_text("# index: a\n# units: {}\nb\n1\n")
    with pytest.raises(InputError, match="damaged"):
        results.read(str(path))


@settings(max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_the_interval_is_students(values):
    found = interval(np.array(values))
    error = stats.sem(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    if error > 1e-9:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_one_value_has_no_interval_and_none_no_mean():
    assert not interval(np.array([1.0])).above
    assert f"{interval(np.array([1.0])):.1f}" == "1.0 (n = 1)"
    with pytest.raises(InputError, match="no values"):
        interval(np.array([np.nan]))


def test_what_pairs_share_cancels(rng):
    shared = xr.DataArray(rng.normal(0, 5, 6), dims="seed", coords={"seed": range(6)})
    gain = xr.DataArray(0.3 + rng.normal(0, 0.02, 6), dims="seed", coords={"seed": range(6)})
    found = paired(shared + gain, shared.isel(seed=slice(0, 5)))
    assert found.n == 5, "only seeds that both have"
    assert found.above
    assert found.mean == pytest.approx(0.3, abs=0.05)  # 5 standard errors of 0.02/sqrt(5)
    assert interval(shared.values).high - interval(shared.values).low > 3


def test_bootstrap_and_student_agree_for_many_values(rng):
    values = rng.normal(2.0, 1.0, 400)
    found, textbook = bootstrap(values, np.mean, rng), interval(values)
    # 2000 draws know an end to about 3 % of the width; 10 % is three times that.
    width = textbook.high - textbook.low
    assert found.low == pytest.approx(textbook.low, abs=0.1 * width)
    assert found.high == pytest.approx(textbook.high, abs=0.1 * width)


def test_intervals_cover_the_truth_as_often_as_they_say(rng):
    hits = [interval(rng.normal(1.0, 1.0, 5)) for _ in range(2000)]
    share = np.mean([e.low <= 1.0 <= e.high for e in hits])
    assert share == pytest.approx(0.95, abs=0.02)  # four standard errors of 2000 trials
