"""The sweep of the threshold, and of the lead at which a decision falls."""

import numpy as np
import pytest

from neurosim import readout
from neurosim.errors import InputError
from neurosim.network import THRESHOLD_SCALES
from neurosim.verify.check import verify
from neurosim.verify.fuzz import fuzz
from neurosim.workflows.sweep import by_threshold, threshold_sweep
from neurosim.xylo import deploy
from tests import nets


def test_scales_are_the_papers():
    assert THRESHOLD_SCALES == (0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4)


@pytest.mark.parametrize("workers", [1, 2])
def test_raised_thresholds_lower_activity_and_power(rng, workers):
    net = nets.network(rng, (6, 20, 20, 3))
    raster = nets.events(rng, (20, 80, 6))
    spec = deploy(net, calibration=raster)
    labels = readout.decide(_outputs(spec, raster))
    done = []
    rows = threshold_sweep(
        spec,
        raster,
        labels,
        (0.6, 1.0, 2.4),
        engine="xylosim",
        workers=workers,
        progress=done.append,
    )
    assert sum(done) == 3
    spikes = [row["spikes_per_inference"] for row in rows]
    assert spikes[0] > spikes[1] > spikes[2] > 10
    for key in ("hidden_bins", "cycles_per_step", "power_uw"):
        values = [row[key] for row in rows]
        assert values == sorted(values, reverse=True)
    at = by_threshold(rows)
    assert at[1.0]["accuracy"] == 1.0, "labels are the decisions at scale 1"
    assert at[2.4]["accuracy"] < 1.0
    assert len({row["input_bins"] for row in rows}) == 1


def test_no_process_at_all_is_refused(rng):
    """0 would be taken for all cores by `or`."""
    net, raster = nets.network(rng, (6, 20, 20, 3)), nets.events(rng, (4, 20, 6))
    spec = deploy(net, calibration=raster)
    with pytest.raises(InputError, match="workers is 0; give 1 or more"):
        threshold_sweep(spec, raster, np.zeros(4), workers=0)
    with pytest.raises(InputError, match="workers is 0; give 1 or more"):
        verify(spec, raster, workers=0)
    with pytest.raises(InputError, match="workers is 0; give 1 or more"):
        fuzz(1, workers=0)


def _outputs(spec, raster):
    from neurosim import engines

    return engines.get("xylosim").run(spec, raster).spikes[1]
