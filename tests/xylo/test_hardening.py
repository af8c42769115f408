"""Bad files and rasters get one clear line; what would crash XyloSim never reaches it."""

import json
import struct

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.xylo import XyloSpec
from tests import nets


def parts(path):
    """The JSON header and the tensor bytes of a safetensors file."""
    whole = path.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def write(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def ours(header):
    return json.loads(header["__metadata__"]["neurosim"])


def with_ours(header, **changes):
    values = ours(header)
    values.update(changes)
    values = {k: v for k, v in values.items() if v is not ...}
    header["__metadata__"]["neurosim"] = json.dumps(values)


TAMPERED = {
    "chip a path": {"chip": "../../etc/passwd"},
    "chip a list": {"chip": ["xylo-imu"]},
    "dt text": {"dt": "fast"},
    "dt nan": {"dt": float("nan")},
    "dt negative": {"dt": -1e-3},
    "dt missing": {"dt": ...},
    "shift nine": {"weight_shift_in": 9},
    "shift a list": {"weight_shift_rec": [1]},
    "shift missing": {"weight_shift_out": ...},
    "aliases a number": {"aliases": 3},
    "aliases of nobody": {"aliases": [[99]] + [[]] * 11},
    "aliases nested": {"aliases": [[[1]]] + [[]] * 11},
    "aliases short": {"aliases": []},
    "layers wrong": {"layers": [1, 2]},
    "layers text": {"layers": "ab"},
    "layers a dictionary": {"layers": {"a": 1}},
    "of another kind": {"kind": "network"},
    "of no kind": {"kind": ...},
    "of a later version": {"version": 2},
    "front end a number": {"front_end": 5},
}


@pytest.mark.parametrize("changes", TAMPERED.values(), ids=TAMPERED)
def test_tampered_headers_are_refused(tmp_path, rng, changes):
    path = nets.spec(rng).save(tmp_path / "a.safetensors")
    header, data = parts(path)
    with_ours(header, **changes)
    write(path, header, data)
    with pytest.raises(InputError, match=r"a\.safetensors") as caught:
        XyloSpec.load(path)
    assert "\n" not in str(caught.value)


def rename(header, old, new):
    header[new] = header.pop(old)


def shape_of(header, name, shape):
    header[name]["shape"] = shape


TENSORS = {
    "missing": lambda h: h.pop("threshold"),
    "misnamed": lambda h: rename(h, "threshold", "treshold"),
    "named like a path": lambda h: rename(h, "threshold", "../../threshold"),
    "of a huge shape": lambda h: shape_of(h, "threshold", [1 << 40]),
    "of a negative shape": lambda h: shape_of(h, "threshold", [-1]),
    "of another shape": lambda h: shape_of(h, "weights_rec", [144, 1, 1]),
    "of floats": lambda h: h["threshold"].update(dtype="F32"),
    "of an unknown type": lambda h: h["threshold"].update(dtype="Z9"),
    "beyond the file": lambda h: h["threshold"].update(data_offsets=[0, 1 << 40]),
    "overlapping": lambda h: h["threshold"].update(h["bias"]),
    "without metadata": lambda h: h.pop("__metadata__"),
    "metadata no JSON": lambda h: h["__metadata__"].update(neurosim="{"),
    "metadata a list": lambda h: h["__metadata__"].update(neurosim="[]"),
}


@pytest.mark.parametrize("tamper", TENSORS.values(), ids=TENSORS)
def test_tampered_tensors_are_refused(tmp_path, rng, tamper):
    path = nets.spec(rng).save(tmp_path / "a.safetensors")
    header, data = parts(path)
    tamper(header)
    write(path, header, data)
    with pytest.raises(InputError, match=r"a\.safetensors") as caught:
        XyloSpec.load(path)
    assert "\n" not in str(caught.value)


def test_files_cut_anywhere_are_refused(tmp_path, rng):
    path = nets.spec(rng).save(tmp_path / "a.safetensors")
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, *range(200, len(whole), 211), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"a\.safetensors"):
            XyloSpec.load(path)
    path.write_bytes(struct.pack("<Q", 1 << 60) + whole[8:])  # a header longer than any file
    with pytest.raises(InputError, match=r"a\.safetensors"):
        XyloSpec.load(path)


