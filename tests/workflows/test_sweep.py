"""The sweep of the threshold, and of the lead at which a decision falls."""

import numpy as np
import pytest

from neurosim import engines, readout
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


def test_all_leads_are_read_off_one_run(monkeypatch):
    """Rows against sums over the parts of the recording that were read, window by window."""
    spec, raster = nets.undecided()
    hidden, output = engines.get("xylosim").run(spec, raster).spikes
    labels = readout.decide(output)
    runs = []
    get = engines.get
    monkeypatch.setattr(engines, "get", lambda name: runs.append(name) or get(name))
    rows = threshold_sweep(spec, raster, labels, (1.0,), leads=(2, 5), engine="xylosim", workers=1)
    assert runs == ["xylosim"]
    assert [row["lead"] for row in rows] == [float("inf"), 2, 5]
    for row, lead in zip(rows[1:], (2, 5), strict=True):
        steps = readout.decision_step(output, readout.Rule(lead=lead))
        assert row["window_used"] == pytest.approx(steps.mean() / output.shape[1], rel=1e-12)
        spikes = [
            hidden[k, :end].sum(dtype=int) + output[k, :end].sum(dtype=int)
            for k, end in enumerate(steps)
        ]
        assert row["spikes_per_inference"] == pytest.approx(np.mean(spikes), rel=1e-12)
        read = [raster[k, :end].sum() for k, end in enumerate(steps)]
        assert row["input_events"] == pytest.approx(np.mean(read), rel=1e-12)
    end, soon, later = rows
    assert end["accuracy"] == end["window_used"] == 1.0 > soon["accuracy"]
    for key in ("window_used", "spikes_per_inference", "power_uw", "power_off_uw"):
        assert soon[key] < later[key] < end[key]
    # What idles costs nearly as much as what works; what is switched off saves its time.
    assert soon["power_uw"] / end["power_uw"] > 0.9
    assert soon["power_off_uw"] / end["power_off_uw"] == pytest.approx(soon["window_used"], rel=0.1)
    assert end["power_off_uw"] == pytest.approx(end["power_uw"], rel=1e-12)
    assert end["power_clock_uw"] / end["power_uw"] == pytest.approx(
        end["clock_mhz"] / 6.25, rel=0.1
    )


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
    return engines.get("xylosim").run(spec, raster).spikes[1]
