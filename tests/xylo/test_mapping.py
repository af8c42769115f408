"""From a float network to integers: layout, decays, scales, and what they do to the spikes."""

import dataclasses

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo import DeployWarning, RuleError, calibration, deploy, plan
from neurosim.xylo.decays import decay_shift
from neurosim.xylo.grid import Integers
from neurosim.xylo.mapping import lay_out
from tests import nets


def integers(rng, n_in, n_out, recurrent=False):
    """A layer of distinct integers."""
    zeros = np.zeros((n_out, n_out, 1), int)
    return Integers(
        weight=rng.integers(1, 128, (n_in, n_out, 1)),
        recurrent=rng.integers(1, 128, (n_out, n_out, 1)) if recurrent else zeros,
        threshold=rng.integers(1, 1000, n_out),
        bias=rng.integers(-9, 9, n_out),
        dash_mem=rng.integers(0, 16, n_out),
        dash_syn=rng.integers(0, 16, (n_out, 1)),
        error=np.zeros(n_out),
        count=np.zeros(n_out),
    )


def test_layout_puts_every_number_in_its_place(rng):
    a, b, out = integers(rng, 4, 5), integers(rng, 5, 6, recurrent=True), integers(rng, 6, 2)
    arrays = lay_out([a, b, out])
    np.testing.assert_array_equal(arrays["weights_in"], a.weight)
    np.testing.assert_array_equal(arrays["weights_rec"][:5, 5:], b.weight)
    np.testing.assert_array_equal(arrays["weights_rec"][5:, 5:], b.recurrent)
    assert not arrays["weights_rec"][:, :5].any()
    np.testing.assert_array_equal(arrays["weights_out"], out.weight[:, :, 0])
    for name in ("threshold", "bias", "dash_mem"):
        np.testing.assert_array_equal(arrays[name][5:], getattr(b, name))
        np.testing.assert_array_equal(arrays[f"{name}_out"], getattr(out, name))
    np.testing.assert_array_equal(arrays["dash_syn"][:5], a.dash_syn[:, 0])


def test_decay_shifts_are_those_of_the_nearest_decay():
    shifts = np.arange(1, 16)
    assert (decay_shift(nets.tau(shifts), nets.DT) == shifts).all()
    # Where log2(tau/dt) gives 0 and wipes the current, the decay itself is still near 1/2.
    assert decay_shift(np.array([1.3]) * nets.DT, nets.DT)[0] == 1
    assert decay_shift(np.array([1e9]), nets.DT)[0] == 15


@pytest.mark.parametrize("gain", [0.5, 1.5])
@pytest.mark.parametrize("recurrent", [False, True])
def test_integer_spikes_follow_the_float_net(rng, gain, recurrent):
    net = nets.network(rng, (6, 24, 24, 4), gain)
    if recurrent:
        weights = rng.normal(0, 0.04, (24, 24))
        layers = [dataclasses.replace(layer, recurrent=weights) for layer in net.layers[:2]]
        net = Network((*layers, net.layers[2]), net.dt)
    raster = nets.events(rng, (40, 200, 6))
    spec = deploy(net, calibration=raster[:20])
    assert spec.lag == 2
    for scale in (1.0, 1.5):
        recording = engines.get("xylosim").run(spec.with_threshold(scale), raster[20:])
        hidden, output = (spikes.sum(1, dtype=int) for spikes in recording.spikes)
        found = [*np.split(hidden, [24], axis=1), output]
        expected = calibration.run_layers(net.with_threshold(scale), raster[20:].astype(float))
        for counts, seen in zip(found, expected, strict=True):
            counted = seen.spikes.sum(1)
            assert counted.sum() > 300
            # Rounded weights and leaks: counts agree closely, not exactly; a net that feeds its
            # own spikes back amplifies the difference.
            least = 0.95 if recurrent else 0.99
            assert np.corrcoef(counted.ravel(), counts.ravel())[0, 1] > least


def test_raised_thresholds_fit_and_registers_are_well_used(rng):
    net = nets.network(rng)
    spec = deploy(net, calibration=nets.events(rng))
    assert spec.with_threshold(2.4).threshold.max() <= 32767
    used = np.abs(spec.weights_rec).max(axis=(0, 2))
    assert np.median(used[used > 0]) == 127


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
    expected = calibration.run_layer(biased.layers[0], raster.astype(float), net.dt)
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
    assert plan(Network((two, readout), nets.DT), "xylo-audio-2").spec.synapses == 2
    wide = nets.network(rng, (20, 10, 3))
    with pytest.raises(RuleError, match="input channels is 20"):
        deploy(wide)
    with pytest.raises(InputError, match="not known"):
        deploy(net, "loihi")
    with pytest.warns(DeployWarning, match="at most 1"):
        deploy(Network((net.layers[0], dataclasses.replace(net.layers[1], max_spikes=31)), net.dt))


def test_currents_that_the_chip_would_wipe_are_refused(rng):
    net = nets.network(rng, (6, 10, 3))
    fast = dataclasses.replace(net.layers[0], tau_syn=np.full(10, 0.8 * net.dt))
    with pytest.raises(InputError, match=r"layer 0, neuron 0: tau_syn .* use at least"):
        deploy(Network((fast, net.layers[1]), net.dt))
    slow = dataclasses.replace(net.layers[0], tau_mem=np.full(10, 1e5))
    with pytest.warns(DeployWarning, match="slowest leak"):
        deploy(Network((slow, net.layers[1]), net.dt))


def test_time_constants_are_listed_and_large_changes_said(rng):
    """tau = 30 ms at dt = 5 ms has decay exp(-1/6) = 1 - 2^-2.70: the chip has 1 - 2^-3."""
    net = nets.network(rng, (6, 10, 3))
    odd = dataclasses.replace(net.layers[0], tau_mem=np.full(10, 0.03))
    net = Network((odd, net.layers[1]), net.dt)
    raster = nets.events(rng)
    made = plan(net, calibration=raster)
    row = next(r for r in made.time_constants if r.layer == 0 and r.name == "tau_mem")
    assert (row.neurons, row.shift) == (10, 3)
    assert row.actual == pytest.approx(-0.005 / np.log(1 - 1 / 8))
    assert row.change == pytest.approx(0.248, abs=1e-3)
    assert all(abs(r.change) < 1e-9 for r in made.time_constants if r is not row)
    with pytest.warns(
        DeployWarning, match=r"layer 0's tau_mem of 30 ms becomes 37.44 ms \(\+25%\)"
    ):
        deploy(net, calibration=raster)


def test_lost_spikes_are_said(rng):
    """One weight far beyond the others takes all 8 bits: what the others did is gone."""
    net = nets.network(rng, (6, 10, 3))
    weight = net.layers[0].weight.copy()
    weight[0] = 1e4
    outlier = dataclasses.replace(net.layers[0], weight=weight)
    quiet = nets.events(rng)
    quiet[:, :, 0] = 0
    with pytest.warns(DeployWarning, match="layer 0: spike counts"):
        deploy(Network((outlier, net.layers[1]), net.dt), calibration=quiet)


def test_other_arguments_are_checked(rng):
    net = nets.network(rng)
    with pytest.raises(InputError, match="takes a Network, got int"):
        deploy(5)
    with pytest.raises(InputError, match="max_threshold_scale is nan"):
        deploy(net, max_threshold_scale=float("nan"))
