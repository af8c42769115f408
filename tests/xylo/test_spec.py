"""XyloSpec: keys, defaults, refusals, files, the threshold register."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import InputError
from neurosim.xylo import RuleError, XyloSpec
from tests import nets

SMALL = {
    "weights_in": np.full((2, 3), 10),
    "weights_out": np.full((3, 2), 10),
    "threshold": [100, 100, 100],
    "threshold_out": [100, 100],
}


def test_defaults_are_rockpools():
    spec = XyloSpec(**SMALL, mapped_graph=object())
    assert spec.weights_in.shape == (2, 3, 1)
    assert not spec.weights_rec.any()
    assert spec.weights_rec.shape == (3, 3, 1)
    assert not any(getattr(spec, n).any() for n in ("dash_mem", "dash_syn", "bias", "bias_out"))
    assert spec.aliases == ((), (), ())
    assert spec.dt == 1e-3
    assert spec.lag == 0


def test_arrays_cannot_be_changed_and_are_copies():
    weights = np.full((2, 3), 10)
    spec = XyloSpec(**{**SMALL, "weights_in": weights})
    weights[0, 0] = 99
    assert spec.weights_in[0, 0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        spec.threshold[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.dt = 1.0


BAD = {
    "threshold missing": ({"threshold": None}, "threshold is missing"),
    "output threshold missing": ({"threshold_out": None}, "threshold_out is missing"),
    "threshold zero": ({"threshold": [100, 0, 100]}, r"threshold\[1\] \(hidden neuron 1\) is 0"),
    "threshold negative": (
        {"threshold_out": [-5, 100]},
        r"threshold_out\[0\] \(output neuron 0\) is -5",
    ),
    "threshold too large": ({"threshold": [100, 100, 32768]}, "1..32767"),
    "threshold short": ({"threshold": [100, 100]}, "one value for 3 neurons"),
    "weight too large": ({"weights_in": np.full((2, 3), 128)}, "-128..127"),
    "weight too small": ({"weights_out": np.full((3, 2), -129)}, "-128..127"),
    "weight fractional": ({"weights_in": np.full((2, 3), 0.5)}, "quantise first"),
    "weight nan": ({"weights_in": np.full((2, 3), np.nan)}, "is nan"),
    "weight complex": ({"weights_in": np.full((2, 3), 1j)}, "complex"),
    "weight text": ({"weights_in": [["a", "b", "c"]]}, "give integers"),
    "weights ragged": ({"weights_in": [[1, 2, 3], [1, 2]]}, "ragged"),
    "weights empty": ({"weights_in": np.zeros((0, 3))}, "empty"),
    "weights_in missing": ({"weights_in": None}, "weights_in is missing"),
    "weights of three synapses": ({"weights_in": np.zeros((2, 3, 3))}, "1 or 2"),
    "weights_rec not square": ({"weights_rec": np.zeros((3, 4))}, "square"),
    "weights_rec other synapses": ({"weights_rec": np.zeros((3, 3, 2))}, "square"),
    "weights_rec too small": ({"weights_rec": np.zeros((2, 2))}, "give weights_rec for all"),
    "weights_out 3-d": ({"weights_out": np.zeros((3, 2, 1))}, "OEN, Nout"),
    "dash too large": ({"dash_mem": [16, 1, 1]}, r"dash_mem\[0\] \(hidden neuron 0\) is 16"),
    "dash negative": ({"dash_syn": [1, -1, 1]}, r"dash_syn\[1\] \(hidden neuron 1\) is -1"),
    "dash short": ({"dash_syn_out": [1]}, "one value for 2 neurons"),
    "dash of second synapse": ({"dash_syn_2": [0, 0, 99]}, "0..15"),
    "bias too large": ({"bias": [40000, 0, 0]}, "-32768..32767"),
    "bias short": ({"bias_out": [1, 2, 3]}, "one value for 2 neurons"),
    "shift negative": ({"weight_shift_in": -1}, "0..8"),
    "shift too large": ({"weight_shift_rec": 9}, "0..8"),
    "shift an array": ({"weight_shift_out": [1, 2]}, "one integer"),
    "alias out of range": ({"aliases": [[3], [], []]}, "0..2"),
    "alias negative": ({"aliases": [[-1], [], []]}, "0..2"),
    "two aliases": ({"aliases": [[0, 1], [], []]}, "one target"),
    "aliases short": ({"aliases": [[]]}, "one list for 3 neurons"),
    "dt zero": ({"dt": 0.0}, "positive time"),
    "dt nan": ({"dt": float("nan")}, "positive time"),
    "layers do not add up": ({"layers": (2, 2)}, "do not add up"),
    "unknown chip": ({"chip": "xylo-imo"}, "xylo-imu"),
    "boolean weights": ({"weights_in": np.ones((2, 3), bool)}, "give integers"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_bad_specifications_are_refused_by_name(change, message):
    with pytest.raises(InputError, match=message) as caught:
        XyloSpec(**{**SMALL, **change})
    assert "\n" not in str(caught.value)


def test_a_specification_needs_no_compiler():
    """The quantisers' kernels load when a net is deployed, not with the room."""
    code = "import sys, neurosim.xylo; print([m for m in ('numba', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_misspelt_keys_are_refused():
    with pytest.raises(InputError, match="no field 'treshold'; did you mean 'threshold'"):
        XyloSpec(**SMALL, treshold=[1, 1, 1])
    with pytest.raises(InputError, match="no field 'qqq'; known: weights_in, "):
        XyloSpec(**SMALL, qqq=1)


