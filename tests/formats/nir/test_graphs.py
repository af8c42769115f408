"""NIR graphs of all kinds of nodes against formulas, and files that are refused."""

from __future__ import annotations

import itertools

import h5py
import nir as reference
import numpy as np
import pytest
import torch

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir
from neurosim.formats.nir.convention import CONVENTIONS, Convention, parameters, rockpool_dt


def run_graph(graph, raster, engine: str = "nir"):
    return engines.get(engine).run(graph, raster, record=("spikes", "v_mem", "i_syn"))


def lif(n: int, **changes) -> reference.LIF:
    values = {"tau": 0.02, "r": 1.0, "v_leak": 0.0, "v_threshold": 0.5, "v_reset": 0.0, **changes}
    return reference.LIF(**{name: np.full(n, value) for name, value in values.items()})


def chain(*nodes, shape, path) -> None:
    """Write nodes in a row."""
    named = {f"n{k}": node for k, node in enumerate(nodes)}
    names = ["input", *named, "output"]
    ends = {"input": reference.Input(np.array(shape)), "output": reference.Output(np.array([1]))}
    edges = list(itertools.pairwise(names))
    reference.write(path, reference.NIRGraph({**ends, **named}, edges, type_check=False))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.nir"


def test_a_leaky_integrator_follows_its_exact_solution(path) -> None:
    node = reference.LI(tau=np.array([0.02]), r=np.array([3.0]), v_leak=np.array([0.5]))
    chain(node, shape=[1], path=path)
    exact = Convention("nir", "exponential", "value", False)
    run = run_graph(nir.load(path, source=exact, dt=1e-3), np.full((1, 100, 1), 2.0))
    time = np.arange(1, 101) * 1e-3
    expected = (0.5 + 3.0 * 2.0) * (1 - np.exp(-time / 0.02))
    np.testing.assert_allclose(run.v_mem[0][0, :, 0], expected, rtol=1e-12)
    assert not run.spikes[0].any()


def test_eulers_rule_comes_near_the_exact_solution_at_first_order(path) -> None:
    chain(reference.LI(*(np.array([x]) for x in (0.02, 1.0, 0.0))), shape=[1], path=path)
    errors = []
    for steps in (50, 100, 200, 400):
        run = run_graph(nir.load(path, dt=0.05 / steps), np.ones((1, steps, 1)))
        errors.append(abs(run.v_mem[0][0, -1, 0] - (1 - np.exp(-0.05 / 0.02))))
    order = np.polyfit(np.log([50, 100, 200, 400]), -np.log(errors), 1)[0]
    assert 0.95 < order < 1.05


@pytest.mark.parametrize(("reset", "after"), [("value", 0.2), ("subtract", 1.5 - 0.5)])
def test_resets(path, reset: str, after: float) -> None:
    chain(lif(1, tau=1e-3, r=1.0, v_reset=0.2), shape=[1], path=path)
    graph = nir.load(path, dt=1e-3, reset=reset)  # tau = dt: the membrane is the input
    run = run_graph(graph, np.full((1, 1, 1), 1.5))
    assert run.spikes[0].sum() == 1
    assert run.v_mem[0][0, 0, 0] == pytest.approx(after)


@pytest.mark.parametrize(("at", "fires"), [(True, 1), (False, 0)])
def test_at_the_threshold(path, at: bool, fires: int) -> None:
    chain(lif(1, tau=1e-3), shape=[1], path=path)
    convention = Convention("nir", "euler", "value", at)
    run = run_graph(nir.load(path, source=convention, dt=1e-3), np.full((1, 1, 1), 0.5))
    assert run.spikes[0].sum() == fires


