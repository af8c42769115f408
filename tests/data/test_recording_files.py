"""A user's recordings are read as they are meant, or refused with a row and a remedy."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import data
from neurosim.data import recording_tables
from neurosim.data.recording_cuts import Cutter, Rows
from neurosim.errors import InputError, UnavailableError
from tests.data import own


@pytest.fixture(scope="module")
def frame():
    return own.table()


def written(tmp_path, frame, name="mine.csv", **options):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, **options)
    return path


def same_signals(recordings, frame, columns=("ax", "ay", "az"), divisor=1.0):
    """Whether the recordings are the rows of each person and activity, in their order."""
    groups = [g for _, g in frame.groupby(["person", "activity"], sort=False)]
    assert len(recordings) == len(groups)
    for signal, group in zip(recordings.signals, groups, strict=True):
        expected = group[list(columns)].to_numpy() / divisor
        np.testing.assert_allclose(signal[:, :3], expected, rtol=1e-6, atol=1e-7)  # float32


def test_a_plain_file_needs_no_option_and_says_what_was_guessed(tmp_path, frame):
    read = data.read_recordings(written(tmp_path, frame))
    same_signals(read, frame)
    assert read.classes == ("shake", "tilt", "walk")
    assert read.people == ("p1", "p2", "p3")
    assert read.subjects.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [read.classes[k] for k in read.labels[:3]] == ["walk", "shake", "tilt"]
    assert read.rate_hz == 50
    said = "\n".join(read.reading.notes)
    for what in ("ax, ay, az (by their names)", "'activity'", "'person'", "50 Hz", "in g"):
        assert what in said
    assert read.reading.units == "g"
    assert read.reading.rows == len(frame)


@pytest.mark.parametrize(("unit", "per_g"), [("m/s2", 9.80665), ("mg", 1000.0), ("16384", 16384.0)])
def test_units_are_those_of_gravity_at_rest(tmp_path, frame, unit, per_g):
    axes = ["ax", "ay", "az"]
    path = written(tmp_path, frame.assign(**{a: frame[a] * per_g for a in axes}))
    if unit in ("m/s2", "mg"):
        assert data.read_recordings(path).reading.units == unit
        with pytest.raises(InputError, match=f"as in {unit}; give --units {unit}"):
            data.read_recordings(path, units="g")
    else:  # counts of a converter: any number may be 1 g
        with pytest.raises(InputError, match=r"at rest .* 1\.\d+e\+04 long.*number that 1 g is"):
            data.read_recordings(path)
    same_signals(data.read_recordings(path, units=unit), frame)


def test_without_gravity_the_unit_must_be_given(tmp_path, frame):
    path = written(tmp_path, frame.assign(az=frame.az - 1))
    with pytest.raises(InputError, match="give --units"):
        data.read_recordings(path)
    assert "gravity was taken out" in data.read_recordings(path, units="g").reading.notes[-1]


TIMES = {
    "seconds": (lambda ms: ms / 1000, "time"),
    "milliseconds": (lambda ms: ms, "t"),
    "microseconds": (lambda ms: ms * 1000, "timestamp"),
    "nanoseconds since 1970": (lambda ms: ms * 10**6 + 1_790_000_000 * 10**9, "epoch"),
    "dates": (
        lambda ms: (pd.Timestamp("2026-05-01T10:00") + pd.to_timedelta(ms, "ms")).astype(str),
        "datetime",
    ),
}


@pytest.mark.parametrize("kind", TIMES)
def test_the_time_column_says_the_rate_in_any_unit(tmp_path, frame, kind):
    of, name = TIMES[kind]
    path = written(tmp_path, frame.drop(columns="timestamp").assign(**{name: of(frame.timestamp)}))
    read = data.read_recordings(path)
    assert read.rate_hz == 50
    same_signals(read, frame)
    with pytest.raises(InputError, match=r"rate 100 Hz contradicts .* means 50 Hz"):
        data.read_recordings(path, rate=100)


def test_a_time_that_says_no_rate_asks_for_it(tmp_path, frame):
    second = frame.assign(timestamp=frame.timestamp // 1000)  # a date without fractions
    path = written(tmp_path, second)
    with pytest.raises(InputError, match="give --rate"):
        data.read_recordings(path)
    same_signals(data.read_recordings(path, rate=50), frame)
    counted = written(tmp_path, frame.assign(timestamp=np.arange(len(frame))))
    with pytest.raises(InputError, match="counts 1, 2, 3"):
        data.read_recordings(counted)
    assert "counts samples" in "".join(data.read_recordings(counted, rate=50).reading.notes)
    with pytest.raises(InputError, match="--rate must be given"):
        data.read_recordings(written(tmp_path, frame.drop(columns="timestamp")))


def test_recordings_end_at_gaps_at_missing_rows_and_where_time_goes_back(tmp_path):
    frame = own.table(people=1, seconds=10, kinds=("walk", "shake"))
    frame.loc[200:, "timestamp"] += 100  # a gap within the first 500 rows
    frame.loc[300:, "timestamp"] -= 5000
    frame.loc[[400, 401], ["ax", "ay", "az"]] = np.nan
    frame.loc[[450], "activity"] = None
    read = data.read_recordings(written(tmp_path, frame))
    assert [len(s) for s in read.signals] == [200, 100, 100, 48, 49, 500]
    said = "\n".join(read.reading.notes)
    for what in ("1 gaps", "goes back 1 times", "2 rows have no signal", "1 rows have no label"):
        assert what in said


def test_a_row_that_repeats_another_is_left_out(tmp_path, frame):
    rows = np.sort(np.concatenate([np.arange(len(frame)), [100, 101, 700]]))
    read = data.read_recordings(written(tmp_path, frame.iloc[rows]))
    same_signals(read, frame)
    assert "3 rows repeat the row before" in "\n".join(read.reading.notes)


def test_decimal_commas_semicolons_tabs_and_a_byte_order_mark(tmp_path, frame):
    for name, options in {
        "german.csv": {"sep": ";", "decimal": ","},
        "table.tsv": {"sep": "\t"},
        "excel.csv": {"encoding": "utf-8-sig"},
        "quoted.csv": {"decimal": ",", "quoting": 1},
    }.items():
        read = data.read_recordings(written(tmp_path, frame, name, **options))
        same_signals(read, frame)
        assert ("decimal commas" in "".join(read.reading.notes)) == ("decimal" in options), name


def test_other_encodings_are_named(tmp_path, frame):
    umlaut = frame.replace({"activity": {"walk": "gehen über"}})
    for encoding, named in (("latin-1", "WINDOWS-1252"), ("utf-16", "UTF-16")):
        path = written(tmp_path, umlaut, encoding=encoding)
        with pytest.raises(InputError, match=f"iconv -f {named} -t UTF-8"):
            data.read_recordings(path)
    late = frame.copy()
    late.loc[len(frame) - 1, "activity"] = "über"
    path = written(tmp_path, pd.concat([frame] * 3 + [late]), encoding="latin-1")
    with pytest.raises(InputError, match="iconv"):
        data.read_recordings(path)  # beyond what the head shows


def test_a_file_without_a_header_has_numbered_columns(tmp_path, frame):
    path = written(tmp_path, frame[["ax", "ay", "az"]].assign(l=frame.activity == "walk", p=1.0))
    frame.assign(l=(frame.activity == "walk").astype(int))[["ax", "ay", "az", "l"]].to_csv(
        path, index=False, header=False
    )
    with pytest.raises(InputError, match="give --columns"):
        data.read_recordings(path, rate=50)
    read = data.read_recordings(path, rate=50, columns=("1", "2", "3"), label="4")
    assert read.classes == ("0", "1")
    assert read.people == ("one person",)
    assert "there is no header" in "".join(read.reading.notes)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"columns": ("ax", "ay", "azz")}, r"no column 'azz'; did you mean 'az'\?"),
        ({}, {"label": "activty"}, r"no column 'activty'; did you mean 'activity'\?"),
        ({}, {"columns": ("ax", "ay")}, "give three"),
        ({}, {"person": "folder"}, "give person 'file'"),
        ({}, {"units": "gg"}, "units 'gg'"),
        ({}, {"units": "g,deg/s"}, "for six columns"),
        ({}, {"rate": -1.0}, "rate is -1"),
        ({"activity": "walk"}, {}, "all .* are walk"),
        ({"az": 1.0}, {}, "'az' is 1 throughout"),
        ({"user": "a"}, {}, "person: columns person and user may be it"),
        ({"bx": 1, "by": 1, "bz": 2}, {"columns": ("bx", "by", "bz")}, "--units"),
        ({"activity": None}, {}, "no rows"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, frame, change, options, message):
    with pytest.raises(InputError, match=message) as caught:
        data.read_recordings(written(tmp_path, frame.assign(**change)), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "line 7: ay is nan"), (np.inf, "line 7: ay is inf"), ("x1", "line 7: ay is 'x1'")],
)
def test_a_value_that_is_no_number_is_named_by_its_line(tmp_path, frame, value, message):
    wrong = frame.astype({"ay": object})
    wrong.loc[5, "ay"] = value
    with pytest.raises(InputError, match=message):
        data.read_recordings(written(tmp_path, wrong))


def test_too_strong_for_a_sensor(tmp_path, frame):
    frame = frame.assign(ax=frame.ax * 200)
    with pytest.raises(InputError, match="more than the 32 g that sensors measure"):
        data.read_recordings(written(tmp_path, frame), units="g")


def test_a_gyroscope_is_left_out_or_has_its_unit(tmp_path, frame):
    turned = frame.assign(gx=frame.ax * 100, gy=frame.ay * 100, gz=frame.az * 100)
    path = written(tmp_path, turned)
    read = data.read_recordings(path)
    assert read.signals[0].shape[1] == 3
    assert "gx, gy, gz are left out" in "".join(read.reading.notes)
    six = ("ax", "ay", "az", "gx", "gy", "gz")
    with pytest.raises(InputError, match=r"reach .* \(it is too large for rad/s\); say whether"):
        data.read_recordings(path, columns=six)
    with pytest.raises(InputError, match="more than any sensor measures"):
        data.read_recordings(path, columns=six, units="g,rad/s")
    read = data.read_recordings(path, columns=six, units="g,deg/s")
    np.testing.assert_allclose(
        read.signals[0][:, 3:], np.deg2rad(read.signals[0][:, :3] * 100), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    "names",
    [
        ("acc_x", "acc_y", "acc_z"),
        ("Accel X (g)", "Accel Y (g)", "Accel Z (g)"),
        ("x", "y", "z"),
        ("X-axis", "Y-axis", "Z-axis"),
        ("userAcceleration.x", "userAcceleration.y", "userAcceleration.z"),
    ],
)
def test_usual_names_of_axes(tmp_path, frame, names):
    renamed = frame.rename(columns=dict(zip(("ax", "ay", "az"), names, strict=True)))
    other = {f"gyro_{a}": frame.ax * 2 for a in "xyz"} | {f"mag_{a}": frame.ax for a in "xyz"}
    read = data.read_recordings(written(tmp_path, renamed.assign(**other)))
    assert read.reading.columns == names


def test_two_accelerometers_are_not_told_apart(tmp_path, frame):
    both = frame.assign(**{f"chest_acc_{a}": frame[f"a{a}"] for a in "xyz"})
    with pytest.raises(InputError, match=r"ax, ay, az; chest_acc_x, .* may be acceleration"):
        data.read_recordings(written(tmp_path, both))


def test_a_folder_of_files_whose_names_say_who_and_what(tmp_path, frame):
    for (person, activity), rows in frame.groupby(["person", "activity"], sort=False):
        bare = rows.drop(columns=["person", "activity"])
        written(tmp_path, bare, f"by-label/{activity}/{person}.csv")
        written(tmp_path, rows.drop(columns="person"), f"by-person/{person}/{activity}.csv")
    (tmp_path / "by-label" / "notes.md").write_text("nothing")
    by_label = data.read_recordings(tmp_path / "by-label", person="file")
    by_person = data.read_recordings(tmp_path / "by-person")
    for read in (by_label, by_person):
        assert read.classes == ("shake", "tilt", "walk")
        assert read.people == ("p1", "p2", "p3")
        assert len(read) == 9
    assert "sub-folder" in "".join(by_person.reading.notes)
    with pytest.raises(InputError, match="give --label"):
        data.read_recordings(tmp_path / "by-label" / "walk")
    read = data.read_recordings(tmp_path / "by-label" / "walk", label="file")
    assert read.classes == ("p1", "p2", "p3")


def test_arrays_of_npz_mat_and_hdf5(tmp_path, frame):
    import h5py
    from scipy.io import savemat

    axes = frame[["ax", "ay", "az"]].to_numpy()
    labels, people = frame.activity.to_numpy(str), frame.person.to_numpy(str)
    columns = {"acc": axes, "activity": labels, "subject": people}
    np.savez(tmp_path / "rows.npz", **columns)
    windows = axes.reshape(9, 500, 3)
    named = {"label": labels[::500], "person": people[::500]}
    np.savez_compressed(tmp_path / "windows.npz", x=windows, **named)
    offsets = np.arange(9) * 500
    np.savez(tmp_path / "offsets.npz", signal=axes, offsets=offsets, **named)
    numbers = np.unique(labels[::500], return_inverse=True)[1]
    savemat(tmp_path / "windows.mat", {"x": windows, "label": numbers, "person": numbers + 1})
    with h5py.File(tmp_path / "windows.h5", "w") as file:
        file["group/x"] = windows.swapaxes(1, 2)
        file["group/label"] = named["label"].astype("S")
        file["group/person"] = named["person"].astype("S")
    for name in ("rows.npz", "windows.npz", "offsets.npz", "windows.mat", "windows.h5"):
        read = data.read_recordings(tmp_path / name, rate=50)
        same_signals(read, frame)
        classes = ("0", "1", "2") if name.endswith("mat") else ("shake", "tilt", "walk")
        assert read.classes == classes, name
    np.savez(tmp_path / "pickled.npz", x=np.array([{}], object))
    with pytest.raises(InputError, match="holds object"):
        data.read_recordings(tmp_path / "pickled.npz", rate=50)


def test_parquet_needs_a_package(tmp_path):
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(UnavailableError, match="pip install pyarrow"):
            data.read_recordings(tmp_path / "mine.parquet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: ["Device: X, v2", "", "Serial: 3", *lines], "3 lines before the table"),
        (lambda lines: [*lines[:9], lines[9] + ",9", *lines[10:]], "in line 10"),
        (lambda lines: [*lines, "", ""], ""),
        (lambda lines: [*lines[:9], "5,,,,,", *lines[9:]], "1 rows have no label"),
        (lambda lines: [*lines, "90000,0.1"], "line 4502: ay is nan"),
    ],
)
def test_lines_that_others_write(tmp_path, frame, change, message):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(change(frame.to_csv(index=False).splitlines())))
    if "line " in message:
        with pytest.raises(InputError, match=message):
            data.read_recordings(path)
    else:
        read = data.read_recordings(path)
        assert read.reading.rows == len(frame)
        assert message in "\n".join(read.reading.notes)


def test_numbers_as_labels_are_whole(tmp_path, frame):
    """As tables write them where some rows have none."""
    labels = frame.activity.map({"walk": 1, "shake": 2, "tilt": 10}).where(frame.index > 20)
    read = data.read_recordings(written(tmp_path, frame.assign(activity=labels)))
    assert read.classes == ("1", "2", "10")


def test_rows_of_people_that_take_turns_must_be_sorted(tmp_path, frame):
    turns = pd.concat([frame, frame.assign(person="twin")]).sort_index(kind="stable")
    with pytest.raises(InputError, match="sort rows by person and time"):
        data.read_recordings(written(tmp_path, turns))
    with pytest.raises(InputError, match=r"no recording lasts 0\.5 s: .* sort rows by person"):
        data.read_recordings(written(tmp_path, turns), rate=50)


def test_what_is_not_there(tmp_path):
    with pytest.raises(UnavailableError, match="no such file"):
        data.read_recordings(tmp_path / "mine.csv")
    with pytest.raises(InputError, match="holds no file of"):
        data.read_recordings(tmp_path)
    files = {"a.csv": b"", "b.csv": b"ax,ay\n", "c.csv": b"\0\1\2", "d.x": b""}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=re.escape(name)):
            data.read_recordings(tmp_path / name)


def test_a_file_is_read_in_chunks_to_the_same(tmp_path, frame, monkeypatch):
    """Cuts, repeated rows and gaps do not depend on where chunks end."""
    rows = np.sort(np.concatenate([np.arange(len(frame)), [99, 100, 700]]))
    changed = frame.iloc[rows].reset_index(drop=True)
    changed.loc[300:, "timestamp"] += 300
    changed.loc[[450, 451], ["ax", "ay", "az"]] = np.nan
    path = written(tmp_path, changed)
    whole = data.read_recordings(path)
    for size in (60, 99, 100, 101):
        monkeypatch.setattr(recording_tables, "ROWS", size)
        read = data.read_recordings(path)
        assert read.content == whole.content
        assert read.reading.notes == whole.reading.notes


@given(st.data())
def test_every_row_with_a_label_is_in_one_stretch(draw):
    """No row is lost or told twice, whatever labels, people, gaps and chunks there are."""
    row = st.tuples(st.integers(-1, 1), st.integers(0, 1), st.sampled_from([1, 1, 1, 3, -2]))
    drawn = np.array(draw.draw(st.lists(row, min_size=1, max_size=40)))
    rows, keys, steps = len(drawn), drawn * [1, 1, 0], drawn[:, 2]
    signal = np.arange(3 * rows, dtype=np.float32).reshape(rows, 3)
    seconds = np.cumsum(steps).astype(float)
    cutter = Cutter(1.0, 1.5)
    size = draw.draw(st.integers(1, 10))
    for at in range(0, rows, size):
        part = slice(at, at + size)
        cutter.add(Rows(signal[part], keys[part], seconds[part], at + 1, "row", ("x", "y", "z")))
    stretches = cutter.finish()
    kept = [int(r[0]) // 3 for s in stretches for r in s.signal]
    assert kept == np.flatnonzero(keys[:, 0] >= 0).tolist()
    for stretch in stretches:
        own_rows = (stretch.signal[:, 0] // 3).astype(int)
        assert (np.diff(own_rows) == 1).all()
        assert {tuple(keys[k, :2]) for k in own_rows} == {(stretch.label, stretch.person)}
        assert np.isin(np.diff(seconds[own_rows]), [1]).all()
    ends = [int(s.signal[-1, 0]) // 3 for s in stretches[:-1]]
    for end, begin in zip(ends, [int(s.signal[0, 0]) // 3 for s in stretches[1:]], strict=True):
        apart = begin - end > 1 or seconds[begin] - seconds[end] != 1
        assert apart or (keys[begin] != keys[end]).any(), "a cut without a reason"


def test_recordings_from_arrays(frame):
    axes = frame[["ax", "ay", "az"]].to_numpy().reshape(9, 500, 3)
    labels, people = frame.activity[::500].tolist(), frame.person[::500].tolist()
    made = data.recordings(axes, labels, people, rate=50)
    same_signals(made, frame)
    assert made.people == ("p1", "p2", "p3")
    same_signals(data.recordings(axes * 9.80665, labels, people, rate=50, units="m/s2"), frame)
    assert data.recordings(axes, labels, rate=50).people == ("one person",)
    assert data.recordings(axes, [2.0, 10.0, 2] * 3, rate=50).classes == ("2", "10")
    for change, message in (
        ({"labels": labels[1:]}, "labels has 8 entries for 9"),
        ({"people": [1]}, "people has 1 entries"),
        ({"signals": axes[:, :, :2]}, r"give \(time, 3\)"),
        ({"signals": axes * np.nan}, r"signals\[0\]\[0, 0\] is nan"),
        ({"rate": 0}, "rate is 0"),
        ({"units": "mg"}, "as in g"),
        ({"labels": ["a"] * 9}, "are a; a net tells classes apart"),
    ):
        arguments = {"signals": axes, "labels": labels, "people": people, "rate": 50} | change
        with pytest.raises(InputError, match=message):
            data.recordings(**arguments)


def test_the_reading_can_be_written_as_json(tmp_path, frame):
    from dataclasses import asdict

    read = data.read_recordings(written(tmp_path, frame))
    assert json.loads(json.dumps(asdict(read.reading)))["columns"] == ["ax", "ay", "az"]
    assert len(read.digest) == 64
    assert read.digest == read.reading.digest
