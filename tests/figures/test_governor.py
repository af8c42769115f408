"""The governor's figure, from tables written in the test and from those that are stored."""

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.experiments import tidy
from neurosim.figures import governor


def test_the_stored_results_are_drawn():
    arrays = governor.compute()
    assert len(arrays["shares"]) == 8
    assert (arrays["shares"] > 0).all()
    # What the finding says of the stored results.
    at = {round(100 * s): k for k, s in enumerate(arrays["shares"])}
    assert -0.06 < arrays["select"]["gain"][at[2]] < -0.03
    assert arrays["best mix"]["gain"][at[40]] == pytest.approx(0.13, abs=0.005)
    assert arrays["best mix"]["gain"][at[5]] < arrays["calibrated"]["gain"][at[5]]
    figure = governor.draw(arrays)
    assert len(figure.axes) == 4
    assert all(axis.lines for axis in figure.axes)


def test_gains_are_paired_by_week(tmp_path):
    head = "dynamic_share,policy,week,correct_share,lifetime_days\n"
    rows = [
        f"0.5,{policy},{week},{base + gain},3\n"
        for policy, gain in (("fixed", 0), ("calibrated", 0.1), ("select", 0.2))
        for week, base in ((1, 0.7), (0, 0.3))
    ]
    rows += [r.replace("select", name) for name in ("threshold", "best mix") for r in rows[-2:]]
    (tmp_path / "governor.csv").write_text("# command: x\n" + head + "".join(rows))
    trace = "dynamic_share,policy,hours,charge,threshold,model\n" + "".join(
        f"0.5,{name},{h},0.5,1,a\n" for name in governor.TRACES for h in (1, 2)
    )
    (tmp_path / "governor_week.csv").write_text(trace)
    arrays = governor.compute(tmp_path)
    np.testing.assert_allclose(arrays["calibrated"]["gain"], [0.1])
    np.testing.assert_allclose(arrays["calibrated"]["half"], [0.0], atol=1e-9)
    assert arrays["trace"]["fixed"]["hours"].tolist() == [1, 2]
    assert len(governor.draw(arrays).axes) == 4


def test_missing_and_damaged_tables_are_named(tmp_path):
    with pytest.raises(InputError, match="neurosim governor"):
        governor.compute(tmp_path)
    (tmp_path / "governor.csv").write_text("a,b\n1\n")
    with pytest.raises(InputError, match="damaged"):
        tidy.read(tmp_path / "governor.csv", remedy="neurosim governor")