def test_convolution_pooling_and_flattening_equal_torch(path, rng) -> None:
    torch.manual_seed(0)
    first = torch.nn.Conv2d(2, 4, 3, stride=(1, 2), padding=(2, 1), groups=2).double()
    second = torch.nn.Conv2d(4, 3, (3, 2), dilation=2).double()
    dense = torch.nn.Linear(3 * 3 * 2, 5).double()
    arrays = [
        {"weight": m.weight.detach().numpy(), "bias": m.bias.detach().numpy()}
        for m in (first, second, dense)
    ]
    pair = np.array
    chain(
        reference.Conv2d(
            (9, 9), stride=(1, 2), padding=(2, 1), dilation=(1, 1), groups=2, **arrays[0]
        ),
        reference.AvgPool2d(pair([2, 1]), pair([1, 1]), pair([0, 0])),
        reference.Conv2d((10, 5), stride=1, padding=0, dilation=2, groups=1, **arrays[1]),
        reference.SumPool2d(pair([2, 2]), pair([2, 1]), pair([0, 0])),
        reference.Flatten({"input": pair([3, 3, 2])}, 0, -1),
        reference.Affine(**arrays[2]),
        reference.Scale(np.arange(1.0, 6.0)),
        reference.LI(tau=np.full(5, 1e-3), r=np.ones(5), v_leak=np.zeros(5)),
        shape=[2, 9, 9],
        path=path,
    )
    x = rng.normal(size=(3, 4, 2, 9, 9))
    with torch.no_grad():
        y = first(torch.from_numpy(x.reshape(12, 2, 9, 9)))
        y = second(torch.nn.functional.avg_pool2d(y, (2, 1), stride=1))
        y = 4 * torch.nn.functional.avg_pool2d(y, 2, stride=(2, 1))
        y = dense(y.flatten(1)) * torch.arange(1.0, 6.0)
    run = run_graph(nir.load(path, dt=1e-3), x)  # tau = dt: the membrane is the input
    np.testing.assert_allclose(run.v_mem[0].reshape(12, 5), y.numpy(), atol=1e-10)


def test_files_of_nir_0_are_read_as_those_of_nir_1(path, rng) -> None:
    """They leave out the images' size of a convolution, and share one number among neurons."""
    weight = rng.normal(1.0, 1.0, size=(2, 1, 3, 3))
    conv = reference.Conv2d((5, 5), weight, 1, 0, 1, 1, np.zeros(2))
    neurons = reference.LIF(*(np.full((2, 3, 3), v) for v in (2e-2, 1.0, 0.0, 0.5, 0.0)))
    chain(conv, neurons, shape=[1, 5, 5], path=path)
    events = rng.normal(2.0, 1.0, (2, 6, 1, 5, 5))
    now = run_graph(nir.load(path, dt=1e-3), events)
    assert now.spikes[0].any()
    with h5py.File(path, "a") as file:
        nodes = file["node/nodes"]
        del nodes["n0/input_shape"], nodes["n1/r"], nodes["n1/v_leak"], file["version"]
        nodes["n1/r"], nodes["n1/v_leak"], file["version"] = 1.0, 0.0, "0.2.0"
    before = run_graph(nir.load(path, dt=1e-3), events)
    for a, b in zip(before.v_mem, now.v_mem, strict=True):
        np.testing.assert_array_equal(a, b)
    with h5py.File(path, "a") as file:
        del file["node/nodes/n0/weight"]
    with pytest.raises(InputError, match=r"NIR file, written by NIR 0\.2\.0"):
        nir.load(path, dt=1e-3)


@pytest.mark.parametrize("stride", [(1.5, 1.0), (1, 1, 2), np.zeros((2, 2))])
def test_a_stride_that_is_no_pair_of_whole_numbers_is_refused(path, stride) -> None:
    pool = reference.SumPool2d(np.array([2, 2]), np.array(stride), np.array([0, 0]))
    li = reference.LI(tau=np.full(1, 1e-3), r=np.ones(1), v_leak=np.zeros(1))
    chain(pool, li, shape=[1, 2, 2], path=path)
    with pytest.raises(InputError, match=r"node n0: its stride (is|has shape)"):
        run_graph(nir.load(path, dt=1e-3), np.ones((1, 3, 1, 2, 2)))


def test_a_threshold_node_and_parallel_paths_add_up(path) -> None:
    nodes = {
        "input": reference.Input(np.array([2])),
        "output": reference.Output(np.array([2])),
        "step": reference.Threshold(np.array([1.0, 1.0])),
        "scale": reference.Scale(np.array([0.5, 2.0])),
        "li": reference.LI(tau=np.full(2, 1e-3), r=np.ones(2), v_leak=np.zeros(2)),
    }
    edges = [("input", "step"), ("input", "scale"), ("step", "li"), ("scale", "li")]
    graph = reference.NIRGraph(nodes, [*edges, ("li", "output")])
    run = run_graph(nir.from_nir(graph, dt=1e-3), np.array([[[1.0, 1.5]]]))
    np.testing.assert_allclose(run.v_mem[0][0, 0], [0.5, 1 + 3.0])


