"""Recording: shapes, xarray and files."""

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.recording import Recording, variables_of
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
