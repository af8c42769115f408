"""The board engine against a strict fake of samna whose chip is XyloSim."""

import dataclasses
import sys

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError, UnavailableError
from neurosim.formats import samna as vendor
from tests import nets
from tests.engines import fake_samna

KITS = {"xylo-imu": "XyloImuTestBoard", "xylo-audio-3": "XyloAudio3TestBoard"}


@pytest.fixture
def plugged(monkeypatch):
    """Install a fake samna with some boards."""

    def install(*boards, **options):
        samna = fake_samna.build(*boards, **options)
        monkeypatch.setitem(sys.modules, "samna", samna)
        return samna

    return install


def spec_for(chip, rng):
    """All that can go wrong: hidden biases, an alias of neuron 0, both synapses, unequal sizes."""
    spec = nets.spec(rng, aliases=[[5], [0], *[[]] * 10], bias=rng.integers(-5, 40, 12))
    if chip == "xylo-audio-3":
        names = ("weights_in", "weights_rec")
        second = {n: rng.integers(-40, 60, getattr(spec, n).shape) for n in names}
        both = {n: np.concatenate([getattr(spec, n), second[n]], axis=2) for n in second}
        spec = dataclasses.replace(spec, **both, dash_syn_2=rng.integers(1, 6, 12))
    return spec.on_chip(chip)


