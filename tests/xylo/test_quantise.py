"""Integer scales: the layer that ranks them is the chip's, and what each quantiser keeps."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import engines
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.workflows import fidelity
from neurosim.xylo import XyloSpec, integer_layer, plan
from neurosim.xylo.quantise import QUANTISERS, quantise
from tests import nets


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([10, 300, 3000]))
def test_the_ranking_layer_is_the_chips_under_saturation(seed, rate):
    """Feed-forward, large weights of both signs: where order matters, it is the chip's."""
    rng = np.random.default_rng(seed)
    n, shift = 6, int(rng.integers(0, 7))
    spec = XyloSpec(
        weights_in=rng.integers(-128, 128, (5, n, 2)),
        weights_out=np.ones((n, 1)),
        dash_mem=rng.integers(0, 9, n),
        dash_syn=rng.integers(0, 9, n),
        dash_syn_2=rng.integers(0, 9, n),
        threshold=rng.integers(1, 20000, n),
        threshold_out=[1],
        bias=rng.integers(-300, 300, n),
        weight_shift_in=shift,
    )
    raster = np.minimum(rng.poisson(rate / 1000, (2, 60, 5)), 15)
    recording = engines.get("xylosim").run(spec, raster)
    counts = integer_layer.spike_counts(
        raster.astype(float),
        spec.weights_in << shift,
        spec.dash_mem,
        np.stack([spec.dash_syn, spec.dash_syn_2], 1),
        spec.threshold,
        spec.bias,
        31,
    )
    np.testing.assert_array_equal(counts, recording.spikes[0].sum(1, dtype=int))


def wide(rng, sizes=(8, 24, 24, 4), shifts=(2, 9), gain=2.0):
    """A net with time constants from 4 to 256 steps, weights scaled by the leak they feed."""
    layers = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        fast = rng.integers(*shifts, n_out)
        weight = rng.lognormal(-0.7, 1.0, (n_in, n_out)) * rng.choice([-1, 1, 1], (n_in, n_out))
        layers.append(
            Layer(
                weight=gain * weight / np.sqrt(n_in) * 2.0**-fast,
                tau_mem=nets.tau(rng.integers(*shifts, n_out)),
                tau_syn=nets.tau(fast),
                threshold=np.ones(n_out),
                bias=np.zeros(n_out),
                max_spikes=1 if k == len(sizes) - 2 else 31,
            )
        )
    return Network(tuple(layers), nets.DT)


def test_mixed_time_constants_keep_their_counts_and_small_weights(rng):
    net = wide(rng)
    raster = nets.events(rng, (40, 200, 8))
    found = {
        name: fidelity.measure(
            plan(net, calibration=raster[:20], quantiser=name).spec, net, raster[20:]
        )
        for name in QUANTISERS
    }
    ours = found["saturation-aware"]
    assert min(row.rate for row in ours) > 0.02
    assert min(row.correlation for row in ours) > 0.99
    assert min(row.correlation for row in found["global"]) < 0.98
    assert max(row.lost for row in ours) < 0.05
    assert max(row.lost for row in found["global"]) > 0.15


def test_per_channel_fills_the_weights_of_every_neuron(rng):
    net = wide(rng)
    layers, shifts = quantise(net, nets.events(rng, (4, 40, 8)), 1.0, quantiser="per-channel")
    assert set(shifts.values()) == {0}
    for layer, given_layer in zip(layers, net.layers, strict=True):
        full = np.abs(layer.weight).max(axis=(0, 2)) == 127
        assert (full | (layer.threshold > 32000)).all()
        scale = layer.threshold / given_layer.threshold
        wished = given_layer.weight * scale
        # Half a unit of rounding, and the threshold's own half unit seen through the weight.
        assert (
            np.abs(layer.weight[:, :, 0] - wished).max() <= 0.5 + 127 * 0.5 / layer.threshold.min()
        )


def test_global_keeps_the_ratios_of_all_hidden_weights(rng):
    net = nets.network(rng, (6, 10, 8, 3))
    layers, _ = quantise(net, nets.events(rng), 1.0, quantiser="global")
    thresholds = np.concatenate([layer.threshold for layer in layers[:-1]])
    assert len(set(thresholds.tolist())) == 1  # thresholds were equal, and still are
    assert max(np.abs(layer.weight).max() for layer in layers[:-1]) == 127


@pytest.mark.parametrize("quantiser", QUANTISERS)
def test_biases_and_neurons_without_weights_share_the_scale(rng, quantiser):
    """Rockpool's per-channel quantiser leaves the hidden bias as it is with one synapse, and gives
    a neuron without weights a threshold of 0."""
    net = nets.network(rng, (6, 10, 8, 3))
    weight, bias = net.layers[0].weight.copy(), np.full(10, 0.2)
    weight[:, 3] = 0.0
    biased = dataclasses.replace(net.layers[0], weight=weight, bias=bias)
    out = dataclasses.replace(net.layers[2], bias=np.full(3, 0.1))
    net = Network((biased, net.layers[1], out), net.dt)
    before = [layer.bias.copy() for layer in net.layers]
    layers, _ = quantise(net, nets.events(rng), 2.0, quantiser=quantiser)
    for layer, given_layer in zip(layers, net.layers, strict=True):
        assert (layer.threshold >= 1).all()
        np.testing.assert_allclose(
            layer.bias / layer.threshold, given_layer.bias / given_layer.threshold, atol=0.01
        )
    for layer, kept in zip(net.layers, before, strict=True):
        np.testing.assert_array_equal(layer.bias, kept)


def test_an_output_threshold_that_fills_its_register_leaves_the_hidden_weights(rng):
    """Rockpool's global quantiser rescales recurrent weights when the output overflows."""
    net = nets.network(rng, (6, 10, 8, 3))
    high = dataclasses.replace(net.layers[2], threshold=np.full(3, 1e6))
    pair = [Network((*net.layers[:2], last), net.dt) for last in (net.layers[2], high)]
    plain, filled = (quantise(n, nets.events(rng), 1.0, quantiser="global")[0] for n in pair)
    assert (filled[2].threshold == 32767).all()
    for a, b in zip(plain[:2], filled[:2], strict=True):
        np.testing.assert_array_equal(a.weight, b.weight)


def test_the_readout_is_judged_at_every_threshold_tried():
    """Silent at the raised threshold, it was once given scales that saturate at the normal one."""
    net = nets.network(np.random.default_rng(20), (6, 10, 10, 10, 3), gain=0.2)
    raster = nets.events(np.random.default_rng(1), (30, 200, 6))
    residuals = [(0, 1), (1, 2)]
    spec = plan(net, calibration=raster[:15], residuals=residuals).spec
    readout = fidelity.measure(spec, net, raster[15:], residuals)[-1]
    assert readout.rate > 0.5
    assert readout.correlation > 0.99


def test_names_and_widths_are_checked(rng):
    net = nets.network(rng)
    with pytest.raises(InputError, match="quantiser 'best' is not known; choose from saturation"):
        plan(net, quantiser="best")
    for bits in (1, 9, 4.0, None):
        with pytest.raises(InputError, match="bits is"):
            quantise(net, None, 1.0, bits=bits)
    layers, _ = quantise(net, nets.events(rng), 1.0, bits=4, quantiser="per-channel")
    assert max(np.abs(layer.weight).max() for layer in layers) == 7
