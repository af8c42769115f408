"""From a float network to integers: layout, decays, scales, and what they do to the spikes."""

import dataclasses

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo import DeployWarning, RuleError, deploy
from neurosim.xylo.mapping import decay_shift, map_network
from neurosim.xylo.swing import run_layer
from tests import nets


def test_layout_puts_every_weight_in_its_place(rng):
    net = nets.network(rng, (4, 5, 6, 2))
    mapped = map_network(net, synapses=1)
    assert mapped.layers == (5, 6)
    np.testing.assert_array_equal(mapped.weights_in[:, :, 0], net.layers[0].weight)
    np.testing.assert_array_equal(mapped.weights_rec[:5, 5:, 0], net.layers[1].weight)
    np.testing.assert_array_equal(mapped.weights_out, net.layers[2].weight)
    rest = mapped.weights_rec.copy()
    rest[:5, 5:] = 0
    assert not rest.any()


def test_recurrent_weights_stand_on_the_diagonal_blocks(rng):
    net = nets.network(rng, (4, 5, 6, 2))
    recurrent = rng.normal(size=(6, 6))
    layers = (net.layers[0], dataclasses.replace(net.layers[1], recurrent=recurrent), net.layers[2])
    mapped = map_network(Network(layers, net.dt), synapses=1)
    np.testing.assert_array_equal(mapped.weights_rec[5:, 5:, 0], recurrent)


def test_decay_shifts_are_those_of_the_nearest_decay():
    shifts = np.arange(1, 16)
    assert (decay_shift(nets.tau(shifts), nets.DT) == shifts).all()
    # Where log2(tau/dt) gives 0 and wipes the current, the decay itself is still near 1/2.
    assert decay_shift(np.array([1.3]) * nets.DT, nets.DT)[0] == 1
    assert decay_shift(np.array([1e9]), nets.DT)[0] == 15


@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_integer_spikes_follow_the_float_net(rng, gain):
    net = nets.network(rng, (6, 24, 24, 4), gain)
    raster = nets.events(rng, (24, 200, 6))
    spec = deploy(net, calibration=raster)
    assert spec.lag == 2
    recording = engines.get("xylosim").run(spec, raster, record=("v_mem", "i_syn"))
    counts = raster.astype(float)
    starts = np.cumsum([0, *spec.layers])
    for k, layer in enumerate(net.layers):
        counts, _ = run_layer(layer, counts, net.dt)
        hidden = recording.spikes[0][:, :, starts[k] : starts[k + 1]] if k < 2 else recording.spikes[1]
        expected, found = counts.sum(1).ravel(), hidden.sum(1, dtype=int).ravel()
        assert expected.sum() > 500
        # Decays and weights are rounded: counts agree closely, not exactly.
        assert np.corrcoef(expected, found)[0, 1] > 0.97
    for state in (*recording.v_mem, *recording.i_syn):
        assert np.abs(state.astype(int)).max() < 32767, "saturated"


def test_raised_thresholds_fit_and_registers_are_well_used(rng):
    net = nets.network(rng)
    spec = deploy(net, calibration=nets.events(rng))
    spec.with_threshold(2.4)
    assert np.abs(spec.weights_rec).max() == 127


def test_neurons_without_input_stay_silent(rng):
    net = nets.network(rng, (6, 10, 3))
    weight = net.layers[0].weight.copy()
    weight[:, 4] = 0.0
    net = Network((dataclasses.replace(net.layers[0], weight=weight), net.layers[1]), net.dt)
    spec = deploy(net)
    recording = engines.get("xylosim").run(spec, nets.events(rng))
    assert recording.spikes[0].any()
    assert not recording.spikes[0][:, :, 4].any()


def test_biases_keep_their_scale(rng):
    net = nets.network(rng, (6, 10, 3), gain=1e-3)
    biased = Network(
        (dataclasses.replace(net.layers[0], bias=np.full(10, 0.3)), net.layers[1]), net.dt
    )
    raster = nets.events(rng)
    spec = deploy(biased, calibration=raster)
    recording = engines.get("xylosim").run(spec, raster)
    expected, _ = run_layer(biased.layers[0], raster.astype(float), net.dt)
    found = recording.spikes[0][:, : raster.shape[1]].sum(1, dtype=int)
    assert expected.sum() > 100
    np.testing.assert_allclose(found, expected.sum(1), atol=2)


def test_what_the_chip_cannot_express_is_refused(rng):
    net = nets.network(rng)
    with pytest.raises(InputError, match="one layer"):
        deploy(Network(net.layers[:1], net.dt))
    last = net.layers[-1]
    recurrent = dataclasses.replace(last, recurrent=np.eye(last.n_out))
    with pytest.raises(InputError, match="output layer is recurrent"):
        deploy(Network((*net.layers[:-1], recurrent), net.dt))
    two = Layer(np.ones((6, 4, 2)), 0.02, np.full((4, 2), 0.02), 1.0, 0.0)
    readout = Layer(np.ones((4, 2)), 0.02, 0.02, 1.0, 0.0, max_spikes=1)
    with pytest.raises(InputError, match="2 synapses"):
        deploy(Network((two, readout), nets.DT))
    assert deploy(Network((two, readout), nets.DT), "xylo-audio-2").synapses == 2
    wide = nets.network(rng, (20, 10, 3))
    with pytest.raises(RuleError, match="input channels is 20"):
        deploy(wide)
    with pytest.raises(InputError, match="not known"):
        deploy(net, "loihi")
    with pytest.warns(DeployWarning, match="at most 1"):
        deploy(Network((net.layers[0], dataclasses.replace(net.layers[1], max_spikes=31)), net.dt))