def test_the_dt_of_rockpools_export_is_recovered() -> None:
    tau, dt = np.array([0.05, 0.02, 0.2]), 0.01
    np.testing.assert_allclose(rockpool_dt(tau, tau / dt * np.exp(-dt / tau)), dt, rtol=1e-12)


@pytest.mark.parametrize("source", CONVENTIONS)
def test_every_convention_gives_parameters_of_the_declared_neuron(source: str) -> None:
    from neurosim import equations

    values = parameters(lif(3), CONVENTIONS[source], 1e-3)
    declared = set(equations.get("nir-neuron").parameters)
    assert set(values) == declared - {"I"}
    assert all(np.isfinite(v).all() and v.shape == (3,) for v in values.values())


# --- refused ----------------------------------------------------------------------------------


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        nir.load(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_no_nir(tmp_path, path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.nir")
    path.write_bytes(b"no HDF5 at all")
    assert "not a readable NIR file" in refusal(path)
    with h5py.File(path, "w") as file:
        file["something"] = 1
    assert "not a readable NIR file" in refusal(path)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_truncated_files(path, share: float) -> None:
    chain(lif(3), shape=[3], path=path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "not a readable NIR file" in refusal(path, dt=1e-3)


def test_links_out_of_the_file_are_not_followed(path, tmp_path) -> None:
    other = tmp_path / "secret.h5"
    with h5py.File(other, "w") as file:
        file["tau"] = np.ones(3)
    for link in (h5py.ExternalLink("secret.h5", "tau"), h5py.SoftLink("/node/nodes/n0/r")):
        chain(lif(3), shape=[3], path=path)
        with h5py.File(path, "a") as file:
            del file["node/nodes/n0/tau"]
            file["node/nodes/n0/tau"] = link
        assert "is a link" in refusal(path, dt=1e-3)


def test_an_array_that_claims_terabytes(path) -> None:
    chain(lif(3), shape=[3], path=path)
    with h5py.File(path, "a") as file:
        del file["node/nodes/n0/tau"]
        file.create_dataset("node/nodes/n0/tau", shape=(2**40,), dtype="f8", chunks=(1024,))
    assert "claims 8,796,093,022,208 bytes" in refusal(path, dt=1e-3)


def test_a_missing_time_step_names_the_remedy(path) -> None:
    chain(lif(3), shape=[3], path=path)
    assert "--dt" in refusal(path)
    assert "choose from" in refusal(path, source="somebody", dt=1e-3)
    assert "dt is -1" in refusal(path, dt=-1.0)
    assert "dt is 0" in refusal(path, dt=0.0)
    assert "dt is 0" in refusal(path, dt=0, source="snntorch")
    assert "source '' is not known" in refusal(path, dt=1e-3, source="")
    assert "below the step" in refusal(path, dt=1.0)


def test_nodes_that_cannot_be_run_are_named(path) -> None:
    chain(reference.Delay(np.ones(3)), lif(3), shape=[3], path=path)
    assert "node n0 is Delay" in refusal(path, dt=1e-3)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([reference.Linear(np.ones((4, 5))), lif(4)], "n0"),
        ([reference.Linear(np.ones((4, 3))), lif(5)], "n1"),
        ([reference.Scale(np.ones(7)), lif(3)], "n0"),
        ([lif(3, v_threshold=0.0)], "v_threshold holds 0"),
        ([lif(3, tau=0.0)], "above 0"),
        ([lif(3, r=np.inf)], "finite"),
        (
            [reference.SumPool2d(*(np.array([9, 9]),) * 2, np.array([0, 0])), lif(3)],
            "kernel",
        ),
    ],
)
def test_shapes_and_values_that_do_not_fit(path, nodes, message: str) -> None:
    chain(*nodes, shape=[3], path=path)
    assert message in refusal(path, dt=1e-3)


def test_rasters_that_do_not_fit(path) -> None:
    chain(lif(3), shape=[3], path=path)
    graph = nir.load(path, dt=1e-3)
    for raster in (np.ones((2, 5, 4)), np.ones((5, 3)), np.zeros((0, 5, 3)), [["a"]]):
        with pytest.raises(InputError, match="raster"):
            run_graph(graph, raster)
    with pytest.raises(InputError, match="not finite"):
        run_graph(graph, np.full((1, 5, 3), np.nan))
