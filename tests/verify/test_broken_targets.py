"""Broken files that verify is pointed at: every one is refused in one clear line."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from neurosim.errors import InputError
from neurosim.formats.case import Case
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network
from neurosim.workflows import verification
from neurosim.xylo import XyloSpec
from tests import nets


def refusal(path: Path, raster: str | None = "random", **options) -> str:
    """Return the one line that a target is refused with."""
    with pytest.raises(InputError) as caught:
        verification.prepare(path, raster, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


# --- modules that rockpool saved --------------------------------------------------------------


def saved(net: Network, tmp_path: Path) -> tuple[Path, dict]:
    path = tmp_path / "net.json"
    module_from_network(net).save(path)
    return path, json.loads(path.read_text())


def _drop(values: dict) -> None:
    del values["1_LIF"]["tau_mem"]


def _put(name: str, value: str):
    def change(values: dict) -> None:
        values["1_LIF"][name] = value

    return change


def _rename(values: dict) -> None:
    values["1_../../etc/passwd"] = values.pop("1_LIF")


MODULES = {
    "missing parameter": (_drop, "not a readable rockpool Sequential"),
    "nan": (_put("threshold", json.dumps([float("nan")] * 10)), "finite"),
    "text": (_put("threshold", '"much"'), "not a readable rockpool Sequential"),
    "no numbers": (_put("tau_mem", "{}"), "not a readable rockpool Sequential"),
    "negative tau": (_put("tau_syn", "[[-1.0]]"), "not a readable rockpool Sequential"),
    "another dt": (_put("dt", "0.5"), "different time steps"),
    "noise": (_put("noise_std", "0.1"), "has noise"),
    "zero spikes": (_put("max_spikes_per_dt", "0.0"), "max_spikes"),
    "path in a name": (_rename, "cannot be read here"),
    "one module": (lambda v: v.pop("0_LinearTorch"), "pairs"),
    "no module": (lambda v: v.clear(), "0 modules"),
    "no number": (lambda v: v.update(x_LIF={}), "has no number"),
}


@pytest.mark.parametrize("name", MODULES)
def test_saved_modules_that_are_odd(name: str, rng, tmp_path) -> None:
    change, message = MODULES[name]
    path, values = saved(nets.network(rng), tmp_path)
    change(values)
    path.write_text(json.dumps(values))
    assert message in refusal(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "[" * 5000, '{"0_LinearTorch": 3, "1_LIF": 4}', "\udcff"]
)
def test_json_that_is_no_module(text: str, tmp_path) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    refusal(path)


# --- specifications and rasters ---------------------------------------------------------------


def test_nothing_there(tmp_path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.safetensors")
    assert "no spec*.safetensors" in refusal(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_truncated_specifications(spec_file, share: float) -> None:
    whole = spec_file.read_bytes()
    spec_file.write_bytes(whole[: int(share * len(whole))])
    assert "damaged" in refusal(spec_file)


@pytest.mark.parametrize("length", [2**63 - 1, 2**40, 0])
def test_a_header_that_claims_another_length(spec_file, length: int) -> None:
    spec_file.write_bytes(struct.pack("<Q", length) + spec_file.read_bytes()[8:])
    assert "damaged" in refusal(spec_file)


def rewritten(path: Path, tensors=None, header=None, metadata=None) -> None:
    """Save a file again with changed tensors and header entries, without its checksum."""
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        kept = {} if metadata is not None else json.loads(file.metadata()["neurosim"])
    arrays |= tensors or {}
    arrays = {name: a for name, a in arrays.items() if a is not None}
    kept |= header or {}
    kept.pop("sha256", None)
    text = {"neurosim": json.dumps(kept)} if metadata is None else metadata
    save_file(arrays, path, text)


SPECS = {
    "another kind": ({}, {"kind": "recipe"}, "holds recipe; give a Network, a XyloSpec"),
    "a newer version": ({}, {"version": 99}, "file version 99"),
    "alias of nobody": ({}, {"aliases": [[99]] + [[]] * 11}, "aliases[0]"),
    "alias of text": ({}, {"aliases": [["x"]] + [[]] * 11}, "aliases"),
    "aliases too few": ({}, {"aliases": []}, "aliases"),
    "shift of text": ({}, {"weight_shift_in": "1"}, "weight_shift_in"),
    "shift too large": ({}, {"weight_shift_in": 20}, "weight_shift_in"),
    "dt zero": ({}, {"dt": 0}, "dt"),
    "dt not a number": ({}, {"dt": float("nan")}, "dt"),
    "chip unknown": ({}, {"chip": "../../chip"}, "not known"),
    "layers that do not add up": ({}, {"layers": [5]}, "layers"),
    "array missing": ({"threshold": None}, {}, "threshold is missing"),
    "array unknown": ({"../../escape": np.zeros(3)}, {}, "escape"),
    "threshold zero": ({"threshold": np.zeros(12, np.int32)}, {}, "threshold[0]"),
    "threshold short": ({"threshold": np.ones(3, np.int32)}, {}, "threshold has shape"),
    "fractions": ({"dash_mem": np.full(12, 0.5)}, {}, "dash_mem"),
    "nan": ({"bias": np.full(12, np.nan)}, {}, "bias"),
    "infinite": ({"bias": np.full(12, np.inf)}, {}, "bias"),
    "weights of 16 bits": ({"weights_in": np.full((4, 8, 1), 999)}, {}, "weights_in"),
    "weights not square": ({"weights_rec": np.zeros((12, 11, 1), int)}, {}, "weights_rec"),
    "weights of three synapses": ({"weights_in": np.zeros((4, 8, 3), int)}, {}, "weights_in"),
    "dash of 16": ({"dash_syn": np.full(12, 16)}, {}, "dash_syn"),
    "front end of text": ({}, {"front_end": "x"}, ""),
    "decision of text": ({}, {"decision": "x"}, "decision is 'x'"),
    "lead of half a spike": ({}, {"decision": {"lead": 0.5}}, "lead is 0.5"),
    "decision of another program": ({}, {"decision": {"patience": 3}}, "patience"),
}


@pytest.mark.parametrize("name", SPECS)
def test_tampered_specifications(name: str, spec_file) -> None:
    tensors, header, message = SPECS[name]
    rewritten(spec_file, tensors, header)
    if name == "front end of text":
        with pytest.raises(InputError):
            verification.prepare(spec_file, None)
        return
    assert message in refusal(spec_file)


def test_a_header_that_is_no_header(spec_file) -> None:
    for text in ("{", "[]", "3"):
        rewritten(spec_file, metadata={"neurosim": text})
        refusal(spec_file)
    rewritten(spec_file, metadata={})
    assert "tensors of another program (bias" in refusal(spec_file)


@pytest.mark.parametrize(
    ("raster", "message"),
    [
        (np.zeros((2, 3, 99), np.uint8), "channels"),
        (np.full((1, 3, 4), 0.5), "counted"),
        (np.zeros((3, 4), np.uint8), "shape"),
    ],
)
def test_cases_with_odd_rasters(tmp_path, rng, raster, message: str) -> None:
    case = Case(nets.spec(rng), nets.events(rng, (1, 3, 4)))
    path = case.save(tmp_path / "case.safetensors")
    rewritten(path, {"raster": raster})
    assert message in refusal(path, None)


def npy(path: Path, array: np.ndarray) -> str:
    np.save(path, array)
    return str(path)


def test_rasters_that_are_refused(spec_file, tmp_path, rng) -> None:
    path = tmp_path / "raster.npy"
    good = nets.events(rng, (2, 30, 4))
    assert "channels" in refusal(spec_file, npy(path, np.zeros((2, 5, 7), int)))
    assert "shape" in refusal(spec_file, npy(path, np.zeros((5, 4), int)))
    assert "holds -1" in refusal(spec_file, npy(path, good.astype(int) - 1 - good))
    assert "holds 300" in refusal(spec_file, npy(path, np.where(good, 300, 0)))
    assert "nan" in refusal(spec_file, npy(path, np.full((1, 3, 4), np.nan)))
    assert "nothing to run" in refusal(spec_file, npy(path, np.zeros((0, 5, 4), int)))
    assert "numbers are read" in refusal(spec_file, npy(path, np.full((1, 3, 4), 1 + 1j)))
    assert "numbers are read" in refusal(spec_file, npy(path, np.full((1, 3, 4), "a")))
    record = np.zeros((1, 3, 4), dtype=[("x", int)])
    assert "numbers are read" in refusal(spec_file, npy(path, record))
    pickled = npy(path, np.array([{}], dtype=object))
    assert "holds object" in refusal(spec_file, pickled)
    np.savez(tmp_path / "several.npz", a=good, b=good)
    assert "holds 2 arrays" in refusal(spec_file, str(tmp_path / "several.npz"))
    assert "data sets are" in refusal(spec_file, "mnits")


def test_a_truncated_raster_and_one_that_claims_terabytes(spec_file, tmp_path, rng) -> None:
    path = tmp_path / "raster.npy"
    whole = Path(npy(path, nets.events(rng, (2, 30, 4)))).read_bytes()
    for share, says in ((0.0, "not a readable"), (0.1, "not a readable"), (0.9, "damaged")):
        path.write_bytes(whole[: int(share * len(whole))])
        assert says in refusal(spec_file, str(path))
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 2**10, 4)}
        np.lib.format.write_array_header_1_0(file, header)
    assert "states 4,503,599,627,370,496 bytes of values and has 0" in refusal(spec_file, str(path))


def test_a_net_without_front_end_needs_events(spec_file) -> None:
    assert "--raster" in refusal(spec_file, None)


def test_a_specification_loads_as_before(spec_file) -> None:
    assert XyloSpec.load(spec_file).hidden == 12
