"""Homeostats on nets of the real libraries: found, controlled, left as they were."""

import copy

import numpy as np
import pytest
import torch

from benchmarks import peer_nets
from neurosim.errors import InputError
from neurosim.homeostat import Homeostat, controlled_layers
from neurosim.snn import reset_state
from neurosim.snn.adapters import ADAPTERS, adapter_of
from neurosim.snn.lif import LIF

LIBRARIES = ("snntorch", "spikingjelly", "norse", "sinabs")
KINDS = peer_nets.kinds()
NAMES = pytest.mark.parametrize("name", list(KINDS))
SIZES, STEPS = (15, 24, 24, 6), 30
TARGET = 0.12
BAND = 0.15
"""Relative; two consecutive batches of a net under training differ by less than a tenth."""


@pytest.fixture(autouse=True)
def _libraries(name):
    pytest.importorskip(KINDS[name].library if name in KINDS else name)


def net_of(name, **settings):
    return peer_nets.build(KINDS[name], SIZES, drive=0.6, **settings)


def task(samples=32, seed=1):
    """Draw events (samples, STEPS, 15) of six patterns of rates."""
    patterns = torch.rand(6, 15, generator=torch.Generator().manual_seed(7)) * 0.5
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(6, (samples,), generator=generator)
    draws = torch.rand(samples, STEPS, 15, generator=generator)
    return (draws < patterns[labels][:, None]).float(), labels


