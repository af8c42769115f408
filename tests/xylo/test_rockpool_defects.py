"""Defects of rockpool's mappers and quantisers that change results: shown, and not ours."""

import dataclasses

import numpy as np
import pytest

from neurosim import engines
from neurosim.formats import rockpool_devices, xylo_json
from neurosim.formats.rockpool_devices import quantised
from neurosim.network import Network
from neurosim.workflows import fidelity
from neurosim.xylo import RuleError, deploy, plan
from neurosim.xylo.decays import shift_tau
from neurosim.xylo.quantise import quantise
from tests import nets


def mapped(network, part="syns63300"):
    return rockpool_devices.mapped(network, part)


@pytest.fixture
def net(rng):
    return nets.network(rng, (6, 10, 8, 3))


def changed(net, k, **fields):
    layers = list(net.layers)
    layers[k] = dataclasses.replace(layers[k], **fields)
    return Network(tuple(layers), net.dt)


def test_slow_leaks_leave_the_register_there_and_are_clipped_here(net):
    slow = changed(net, 0, tau_mem=np.full(10, 2.0**18 * net.dt))
    assert np.rint(mapped(slow)["dash_mem"][:10]).max() > 15
    with pytest.raises(RuleError, match="dash_mem"):
        xylo_json.from_rockpool(quantised(mapped(slow), "global"))
    with pytest.warns(UserWarning, match="slowest leak"):
        assert (deploy(slow).dash_mem[:10] == 15).all()


def test_the_second_synapse_of_audio_3_keeps_its_own_decay(rng):
    """Rockpool 3.1 interleaves the decays of both synapses wrongly; ours follow the float net."""
    net = nets.network(rng, (6, 10, 8, 3))
    first = dataclasses.replace(
        net.layers[0],
        weight=rng.normal(0.05, 0.5, (6, 10, 2)) / 4,
        tau_syn=np.stack([shift_tau(np.full(10, k), net.dt) for k in (2, 5)], axis=1),
    )
    second = dataclasses.replace(
        net.layers[1],
        weight=rng.normal(0.05, 0.5, (10, 8, 2)) / 4,
        tau_syn=np.stack([shift_tau(np.full(8, k), net.dt) for k in (2, 5)], axis=1),
    )
    net = Network((first, second, net.layers[2]), net.dt)
    raster = nets.events(rng, (30, 150, 6))
    ours = plan(net, "xylo-audio-3", calibration=raster[:15]).spec
    assert (ours.dash_syn == 2).all()
    assert (ours.dash_syn_2 == 5).all()
    rows = fidelity.measure(ours, net, raster[15:])
    assert min(row.correlation for row in rows) > 0.99
    assert min(row.rate for row in rows) > 0.02
    theirs = mapped(net, "syns65302")
    decays = np.stack([theirs["dash_syn"], theirs["dash_syn_2"]], axis=1)
    assert not (np.rint(decays) == [2, 5]).all()


def test_an_outlier_takes_the_thresholds_to_zero_there(net):
    weight = net.layers[0].weight.copy()
    weight[0, 0] = 1e4
    odd = changed(net, 0, weight=weight)
    theirs = quantised(mapped(odd), "global")
    assert (theirs["threshold"] == 0).any()
    with pytest.raises(RuleError, match=r"threshold.* is 0"):
        xylo_json.from_rockpool(theirs)
    for name in ("global", "per-channel", "saturation-aware"):
        layers, _ = quantise(odd, None, 1.0, quantiser=name)
        assert min(layer.threshold.min() for layer in layers) >= 1


def test_a_neuron_without_input_fires_31_there_and_never_here(rng, net):
    weight = net.layers[1].weight.copy()
    weight[:, 2] = 0.0
    low = np.full(8, 1.0)
    low[2] = 0.3  # rounds to 0 where it is not scaled
    odd = changed(net, 1, weight=weight, threshold=low)
    theirs = quantised(mapped(odd), "channel")
    assert theirs["threshold"][10 + 2] == 0
    with pytest.raises(RuleError, match=r"threshold\[12\]"):
        xylo_json.from_rockpool(theirs)
    raster = nets.events(rng)
    spec = plan(odd, calibration=raster, quantiser="per-channel").spec
    spikes = engines.get("xylosim").run(spec, raster).spikes[0]
    assert spikes.any()
    assert not spikes[:, :, 12].any()


def test_hidden_biases_are_not_scaled_by_their_channel_quantiser(rng, net):
    biased = changed(net, 0, bias=np.full(10, 0.4))
    theirs = quantised(mapped(biased), "channel")
    assert not theirs["bias"][:10].any()  # 0.4 was rounded as it stood
    spec = plan(biased, quantiser="per-channel").spec
    np.testing.assert_allclose(spec.bias[:10] / spec.threshold[:10], 0.4, atol=0.01)


def test_their_channel_quantiser_changes_its_input_and_ours_does_not(rng, net):
    biased = changed(net, 2, bias=np.full(3, 0.4))
    values = mapped(biased)
    before = values["bias_out"].copy()
    rockpool_devices.quantiser("channel")(**values)
    assert not np.array_equal(values["bias_out"], before)
    digest = biased.digest()
    specs = [plan(biased, quantiser="per-channel").spec for _ in range(2)]
    assert biased.digest() == digest
    assert specs[0].digest() == specs[1].digest()


def test_output_biases_share_the_scale_of_the_output(net):
    wide = changed(changed(net, 2, bias=np.full(3, 0.2)), 0, weight=net.layers[0].weight * 20)
    theirs = quantised(mapped(wide), "global")
    right = 0.2 * theirs["threshold_out"] / net.layers[2].threshold
    assert np.abs(theirs["bias_out"] - right).max() > 0.3 * np.abs(right).max()
    spec = plan(wide, quantiser="global").spec
    ours = 0.2 * spec.threshold_out / net.layers[2].threshold
    np.testing.assert_allclose(spec.bias_out, ours, atol=0.6)


def test_an_output_overflow_rescales_the_recurrent_weights_there(net):
    high = changed(net, 2, threshold=np.full(3, 1e5))
    plain, filled = (quantised(mapped(n), "global") for n in (net, high))
    assert not np.array_equal(plain["weights_rec"], filled["weights_rec"])
    ours = [plan(n, quantiser="global").spec for n in (net, high)]
    np.testing.assert_array_equal(ours[0].weights_rec, ours[1].weights_rec)
