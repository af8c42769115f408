"""However a rockpool module's parameters are given, the network and its spikes are the same.

From memory and from the file of `module.save`; of numpy's modules, which have no such file, from
memory. Spikes are compared with those of the module itself.
"""

import json

import numpy as np
import pytest
import torch
from rockpool.nn.combinators import Residual, Sequential
from rockpool.nn.modules import (
    LIF as NumpyLIF,
)
from rockpool.nn.modules import (
    LIFBitshiftTorch,
    LIFTorch,
    Linear,
    LinearTorch,
)
from rockpool.parameters import Constant

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import rockpool_json
from neurosim.formats.rockpool import network_from_module
from neurosim.snn import LIF
from tests import nets

DT = 2e-3
WAYS = {
    "arrays": lambda value, *shape: torch.full(shape, value),
    "numbers": lambda value, *_: value,
    "tensors": lambda value, *_: torch.tensor(value),
    "constant arrays": lambda value, *shape: Constant(torch.full(shape, value)),
    "constant numbers": lambda value, *_: Constant(value),
    "constant tensors": lambda value, *_: Constant(torch.tensor(value)),
}
"""Ways to give one value to all neurons."""
LEAKS = {
    "taus": {"tau_mem": 0.02, "tau_syn": 0.01},
    "decays": {"alpha": 0.9, "beta": 0.75},
    "bitshifts": {"dash_mem": 3.0, "dash_syn": 2.0},
}


@pytest.fixture
def events(rng):
    return nets.events(rng, (2, 50, 3), rate=0.4)


def weights(n_in: int, n_out: int) -> np.ndarray:
    """On a dyadic grid: sums of counts are exact in any order."""
    rng = np.random.default_rng(n_in + 10 * n_out)
    return np.round(rng.normal(0.3, 0.5, (n_in, n_out)) * 128) / 128


def torch_net(kind, way, leak, synapses) -> Sequential:
    value = WAYS[way]

    def neurons(n: int, threshold: float):
        mem, syn = LEAKS[leak].items()
        leaks = {mem[0]: value(mem[1], n), syn[0]: value(syn[1], n, synapses)}
        return kind(
            (n * synapses, n), dt=DT, leak_mode=leak, max_spikes_per_dt=31,
            threshold=value(threshold, n), bias=value(0.0625, n), **leaks,
        )  # fmt: skip

    def linear(n_in: int, n_out: int):
        weight = torch.tensor(weights(n_in, n_out * synapses), dtype=torch.float32)
        return LinearTorch((n_in, n_out * synapses), weight=weight, has_bias=False)

    return Sequential(linear(3, 4), neurons(4, 0.5), linear(4, 2), neurons(2, 0.75))


KINDS = [(LIFTorch, leak) for leak in LEAKS] + [(LIF, leak) for leak in LEAKS]
KINDS += [(LIFBitshiftTorch, "taus"), (LIFBitshiftTorch, "bitshifts")]
"""rockpool 3.1 builds no LIFBitshiftTorch from decays."""


@pytest.mark.parametrize("synapses", [1, 2])
@pytest.mark.parametrize(("kind", "leak"), KINDS)
def test_torch_modules(kind, leak, synapses, events, tmp_path):
    expected = None
    for way in WAYS:
        net = torch_net(kind, way, leak, synapses)
        spikes = net(torch.tensor(events, dtype=torch.float32))[0].detach().numpy()
        network = network_from_module(net)
        net.save(tmp_path / "net.json")
        read = rockpool_json.load(tmp_path / "net.json")
        assert network.dt == read.dt == DT
        assert network.digest() == read.digest(), way
        if expected is None:
            expected = network.digest(), spikes
            assert spikes.sum() > 100
        assert network.digest() == expected[0], way
        np.testing.assert_array_equal(spikes, expected[1])
        ours = engines.get("liftorch").run(network, events).spikes[-1]
        np.testing.assert_array_equal(ours, spikes)


@pytest.mark.parametrize("shape", [(), (1, 2), (4, 2)])
def test_synaptic_time_constants_in_every_shape_that_rockpool_takes(shape, tmp_path):
    tau = torch.full(shape, 0.01)
    lif = LIFTorch((8, 4), tau_syn=tau, tau_mem=0.02, dt=DT)
    net = Sequential(LinearTorch((3, 8), has_bias=False), lif)
    net.save(tmp_path / "net.json")
    (layer,) = rockpool_json.load(tmp_path / "net.json").layers
    assert layer.tau_syn.shape == (4, 2)
    assert network_from_module(net).digest() == rockpool_json.load(tmp_path / "net.json").digest()