def train(net, homeostat, steps):
    optimiser = torch.optim.Adam(net.parameters(), 2e-4)
    events, labels = task(96)
    for number in range(steps):
        batch = torch.arange(32 * number, 32 * (number + 1)) % len(events)
        loss = torch.nn.functional.cross_entropy(5 * net(events[batch]).mean(1), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if homeostat is not None:
            homeostat.step()


def seen(net):
    """Everything of the modules that torch or a caller can see."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called")
    return [
        (
            sorted(m.__dict__),
            [list(m.__dict__[n]) for n in names],
            [m.__dict__.get(n) for n in ("p", "v_threshold", "threshold_scale")],
            list(m._parameters),
        )
        for m in torch.nn.Module.modules(net)
    ]


@NAMES
def test_rates_come_into_the_band_while_the_net_trains(name):
    net, events = net_of(name), task()[0]
    homeostat = Homeostat.attach(net, events=events, gain=False, common_mode=True, target=TARGET)
    train(net, homeostat, 40)
    rates = homeostat.history["rate"]
    start, end = np.abs(np.log(rates[0] / TARGET)), np.abs(np.log(rates[-5:] / TARGET)).mean(0)
    assert start.max() > 2 * BAND  # a layer was out of the band
    assert (end < BAND).all(), rates


@NAMES
def test_evaluation_is_deterministic_and_unsensed(name):
    net, events = net_of(name), task()[0]
    homeostat = Homeostat.attach(net, gain=False, common_mode=True, target=TARGET)
    train(net, homeostat, 5)
    with homeostat.evaluating(), torch.no_grad():
        first, second = net(events), net(events)
    assert first.sum() > 10
    assert torch.equal(first, second)
    with pytest.raises(InputError, match="has not run"):
        homeostat.step()


@NAMES
def test_detach_leaves_the_net_as_it_was(name):
    net, events = net_of(name), task()[0]
    expected = net(events)
    expected.sum().backward()
    gradient = net.layers[0].weight.grad.clone()
    before, state = seen(net), copy.deepcopy(
        {key: value.detach() for key, value in net.state_dict().items()}
    )  # fmt: skip
    homeostat = Homeostat.attach(net, events=events, gain=False, common_mode=True, target=TARGET)
    for _ in range(5):
        net(events)
        homeostat.step()
    assert not torch.equal(net(events), expected)
    homeostat.detach()
    assert seen(net) == before
    net.zero_grad()
    spikes = net(events)
    spikes.sum().backward()
    assert spikes.sum() > 10
    assert torch.equal(spikes, expected)
    assert torch.equal(net.layers[0].weight.grad, gradient)
    after = net.state_dict()
    assert after.keys() == state.keys()
    for key, value in state.items():
        assert torch.equal(after[key], value), key


@NAMES
def test_a_scale_is_another_threshold(name):
    """Where weights and thresholds grow alike, spikes stay what they were."""
    net, events = net_of(name), task()[0]
    layers = controlled_layers.control(controlled_layers.find(net, readout=True))
    expected = net(events)
    first = [layer.rate() for layer in layers]
    with torch.no_grad():
        for layer in (net.layers[0], net.layers[2], net.layers[4]):
            layer.weight *= 2  # a power of two: no rounding
    for layer in layers:
        layer.write(2.0)
    assert expected.sum() > 10
    assert torch.equal(net(events), expected)
    assert [layer.rate() for layer in layers] == first


# --- what else the libraries have -----------------------------------------------------------------


def others():
    """Return calls of neuron layers that are no plain LIF, by library."""

    def snntorch():
        import snntorch as snn

        yield snn.RLeaky(beta=0.9, linear_features=4, init_hidden=True), lambda m, x: m(x)
        yield snn.Alpha(alpha=0.8, beta=0.7, init_hidden=True), lambda m, x: m(x)
        yield snn.Lapicque(beta=0.9, init_hidden=True), lambda m, x: m(x)
        yield (
            snn.Leaky(beta=0.9, learn_threshold=True, graded_spikes_factor=2.0),
            lambda m, x: m(x)[0],
        )

    def spikingjelly():
        from spikingjelly.activation_based import neuron

        yield neuron.IFNode(), lambda m, x: m(x)
        yield neuron.ParametricLIFNode(), lambda m, x: m(x)
        yield neuron.LIFNode(v_reset=-0.5), lambda m, x: m(x)

    def norse():
        import norse.torch as norse

        yield norse.LIFCell(), lambda m, x: m(10 * x)[0]
        yield norse.LIFRefracCell(), lambda m, x: m(10 * x)[0]
        yield norse.IAFCell(), lambda m, x: m(x)[0]
        yield norse.LIFRecurrentCell(4, 4), lambda m, x: m(10 * x)[0]

    def sinabs():
        import sinabs.layers as layers

        yield layers.IAF(), lambda m, x: m(x[:, None])
        yield layers.ALIF(tau_mem=10.0, tau_adapt=10.0), lambda m, x: m(9 * x[:, None])
        yield (
            layers.LIFRecurrent(tau_mem=10.0, rec_connect=torch.nn.Linear(4, 4), norm_input=False),
            lambda m, x: m(x[:, None]),
        )

    return {f.__name__: f for f in (snntorch, spikingjelly, norse, sinabs)}


@pytest.mark.parametrize("name", LIBRARIES)
def test_other_neurons_are_controlled_too(name):
    torch.manual_seed(0)  # recurrent layers draw their weights
    x = torch.linspace(0.5, 2.5, 32).reshape(8, 4)
    for module, call in others()[name]():
        assert adapter_of(module) in [a for a in ADAPTERS if a.library == name], type(module)
        (layer,) = controlled_layers.control([("layer", module)])
        rates = []
        for scale in (0.5, 1.0, 5.0):
            reset_state(module)
            layer.write(scale)
            for _ in range(3):
                spikes = call(module, x)
            rates.append(layer.rate())
        assert spikes.shape[0] == 8
        assert rates[0] > 0, type(module)
        assert rates[0] >= rates[1] >= rates[2] < rates[0], type(module)
        layer.detach()


def silent(name):
    """Return neurons that do not spike."""
    if name == "spikingjelly":
        from spikingjelly.activation_based import neuron

        return [neuron.NonSpikingLIFNode()]
    if name == "norse":
        import norse.torch as norse

        return [norse.LI()]
    import sinabs.layers

    return [sinabs.layers.ExpLeak(tau_mem=10.0)]


@pytest.mark.parametrize("name", ["spikingjelly", "norse", "sinabs"])
def test_what_does_not_spike_is_left_alone(name):
    modules = [*silent(name), torch.nn.Linear(2, 2)]
    assert [adapter_of(module) for module in modules] == [None, None]
    with pytest.raises(InputError, match="no spiking layer"):
        Homeostat.attach(torch.nn.Sequential(*modules))


@pytest.mark.parametrize("name", ["spikingjelly"])
def test_a_net_of_two_libraries_has_one_homeostat(name):
    from spikingjelly.activation_based import neuron

    net = torch.nn.Sequential(
        torch.nn.Linear(15, 8), neuron.IFNode(step_mode="m"), torch.nn.Linear(8, 8)
    )
    net.append(LIF((8,)))
    assert len(controlled_layers.find(net, readout=True)) == 2
