"""A Network written as NIR comes back the same; what NIR or a Network cannot say is an error."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import nir as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir
from neurosim.network import Layer, Network
from neurosim.verify.float_error import judge
from tests import nets


def run_graph(graph, raster, engine: str = "nir"):
    return engines.get(engine).run(graph, raster, record=("spikes", "v_mem", "i_syn"))


def recurrent(network: Network, rng: np.random.Generator) -> Network:
    """Every layer with recurrent weights and biases."""
    layers = [
        replace(
            layer,
            recurrent=rng.normal(0, 0.05, (layer.n_out, layer.n_out)),
            bias=rng.normal(0, 0.01, layer.n_out),
        )
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


@st.composite
def networks(draw) -> Network:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        loop = rng.normal(size=(n_out, n_out)).astype(dtype) if draw(st.booleans()) else None
        layers.append(
            Layer(
                weight=rng.normal(size=(n_in, n_out)).astype(dtype),
                tau_mem=rng.uniform(1e-3, 0.2, n_out).astype(dtype),
                tau_syn=rng.uniform(1e-3, 0.2, n_out).astype(dtype),
                threshold=rng.uniform(0.1, 3, n_out).astype(dtype),
                bias=(rng.normal(size=n_out) * draw(st.sampled_from([0, 0.1]))).astype(dtype),
                recurrent=loop,
                max_spikes=draw(st.sampled_from([1, 7, 31])),
            )
        )
    return Network(tuple(layers), dt=draw(st.sampled_from([1e-4, 1e-3, 5e-3])))


@settings(max_examples=40)
@given(networks())
def test_round_trip(tmp_path_factory, network: Network) -> None:
    path = network.to_nir(tmp_path_factory.mktemp("nir") / "net.nir")
    back = Network.from_nir(path)
    assert back.dt == network.dt
    assert back.shape == network.shape
    for one, other in zip(network.layers, back.layers, strict=True):
        assert one.max_spikes == other.max_spikes
        for name in ("weight", "tau_mem", "tau_syn", "threshold", "recurrent"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
        # v_leak = bias tau/dt and back: two roundings of the file's type
        np.testing.assert_allclose(other.bias, one.bias, rtol=4 * np.finfo(one.bias.dtype).eps)


def test_the_graph_runs_as_the_network_does_with_loops(rng, tmp_path) -> None:
    network, raster = recurrent(nets.network(rng), rng), nets.events(rng, (4, 50, 6))
    graph = nir.load(nir.write(network, tmp_path / "net.nir"))
    assert set(reference.read(tmp_path / "net.nir").nodes) > set(graph.nodes)  # nir's own checks
    ours = engines.get("brian2").run(network, raster, record=("spikes", "v_mem", "i_syn"))
    run = run_graph(graph, raster)
    assert [s.sum() > 50 for s in ours.spikes] == [True] * 3
    # Both in float64, the graph's sums in the order of this processor's library.
    assert judge(network, raster, ours, run).passed


def test_brian2_and_numpy_agree_on_every_bit(rng, tmp_path) -> None:
    network = recurrent(nets.network(rng), rng)
    graph = nir.load(nir.write(network, tmp_path / "net.nir"))
    raster = nets.events(rng, (3, 40, 6))
    one, other = (run_graph(graph, raster, engine=name) for name in ("nir", "nir-numpy"))
    for variable in ("spikes", "v_mem", "i_syn"):
        for a, b in zip(getattr(one, variable), getattr(other, variable), strict=True):
            np.testing.assert_array_equal(a, b)


def test_two_synapses_are_refused(rng, tmp_path) -> None:
    layer = Layer(
        weight=rng.normal(size=(3, 2, 2)),
        tau_mem=np.array(0.02),
        tau_syn=np.array(0.01),
        threshold=np.array(1.0),
        bias=np.array(0.0),
    )
    with pytest.raises(InputError, match="layer 0 has 2 synapses"):
        nir.write(Network((layer,), dt=1e-3), tmp_path / "net.nir")
    assert not list(tmp_path.iterdir())


# --- what a Network cannot say ----------------------------------------------------------------


def changed(network: Network, tmp_path, change) -> str:
    """Write a network with a change to the graph, and return what reading says."""
    from neurosim.formats.nir.network import to_nir

    graph = to_nir(network)
    change(graph)
    path = tmp_path / "changed.nir"
    reference.write(path, graph)
    with pytest.raises(InputError) as caught:
        nir.read(path)
    return str(caught.value)


def said(graph) -> dict:
    return json.loads(graph.metadata["neurosim"])


CHANGES = {
    "gain": (lambda g: setattr(g.nodes["lif_0"], "r", 2 * g.nodes["lif_0"].r), "another gain r"),
    "input gain": (
        lambda g: setattr(g.nodes["lif_1"], "w_in", 3 * g.nodes["lif_1"].w_in),
        "another input gain w_in",
    ),
    "reset": (
        lambda g: setattr(g.nodes["lif_0"], "v_reset", g.nodes["lif_0"].v_reset + 0.5),
        "v_reset",
    ),
    "affine": (
        lambda g: g.nodes.update(linear_1=reference.Affine(g.nodes["linear_1"].weight, np.ones(8))),
        "linear_1 has a bias",
    ),
    "skip": (lambda g: g.edges.append(("lif_0", "output")), "output is read from"),
    "source": (
        lambda g: g.metadata.update(neurosim=json.dumps({**said(g), "source": "nowhere"})),
        "'nowhere' is not known",
    ),
    "scheme": (
        lambda g: g.metadata.update(neurosim=json.dumps({**said(g), "scheme": "midpoint"})),
        "scheme is 'midpoint'",
    ),
    "euler": (
        lambda g: g.metadata.update(neurosim=json.dumps({**said(g), "scheme": "euler"})),
        "steps as rockpool does",
    ),
    "dt": (lambda g: g.metadata.update(neurosim=json.dumps({**said(g), "dt": -1})), "dt is -1"),
    "limits": (
        lambda g: g.metadata.update(neurosim=json.dumps({**said(g), "max_spikes": {"x": 1}})),
        "max_spikes",
    ),
    "json": (lambda g: g.metadata.update(neurosim="{"), "metadata cannot be read"),
    "nan": (
        lambda g: setattr(g.nodes["lif_0"], "tau_mem", g.nodes["lif_0"].tau_mem * np.nan),
        "finite",
    ),
    "tau": (
        lambda g: setattr(g.nodes["lif_0"], "tau_syn", -g.nodes["lif_0"].tau_syn),
        "above 0",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_the_meaning_is_an_error(name: str, rng, tmp_path) -> None:
    change, message = CHANGES[name]
    assert message in changed(nets.network(rng), tmp_path, change)


def test_loops_run_without_a_compiler_too(rng, tmp_path, monkeypatch) -> None:
    network = recurrent(nets.network(rng), rng)
    graph = nir.load(nir.write(network, tmp_path / "net.nir"))
    raster = nets.events(rng, (2, 20, 6))
    library = run_graph(graph, raster)
    assert all(spikes.any() for spikes in library.spikes)
    monkeypatch.setattr("neurosim.engines.brian2.targets.choose", lambda _: "numpy")
    for variable in ("spikes", "v_mem", "i_syn"):
        runtime = getattr(run_graph(graph, raster), variable)
        for a, b in zip(getattr(library, variable), runtime, strict=True):
            np.testing.assert_array_equal(a, b)
