"""The XyloSim engine against rockpool's own XyloSim, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import rockpool_devices
from tests import nets

XYLOSIM = engines.get("xylosim")
ALL = ("spikes", "v_mem", "i_syn")


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_equals_rockpools_xylosim(seed):
    rng = np.random.default_rng(seed)
    spec = nets.spec(rng)
    raster = nets.events(rng, (3, 40, 4), rate=0.6)
    ours = XYLOSIM.run(spec, raster, record=ALL)
    assert ours.spikes[0].any()
    assert ours.spikes[1].any()
    theirs = rockpool_devices.xylosim().from_specification(**spec.specification())
    for sample in range(3):
        theirs.reset_state()
        output, _, record = theirs.evolve(raster[sample], record=True)
        np.testing.assert_array_equal(ours.spikes[1][sample], output)
        np.testing.assert_array_equal(ours.spikes[0][sample], record["Spikes"])
        np.testing.assert_array_equal(ours.v_mem[0][sample], record["Vmem"])
        np.testing.assert_array_equal(ours.i_syn[0][sample], record["Isyn"])
        np.testing.assert_array_equal(ours.v_mem[1][sample], record["Vmem_out"])
        np.testing.assert_array_equal(ours.i_syn[1][sample], record["Isyn_out"])


def test_samples_do_not_know_of_each_other(rng):
    spec = nets.spec(rng)
    raster = nets.events(rng, (6, 40, 4), rate=0.8)
    together = XYLOSIM.run(spec, raster, record=ALL)
    for sample in (5, 2):
        alone = XYLOSIM.run(spec, raster[sample : sample + 1], record=ALL)
        np.testing.assert_array_equal(alone.v_mem[0][0], together.v_mem[0][sample])


def test_equal_samples_run_once_and_have_equal_records(rng):
    spec = nets.spec(rng)
    raster = nets.events(rng, (3, 40, 4), rate=0.8)
    apart = XYLOSIM.run(spec, raster, record=ALL)
    order = [0, 1, 0, 2, 1, 0]
    together = XYLOSIM.run(spec, raster[order], record=ALL)
    assert apart.spikes[0].any(axis=(1, 2)).all()
    for variable in ALL:
        for one, all_six in zip(getattr(apart, variable), getattr(together, variable), strict=True):
            np.testing.assert_array_equal(all_six, one[order])


def test_empty_steps_are_appended_for_the_lag_of_layers(rng):
    spec = nets.spec(rng, layers=(8, 4))
    raster = nets.events(rng, (2, 30, 4))
    assert XYLOSIM.run(spec, raster).steps == 32
    assert XYLOSIM.run(nets.spec(rng), raster).steps == 30


def test_two_synapses_are_recorded_apart(rng):
    n = 12
    spec = nets.spec(
        rng,
        weights_in=rng.integers(-40, 90, (4, 8, 2)),
        weights_rec=rng.integers(-50, 50, (n, n, 2)),
        dash_syn_2=rng.integers(1, 6, n),
    )
    recording = XYLOSIM.run(spec, nets.events(rng, (3, 40, 4)), record=ALL)
    assert recording.i_syn_2[0].any()
    assert not recording.i_syn_2[1].any()
    assert (recording.i_syn_2[0] != recording.i_syn[0]).any()


RASTERS = {
    "two dimensions": (np.zeros((5, 4), int), "leading axis"),
    "wrong channels": (np.zeros((1, 5, 3), int), "3 channels, the model reads 4"),
    "empty": (np.zeros((0, 5, 4), int), "nothing to run"),
    "floats": (np.zeros((1, 5, 4)), "dtype float64"),
    "nan": (np.full((1, 5, 4), np.nan), r"holds nan at \(sample, time, channel\) = \(0, 0, 0\)"),
    "fraction": (np.full((1, 5, 4), 0.5), "holds 0.5"),
    "negative": (np.full((1, 5, 4), -1), "holds -1"),
    "too large": (np.full((1, 5, 4), 256), "holds 256"),
    "text": (np.full((1, 5, 4), "a"), "dtype <U1"),
}


@pytest.mark.parametrize(("raster", "message"), RASTERS.values(), ids=RASTERS)
@pytest.mark.parametrize("engine", ["xylosim", "brian2"])
def test_bad_rasters_are_refused(rng, raster, message, engine):
    with pytest.raises(InputError, match=message) as caught:
        engines.get(engine).run(nets.spec(rng), raster)
    assert "\n" not in str(caught.value)


def test_other_refusals(rng):
    raster = np.zeros((1, 5, 4), int)
    with pytest.raises(InputError, match="runs a XyloSpec"):
        XYLOSIM.run(nets.network(rng), raster)
    with pytest.raises(InputError, match="'vmem' cannot be recorded"):
        XYLOSIM.run(nets.spec(rng), raster, record=("vmem",))
    with pytest.raises(InputError, match="'xylo' is not known"):
        engines.get("xylo")
