"""Pickles are followed, never run: arrays come back, all else is recorded or refused."""

import gzip
import pickle
import struct

import numpy as np
import pytest

from neurosim.data import cifar10_files, pickles, seglearn
from neurosim.errors import InputError


class _Made:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_a_forged_array_is_not_made(tmp_path):
    """An array of object pointers that the file chose, used as a shape, crashed the process."""
    forged = _Made(np.ndarray, (1,), _Made(np.dtype, "O8", False, True), b"\x41" * 8)
    (tmp_path / "batch").write_bytes(pickle.dumps(_Made(np.ndarray, forged), protocol=4))
    found = pickles.load(tmp_path / "batch")
    assert isinstance(found, pickles.Call)  # recorded; no reader takes it for an array
    assert found.name == "numpy.ndarray"


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_come_back_from_any_protocol(rng, protocol):
    arrays = {
        "f8": rng.normal(size=(3, 4)),
        "f4": rng.normal(size=5).astype(np.float32),
        "fortran": np.asfortranarray(rng.normal(size=(3, 4))),
        "big": np.arange(6, dtype=">i4").reshape(2, 3),
        "u1": np.arange(256, dtype=np.uint8),
        "none": np.zeros((0, 3)),
        "one": np.array(2.5),
    }
    found = pickles.loads(pickle.dumps({**arrays, "list": [1, (2, "x"), None]}, protocol=protocol))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert found["list"] == [1, (2, "x"), None]


def test_shared_and_nested_values_are_built_once():
    array = np.arange(3.0)
    found = pickles.loads(pickle.dumps([array, {"a": (array,)}], protocol=2))
    assert found[0] is found[1]["a"][0]


def test_objects_that_are_named_are_recorded():
    class_name = f"{_Recorded.__module__}.{_Recorded.__qualname__}"
    content = pickle.dumps({1: [_Recorded(np.arange(4))]}, protocol=1)
    with pytest.raises(InputError, match="asks for"):
        pickles.loads(content)
    (found,) = pickles.loads(content, records=[class_name])[1]
    assert isinstance(found, pickles.Call)
    assert found.name == class_name
    assert found.state["values"].tolist() == [0, 1, 2, 3]
    names = pickles.loads(pickle.dumps(np.array(["acc-x", "label"], dtype=object), protocol=2))
    assert names.tolist() == ["acc-x", "label"]


class _Recorded:
    def __init__(self, values):
        self.values = values


def _state(shape, kind, content, order="<"):
    """Return a pickle of an array with a state of one's own."""
    array = _Made(np.dtype, kind)
    dtype = pickle.dumps(array, protocol=0)[:-1]
    state = (1, shape, "DTYPE", False, content)
    text = pickle.dumps(state, protocol=0)[:-1]
    head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntNtR"
    place = text.index(b"VDTYPE\n")
    end = place + len(b"VDTYPE\n")
    order = pickle.dumps((3, order, None, None, None, -1, -1, 0), protocol=0)[:-1]
    return head + text[:place] + dtype + order + b"b" + text[end:] + b"b."


def test_a_state_of_ones_own_is_an_array():
    np.testing.assert_array_equal(pickles.loads(_state((2,), "i2", b"\1\0\2\0")), [1, 2])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_state((3,), "i2", b"\1\0\2\0"), "number of bytes"),
        (_state((2**40,), "i1", b"\1"), "number of bytes"),
        (_state((10**4000, 10**4000), "i1", b"\1"), "not a readable|shape"),
        (_state((-1, -4), "i1", b"\1\2\3\4"), r"shape \(-1, -4\)"),
        (_state((True, 4), "i1", b"\1\2\3\4"), "shape"),
        (_state([4], "i1", b"\1\2\3\4"), "shape"),
        (_state((1,), "O8", b"\x41" * 8), "other objects"),
        (_state((1,), "M8[s]", b"\x41" * 8), "integers and floats"),
        (_state((1,), "V8", b"\x41" * 8), "integers and floats"),
        (_state((1,), "i8", b"\x41" * 8, order="?"), "integers and floats"),
        (_state((1,), "i8", "x" * 8), "number of bytes"),
        (b"\x80\x02" + b"N" * (pickles.MOST_STEPS + 2), "opcodes"),
        (b"\x80\x02(ll.", "IndexError"),
        (b"\x80\x02\x86.", "stack is empty"),
        (b"\x80\x02]0.", "asks for POP"),
        (b"]" * 41 + b"a" * 40 + b".", "within lists"),
        (b"\x80\x02c_codecs\nencode\nU\x00\x85R.", "not a readable"),
        (b"Qcos\nsystem\n.", "BINPERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"(I1\nI2\nd.)", None),
        (b"}(I1\nt}s.", "tuple as a key"),
        (b"I1\n}b.", "sets the state of a int"),
    ],
)
def test_odd_pickles_are_refused(tmp_path, content, says):
    path = tmp_path / "batch"
    path.write_bytes(content)
    if says is None:
        assert pickles.load(path) == {1: 2}
        return
    with pytest.raises(InputError, match=says):
        pickles.load(path)


def test_keys_that_take_for_ever_to_hash_are_refused(tmp_path):
    doubled = b"".join(b"q%ch%c\x86" % (k, k) for k in range(60))
    (tmp_path / "batch").write_bytes(b"\x80\x02})" + doubled + b"Ns.")
    with pytest.raises(InputError, match="tuple as a key"):
        pickles.load(tmp_path / "batch")


def test_a_text_that_is_encoded_again_and_again_takes_no_memory(tmp_path):
    text = b"X" + struct.pack("<I", 2**20) + b"x" * 2**20
    many = b"".join(b"h\x00h\x01h\x02\x86R" for _ in range(2000))
    start = b"\x80\x02(c_codecs\nencode\nq\x00" + text + b"q\x01U\x06latin1q\x02" + many
    (tmp_path / "batch").write_bytes(start.replace(b"U\x06latin1", b"X\x06\0\0\0latin1") + b"l.")
    with pytest.raises(InputError, match="bytes of texts"):
        pickles.load(tmp_path / "batch")


def test_a_place_far_off_in_the_memo_takes_no_memory(tmp_path):
    (tmp_path / "batch").write_bytes(b"\x80\x02]r\xff\xff\xff\x7f.")
    assert pickles.load(tmp_path / "batch") == []


def test_a_packed_bomb_is_refused(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(2**22)))
    with pytest.raises(InputError, match=r"unpacks to more than 1,048,576 bytes"):
        pickles.load(tmp_path / "bomb.gz", most=2**20)
    with pytest.raises(InputError, match=r"has [\d,]+ bytes; at most 100"):
        pickles.load(tmp_path / "bomb.gz", most=100)


def test_a_label_of_400_digits_is_refused(tmp_path):
    for name in cifar10_files.BATCHES:
        batch = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10**400]}
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=4))
    with pytest.raises(InputError, match="labels range"):
        cifar10_files.cifar10(tmp_path, rows=None)


def test_the_wrist_recordings_are_read_without_numpys_unpickler(monkeypatch):
    def unpickled(*_, **__):
        raise AssertionError("the pickle was run")

    monkeypatch.setattr(np, "load", unpickled)
    monkeypatch.setattr(pickle, "load", unpickled)
    monkeypatch.setattr(pickle, "loads", unpickled)
    recordings = seglearn.load()
    assert recordings.content.startswith("088378d681")  # as numpy's unpickler read it
