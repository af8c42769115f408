"""Recording: shapes, xarray and files."""

import warnings

import h5py
import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.recording import Recording, variables_of
from neurosim.store import UncheckedWarning
from neurosim.verify import compare
from tests import nets


@pytest.fixture
def recording(rng):
    spec, raster = nets.spec(rng), nets.events(rng, (3, 20, 4))
    return engines.get("xylosim").run(spec, raster, record=("v_mem", "i_syn"))


def test_files_keep_values_types_and_provenance(recording, tmp_path):
    back = Recording.load(recording.save(tmp_path / "a.nc"))
    assert compare(back, recording).exact
    assert back.spikes[0].dtype == np.uint8
    assert back.v_mem[0].dtype == np.int16
    assert (back.dt, back.populations) == (recording.dt, ("hidden", "output"))
    assert back.provenance == recording.provenance
    assert not list(tmp_path.glob("*.part"))


def test_xarray_has_names_and_units(recording):
    dataset = recording.to_xarray()
    assert dataset["v_mem_hidden"].dims == ("sample", "time", "hidden")
    assert dataset["time"].attrs["units"] == "s"
    np.testing.assert_allclose(dataset["time"][:3], [0, recording.dt, 2 * recording.dt])


def test_shapes_must_agree():
    spikes = (np.zeros((1, 5, 3), np.uint8),)
    with pytest.raises(InputError, match=r"Recording\.v_mem"):
        Recording(spikes, v_mem=(np.zeros((1, 5, 4)),))
    with pytest.raises(InputError, match=r"Recording\.spikes"):
        Recording((np.zeros((5, 3), np.uint8),))


@pytest.mark.parametrize(
    ("record", "synapses", "variables"),
    [
        ((), 1, ("spikes",)),
        ("v_mem", 1, ("spikes", "v_mem")),
        (("i_syn", "v_mem"), 1, ("spikes", "v_mem", "i_syn")),
        (("i_syn",), 2, ("spikes", "i_syn", "i_syn_2")),
        (("i_syn_2",), 2, ("spikes", "i_syn", "i_syn_2")),
        (("i_syn_2",), 1, ("spikes", "i_syn")),
        (("v_mem",), 3, ("spikes", "v_mem")),
    ],
)
def test_currents_of_all_synapses_come_together(record, synapses, variables):
    assert variables_of(record, synapses) == variables


def test_more_currents_than_a_recording_holds_are_refused():
    with pytest.raises(InputError, match="3 synapses; a Recording holds at most 2"):
        variables_of(("i_syn",), 3)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.nc"
    for content in (b"", b"CDF\x01", b"noise" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"not a readable recording|no such file"):
            Recording.load(path)
    with pytest.raises(InputError, match=r"not a readable recording|no such file"):
        Recording.load(tmp_path / "absent.nc")


# --- the digest of a file -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i2", ">i4", "u8", "f2", "f4", ">f8", "f8"], ids=lambda d: np.dtype(d).name
)
def test_what_is_written_is_read_whatever_its_type(tmp_path, dtype):
    spikes = np.array([[[0, 1, 1], [1, 0, 1]]]).astype(dtype)
    path = Recording((spikes,), v_mem=(spikes,), dt=2e-3).save(tmp_path / "a.nc")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(Recording.load(path).spikes[0], spikes)


def test_empty_recordings_have_a_digest_too(tmp_path):
    for shape in ((0, 5, 3), (2, 0, 3)):
        path = Recording((np.zeros(shape, np.uint8),)).save(tmp_path / "a.nc")
        assert Recording.load(path).spikes[0].shape == shape


def one_count_more(file):
    file["spikes_hidden"][0, 0, 0] += 1


def another_state(file):
    file["v_mem_output"][0, -1, 0] -= 1


def another_time(file):
    file["time"][1] += 1


def another_step(file):
    file.attrs["dt"] *= 2


def another_origin(file):
    file.attrs["provenance"] = "{}"


def other_names(file):
    file.attrs["populations"] = '["output", "hidden"]'


def another_digest(file):
    file.attrs["sha256"] = "0" * 64


def a_number(file):
    file.attrs["sha256"] = 3


CHANGES = (
    one_count_more,
    another_state,
    another_time,
    another_step,
    another_origin,
    other_names,
    another_digest,
    a_number,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_was_changed_is_refused_in_one_line(recording, tmp_path, change):
    path = recording.save(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError, match="damaged, or changed since it was written") as raised:
        Recording.load(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_file_without_a_digest_is_read_with_a_note(recording, tmp_path):
    path = recording.save(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        del file.attrs["sha256"]
        one_count_more(file)
    with pytest.warns(UncheckedWarning, match=r"a\.nc: has no digest"):
        assert Recording.load(path).spikes[0][0, 0, 0] == recording.spikes[0][0, 0, 0] + 1