@pytest.mark.parametrize("chip", KITS)
@pytest.mark.parametrize("lag", [(), (8, 4)])
def test_a_board_does_what_the_simulator_does(rng, plugged, chip, lag):
    plugged(KITS[chip])
    spec = dataclasses.replace(spec_for(chip, rng), layers=lag)
    raster = nets.events(rng, (3, 25, 4), rate=1.0)
    raster[0, 0, 0] = 200  # the chip reads 15
    record = ("spikes", "v_mem", "i_syn")
    board, simulator = (
        engines.get(name).run(spec, raster, record=record) for name in ("board", "xylosim")
    )
    assert board.spikes[0].any()
    assert board.spikes[1].any()
    for name in (*record, *(["i_syn_2"] if spec.synapses == 2 else [])):
        for found, expected in zip(getattr(board, name), getattr(simulator, name), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert board.provenance["status"] == "untested on hardware"
    assert board.provenance["samna"] == "0.0.fake"


@pytest.mark.parametrize("chip", KITS)
def test_spikes_alone_need_no_state_access(rng, plugged, chip):
    plugged(KITS[chip])
    spec, raster = spec_for(chip, rng), nets.events(rng, (2, 25, 4), rate=1.0)
    board = engines.get("board").run(spec, raster)
    assert board.v_mem is None
    simulator = engines.get("xylosim").run(spec, raster)
    assert simulator.spikes[1].any()
    for found, expected in zip(board.spikes, simulator.spikes, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_every_field_matters(rng, plugged):
    """Change one field of the specification: the board's spikes or states change as well."""
    samna = plugged(KITS["xylo-imu"])
    spec = spec_for("xylo-imu", rng)
    config = vendor.to_samna(spec, samna)
    back = fake_samna.decoded(config, two=False)
    for name in ("weights_in", "weights_rec", "weights_out", "dash_mem", "dash_syn", "bias"):
        np.testing.assert_array_equal(getattr(back, name), getattr(spec, name))
    for name in ("threshold", "threshold_out", "dash_mem_out", "dash_syn_out", "bias_out"):
        np.testing.assert_array_equal(getattr(back, name), getattr(spec, name))
    assert back.aliases == spec.aliases
    assert back.weight_shift_in == spec.weight_shift_in == 1
    assert config.hidden.neurons[1].alias_target == 0
    assert config.hidden.neurons[2].alias_target is None
    assert config.bias_enable is True
    assert config.imu_if_input_enable is False


def test_audio_2_is_configured_by_its_own_names(rng, plugged):
    """No engine serves its board, but its configuration object is made, field by field."""
    spec = spec_for("xylo-audio-3", rng).on_chip("xylo-audio-2")
    config = vendor.to_samna(spec, plugged())
    back = fake_samna.decoded(config, two=True, population="reservoir")
    for name in ("weights_in", "weights_rec", "dash_syn_2", "bias", "threshold", "bias_out"):
        np.testing.assert_array_equal(getattr(back, name), getattr(spec, name))
    assert back.aliases == spec.aliases
    assert config.debug.isyn2_clock_enable is True
    unfed = spec.hidden - len(spec.weights_out)
    assert unfed == 6
    np.testing.assert_array_equal(back.weights_out[unfed:], spec.weights_out)
    raster = nets.events(rng, (2, 25, 4), rate=1.0)
    same, there = (engines.get("xylosim").run(s, raster).spikes[1] for s in (spec, back))
    assert there.any()
    np.testing.assert_array_equal(same, there)


def test_weights_beyond_8_bits_never_reach_a_board(rng):
    weights = spec_for("xylo-imu", rng).weights_in.copy()
    weights[0, 0] = 200  # an int8 cast would make it -56
    with pytest.raises(InputError, match=r"weights_in.* is 200, allowed is -128"):
        dataclasses.replace(spec_for("xylo-imu", rng), weights_in=weights)


@pytest.mark.parametrize(
    ("chip", "watts"),
    [
        ("xylo-imu", {"io": 300e-6, "core": 200e-6}),
        ("xylo-audio-3", {"io": 1e-4, "analog": 2e-4, "digital": 3e-4}),
    ],
)
def test_power_is_measured_on_demand(rng, plugged, chip, watts):
    samna = plugged(KITS[chip])
    spec, raster = spec_for(chip, rng), nets.events(rng, (2, 10, 4))
    engine = engines.get("board")
    assert "power_w" not in engine.run(spec, raster).provenance
    assert "power on" not in samna.log
    assert engine.run(spec, raster, power=True).provenance["power_w"] == pytest.approx(watts)
    assert samna.log.count("power on") == 2
    assert samna.log[-1] == "power off"
    assert ("stop watch" in samna.log) == (chip == "xylo-audio-3")


def test_what_is_missing_is_said(rng, plugged, monkeypatch):
    spec, raster = spec_for("xylo-imu", rng), nets.events(rng, (1, 5, 4))
    run = engines.get("board").run
    monkeypatch.setitem(sys.modules, "samna", None)
    with pytest.raises(UnavailableError, match=r"samna cannot be imported .* 'xylosim'"):
        run(spec, raster)
    monkeypatch.setitem(sys.modules, "samna", object())
    with pytest.raises(UnavailableError, match="only a stub"):
        run(spec, raster)
    plugged()
    with pytest.raises(UnavailableError, match=r"no XyloImuTestBoard .* \(found: none\)"):
        run(spec, raster)
    plugged(KITS["xylo-audio-3"])
    with pytest.raises(UnavailableError, match=r"\(found: XyloAudio3TestBoard\)"):
        run(spec, raster)
    plugged(KITS["xylo-imu"], valid=(False, "too many spikes in the soup"))
    with pytest.raises(InputError, match="samna finds the configuration invalid: too many"):
        run(spec, raster)


def test_a_board_that_falls_silent_is_said(rng, plugged, monkeypatch):
    plugged(KITS["xylo-imu"])
    monkeypatch.setattr(fake_samna.Hdk, "_process", lambda self, target: None)
    spec, raster = spec_for("xylo-imu", rng), nets.events(rng, (1, 5, 4))
    with pytest.raises(UnavailableError, match="returned 0 of 5 steps"):
        engines.get("board").run(spec, raster, timeout_s=0.05)


def test_models_and_rasters_are_checked_first(rng):
    run = engines.get("board").run
    spec = spec_for("xylo-imu", rng)
    with pytest.raises(InputError, match="runs a XyloSpec, got int"):
        run(5, None)
    with pytest.raises(InputError, match="is for None; the board engine serves"):
        run(spec.on_chip(None), np.zeros((1, 5, 4), int))
    with pytest.raises(InputError, match="is for xylo-audio-2"):
        run(spec.on_chip("xylo-audio-2"), np.zeros((1, 5, 4), int))
    with pytest.raises(InputError, match="channels"):
        run(spec, np.zeros((1, 5, 3), int))
