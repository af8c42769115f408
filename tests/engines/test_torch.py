"""The torch engine against the layer's equations, written out step by step in numpy."""

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from tests import nets


def reference(network, raster):
    """Evolve a Network in plain numpy; return spikes, membranes and currents per layer."""
    x = raster.astype(float)
    results = []
    for layer in network.layers:
        n, s = layer.n_out, layer.synapses
        weight = layer.weight.reshape(layer.n_in, n, s)
        recurrent = np.zeros((n, n, s)) if layer.recurrent is None else layer.recurrent
        alpha = np.exp(-network.dt / layer.tau_mem)
        beta = np.exp(-network.dt / layer.tau_syn).reshape(n, s)
        v, i = np.zeros((len(x), n)), np.zeros((len(x), n, s))
        spikes, series = np.zeros((len(x), n)), []
        for t in range(x.shape[1]):
            i = i + np.einsum("bi,ijs->bjs", x[:, t], weight)
            i = (i + np.einsum("bi,ijs->bjs", spikes, recurrent.reshape(n, n, s))) * beta
            v = v * alpha + i.sum(2) + layer.bias
            spikes = np.minimum(np.maximum(np.floor(v / layer.threshold), 0), layer.max_spikes)
            v = v - spikes * layer.threshold
            series.append((spikes, v, i))
        results.append(tuple(np.stack(a, 1) for a in zip(*series, strict=True)))
        x = results[-1][0]
    return results


def network(rng, synapses=(1, 2), recurrent=True):
    sizes = (5, 9, 4)
    layers = []
    for n_in, n_out, s in zip(sizes, sizes[1:], synapses, strict=False):
        extra = (s,) if s > 1 else ()
        layers.append(
            Layer(
                weight=rng.normal(0.2, 0.4, (n_in, n_out, *extra)),
                tau_mem=rng.uniform(5e-3, 3e-2, n_out),
                tau_syn=rng.uniform(2e-3, 1e-2, (n_out, *extra)),
                threshold=rng.uniform(0.7, 1.5, n_out),
                bias=rng.normal(0, 0.05, n_out),
                recurrent=rng.normal(0, 0.1, (n_out, n_out, *extra)) if recurrent else None,
                max_spikes=7,
            )
        )
    return Network(tuple(layers), dt=1e-3)


@pytest.mark.parametrize("recurrent", [True, False])
def test_all_variables_follow_the_equations(rng, recurrent):
    net, raster = network(rng, recurrent=recurrent), rng.poisson(0.3, (6, 50, 5))
    recording = engines.get("torch").run(net, raster, record=("spikes", "v_mem", "i_syn"))
    for k, (spikes, v, i) in enumerate(reference(net, raster)):
        assert spikes.sum() > 20
        np.testing.assert_array_equal(recording.spikes[k], spikes)
        # float64 rounding, summed in another order.
        np.testing.assert_allclose(recording.v_mem[k], v, rtol=0, atol=1e-11)
        np.testing.assert_allclose(recording.i_syn[k], i[..., 0], rtol=0, atol=1e-11)
    assert recording.i_syn_2 is not None
    np.testing.assert_allclose(recording.i_syn_2[1], i[..., 1], rtol=0, atol=1e-11)
    assert not recording.i_syn_2[0].any()
    assert recording.spikes[0].dtype == np.uint8
    assert recording.v_mem[0].dtype == np.float64
    assert recording.provenance["model"] == net.digest()


def test_batches_do_not_matter(rng, monkeypatch):
    from neurosim.engines import torch as engine

    # On a dyadic grid sums are exact, whatever their order in a batch of another size.
    net, raster = nets.dyadic(rng, 4, recurrent=True), rng.poisson(0.3, (7, 30, 5))
    whole = engine.ENGINE.run(net, raster)
    monkeypatch.setattr(engine, "BATCH", 1)
    single = engine.ENGINE.run(net, raster)
    assert whole.spikes[1].sum() > 20
    assert all(np.array_equal(a, b) for a, b in zip(whole.spikes, single.spikes, strict=True))


@pytest.mark.parametrize("name", ["torch", "liftorch"])
def test_every_run_starts_from_rest(name, rng):
    net, raster = network(rng), rng.poisson(0.3, (1, 20, 5))
    engine = engines.get(name)
    first, again = (engine.run(net, raster).spikes[-1] for _ in range(2))
    assert first.sum() > 5
    assert np.array_equal(first, again)


def test_wrong_models_and_records_are_refused(rng):
    engine = engines.get("torch")
    with pytest.raises(InputError, match="runs a Network, got dict"):
        engine.run({}, np.zeros((1, 2, 3), np.uint8))
    with pytest.raises(InputError, match="3 channels, the model reads 5"):
        engine.run(network(rng), np.zeros((1, 2, 3), np.uint8))
    three = network(rng, synapses=(1, 3))
    assert engine.run(three, np.ones((1, 20, 5), np.uint8)).spikes[1].sum() > 0
    with pytest.raises(InputError, match="3 synapses"):
        engine.run(three, np.ones((1, 2, 5), np.uint8), record=("i_syn",))
