"""Network: what it refuses, scaled thresholds, files."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import store
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from tests import nets

GOOD = {"weight": np.ones((3, 4)), "tau_mem": 0.01, "tau_syn": 0.02, "threshold": 1.0, "bias": 0.0}


def test_scalars_spread_over_the_layer():
    layer = Layer(**GOOD)
    assert layer.tau_mem.shape == (4,)
    assert (layer.n_in, layer.n_out, layer.synapses, layer.max_spikes) == (3, 4, 1, 31)
    two = Layer(**{**GOOD, "weight": np.ones((3, 4, 2)), "tau_syn": [0.01, 0.02]})
    assert two.tau_syn.shape == (4, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": np.ones(3)}, "weight has shape"),
        ({"weight": np.ones((0, 4))}, "weight has shape"),
        ({"weight": np.full((3, 4), np.nan)}, r"weight\[0, 0\] is nan"),
        ({"weight": [["a"]]}, "give numbers"),
        ({"tau_mem": np.ones(3)}, "tau_mem has shape"),
        ({"tau_syn": -1.0}, "tau_syn holds -1.0"),
        ({"threshold": 0.0}, "threshold holds 0.0"),
        ({"threshold": np.inf}, "must be finite"),
        ({"recurrent": np.ones((3, 3))}, "recurrent has shape"),
        ({"max_spikes": 0}, "max_spikes is 0"),
        ({"max_spikes": 1.5}, "max_spikes is 1.5"),
    ],
)
def test_bad_layers_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Layer(**{**GOOD, **change})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decays_are_those_of_the_time_constants_in_float64(dtype):
    tau_mem, tau_syn = dtype(0.013), np.array([[0.002, 0.007]], dtype)
    layer = Layer(np.ones((1, 1, 2)), tau_mem, tau_syn, 1.0, 0.0)
    alpha, beta = layer.decays(1e-3)
    assert (alpha.shape, beta.shape) == ((1,), (1, 2))
    assert alpha.dtype == beta.dtype == np.float64
    # exp of numpy and of the C library differ by a unit in the last place at most.
    assert alpha[0] == pytest.approx(math.exp(-1e-3 / float(tau_mem)), rel=3e-16)
    for found, tau in zip(beta[0], tau_syn[0], strict=True):
        assert found == pytest.approx(math.exp(-1e-3 / float(tau)), rel=3e-16)
    single = Layer(np.ones((1, 3)), 0.01, 0.02, 1.0, 0.0).decays(1e-3)
    assert [d.shape for d in single] == [(3,), (3, 1)]


def test_layers_must_fit_each_other(rng):
    layer = Layer(**GOOD)
    with pytest.raises(InputError, match="layer 0 has 4 neurons, layer 1 reads 3"):
        Network((layer, layer), dt=1e-3)
    with pytest.raises(InputError, match="at least one Layer"):
        Network((), dt=1e-3)
    with pytest.raises(InputError, match="positive time"):
        Network((layer,), dt=0.0)


def test_thresholds_scale_without_copying_weights(rng):
    net = nets.network(rng)
    raised = net.with_threshold(1.5)
    assert [layer.threshold[0] for layer in raised.layers] == [1.5, 1.5, 1.0]
    assert all(
        a.weight.base is b.weight.base for a, b in zip(raised.layers, net.layers, strict=True)
    )
    each = net.with_threshold([1.0, 2.0, 3.0])
    assert [layer.threshold[0] for layer in each.layers] == [1.0, 2.0, 3.0]
    for bad in (0.0, -1.0, np.nan, [1.0, 2.0]):
        with pytest.raises(InputError, match="threshold scale"):
            net.with_threshold(bad)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_files_keep_everything(tmp_path_factory, seed, recurrent, dtype):
    rng = np.random.default_rng(seed)
    net = nets.network(rng)
    first = dataclasses.replace(net.layers[0], weight=net.layers[0].weight.astype(dtype))
    if recurrent:
        first = dataclasses.replace(first, recurrent=rng.normal(size=(10, 10)))
    net = Network((first, *net.layers[1:]), dt=net.dt)
    back = Network.load(net.save(tmp_path_factory.mktemp("net") / "net.safetensors"))
    assert back.digest() == net.digest()
    assert back.layers[0].weight.dtype == dtype
    assert (back.layers[0].recurrent is not None) == recurrent


def test_damaged_files_are_refused(tmp_path, rng):
    net = nets.network(rng)
    path = net.save(tmp_path / "net.safetensors")
    whole = path.read_bytes()
    for content in (whole[:100], b"", b"\x80\x04\x95", whole[:-8]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=str(path)):
            Network.load(path)
    tensors = net.tensors()
    headers = [
        {"dt": 0.005},
        {"dt": "x", "layers": [{"max_spikes": 1}] * 3},
        {"dt": 0.005, "layers": [{"max_spikes": 1}] * 4},
        {"dt": 0.005, "layers": 3},
        {"dt": 0.005, "layers": [{"max_spikes": -1}] * 3},
    ]
    for header in headers:
        store.save(path, "network", tensors, header)
        with pytest.raises(InputError, match=str(path)):
            Network.load(path)
    assert not list(tmp_path.glob("*.part"))