def numpy_net(way: str, tau_syn: np.ndarray, last_dt: float = DT) -> Sequential:
    ways = {
        "arrays": lambda value, n: np.full(n, value),
        "numbers": lambda value, n: value,
        "constant arrays": lambda value, n: Constant(np.full(n, value)),
        "constant numbers": lambda value, n: Constant(value),
    }
    value = ways[way]

    def neurons(n: int, threshold: float, tau_syn, dt: float):
        return NumpyLIF(
            (n * tau_syn.shape[1], n), dt=dt, max_spikes_per_dt=31, threshold=value(threshold, n),
            tau_mem=value(0.02, n), bias=value(0.0625, n), tau_syn=tau_syn,
        )  # fmt: skip

    first, last = neurons(4, 0.5, tau_syn, DT), neurons(2, 0.75, np.full((2, 1), 0.01), last_dt)
    return Sequential(
        Linear((3, 8), weight=weights(3, 8)), first, Linear((4, 2), weight=weights(4, 2)), last
    )


@pytest.mark.parametrize("tau_syn", [np.array([[0.01, 0.02]]), np.tile([0.01, 0.02], (4, 1))])
def test_numpy_modules(tau_syn, events):
    digests = set()
    for way in ("arrays", "numbers", "constant arrays", "constant numbers"):
        net = numpy_net(way, tau_syn)
        network = network_from_module(net)
        assert network.dt == DT
        digests.add(network.digest())
        spikes = net(events[:1].astype(float))[0]
        assert spikes.sum() > 50
        ours = engines.get("torch").run(network, events[:1]).spikes[-1]  # both in float64
        np.testing.assert_array_equal(ours, spikes)
    assert len(digests) == 1


def test_recurrent_numpy_modules_and_nested_sequentials(events):
    recurrent = weights(4, 4) / 4
    lif = NumpyLIF((4,), has_rec=True, w_rec=recurrent, tau_syn=np.full((4, 1), 0.02))
    net = Sequential(Sequential(Linear((3, 4), weight=weights(3, 4)), lif))
    (layer,) = network_from_module(net).layers
    np.testing.assert_array_equal(layer.recurrent, recurrent)
    assert layer.max_spikes == 2**16


def one_line(message, call):
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_layers_have_one_time_step(tmp_path):
    net = numpy_net("arrays", np.full((4, 2), 0.01), last_dt=5e-3)
    one_line(r"time steps dt \[0\.002, 0\.005\]; use one", lambda: network_from_module(net))
    linear = [LinearTorch((2, 2), has_bias=False) for _ in range(2)]
    net = Sequential(linear[0], LIFTorch((2,), dt=1e-3), linear[1], LIFTorch((2,), dt=2e-3))
    net.save(tmp_path / "net.json")
    for call in (
        lambda: network_from_module(net),
        lambda: rockpool_json.load(tmp_path / "net.json"),
    ):
        one_line(r"different time steps dt \[0\.001, 0\.002\]; use one", call)


def test_residuals_are_refused_by_name(tmp_path):
    def pair():
        return LinearTorch((2, 2), has_bias=False), LIFTorch((2,))

    net = Sequential(*pair(), Residual(*pair()))
    net.save(tmp_path / "net.json")
    one_line("module 2_.*is a Residual", lambda: network_from_module(net))
    one_line("2_.*is a Residual", lambda: rockpool_json.load(tmp_path / "net.json"))
    numpys = Sequential(Linear((2, 2)), NumpyLIF((2,)), Residual(Linear((2, 2)), NumpyLIF((2,))))
    one_line("2_.*is a Residual", lambda: network_from_module(numpys))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (lambda: Linear((2, 3)), "holds 1 modules; a Network needs pairs"),
        (lambda: Sequential(NumpyLIF((2,)), Linear((2, 3))), "0_LIF cannot be read here; expected"),
        (
            lambda: Sequential(Linear((2, 3), has_bias=True), NumpyLIF((3,))),
            "0_Linear has a bias",
        ),
        (lambda: Sequential(Linear((2, 3)), NumpyLIF((3,), noise_std=0.1)), "1_LIF has noise"),
    ],
)
def test_other_numpy_modules_are_refused(net, message):
    one_line(message, lambda: network_from_module(net()))


def test_neurons_of_other_simulators_are_refused(tmp_path):
    net = Sequential(LinearTorch((2, 3), has_bias=False), LIFTorch((3,)))
    net.save(tmp_path / "net.json")
    saved = json.loads((tmp_path / "net.json").read_text())
    (tmp_path / "old.json").write_text('{"class_name": "RecRateEulerJax_IO", "tau": [0.1]}')
    one_line("holds one RecRateEulerJax_IO", lambda: rockpool_json.load(tmp_path / "old.json"))
    for name in ("LIFExodus", "LIFSinabs", "aLIFTorch"):
        renamed = {key.replace("LIFTorch", name): value for key, value in saved.items()}
        (tmp_path / "net.json").write_text(json.dumps(renamed))
        one_line(f"1_{name} cannot be read", lambda: rockpool_json.load(tmp_path / "net.json"))
