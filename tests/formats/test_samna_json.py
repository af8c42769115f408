"""samna's own JSON: read, written, and read again with the same integers."""

import copy
import json

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import samna, samna_json
from neurosim.xylo import XyloSpec
from tests import nets

NOTHING = {"nullopt": True}


def matrix(values) -> dict:
    """A matrix as cereal writes it, in samna's file."""
    values = np.asarray(values)
    rows, columns = values.shape
    return {
        "dimensions": {"value0": rows, "value1": columns},
        "offsets": {"value0": columns, "value1": 1},
        "values": values.ravel().tolist(),
    }


def hidden(threshold: int, alias: dict) -> dict:
    decays = {"vMemDecay": 2, "iSynDecay": 4, "iSyn2Decay": 3}
    return {"threshold": threshold, "vMemBias": 7, "aliasTarget": alias, **decays}


@pytest.fixture
def audio2() -> dict:
    """The form of samna's file for Xylo Audio 2 (synsense/rockpool, test_samna_config.json)."""
    return {
        "value0": {
            "operationMode": 0,
            "synapse2Enable": True,
            "biasEnable": True,
            "timeResolutionWrap": 5,
            "input": {
                "weightBitShift": 1,
                "weights": matrix([[1, -2, 3], [4, 5, -6]]),
                "syn2_weights": matrix([[0, 1, 0], [-128, 0, 127]]),
            },
            "reservoir": {
                "weightBitShift": 2,
                "weights": matrix([[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
                "syn2Weights": matrix(np.eye(3, dtype=int)),
                "neurons": [
                    hidden(100, {"nullopt": False, "data": 2}),
                    hidden(200, NOTHING),
                    hidden(300, NOTHING),
                ],
                "aliasing": True,
            },
            "readout": {
                "weightBitShift": 3,
                "weights": matrix([[9, 8], [7, 6], [5, -4]]),
                "neurons": [
                    {"threshold": 30 + i, "vMemDecay": 3, "iSynDecay": i, "vMemBias": -i}
                    for i in (1, 2)
                ],
            },
            "debug": {"monitorNeuronVMem": NOTHING, "ramPowerEnable": True, "peFsmSelect": 7},
        }
    }


def written(values, path):
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_every_field_of_a_file_arrives(audio2, tmp_path):
    spec = samna_json.load(written(audio2, tmp_path / "a.json"), dt=2e-3)
    expected = XyloSpec(
        weights_in=np.stack([[[1, -2, 3], [4, 5, -6]], [[0, 1, 0], [-128, 0, 127]]], axis=2),
        weights_rec=np.stack([np.arange(9).reshape(3, 3), np.eye(3, dtype=int)], axis=2),
        weights_out=[[9, 8], [7, 6], [5, -4]],
        weight_shift_in=1,
        weight_shift_rec=2,
        weight_shift_out=3,
        dash_mem=[2] * 3,
        dash_syn=[4] * 3,
        dash_syn_2=[3] * 3,
        dash_mem_out=[3, 3],
        dash_syn_out=[1, 2],
        threshold=[100, 200, 300],
        threshold_out=[31, 32],
        bias=[7] * 3,
        bias_out=[-1, -2],
        aliases=[[2], [], []],
        chip="xylo-audio-2",
        dt=2e-3,
    )
    assert spec.chip == "xylo-audio-2"
    assert spec.digest() == expected.digest()


def test_a_file_of_samnas_is_written_back_as_it_was(audio2, tmp_path):
    path = written(audio2, tmp_path / "a.json")
    back = samna_json.save(samna_json.load(path), tmp_path / "b.json", like=path)
    ours = json.loads(back.read_text())["value0"]
    theirs = audio2["value0"]
    clocks = {"isynClockEnable", "isyn2ClockEnable", "raClockEnable", "hmClockEnable"}
    clocks |= {"biasClockEnable"}  # rockpool sets them where the net needs them
    assert set(ours["debug"]) - set(theirs["debug"]) == clocks
    assert {**ours, "debug": theirs["debug"]} == theirs


@pytest.mark.parametrize("chip", ["xylo-imu", "xylo-audio-2", "xylo-audio-3"])
def test_integers_and_spikes_are_the_same_after_a_round_trip(chip, rng, tmp_path):
    spec = nets.spec(rng, chip=chip)
    path = samna_json.save(spec, tmp_path / "c.json")
    back = samna_json.load(path)
    assert back.chip == chip
    assert samna.configuration(back) == samna.configuration(spec)
    events = nets.events(rng, (3, 40, 4), rate=0.6)
    run = engines.get("xylosim").run
    for a, b in zip(run(spec, events).spikes, run(back, events).spikes, strict=True):
        assert a.sum() > 20
        np.testing.assert_array_equal(a, b)


def broken(values, *path, value):
    """The values with one of them replaced; the last step of the path names it."""
    values = copy.deepcopy(values)
    inner = values
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return values


WEIGHTS = ("value0", "input", "weights")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*WEIGHTS, "values", 0), 1.5, r"input\.weights holds 1\.5"),
        ((*WEIGHTS, "values", 0), True, r"input\.weights holds True"),
        ((*WEIGHTS, "values", 0), 10**40, "input.weights holds 1000"),
        ((*WEIGHTS, "values", 0), 200, "weights_in"),
        ((*WEIGHTS, "values"), [1, 2], "2 x 3, but has 2 values"),
        ((*WEIGHTS, "dimensions", "value0"), 2**40, "input.weights holds 1099511627776"),
        ((*WEIGHTS, "offsets", "value1"), 2, r"offsets \(3, 2\) do not lead through 2 x 3"),
        ((*WEIGHTS, "dimensions"), {}, "KeyError"),
        (("value0", "biasEnable"), 1, "biasEnable is 1; it is true or false"),
        (("value0", "reservoir", "neurons", 0, "aliasTarget", "data"), 9, "alias"),
        (("value0", "reservoir", "neurons", 1, "threshold"), 0, "threshold"),
        (("value0", "readout"), None, "configuration of samna's"),
        (("value0",), {"sensor": {}}, "is no configuration of xylo-audio-2.*it has sensor"),
        (("value0",), 3, "holds no 'value0'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(audio2, tmp_path, path, value, message):
    place = written(broken(audio2, *path, value=value), tmp_path / "a.json")
    with pytest.raises(InputError, match=message) as raised:
        samna_json.load(place)
    assert "\n" not in str(raised.value)
    assert str(place) in str(raised.value)


def test_another_chip_is_refused(audio2, rng, tmp_path):
    path = written(audio2, tmp_path / "a.json")
    with pytest.raises(InputError, match="is no configuration of xylo-imu: it has no 'hidden'"):
        samna_json.load(path, chip="xylo-imu")
    with pytest.raises(InputError, match="is no configuration of xylo-imu"):
        samna_json.save(nets.spec(rng, chip="xylo-imu"), tmp_path / "b.json", like=path)
    with pytest.raises(InputError, match="is for no chip"):
        samna_json.save(nets.spec(rng), tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()
