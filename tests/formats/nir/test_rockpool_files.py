"""What rockpool's own export writes of a net makes the spikes that the net makes."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType

import nir as reference
import numpy as np
import pytest
import torch
from rockpool.nn.modules import ExpSynTorch, LIFNeuronTorch, LIFTorch, LinearTorch

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import nir
from neurosim.formats.nir.convention import rockpool_step


@pytest.fixture
def exported(monkeypatch):
    """rockpool's own conversion of a module, which needs nirtorch only to find the modules."""
    package, part = ModuleType("nirtorch"), ModuleType("nirtorch.from_nir")
    package.extract_nir_graph = package.load = None
    part.GraphExecutor = object
    monkeypatch.setitem(sys.modules, "nirtorch", package)
    monkeypatch.setitem(sys.modules, "nirtorch.from_nir", part)
    monkeypatch.delitem(sys.modules, "rockpool.nn.modules.torch.nir", raising=False)
    from rockpool.nn.modules.torch.nir import _extract_rockpool_module

    monkeypatch.delitem(sys.modules, "rockpool.nn.modules.torch.nir")
    return _extract_rockpool_module


def two_time_constants(n: int, dt: float) -> LIFTorch:
    return LIFTorch(n, tau_mem=0.05, tau_syn=0.02, threshold=0.1 + 2e-3 / dt, dt=dt)


def one_time_constant(n: int, dt: float) -> LIFNeuronTorch:
    taus, thresholds = 0.02 + 0.1 * torch.rand(n), 0.4 + 0.3 * torch.rand(n)
    return LIFNeuronTorch(n, tau_mem=taus, threshold=thresholds, dt=dt)


def written(modules, exported, path):
    nodes = {f"{k}_{type(m).__name__}": exported(m) for k, m in enumerate(modules)}
    for node in nodes.values():
        if isinstance(node, reference.LI):  # rockpool gives its parameter itself
            node.tau = node.tau.detach()
    nodes = {
        "input": reference.Input(np.array([modules[0].size_in])),
        **nodes,
        "output": reference.Output(np.array([modules[-1].size_out])),
    }
    edges = list(itertools.pairwise(nodes))
    reference.write(path, reference.NIRGraph(nodes, edges, type_check=False))
    return nir.load(path, source="rockpool")


@pytest.mark.parametrize("dt", [1e-3, 1e-2])
@pytest.mark.parametrize("neurons", [two_time_constants, one_time_constant])
def test_the_file_makes_the_spikes_of_the_modules(neurons, dt, exported, tmp_path) -> None:
    torch.manual_seed(0)
    modules = [LinearTorch((6, 12), has_bias=False), neurons(12, dt)]
    modules += [LinearTorch((12, 5), has_bias=False), neurons(5, dt)]
    x = (torch.rand(8, 60, 6) < 0.3).float()
    graph = written(modules, exported, tmp_path / "net.nir")
    assert graph.dt == dt  # exactly; rockpool's import makes 9.6 ms of 10 ms
    assert graph.says["dt is"] == "by r of its neurons, as rockpool writes it"
    run, signal = engines.get("nir").run(graph, x.numpy()), x
    with torch.no_grad():
        theirs = [signal := module(signal)[0] for module in modules]
    for ours, right in zip(run.spikes, theirs[1::2], strict=True):
        # float64 against float32; no membrane lies within rounding of its threshold here
        np.testing.assert_array_equal(ours, right.numpy())
        assert 0.05 < (ours > 0).mean() < 0.95


@pytest.mark.parametrize("dt", [1e-3, 1e-2])
def test_an_exponential_synapse_decays_what_it_received(dt, exported, tmp_path) -> None:
    torch.manual_seed(1)
    modules = [LinearTorch((6, 4), has_bias=False), ExpSynTorch(4, tau=0.02, dt=dt)]
    x = (torch.rand(3, 50, 6) < 0.3).float()
    graph = written(modules, exported, tmp_path / "net.nir")
    assert graph.dt == dt
    run = engines.get("nir").run(graph, x.numpy(), record=("v_mem",))
    with torch.no_grad():
        right = modules[1](modules[0](x)[0])[0].numpy()
    assert np.abs(right).max() > 0.1
    np.testing.assert_allclose(run.v_mem[0], right, atol=1e-5)  # float32 over 50 steps


def test_r_that_rockpool_did_not_write_is_refused() -> None:
    tau = np.array([0.02, 0.05])
    node = reference.LIF(tau=tau, r=np.ones(2), v_leak=np.zeros(2), v_threshold=np.ones(2))
    with pytest.raises(InputError, match=r"time steps from 0\.01\d+ to 0\.02\d+ where rockpool"):
        rockpool_step({"a": node})
    with pytest.raises(InputError, match="none of its nodes tells"):
        rockpool_step({"a": reference.IF(np.ones(2), np.ones(2))})
