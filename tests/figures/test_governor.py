"""The governor's figure, from made-up lives and from the results that are stored."""

import numpy as np
import pytest
import xarray as xr

from neurosim import store
from neurosim.errors import InputError
from neurosim.figures import governor

NAMES = ("fixed", *governor.POLICIES)


def test_the_stored_results_are_drawn():
    arrays = governor.compute()
    assert len(arrays["shares"]) == 8
    # What the finding says of them.
    at = {round(100 * share): k for k, share in enumerate(arrays["shares"])}
    mix = arrays["best mix"]
    for share, low, high in ((20, 0.05, 0.12), (40, 0.12, 0.19)):
        k = at[share]
        assert mix["gain"][k] - mix["half"][k] == pytest.approx(low, abs=0.006)
        assert mix["gain"][k] + mix["half"][k] == pytest.approx(high, abs=0.006)
    for name in governor.POLICIES:
        assert abs(arrays[name]["gain"][at[2]]) < arrays[name]["half"][at[2]]
    figure = governor.draw(arrays)
    assert len(figure.axes) == 4
    assert all(axis.lines for axis in figure.axes)


def test_gains_are_paired_and_their_unit_is_a_wearer(rng):
    shape = (1, len(NAMES), 3, 6)
    names = ("dynamic_share", "policy", "seed", "week")
    base = rng.random((1, 1, 3, 6))
    gained = np.linspace(0, 0.1, len(NAMES)).reshape(1, -1, 1, 1)
    correct = np.broadcast_to(base + gained, shape).copy()
    # Wearer 0 of seed 0 alone gains .09 more by "select"; both of his weeks count as one.
    correct[0, NAMES.index("select"), 0, [0, 3]] += 0.09
    lives = xr.Dataset(
        {"correct_share": (names, correct), "lifetime": (names, np.full(shape, 5.0))},
        {"dynamic_share": [0.5], "policy": list(NAMES), "seed": range(3), "week": range(6)},
    )
    found = governor.summary(lives)
    assert found["threshold"]["gain"][0] == pytest.approx(gained.ravel()[NAMES.index("threshold")])
    assert found["threshold"]["half"][0] == pytest.approx(0, abs=1e-12)
    expected = gained.ravel()[NAMES.index("select")] + 0.09 / 9
    assert found["select"]["gain"][0] == pytest.approx(expected)
    # Nine wearers, one of them .09 above: standard error .09 / 9; t of 8 degrees of freedom 2.306.
    assert found["select"]["half"][0] == pytest.approx(2.306 * 0.01, rel=1e-3)


def test_missing_and_damaged_tables_are_named(tmp_path):
    with pytest.raises(InputError, match="neurosim study aspen_governor"):
        governor.compute(tmp_path / "aspen_governor.csv")
    with pytest.raises(InputError, match="neurosim figures governor --recompute"):
        governor.compute(week=tmp_path / "governor_week.csv")
    (tmp_path / "governor.csv").write_text("a,b\n1\n")
    with pytest.raises(InputError, match="damaged"):
        store.read_table(tmp_path / "governor.csv", remedy="neurosim governor")
