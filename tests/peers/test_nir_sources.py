"""NIR files that other libraries write run in Brian2 as their own simulation does.

The agreement, spike by spike in the last population, is printed by
`python -m tests.peers.test_nir_sources`.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir
from neurosim.network import Network
from tests.peers.nir_sources import MAKERS, Made

# float64 here against float32 there: a membrane may lie within rounding of its threshold, and then
# a handful of spikes move. None did in these nets when this was written.
DIFFERING = 0.002


def agreement(made: Made) -> tuple[int, int, int]:
    """Return spikes of the source, of Brian2, and how many values differ."""
    run = engines.get("nir").run(nir.load(made.path, source=made.source), made.raster)
    ours = run.spikes[-1]
    differ = int(np.count_nonzero(ours != made.spikes))
    return int(made.spikes.sum()), int(ours.sum()), differ


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.filterwarnings("ignore")
def test_brian2_runs_the_file_as_its_source_does(name: str, tmp_path: Path) -> None:
    package, make = MAKERS[name]
    pytest.importorskip(package)
    made = make(tmp_path)
    theirs, _, differ = agreement(made)
    assert theirs > 100  # about one neuron and step in twenty
    assert differ <= DIFFERING * made.spikes.size


@pytest.mark.filterwarnings("ignore")
def test_a_wrong_convention_is_seen(tmp_path: Path) -> None:
    pytest.importorskip("snntorch")
    made = MAKERS["snnTorch Leaky"][1](tmp_path)
    wrong = engines.get("nir").run(nir.load(made.path, source="norse", dt=1e-4), made.raster)
    assert np.count_nonzero(wrong.spikes[-1] != made.spikes) > 0.01 * made.spikes.size


@pytest.mark.filterwarnings("ignore")
def test_rockpools_file_gives_the_network_that_it_was_made_from(tmp_path: Path) -> None:
    pytest.importorskip("nirtorch")
    made = MAKERS["rockpool LIFTorch"][1](tmp_path)
    network = nir.read(made.path, source="rockpool")
    assert isinstance(network, Network)
    assert network.dt == pytest.approx(0.01, rel=1e-6)  # its own import says 9.6 ms
    np.testing.assert_allclose(network.layers[0].tau_mem, 0.05, rtol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_reset_to_a_value_is_no_network(tmp_path: Path) -> None:
    pytest.importorskip("spikingjelly")
    made = MAKERS["SpikingJelly LIF"][1](tmp_path)
    with pytest.raises(InputError, match="resets by subtraction"):
        nir.read(made.path, source="spikingjelly")


def main() -> None:
    warnings.simplefilter("ignore")
    print(f"{'source':26} {'its spikes':>10} {'Brian2':>8} {'differ':>7} {'of':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (_, make) in MAKERS.items():
            made = make(Path(folder))
            theirs, ours, differ = agreement(made)
            print(f"{name:26} {theirs:10,} {ours:8,} {differ:7} {made.spikes.size:7,}")


if __name__ == "__main__":
    sys.exit(main())
