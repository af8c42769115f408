"""What verify is pointed at: every kind is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFBitshiftTorch, LIFTorch, LinearTorch

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir, xylo_json
from neurosim.formats.rockpool import module_from_network, network_from_module
from neurosim.formats.rockpool_json import load as load_module
from neurosim.snn import LIF
from neurosim.verify.fuzz import draw
from neurosim.workflows import events as event_sets
from neurosim.workflows import verification
from neurosim.xylo import deploy
from tests import nets


@pytest.fixture
def raster_file(rng, tmp_path) -> Path:
    np.save(tmp_path / "events.npy", nets.events(rng, (3, 30, 4)))
    return tmp_path / "events.npy"


# --- every kind of target ---------------------------------------------------------------------


def verified(path: Path, raster: str | None, **options) -> verification.Report:
    found, events = verification.prepare(path, raster, **options)
    (report,) = verification.verify_targets(found, events).values()
    assert report.verdicts[0].spikes > 20
    return report


def test_a_specification_and_one_in_the_vendors_words(
    rng, tmp_path, spec_file, raster_file
) -> None:
    assert verified(spec_file, str(raster_file)).exact
    spec = deploy(nets.network(rng), calibration=nets.events(rng))
    path = xylo_json.save_json(spec, tmp_path / "vendor.json")
    assert verified(path, "random").engines == ("brian2", "xylosim")


def test_a_saved_case_brings_its_own_events(tmp_path) -> None:
    case = next(c for c in (draw(6, k) for k in range(9)) if not c.spec.bias.any())
    path = case.save(tmp_path / "case.safetensors")
    found, events = verification.prepare(path)
    assert events.origin == "saved with the case"
    (report,) = verification.verify_targets(found, events).values()
    assert report.exact
    assert report.samples == len(case.raster)


def test_a_network_a_module_and_a_nir_file_run_in_float_engines(rng, tmp_path) -> None:
    network = nets.network(rng)
    network.save(tmp_path / "network.safetensors")
    module_from_network(network).save(tmp_path / "module.json")
    nir.write(network, tmp_path / "net.nir")
    for name in ("network.safetensors", "module.json", "net.nir"):
        report = verified(tmp_path / name, "random")
        assert report.engines == ("brian2", "torch")
        assert report.passed


def test_a_nir_graph_that_is_no_network_is_compared_with_numpy(rng, tmp_path) -> None:
    from neurosim.formats.nir.network import to_nir

    graph = to_nir(nets.network(rng))
    graph.metadata.clear()
    import nir as reference

    reference.write(tmp_path / "euler.nir", graph)
    report = verified(tmp_path / "euler.nir", "random", dt=5e-3, source="nir")
    assert report.engines == ("nir", "nir-numpy")
    assert report.exact
    assert "nir and nir-numpy of neurosim, which both step as nir (euler" in report.compared
    assert "nir itself did not run" in report.compared
    found, events = verification.prepare(tmp_path / "euler.nir", "random", dt=5e-3)
    with pytest.raises(InputError, match="cannot climb the ladder"):
        verification.climb_targets(found, events)


def test_spikes_of_the_source_are_compared(rng, tmp_path) -> None:
    path = nir.write(nets.network(rng), tmp_path / "net.nir")
    found, events = verification.prepare(path, "random")
    spikes = engines.get("nir").run(found["net"].graph, events.raster).spikes[-1]
    np.save(tmp_path / "same.npy", spikes)
    np.save(tmp_path / "other.npy", np.roll(spikes, 1, axis=1))
    np.save(tmp_path / "short.npy", spikes[:, 1:])
    reports = [
        verification.verify_targets(found, events, expected=tmp_path / f"{name}.npy")["net"]
        for name in ("same", "other")
    ]
    assert reports[0].exact
    assert reports[0].engines == ("nir", "nir-numpy", "neurosim")
    assert not reports[1].passed
    with pytest.raises(InputError, match="the output has"):
        verification.verify_targets(found, events, expected=tmp_path / "short.npy")


def test_digits_are_a_named_data_set(rng, tmp_path) -> None:
    network = nets.network(rng, (64, 12, 10), gain=0.5)
    path = network.save(tmp_path / "network.safetensors")
    found, events = verification.prepare(path, "digits")
    assert events.raster.shape[1:] == (100, 64)
    assert len(events.labels) == len(events.raster)
    assert verification.verify_targets(
        found, event_sets.Events(events.raster[:5]), ("brian2", "torch")
    )["network"].passed


# --- modules that rockpool saved --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (LIFTorch, {}),
        (LIFTorch, {"has_rec": True}),
        (LIFTorch, {"leak_mode": "decays"}),
        (LIFTorch, {"leak_mode": "bitshifts"}),
        (LIFBitshiftTorch, {}),
        (LIF, {"max_spikes_per_dt": 31}),
    ],
)
@pytest.mark.parametrize("synapses", [1, 2])
def test_a_saved_module_is_read_as_the_module_is(kind, settings, synapses, tmp_path) -> None:
    net = Sequential(
        LinearTorch((3, 4 * synapses), has_bias=False),
        kind((4 * synapses, 4), dt=5e-3, **settings),
        Sequential(LinearTorch((4, 2), has_bias=False), kind((2, 2), dt=5e-3, **settings)),
    )
    path = tmp_path / "net.json"
    net.save(path)
    expected, found = network_from_module(net), load_module(path)
    assert found.dt == expected.dt
    for a, b in zip(expected.layers, found.layers, strict=True):
        assert a.max_spikes == b.max_spikes
        for name in ("weight", "tau_mem", "tau_syn", "threshold", "bias", "recurrent"):
            x, y = getattr(a, name), getattr(b, name)
            assert (x is None) == (y is None)
            if x is not None:  # a decay of a mode other than taus is turned into tau in float32
                np.testing.assert_allclose(y, x, rtol=2e-6)