def test_a_flipped_byte_of_a_weight_is_refused(tmp_path, rng):
    """By the checksum, also where what is left is a legal net."""
    path = nets.spec(rng).save(tmp_path / "a.safetensors")
    whole = bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", whole[:8])[0]
    for at in range(start, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(InputError, match="damaged"):
            XyloSpec.load(path)


HUGE = {
    "input neurons": {"weights_in": np.zeros((1, 5000), np.int8)},
    "channels": {"weights_in": np.zeros((5000, 1), np.int8)},
    "outputs": {"weights_out": np.zeros((1, 5000), np.int8)},
    "recurrent": {"weights_rec": np.broadcast_to(np.int8(0), (5000, 5000, 1))},
}


@pytest.mark.parametrize("change", HUGE.values(), ids=HUGE)
def test_huge_nets_are_refused_before_they_fill_the_memory(change):
    small = {
        "weights_in": np.ones((1, 1), int),
        "weights_out": np.ones((1, 1), int),
        "threshold": [1],
        "threshold_out": [1],
    }
    with pytest.raises(InputError, match="at most 4096"):
        XyloSpec(**{**small, **change})


RASTERS = {
    "two dimensions": np.zeros((5, 4), np.uint8),
    "four dimensions": np.zeros((1, 5, 4, 1), np.uint8),
    "a channel too few": np.zeros((1, 5, 3), np.uint8),
    "a channel too many": np.zeros((1, 5, 5), np.uint8),
    "no samples": np.zeros((0, 5, 4), np.uint8),
    "no steps": np.zeros((1, 0, 4), np.uint8),
    "negative": np.full((1, 5, 4), -1),
    "beyond a byte": np.full((1, 5, 4), 256),
    "beyond 64 bits": np.full((1, 5, 4), 2**63, np.uint64),
    "nan": np.full((1, 5, 4), np.nan),
    "infinite": np.full((1, 5, 4), np.inf),
    "fractions": np.full((1, 5, 4), 0.5),
    "whole floats": np.ones((1, 5, 4)),
    "complex": np.ones((1, 5, 4), complex),
    "text": np.full((1, 5, 4), "a"),
    "objects": np.full((1, 5, 4), None),
    "times": np.zeros((1, 5, 4), "datetime64[s]"),
    "ragged": [[[1, 2, 3, 4], [1]]],
    "nothing": None,
}


@pytest.mark.parametrize("raster", RASTERS.values(), ids=RASTERS)
def test_bad_rasters_never_reach_the_simulator(rng, raster):
    with pytest.raises(InputError, match="raster") as caught:
        engines.get("xylosim").run(nets.spec(rng), raster)
    assert "\n" not in str(caught.value)


def test_more_events_than_the_chip_reads_are_clipped_by_it(rng):
    spec = nets.spec(rng)
    full, over = np.full((1, 20, 4), 15, np.uint8), np.full((1, 20, 4), 255, np.uint8)
    engine = engines.get("xylosim")
    a, b = engine.run(spec, full), engine.run(spec, over)
    assert a.spikes[0].any()
    np.testing.assert_array_equal(a.spikes[0], b.spikes[0])


def test_state_does_not_carry_over_between_runs(rng):
    spec, raster = nets.spec(rng), nets.events(rng, (3, 40, 4))
    engine = engines.get("xylosim")
    together = engine.run(spec, raster, record=("v_mem",))
    assert together.spikes[0].any()
    for k in range(3):
        alone = engine.run(spec, raster[k : k + 1], record=("v_mem",))
        np.testing.assert_array_equal(alone.v_mem[0][0], together.v_mem[0][k])
