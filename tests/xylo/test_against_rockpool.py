"""Rockpool's mapper takes our modules; where its specification differs from ours, and why."""

import dataclasses

import numpy as np
import pytest

from neurosim.formats import rockpool_devices
from neurosim.formats.rockpool import module_from_network, network_from_module
from neurosim.network import Network
from neurosim.xylo import XyloSpec, deploy
from tests import nets


def mapped_by_rockpool(network: Network) -> dict:
    return rockpool_devices.mapped(network, "syns63300")


def test_same_layout_and_shifts_where_decays_are_the_chips(rng):
    net = nets.network(rng, (6, 10, 8, 3))
    ours, theirs = deploy(net), mapped_by_rockpool(net)
    for name in ("weights_in", "weights_rec", "weights_out"):
        assert np.shape(theirs[name]) == getattr(ours, name).shape
    np.testing.assert_allclose(theirs["weights_in"][:, :, 0], net.layers[0].weight, rtol=1e-6)
    np.testing.assert_allclose(theirs["weights_rec"][:10, 10:, 0], net.layers[1].weight, rtol=1e-6)
    np.testing.assert_allclose(theirs["weights_out"], net.layers[2].weight, rtol=1e-6)
    for name in ("dash_mem", "dash_syn", "dash_mem_out", "dash_syn_out"):
        np.testing.assert_array_equal(np.rint(theirs[name]), getattr(ours, name))
    # A weight is rounded by at most 1/2; the scale is read off a threshold that is rounded too.
    scale = ours.threshold[:10] / net.layers[0].threshold / 2.0**ours.weight_shift_in
    atol = 0.5 + (127 * 0.5 / ours.threshold[:10]).max()
    np.testing.assert_allclose(ours.weights_in[:, :, 0], net.layers[0].weight * scale, atol=atol)


def test_theirs_are_floats_and_no_specification_yet(rng):
    """Rockpool quantises in a second step; until then its numbers are no integers."""
    with pytest.raises(ValueError, match="quantise first"):
        XyloSpec(**mapped_by_rockpool(nets.network(rng)))


def test_fast_currents_are_wiped_by_rockpool_and_kept_by_us(rng):
    """log2(tau/dt) is 0 for tau below sqrt(2) dt; a shift of 0 empties the current each step."""
    net = nets.network(rng, (6, 10, 8, 3))
    fast = dataclasses.replace(net.layers[0], tau_syn=np.full(10, 1.4 * net.dt))
    net = Network((fast, *net.layers[1:]), net.dt)
    assert (np.rint(mapped_by_rockpool(net)["dash_syn"][:10]) == 0).all()
    assert (deploy(net).dash_syn[:10] == 1).all()


def test_a_single_hidden_layer_maps_only_with_us(rng):
    net = nets.network(rng, (6, 10, 3))
    assert deploy(net).layers == (10,)
    with pytest.raises(ValueError, match="not in list"):
        mapped_by_rockpool(net)


def test_round_trip_through_rockpool_modules(rng):
    net = nets.network(rng)
    assert network_from_module(module_from_network(net)).shape == net.shape
