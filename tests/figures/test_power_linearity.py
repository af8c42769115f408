"""The figure of power against spikes, from the stored results."""

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.figures import power_linearity


def test_the_stored_results_say_what_the_finding_says():
    arrays = power_linearity.compute()
    for net in power_linearity.NETS:
        a = arrays[net]
        assert 0.93 < a["line"].r_squared < 0.96
        assert not a["line"].linear
        assert 0.14 < a["line"].elasticity < 0.26
        # In active bins: a line, and one that meets the silent core's cycles at none.
        slope, offset = np.polyfit(a["hidden_bins"], a["cycles"], 1)
        np.testing.assert_allclose(slope * a["hidden_bins"] + offset, a["cycles"], rtol=1e-4)
        assert offset > a["silent_cycles"][0]  # the input's events are paid for as well
    aspen = arrays["aspen"]
    assert 1 - aspen["spikes"].min() / aspen["spikes"].max() == pytest.approx(0.92, abs=0.01)
    assert 1 - aspen["dynamic_uw"].min() / aspen["dynamic_uw"].max() == pytest.approx(
        0.45, abs=0.01
    )
    (_, _, low), (_, _, high) = arrays["anchors"]
    assert high / low == pytest.approx(93 / 13)


def test_the_figure_has_three_panels():
    assert len(power_linearity.draw(power_linearity.compute()).axes) == 3


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match="neurosim figures power_linearity --recompute"):
        power_linearity.compute(tmp_path / "energy.csv")
