"""Loops, names and axes of NIR graphs: what a file's order must not decide, what is refused."""

from __future__ import annotations

import itertools

import nir as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nir.ir.graph import Identity

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir

THRESHOLD = 0.7


def lif(shape, **changes) -> reference.LIF:
    """tau = dt: the membrane is the input of the step, so that spikes follow by hand."""
    values = {"tau": 1e-3, "r": 1.0, "v_leak": 0.0, "v_threshold": THRESHOLD, "v_reset": 0.0}
    return reference.LIF(**{name: np.full(shape, v) for name, v in {**values, **changes}.items()})


def graph_of(nodes, edges, shape=(2,), output=None):
    ends = {"input": reference.Input(np.array(shape))}
    ends["output"] = reference.Output(np.array(shape if output is None else output))
    return reference.NIRGraph({**ends, **nodes}, list(edges), type_check=False)


def spikes_of(graph, raster) -> dict[str, np.ndarray]:
    """Spikes (time, neurons) by node."""
    read = nir.from_nir(graph, dt=1e-3)
    run = engines.get("nir-numpy").run(read, raster[None])
    return dict(zip(run.populations, (s[0] for s in run.spikes), strict=True))


def fires(*currents) -> np.ndarray:
    return (sum(currents) > THRESHOLD).astype(float)


# --- which connection of a loop acts a step later -----------------------------------------------


def test_where_no_node_comes_first_both_connections_are_late(rng) -> None:
    weight, raster = rng.normal(-0.5, 1, (2, 2)), rng.random((60, 2))
    nodes = {"a": lif(2), "b": lif(2)}
    nodes |= {"ab": reference.Linear(weight), "ba": reference.Linear(weight)}
    edges = [("input", "a"), ("input", "b"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("ba", "a")]
    a, b, expected = np.zeros(2), np.zeros(2), []
    for x in raster:
        a, b = fires(x, weight @ b), fires(x, weight @ a)
        expected.append(a)
        np.testing.assert_array_equal(a, b)  # the graph is symmetric in a and b
    for order in (edges, edges[::-1], [*edges[2:], *edges[:2]]):
        found = spikes_of(graph_of(nodes, [*order, ("b", "output")]), raster)
        assert 20 < np.sum(expected) < 80
        np.testing.assert_array_equal(found["a"], expected)
        np.testing.assert_array_equal(found["b"], expected)


def test_where_one_node_comes_first_what_leads_back_to_it_is_late(rng) -> None:
    there, back, own = (rng.normal(0.3, 1, (2, 2)) for _ in range(3))
    raster = rng.random((60, 2))
    nodes = {"z": lif(2), "a": lif(2), "there": reference.Linear(there)}
    nodes |= {"back": reference.Linear(back), "own": reference.Linear(own)}
    edges = [("input", "z"), ("z", "there"), ("there", "a"), ("a", "back"), ("back", "z")]
    edges += [("a", "own"), ("own", "a"), ("a", "output")]
    z, a, expected = np.zeros(2), np.zeros(2), []
    for x in raster:
        z = fires(x, back @ a)
        a = fires(there @ z, own @ a)
        expected.append([z, a])
    expected = np.array(expected)
    assert expected.sum(axis=(0, 2)).min() > 10
    for order in (edges, edges[::-1], sorted(edges)):
        found = spikes_of(graph_of(nodes, order), raster)
        np.testing.assert_array_equal(np.stack([found["z"], found["a"]], axis=1), expected)


def test_a_node_in_a_loop_is_heard_at_once_by_what_lies_behind(rng) -> None:
    weight, raster = rng.normal(0.5, 1, (2, 2)), rng.random((60, 2))
    bias = np.array([0.2, -0.1])
    nodes = {"a": lif(2), "b": lif(2), "w": reference.Affine(weight, bias)}
    edges = [("input", "a"), ("a", "w"), ("w", "a"), ("w", "b"), ("b", "output")]
    a, expected = np.zeros(2), []
    for x in raster:
        a = fires(x, weight @ a + bias)  # the bias acts from the first step on
        expected.append([a, fires(weight @ a + bias)])
    expected = np.array(expected)
    assert expected.sum(axis=(0, 2)).min() > 10
    for order in list(itertools.permutations(edges))[::13]:
        found = spikes_of(graph_of(nodes, order), raster[:20])
        np.testing.assert_array_equal(np.stack([found["a"], found["b"]], axis=1), expected[:20])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_edges_has_no_say(seed, shuffle) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 5))
    nodes = {f"n{k}": lif(3, tau=4e-3, r=4.0) for k in range(count)}
    edges = [("input", "n0"), ("n0", "output")]
    edges += [("input", f"n{k}") for k in range(1, count) if rng.random() < 0.4]
    for a, b in itertools.product(range(count), repeat=2):
        if b == a + 1 or rng.random() < 0.5:
            nodes[f"w{a}{b}"] = reference.Linear(rng.normal(0, 0.5, (3, 3)))
            edges += [(f"n{a}", f"w{a}{b}"), (f"w{a}{b}", f"n{b}")]
            if rng.random() < 0.2:  # shared by another source
                edges.append((f"n{rng.integers(count)}", f"w{a}{b}"))
    edges = sorted(set(edges))
    raster = rng.random((15, 3)) * 2
    first = spikes_of(graph_of(nodes, edges, (3,)), raster)
    assert sum(s.sum() for s in first.values()) > 0
    names = list(nodes)
    for _ in range(3):
        shuffle.shuffle(names)
        shuffle.shuffle(edges)
        again = spikes_of(graph_of({n: nodes[n] for n in names}, edges, (3,)), raster)
        for name, spikes in first.items():
            np.testing.assert_array_equal(again[name], spikes)


