"""Damaged and hostile files of data, rasters and tables: refused in one line, or read right."""

import gzip
import io
import os
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest

from neurosim import store
from neurosim.data import (
    aedat,
    cifar10_dvs_files,
    ku_har,
    pickles,
    raster_files,
    tables,
    unimib_shar,
)
from neurosim.energy import operating_points
from neurosim.errors import InputError, UnavailableError
from neurosim.studies import results
from neurosim.workflows import events
from tests.data import official
from tests.data.corpus import CORPUS

# --- all readers ----------------------------------------------------------------------------------


def _damaged(content: bytes, rng: random.Random) -> bytes:
    """Return content with a bit or four bytes changed, cut, or with a piece more or less."""
    spoilt, place = bytearray(content), rng.randrange(len(content))
    kind = rng.randrange(6)
    if kind == 0:
        spoilt[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del spoilt[place:]
    elif kind == 2:
        spoilt[place : place + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\xff\xff\xff\x7f"])
    elif kind == 3:
        spoilt[rng.randrange(min(len(spoilt), 200))] = rng.randrange(256)
    elif kind == 4:
        spoilt[place:place] = rng.choice([b"nan", b"-1", b"1e999", b'"', b"(" * 300, b"9" * 5000])
    else:
        del spoilt[place : place + rng.randrange(1, 10)]
    return bytes(spoilt)


@pytest.mark.parametrize("name", CORPUS)
def test_a_damaged_file_is_refused_in_one_line_or_read(tmp_path, name):
    path, rng = tmp_path / "file", random.Random(1)
    read = CORPUS[name](path)
    whole = path.read_bytes()
    read(path)
    said = []
    for _ in range(12):
        path.write_bytes(_damaged(whole, rng))
        try:
            read(path)
        except InputError as error:
            said.append(str(error))
    assert said
    assert all(line.startswith(str(tmp_path)) and "\n" not in line for line in said)


@pytest.mark.parametrize("name", ["raster .npy", "AEDAT", "pickle", "table .csv", "KU-HAR"])
def test_pipes_and_folders_are_refused(tmp_path, name):
    read = CORPUS[name](tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises((InputError, UnavailableError), match=r"no file|no such file"):
            read(path)


# --- MATLAB ---------------------------------------------------------------------------------------


def _unimib(tmp_path, rng):
    official.unimib_shar(tmp_path, rng, people=1)
    return tmp_path / "adl_data.mat"


def test_no_byte_of_a_header_crashes_this_process(tmp_path, rng):
    path = _unimib(tmp_path, rng)
    whole, said = path.read_bytes(), ""
    for place in range(176, 192):
        path.write_bytes(whole[:place] + b"\x00" + whole[place + 1 :])
        try:
            unimib_shar.read(tmp_path, rows=None)
        except InputError as error:
            said += str(error)
    assert "crashes (-" in said, "scipy no longer crashes: read the file without a child again"


@pytest.mark.parametrize("length", [0, 4, 58, 100, 127, 129, 140, 500])
def test_a_cut_matrix_is_refused(tmp_path, rng, length):
    path = _unimib(tmp_path, rng)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"adl_data\.mat: "):
        unimib_shar.read(tmp_path, rows=None)


def test_a_packed_matrix_is_read_and_a_bomb_is_not(tmp_path, rng):
    path = _unimib(tmp_path, rng)
    before, whole = unimib_shar.read(tmp_path, rows=None), path.read_bytes()
    packed = zlib.compress(whole[128:])
    path.write_bytes(whole[:128] + struct.pack("<II", 15, len(packed)) + packed)
    assert unimib_shar.read(tmp_path, rows=None).content == before.content
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(65)) + packer.flush()
    path.write_bytes(whole[:128] + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(InputError, match="unpacks to more than 67,108,864 bytes"):
        unimib_shar.read(tmp_path, rows=None)


# --- rasters and spikes ---------------------------------------------------------------------------


def _npy(shape, descr="'|u1'", values=300):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117)
    return b"\x93NUMPY\1\0" + struct.pack("<H", 118) + text[:117] + b"\n" + bytes(values)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".dat"])
