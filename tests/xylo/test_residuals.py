"""Residual connections: aliases, the steps they come early, and the relays that wait."""

import dataclasses

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.workflows import fidelity
from neurosim.xylo import DeployWarning, RuleError, calibration, deploy, plan
from tests import nets


@pytest.fixture
def net(rng):
    return nets.network(rng, (6, 10, 10, 10, 3), gain=0.25)


def spikes_of(spec, raster, ids):
    recording = engines.get("xylosim").run(spec, raster)
    return recording.spikes[0][:, :, ids]


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_relays_repeat_spikes_exactly_and_late(rng, net, scale):
    """At any runtime threshold, and for as many as 31 spikes a step."""
    strong = dataclasses.replace(net.layers[0], threshold=net.layers[0].threshold / 40)
    net = Network((strong, *net.layers[1:]), net.dt)
    raster = nets.events(rng)
    spec = plan(net, calibration=raster, residuals=[(0, 2)]).spec.with_threshold(scale)
    assert spec.layers == (10, 20, 20)
    assert spec.relays == (*range(10, 20), *range(30, 40))
    all_spikes = spikes_of(spec, raster, slice(None))
    source = all_spikes[:, :, :10]
    assert source.max() == 31
    np.testing.assert_array_equal(all_spikes[:, 1:, 10:20], source[:, :-1])
    np.testing.assert_array_equal(all_spikes[:, 2:, 30:40], source[:, :-2])
    assert [spec.aliases[i] for i in range(30, 40)] == [(i,) for i in range(40, 50)]


def test_an_aligned_residual_adds_the_spikes_of_the_same_input(rng, net):
    raster = nets.events(rng)
    residual = deploy(net, calibration=raster, residuals=[(0, 2)])
    bare = dataclasses.replace(residual, aliases=None)
    source, with_it = (spikes_of(residual, raster, slice(a, a + 10)) for a in (0, 40))
    without = spikes_of(bare, raster, slice(40, 50))
    expected = np.minimum(without[:, 2:].astype(int) + source[:, :-2], 31)
    assert source.any()
    assert without.any()
    np.testing.assert_array_equal(with_it[:, 2:], expected)


def test_a_bare_alias_comes_early_by_the_layers_between(rng, net):
    raster = nets.events(rng)
    early = deploy(net, calibration=raster, residuals=[(0, 2)], aligned=False)
    assert early.relays == ()
    assert early.aliases[:10] == tuple((i + 20,) for i in range(10))
    source, with_it = (spikes_of(early, raster, slice(a, a + 10)) for a in (0, 20))
    without = spikes_of(dataclasses.replace(early, aliases=None), raster, slice(20, 30))
    np.testing.assert_array_equal(with_it, np.minimum(without.astype(int) + source, 31))


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("residuals", [[(0, 2)], [(0, 1), (1, 2)]])
def test_the_chip_follows_the_float_net(rng, net, aligned, residuals):
    raster = nets.events(rng, (30, 200, 6))
    spec = deploy(net, calibration=raster[:15], residuals=residuals, aligned=aligned)
    found = fidelity.measure(spec, net, raster[15:], residuals, aligned=aligned)
    plain = fidelity.measure(spec, net, raster[15:])
    assert min(row.correlation for row in found) > 0.99
    assert min(row.correlation for row in plain) < 0.99  # so the residual does matter
    assert all(row.rate > 0.02 for row in found)


def test_several_residuals_share_sources_and_targets(rng, net):
    residuals = [(0, 1), (0, 2), (1, 2)]
    raster = nets.events(rng, (20, 150, 6))
    made = plan(net, calibration=raster, residuals=residuals)
    assert made.spec.layers == (10, 30, 30)
    assert len(made.spec.relays) == 40
    found = fidelity.measure(made.spec, net, raster, residuals)
    assert min(row.correlation for row in found) > 0.99


def test_files_keep_aliases_and_relays(tmp_path, net):
    spec = plan(net, calibration=np.ones((1, 9, 6), int), residuals=[(0, 2)]).spec
    back = type(spec).load(spec.save(tmp_path / "a.safetensors"))
    assert (back.aliases, back.relays, back.digest()) == (spec.aliases, spec.relays, spec.digest())
    threshold = back.with_threshold(2.0).threshold
    assert (threshold[list(spec.relays)] == spec.threshold[list(spec.relays)]).all()


def test_sums_beyond_what_a_neuron_emits_are_said(rng):
    hot = nets.network(rng, (6, 10, 10, 10, 3), gain=1.5)
    raster = nets.events(rng)
    said = plan(hot, calibration=raster, residuals=[(0, 1), (1, 2)]).warnings
    assert any("layer 2: spikes and residual reach" in text for text in said)
    with pytest.warns(DeployWarning, match="spikes a step"):
        deploy(hot, calibration=raster, residuals=[(1, 2)])


def test_float_residuals_add_total_spikes(rng, net):
    raster = nets.events(rng).astype(float)
    seen = calibration.run_layers(net, raster, [(0, 1), (1, 2)])
    np.testing.assert_array_equal(seen[1].emitted, seen[1].spikes + seen[0].spikes)
    np.testing.assert_array_equal(seen[2].emitted, seen[2].spikes + seen[1].emitted)
    np.testing.assert_array_equal(seen[3].events, seen[2].emitted)


def test_what_the_chip_cannot_do_is_refused(rng, net):
    for residual, message in (
        ((2, 0), "the earlier first"),
        ((0, 0), "the earlier first"),
        ((0, 3), "hidden layers 0..2"),
        ((-1, 2), "hidden layers 0..2"),
        ("ab", "give \\(source layer"),
        (5, "give \\(source layer"),
        ((0, 1.5), "give \\(source layer"),
        ((False, True), "give \\(source layer"),
    ):
        with pytest.raises(InputError, match=message):
            deploy(net, residuals=[residual])
    with pytest.raises(InputError, match="has its one alias already; use aligned"):
        deploy(net, residuals=[(0, 1), (0, 2)], aligned=False)
    uneven = nets.network(rng, (6, 10, 8, 3))
    with pytest.raises(InputError, match="10 and 8 neurons"):
        deploy(uneven, residuals=[(0, 1)])
    looped = dataclasses.replace(net.layers[2], recurrent=np.eye(10))
    recurrent = Network((*net.layers[:2], looped, net.layers[3]), net.dt)
    with pytest.raises(InputError, match="layer 2 is recurrent"):
        deploy(recurrent, residuals=[(0, 2)])
    wide = nets.network(rng, (6, 120, 120, 120, 120, 3))
    with pytest.raises(RuleError, match="hidden neurons is 840, allowed is at most 496: use 344"):
        deploy(wide, residuals=[(0, 3)])
