"""Graphs within graphs in both writings, and files whose edges or ends are broken."""

from __future__ import annotations

import itertools

import h5py
import nir as reference
import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir

N = 4


def cuba(n: int = N, **changes) -> reference.CubaLIF:
    values = {"tau_mem": 5e-3, "tau_syn": 3e-3, "r": 5.0, "v_leak": 0.0, "v_threshold": 0.8}
    values |= {"v_reset": 0.0, "w_in": 3.0, **changes}
    return reference.CubaLIF(**{name: np.full(n, value) for name, value in values.items()})


def ends(n_in: int, n_out: int) -> dict:
    return {
        "input": reference.Input(np.array([n_in])),
        "output": reference.Output(np.array([n_out])),
    }


@pytest.fixture
def parts(rng) -> dict:
    return {
        "fc": reference.Affine(rng.normal(0.3, 0.6, (N, 3)), np.full(N, 0.1)),
        "lif": cuba(),
        "rec": reference.Linear(rng.normal(0, 0.5, (N, N))),
        "out": reference.Linear(rng.normal(0.4, 0.6, (2, N))),
        "last": cuba(2),
    }


def flat(parts) -> reference.NIRGraph:
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "out")]
    edges += [("out", "last"), ("last", "output")]
    return reference.NIRGraph({**ends(3, 2), **parts}, edges, type_check=False)


def nested(parts) -> reference.NIRGraph:
    """The hidden neurons and their loop are a graph of their own, two levels down."""
    loop = {**ends(N, N), "lif": parts["lif"], "rec": parts["rec"]}
    edges = [("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")]
    inner = reference.NIRGraph(loop, edges, type_check=False)
    around = [("input", "loop"), ("loop", "output")]
    outer = reference.NIRGraph({**ends(N, N), "loop": inner}, around, type_check=False)
    nodes = {**ends(3, 2), "fc": parts["fc"], "hidden": outer}
    nodes |= {"out": parts["out"], "last": parts["last"]}
    row = ["input", "fc", "hidden", "out", "last", "output"]
    return reference.NIRGraph(nodes, list(itertools.pairwise(row)), type_check=False)


def dotted(parts, hidden: str = "hidden") -> reference.NIRGraph:
    """Its nodes stand among the others, and edges name it as a whole: snnTorch, version 0.2."""
    nodes = {**ends(3, 2), "fc": parts["fc"], "out": parts["out"], "last": parts["last"]}
    nodes |= {f"hidden.{name}": node for name, node in ends(N, N).items()}
    nodes |= {"hidden.lif": parts["lif"], "hidden.rec": parts["rec"]}
    edges = [("fc", hidden), (hidden, "out"), ("input", "fc"), ("hidden.lif", "hidden.output")]
    edges += [("hidden.input", "hidden.lif"), ("hidden.lif", "hidden.rec")]
    edges += [("hidden.rec", "hidden.lif"), ("out", "last"), ("last", "output")]
    return reference.NIRGraph(nodes, edges, type_check=False)


def spikes_of(path, raster) -> list[np.ndarray]:
    run = engines.get("nir-numpy").run(nir.load(path, dt=1e-3), raster)
    return list(run.spikes)