@pytest.mark.parametrize("dtype", ["u1", "<i4", ">i8", "f4", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rasters_come_back(tmp_path, rng, suffix, dtype, order):
    raster = np.asarray(rng.integers(0, 2, (2, 10, 3)), dtype=dtype, order=order)
    path = tmp_path / f"raster{suffix}"
    with path.open("wb") as file:
        np.savez_compressed(file, x=raster) if suffix == ".npz" else np.save(file, raster)
    found = raster_files.load(path)
    np.testing.assert_array_equal(found, raster)
    assert found.dtype == raster.dtype


def test_a_csv_file_is_one_sample(tmp_path):
    (tmp_path / "a.csv").write_text("0,1,2\n3,4,5\n")
    assert events.load_raster(tmp_path / "a.csv").tolist() == [[[0, 1, 2], [3, 4, 5]]]
    for text in ("", "0,1\n2\n", "0.5,1\n", "nan,1\n", "1e99,0\n", "a,b\n", "1," * 200_000):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(InputError, match=r"a\.csv: "):
            raster_files.load(tmp_path / "a.csv")


def test_no_samples_are_read_and_then_refused_by_the_net(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 10, 3), np.uint8))
    assert raster_files.load(tmp_path / "a.npy").shape == (0, 10, 3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_npy("(2, 10, 15"), "not a readable raster"),
        (_npy("(2, 10, 15)", "'''|u1'"), "not a readable raster"),
        (_npy("(2, 10, 15)")[:8] + struct.pack("<H", 1) + _npy("(2, 10, 15)")[10:], "readable"),
        (_npy("(2, 10, 15)")[:8] + b"\xff\xff" + _npy("(2, 10, 15)")[10:], "readable"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(2000), "readable"),
        (b"\x93NUMPY\3\0" + _npy("(2, 10, 15)")[8:], r"format \(3, 0\)"),
        (_npy("(-2, 10, -15)"), "states the shape"),
        (_npy("(True, 20, 15)"), "states the shape"),
        (_npy(f"({2**40}, 10, 15)"), "states 164,926,744,166,400 bytes of values and has 300"),
        (_npy("(2, 10, 15)", values=299), "states 300 bytes of values and has 299"),
        (_npy("(2, 10, 15)", values=301), "states 300 bytes of values and has 301"),
        (_npy("(300,)", "'|O'"), "holds object"),
        (_npy("(300,)", "'|V1'"), "holds"),
        (_npy("(300,)", "[('a', '|u1')]"), "holds"),
        (_npy("(75,)", "'<U1'"), "holds <U1"),
        (_npy(f"({'(' * 60}"), "not a readable raster"),
        (_npy(f"({'-' * 60}2, 10, 15)"), "not a readable raster"),
        (b"", "not a readable raster"),
        (b"\x80\x04N.", "not a readable raster"),
    ],
)
def test_bad_rasters_are_refused(tmp_path, content, says):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=says):
        events.load_raster(tmp_path / "a.npy")


def _archive(members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return content.getvalue()


def _bomb():
    """Return an archive whose member says that it unpacks to 2 GB."""
    content = bytearray(_archive([("a.npy", _npy("(2, 10, 15)"))]))
    place = content.rindex(b"PK\1\2") + 24
    content[place : place + 4] = struct.pack("<I", 2**31 - 1)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_archive([("a.npy", _npy("(2, 10, 15)"))])[:100], "does not end"),
        (_archive([("a.npy", b""), ("b.npy", b"")]), "holds 2 arrays; save one raster"),
        (_archive([("a.npy", _npy("(300,)"))], zipfile.ZIP_LZMA), "packed by method 14"),
        (_bomb(), "claims to unpack"),
        (_archive([(f"{k}.npy", b"") for k in range(2000)]), "holds many arrays"),
        (_archive([("a.npy", _npy("(300,)"))])[:-22] + b"PK\6\7" + bytes(38), "does not end"),
        (_archive([("../../a.npy", _npy("(9,)"))]), "states 9 bytes"),
    ],
)
def test_bad_archives_are_refused(tmp_path, content, says):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=says):
        events.load_raster(tmp_path / "a.npz")


def test_a_file_of_holes_takes_no_memory(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(_npy(f"({2**40},)"))
    os.truncate(path, 128 + 2**40)
    with pytest.raises(InputError, match="a raster has at most"):
        raster_files.load(path)
    for read in (aedat.read, pickles.load, ku_har.read):
        with pytest.raises(InputError, match="at most"):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.5])
