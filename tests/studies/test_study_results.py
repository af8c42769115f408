"""Tables of results say what they are; numbers that are read off them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurosim.errors import InputError
from neurosim.studies import results
from neurosim.studies.estimates import crossing, interval, paired
from neurosim.studies.runner import run_cases
from tests.studies import sample_studies


def test_csv_and_netcdf_hold_the_same_with_units_and_command(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    rows, seconds = run_cases(study, tmp_path / "out", jobs=1)
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
    with pytest.raises(InputError, match=r"not a readable table .* run `neurosim study x --ship`"):
        results.read(str(path))


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


def test_crossings_are_read_between_points_and_never_is_stated():
    curve, epochs = [0.2, 0.6, 0.5, 0.9], [1, 2, 3, 4]
    assert crossing(0.1, curve, epochs) == pytest.approx(0.5)  # halfway from (0, 0)
    assert crossing(0.4, curve, epochs) == pytest.approx(1.5)
    assert crossing(0.6, curve, epochs) == pytest.approx(2.0)  # reached there for the first time
    assert crossing(0.75, curve, epochs) == pytest.approx(3.5)  # the fall is ignored
    assert np.isnan(crossing(0.95, curve, epochs))
    assert crossing(0.95, curve, epochs, never=5.0) == 5.0