@pytest.mark.parametrize("write", [nested, dotted])
def test_a_graph_within_a_graph_runs_as_its_nodes_do(write, parts, rng, tmp_path) -> None:
    raster = rng.random((3, 40, 3)) < 0.5
    for name, graph in (("flat", flat(parts)), ("other", write(parts))):
        reference.write(tmp_path / f"{name}.nir", graph)
    expected = spikes_of(tmp_path / "flat.nir", raster)
    assert [s.mean() > 0.05 for s in expected] == [True, True]
    for one, other in zip(spikes_of(tmp_path / "other.nir", raster), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_graph_that_holds_ends_alone_passes_its_input_on_as_often_as_it_is_led_to() -> None:
    through = reference.NIRGraph(ends(2, 2), [("input", "output")], type_check=False)
    nodes = {**ends(2, 2), "a": through, "b": through}
    nodes["li"] = reference.LI(np.full(2, 1e-3), np.ones(2), np.zeros(2))
    edges = [("input", "a"), ("input", "b"), ("a", "li"), ("b", "li"), ("li", "output")]
    graph = nir.from_nir(reference.NIRGraph(nodes, edges, type_check=False), dt=1e-3)
    run = engines.get("nir-numpy").run(graph, np.array([[[1.0, 3.0]]]), record=("v_mem",))
    np.testing.assert_array_equal(run.v_mem[0][0, 0], [2.0, 6.0])  # tau = dt: v is its input


# --- refused, each with its true reason ---------------------------------------------------------


def refusal(graph) -> str:
    with pytest.raises(InputError) as caught:
        nir.from_nir(graph, dt=1e-3)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_edge_to_a_node_that_is_not_there_names_both_and_the_nodes(parts) -> None:
    graph = nested(parts)
    inner = graph.nodes["hidden"].nodes["loop"]
    inner.nodes["lif1"] = inner.nodes.pop("lif")
    message = refusal(graph)
    assert message.startswith("edge input -> lif of graph 'hidden.loop' names 'lif', which is none")
    assert "(input, output, rec, lif1)" in message
    assert "edge fc -> hid of its graph names 'hid'" in refusal(dotted(parts, hidden="hid"))


def test_a_graph_within_needs_one_input_and_one_output(parts) -> None:
    graph = nested(parts)
    del graph.nodes["hidden"].nodes["output"]
    graph.nodes["hidden"].edges.remove(("loop", "output"))
    assert "graph 'hidden' has 0 Output nodes (input, loop)" in refusal(graph)
    graph = dotted(parts)
    graph.nodes["hidden.more"] = reference.Input(np.array([N]))
    assert "edge fc -> hidden: graph 'hidden' has 2 Input nodes" in refusal(graph)


def test_a_graph_needs_one_input_and_one_output(parts) -> None:
    def without(*names):
        graph = flat(parts)
        for name in names:
            del graph.nodes[name]
        graph.edges = [e for e in graph.edges if not set(e) & set(names)]
        return graph

    assert "its graph has no Output node" in refusal(without("output"))
    assert "its graph has no Input and no Output node (fc, lif" in refusal(without(*ends(1, 1)))
    graph = flat(parts)
    graph.nodes["more"] = reference.Input(np.array([3]))
    assert "its graph has 2 Input nodes (input, more); one runs" in refusal(graph)
    graph = flat(parts)
    graph.edges.append(("last", "input"))
    assert "its Input node input lies between other nodes" in refusal(graph)
    graph = flat(parts)
    graph.edges.append(("input", "output"))
    assert "leads to its Output with nothing between" in refusal(graph)
    graph = flat(parts)
    graph.edges.remove(("input", "fc"))
    assert "its Input 'input' is not connected" in refusal(graph)


def test_graphs_that_pass_signals_round_or_on_without_end(parts) -> None:
    through = reference.NIRGraph(ends(N, N), [("input", "output")], type_check=False)
    graph = flat(parts)
    graph.nodes |= {"a": through, "b": through}
    graph.edges += [("lif", "a"), ("a", "b"), ("b", "a")]
    assert "in a circle without neurons" in refusal(graph)
    graph = flat(parts)
    graph.nodes |= {f"{side}{k}": through for side in "ab" for k in range(30)}
    graph.edges += [("lif", "a0")]
    graph.edges += [
        (f"{one}{k}", f"{other}{k + 1}") for one in "ab" for other in "ab" for k in range(29)
    ]
    assert "more than 100,000 ways" in refusal(graph)


def test_parameters_that_are_odd_name_their_node(parts) -> None:
    graph = flat(parts)
    graph.nodes["last"] = cuba(2, tau_mem=-0.08)
    assert refusal(graph) == "node last: CubaLIF.tau_mem holds -0.08; a time constant is above 0"


def test_a_pool_that_leaves_more_than_the_neurons_behind_it_is_refused(tmp_path) -> None:
    pool = reference.SumPool2d(np.array([2, 2]), np.array([1, 1]), np.array([0, 0]))
    neurons = reference.IF(np.ones((1, 2, 4, 4)), np.ones((1, 2, 4, 4)))
    nodes = {"input": reference.Input(np.array([1, 2, 8, 8])), "pool": pool, "if": neurons}
    nodes["output"] = reference.Output(np.array([1, 2, 4, 4]))
    edges = list(itertools.pairwise(nodes))
    graph = reference.NIRGraph(nodes, edges, type_check=False)
    assert "node if: r has shape (1, 2, 4, 4) and the signal (2, 7, 7)" in refusal(graph)
    pool.stride = np.array([2, 2])
    assert nir.from_nir(graph, dt=1e-3).shapes["if"][1] == (2, 4, 4)


def test_time_constants_in_another_unit_than_the_sources_dt(parts, tmp_path) -> None:
    graph = flat(parts)
    for name, n in (("lif", N), ("last", 2)):  # in steps, as early files of snnTorch
        graph.nodes[name] = cuba(n, tau_mem=2.2, tau_syn=10.0, r=1.0, w_in=1.0)
    with pytest.raises(InputError, match=r"is 2\.2, 22,000 steps of the 0\.0001 .* snntorch.*--dt"):
        nir.from_nir(graph, source="snntorch")
    read = nir.from_nir(graph, source="snntorch", dt=1)
    assert (read.dt, read.says["dt is"]) == (1.0, "as given")


def test_a_damaged_file_of_nir_0_says_what_wrote_it(parts, tmp_path) -> None:
    path = tmp_path / "net.nir"
    reference.write(path, flat(parts))
    with h5py.File(path, "a") as file:
        del file["version"], file["node/nodes/lif/tau_syn"], file["node/nodes/last/w_in"]
        file["version"] = "0.2.0"
    with pytest.raises(InputError, match=r"written by NIR 0\.2\.0 .*tau_syn"):
        nir.load(path, dt=1e-3)


@pytest.mark.parametrize("write", [flat, nested])
def test_a_gain_that_is_not_stated_is_said(write, parts, tmp_path) -> None:
    path = tmp_path / "net.nir"
    parts["lif"] = cuba(w_in=1.0)
    reference.write(path, write(parts))
    assert "not stated" not in nir.load(path, dt=1e-3).says
    with h5py.File(path, "a") as file:
        places = []
        file.visit(lambda place: places.append(place) if place.endswith("lif/w_in") else None)
        del file[places[0]]
    read = nir.load(path, dt=1e-3)
    (name,) = (n for n in read.populations if n.endswith("lif"))
    assert read.says["not stated"] == f"w_in of {name}, which is 1 then"
    assert (read.nodes[name].w_in == 1).all()


@pytest.mark.parametrize("engine", ["nir", "nir-numpy"])
@pytest.mark.filterwarnings("ignore:overflow|invalid")
def test_a_loop_that_blows_up_names_node_and_step(engine, parts) -> None:
    parts["rec"] = reference.Linear(np.full((N, N), 1e308))
    graph = nir.from_nir(flat(parts), dt=1e-3)
    with pytest.raises(InputError, match=r"node lif: .* no longer finite in step \d+ of sample 0"):
        engines.get(engine).run(graph, np.ones((2, 30, 3)))