def test_expected_spikes_are_counts(tmp_path, value):
    spikes = np.zeros((1, 4, 3))
    np.save(tmp_path / "a.npy", spikes)
    np.testing.assert_array_equal(events.load_spikes(tmp_path / "a.npy"), spikes)
    spikes[0, 2, 1] = value
    np.save(tmp_path / "a.npy", spikes)
    with pytest.raises(InputError, match=r"at \(0, 2, 1\); spikes are counted"):
        events.load_spikes(tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", ["S3", "U3", "M8[s]", [("a", "i4")], "V4", "c8"])
def test_expected_spikes_are_numbers(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((1, 4, 3), dtype))
    with pytest.raises(InputError, match=r"a\.npy: holds "):
        events.load_spikes(tmp_path / "a.npy")


# --- event cameras and texts ----------------------------------------------------------------------


def test_a_header_without_end_takes_no_memory(tmp_path):
    (tmp_path / "a.aedat").write_bytes(b"#!AER-DAT2.0\r\n" + b"#\n" * 2**22)
    with pytest.raises(InputError, match="that is too long"):
        aedat.read(tmp_path / "a.aedat")


def test_a_recording_that_is_no_file_is_refused(tmp_path, rng):
    folder = official.cifar10_dvs(tmp_path, rng, recordings=2)
    (folder / "cat" / "x.aedat").mkdir()
    with pytest.raises(InputError, match="is no file"):
        cifar10_dvs_files.cifar10_dvs(folder, recordings=None, cache_folder=tmp_path / "cache")


def test_a_packed_table_is_not_unpacked(tmp_path):
    path = tmp_path / "ku.csv.gz"
    path.write_bytes(gzip.compress(b"0," * 10_000_000))
    with pytest.raises(InputError, match=r"not a table of numbers"):
        ku_har.read(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"1," * tables.LONGEST_LINE, "characters or more"),
        (b"\0" * 2**20, "characters or more"),
        (b"1\n" * (tables.MOST_LINES + 1), "more than 1,048,576 lines"),
        (b"1,\xe9\n", "not a table of numbers"),
        (b"\n\n\n", "holds no numbers"),
    ],
)
def test_texts_beyond_all_bounds_are_refused(tmp_path, content, says):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=says):
        tables.read_text(tmp_path / "a.txt", 1, delimiter=",")


# --- tables ---------------------------------------------------------------------------------------

TABLE = '# command: x\n# index: a\n# units: {"b": "s"}\na,b\n1,2\n2,3\n'
FEW_ROWS = 5000
POINTS = "model,threshold,accuracy,silent,power_w\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode() + b"3,\xe9\n",
        f"{TABLE}{'x' * 200_000},1\n".encode(),
        TABLE.replace("a,b\n", "a,a\n").encode(),
        TABLE.encode() + b'3,"4\n',
        TABLE.encode() + b"4\n1,2,3\n",
        b"a,b\n" + b"x" * 130_000 + b",1\n" + b"1,2\n" * 1000,
        b"# a: b\n" * 1000,
        b"a\n" + b"1\n" * (FEW_ROWS + 1),
    ],
)
def test_bad_tables_are_refused_with_the_remedy(tmp_path, content, monkeypatch):
    monkeypatch.setattr(store, "MOST_ROWS", FEW_ROWS)
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv: .*run `neurosim x` again"):
        store.read_table(path, remedy="neurosim x")


@pytest.mark.parametrize(
    "content",
    [
        TABLE.replace('{"b": "s"}', "[1]"),
        TABLE.replace('"b"', '"z"'),
        TABLE.replace('{"b": "s"}', "[" * 100_000),
        TABLE.replace("index: a", "index"),
        TABLE.replace("index: a", "index: z"),
        TABLE.replace("index: a", "index: a a"),
        f"{TABLE}1\n",
        f"{TABLE}1,2,3\n",
        f"{TABLE}1,5\n",  # a = 1 twice
        "# index: a b c\n# units: {}\na,b,c,d\n" + "".join(f"{k},{k},{k},0\n" for k in range(500)),
    ],
)
def test_bad_results_are_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    assert results.read(str(path)).b.values.tolist() == [2, 3]
    path.write_text(content)
    with pytest.raises(InputError, match=r"a\.csv: .*run `neurosim study a --ship` again"):
        results.read(str(path))


@pytest.mark.parametrize(
    "row", ["x,nan,1,0,1", "x,inf,1,0,1", "x,0,1,0,1", "x,1,1,0,inf", "x,1,2,0,1", "x,1,a,0,1"]
)
def test_bad_operating_points_are_refused(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text(f"{POINTS}{'x' * 100_000},1,1,0,1\n")
    assert operating_points.load(path)[0].power_w == 1
    path.write_text(f"{POINTS}{row}\n".replace("x,", f"{'x' * 10_000},"))
    with pytest.raises(InputError, match=r"a\.csv: ") as error:
        operating_points.load(path)
    assert len(str(error.value)) < 1000


def test_a_table_without_columns_of_operating_points_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("model,threshold\na,1\n")
    with pytest.raises(InputError, match="not a readable table of operating points"):
        operating_points.load(tmp_path / "a.csv")
