"""Idle neurons: found, told apart, and pruned without changing one output spike."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import engines
from neurosim.network import Network
from neurosim.xylo import XyloSpec, idle, plan
from tests import nets


def sparse(rng):
    """A random specification with so few connections that some neurons are idle."""
    n, synapses = int(rng.integers(3, 14)), int(rng.integers(1, 3))

    def weights(*shape):
        return rng.integers(-60, 100, shape) * (rng.random(shape) < 0.15)

    targets = rng.integers(0, n, n)
    return XyloSpec(
        weights_in=weights(3, int(rng.integers(1, n + 1)), synapses),
        weights_rec=weights(n, n, synapses),
        weights_out=weights(int(rng.integers(1, n + 1)), 2),
        dash_mem=rng.integers(0, 5, n),
        dash_syn=rng.integers(0, 5, n),
        dash_syn_2=rng.integers(0, 5, n),
        dash_mem_out=rng.integers(1, 4, 2),
        dash_syn_out=rng.integers(0, 4, 2),
        threshold=rng.integers(20, 300, n),
        threshold_out=rng.integers(20, 200, 2),
        bias=rng.integers(-3, 4, n) * (rng.random(n) < 0.3),
        aliases=[[int(t)] if rng.random() < 0.2 else [] for t in targets],
    )


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_pruning_changes_no_output_and_the_dead_never_fire(seed):
    rng = np.random.default_rng(seed)
    spec = sparse(rng)
    raster = rng.poisson(1.0, (2, 40, 3)).astype(np.uint8)
    engine = engines.get("xylosim")
    whole = engine.run(spec, raster, record=("v_mem", "i_syn"))
    found = idle.find(spec)
    assert not whole.spikes[0][:, :, list(found.dead)].any()
    smaller, kept = idle.prune(spec)
    assert len(kept) == smaller.hidden
    assert smaller.hidden >= spec.hidden - len(found.ids)
    part = engine.run(smaller, raster, record=("v_mem", "i_syn"))
    for name in ("spikes", "v_mem", "i_syn"):
        np.testing.assert_array_equal(getattr(part, name)[1], getattr(whole, name)[1])


def test_the_sparse_nets_are_worth_the_test():
    """Some have dead, some unread neurons, and outputs do fire."""
    raster = np.random.default_rng(0).poisson(1.0, (2, 40, 3)).astype(np.uint8)
    dead = unread = fired = 0
    for seed in range(60):
        spec = sparse(np.random.default_rng(seed))
        found = idle.find(spec)
        dead, unread = dead + len(found.dead), unread + len(found.unread)
        fired += bool(engines.get("xylosim").run(spec, raster).spikes[1].any())
    assert dead > 20
    assert unread > 20
    assert fired > 5


def with_silent(rng):
    """A net in whose first hidden layer neuron 2 hears nothing and nobody hears neuron 5."""
    net = nets.network(rng, (6, 10, 8, 3))
    first, second = net.layers[0].weight.copy(), net.layers[1].weight.copy()
    first[:, 2] = -np.abs(first[:, 2])
    second[5] = 0
    layers = [dataclasses.replace(net.layers[0], weight=first)]
    layers += [dataclasses.replace(net.layers[1], weight=second), net.layers[2]]
    return Network(tuple(layers), net.dt)


def test_deployment_reports_idle_neurons_and_prunes_on_demand(rng):
    net, raster = with_silent(rng), nets.events(rng)
    whole = plan(net, calibration=raster)
    assert 2 in whole.idle.dead
    assert 5 in whole.idle.unread
    assert whole.spec.hidden == 18
    pruned = plan(net, calibration=raster, prune=True)
    assert pruned.idle == whole.idle
    assert set(pruned.kept) == set(range(18)) - set(whole.idle.ids)
    assert sum(pruned.spec.layers) == pruned.spec.hidden == len(pruned.kept)
    runs = [engines.get("xylosim").run(d.spec, raster).spikes[1] for d in (whole, pruned)]
    assert runs[0].any()
    np.testing.assert_array_equal(*runs)


def test_a_wiped_synapse_drives_nobody():
    """Shift 0 empties a current before it reaches the membrane: the neuron behind it is dead."""
    values = {"weights_in": [[100]], "weights_out": [[100]], "threshold": [10]}
    values |= {"threshold_out": [10], "dash_syn_out": [1]}
    assert idle.find(XyloSpec(**values, dash_syn=[0])).dead == (0,)
    assert idle.find(XyloSpec(**values, dash_syn=[1])) == idle.Idle((), ())
    raster = np.full((1, 9, 1), 15, np.uint8)
    assert not engines.get("xylosim").run(XyloSpec(**values), raster).spikes[0].any()


def test_a_net_may_fit_only_when_pruned(rng):
    net = nets.network(rng, (6, 140, 20, 3))
    weight = net.layers[1].weight.copy()
    weight[20:] = 0  # nobody hears these, and they are too many to see the input
    inner = dataclasses.replace(net.layers[1], weight=weight)
    net = Network((net.layers[0], inner, net.layers[2]), net.dt)
    with pytest.raises(ValueError, match="see the input is 140, allowed is at most 128: use 12"):
        plan(net)
    raster = nets.events(rng, (2, 30, 6))
    assert plan(net, calibration=raster, prune=True).spec.layers[0] <= 20