def test_all_violations_are_reported_at_once():
    with pytest.raises(RuleError) as caught:
        XyloSpec(
            **{**SMALL, "threshold": [0, 1, 1], "dash_mem": [16, 0, 0], "bias": [1 << 20, 0, 0]}
        )
    assert {v.rule for v in caught.value.violations} == {"threshold", "dash_mem", "bias"}


def test_chip_limits():
    with pytest.raises(RuleError, match="input channels is 17, allowed is at most 16"):
        XyloSpec(**{**SMALL, "weights_in": np.ones((17, 3))}, chip="xylo-imu")
    two = np.ones((2, 3, 2), int)
    with pytest.raises(RuleError, match="synapses per neuron is 2"):
        XyloSpec(**{**SMALL, "weights_in": two}, chip="xylo-imu")
    assert XyloSpec(**{**SMALL, "weights_in": two}, chip="xylo-audio-2").synapses == 2
    n = 130
    wide = {
        "weights_in": np.ones((2, n)),
        "weights_out": np.ones((n, 2)),
        "threshold": [9] * n,
        "threshold_out": [9, 9],
    }
    with pytest.raises(RuleError) as caught:
        XyloSpec(**wide, chip="xylo-imu")
    assert len(caught.value.violations) == 2
    dense = {**wide, "weights_rec": np.ones((n, n))}
    with pytest.raises(
        RuleError, match=r"fan-out of hidden neuron 0 is 130 .*, allowed is at most 64"
    ):
        XyloSpec(**dense, chip="xylo-audio-2")
    wide_rec = {**dense, "weights_in": np.ones((2, 20)), "weights_out": np.ones((20, 2))}
    wide_rec |= {"weights_rec": np.ones((200, 200)), "threshold": [9] * 200}
    with pytest.raises(RuleError, match="recurrent connections is 40000"):
        XyloSpec(**wide_rec, chip="xylo-imu")


def test_threshold_register(rng):
    spec = nets.spec(rng)
    raised = spec.with_threshold(1.5)
    assert (raised.threshold == np.floor(spec.threshold * 1.5 + 0.5)).all()
    assert (raised.threshold_out == spec.threshold_out).all()
    assert (spec.with_threshold(2, readout=True).threshold_out == 2 * spec.threshold_out).all()
    assert (raised.weights_in == spec.weights_in).all()
    for bad in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="threshold scale"):
            spec.with_threshold(bad)
    with pytest.raises(InputError, match=r"threshold scale 1000 takes .* use a scale up to"):
        spec.with_threshold(1000)
    with pytest.raises(InputError, match="threshold scale"):
        spec.with_threshold("x")


@given(st.integers(0, 2**32 - 1))
def test_files_and_specification_keep_everything(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    spec = nets.spec(rng, chip="xylo-imu", dt=0.0025, layers=(8, 4))
    path = tmp_path_factory.mktemp("spec") / "a.safetensors"
    back = XyloSpec.load(spec.save(path))
    assert back.digest() == spec.digest()
    assert (back.chip, back.dt, back.layers, back.lag) == ("xylo-imu", 0.0025, (8, 4), 2)
    again = XyloSpec(**spec.specification(), layers=spec.layers)
    assert again.digest() == spec.digest()


def test_damaged_files_are_refused(tmp_path, rng):
    path = nets.spec(rng).save(tmp_path / "a.safetensors")
    whole = path.read_bytes()
    pickled, noise = b"\x80\x04\x95\x00.", bytes(range(256)) * 8
    for content in (whole[: len(whole) // 2], b"", pickled, noise, whole + b"0"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=path.name):
            XyloSpec.load(path)
    with pytest.raises(InputError, match="no such file"):
        XyloSpec.load(tmp_path / "absent")
    network = nets.network(rng).save(tmp_path / "net.safetensors")
    with pytest.raises(InputError, match="holds network, expected a xylo-spec"):
        XyloSpec.load(network)