def test_a_loop_without_neurons_is_refused() -> None:
    nodes = {"a": lif(2), "w": reference.Linear(np.eye(2)), "s": reference.Scale(np.ones(2))}
    edges = [("input", "w"), ("w", "s"), ("s", "w"), ("w", "a"), ("a", "output")]
    with pytest.raises(InputError, match="nodes s, w hold a loop without neurons"):
        nir.from_nir(graph_of(nodes, edges), dt=1e-3)


# --- names and edges ----------------------------------------------------------------------------


def test_names_that_meet_when_levels_are_joined_are_refused(tmp_path) -> None:
    def line(node):
        names = ["input", "lin", "output"]
        return graph_of({"lin": node}, itertools.pairwise(names))

    nodes = {"a": line(reference.Linear(30 * np.eye(2))), "lif": lif(2)}
    nodes["a.lin"] = reference.Linear(0.1 * np.eye(2))
    edges = [("input", "a"), ("a", "a.lin"), ("a.lin", "lif"), ("lif", "output")]
    for order in (list(nodes), list(nodes)[::-1]):
        reference.write(tmp_path / "a.nir", graph_of({n: nodes[n] for n in order}, edges))
        with pytest.raises(InputError, match=r"two nodes are called 'a\.lin'.*rename one"):
            nir.load(tmp_path / "a.nir", dt=1e-3)
    nodes["b"] = nodes.pop("a.lin")
    edges = [(a.replace("a.lin", "b"), b.replace("a.lin", "b")) for a, b in edges]
    found = spikes_of(graph_of(nodes, edges), np.full((10, 2), 0.3))
    assert found["lif"].sum() == 20  # 3 times the input, above the threshold


def test_an_edge_that_is_there_twice_is_refused() -> None:
    for twice in [("input", "a"), ("a", "w"), ("w", "b"), ("b", "output")]:
        edges = [("input", "a"), ("a", "w"), ("w", "b"), ("b", "output"), twice]
        nodes = {"a": lif(2), "w": reference.Linear(np.eye(2)), "b": lif(2)}
        with pytest.raises(InputError, match=f"edge {twice[0]} -> {twice[1]} is there twice"):
            nir.from_nir(graph_of(nodes, edges), dt=1e-3)


# --- axes ---------------------------------------------------------------------------------------


def line(node, shape, output=None, after=None):
    nodes = {"n": node} if after is None else {"n": node, "lif": after}
    names = ["input", *nodes, "output"]
    return graph_of(nodes, itertools.pairwise(names), shape, shape if output is None else output)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (line(lif((3, 2)), (2, 3)), r"n: tau has shape \(3, 2\) and the signal \(2, 3\)"),
        (line(reference.Scale(np.ones((3, 2))), (2, 3), after=lif(6)), r"has shape \(3, 2\)"),
        (line(reference.Scale(np.ones((2, 3))), (3,), after=lif(3)), r"has shape \(2, 3\)"),
        (line(reference.Threshold(np.ones((3, 2))), (2, 3), after=lif(6)), r"has shape \(3, 2\)"),
        (
            line(Identity({"input": np.array([3, 2])}), (2, 3), after=lif(6)),
            "it states",
        ),
        (
            line(reference.Flatten({"input": np.array([3, 2])}, 0, -1), (2, 3), (6,), lif(6)),
            "it states signals",
        ),
        (
            line(
                reference.Conv2d((4, 5), np.ones((1, 1, 1, 1)), 1, 0, 1, 1, np.zeros(1)),
                (1, 5, 4),
                after=lif(20),
            ),
            "it states images",
        ),
        (line(lif(6), (2, 3), output=(3, 2)), r"its output states shape \(3, 2\)"),
    ],
)
def test_as_many_values_on_other_axes_are_refused(graph, message: str) -> None:
    with pytest.raises(InputError, match=message):
        nir.from_nir(graph, dt=1e-3)


def test_signals_of_other_axes_do_not_add_up() -> None:
    nodes = {"flat": reference.Flatten({"input": np.array([2, 3])}, 0, -1), "lif": lif(6)}
    edges = [("input", "flat"), ("flat", "lif"), ("input", "lif"), ("lif", "output")]
    with pytest.raises(InputError, match="node lif adds signals of shapes"):
        nir.from_nir(graph_of(nodes, edges, (2, 3)), dt=1e-3)


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (6,), (1,), ()])
def test_equal_axes_a_batch_of_one_a_flat_vector_and_one_value_pass(shape) -> None:
    levels = np.arange(1.0, 7).reshape(shape) if np.prod(shape) > 1 else np.full(shape, 3.0)
    node = lif(shape)
    node.v_threshold = levels
    found = spikes_of(line(node, (2, 3)), np.full((1, 2, 3), 3.5))
    np.testing.assert_array_equal(found["n"][0], (np.broadcast_to(levels.ravel(), 6) < 3.5))


def test_a_raster_of_other_axes_is_refused() -> None:
    graph = nir.from_nir(line(lif((2, 3)), (2, 3)), dt=1e-3)
    raster = np.random.default_rng(0).random((1, 5, 2, 3)) * 2
    runs = [
        engines.get("nir-numpy").run(graph, heard).spikes[0]
        for heard in (raster, raster.reshape(1, 5, 6), raster.reshape(1, 5, 1, 2, 3))
    ]
    assert runs[0].sum() > 5
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    with pytest.raises(InputError, match="raster has shape"):
        engines.get("nir-numpy").run(graph, raster.reshape(1, 5, 3, 2))
