"""Nets of other libraries, their NIR files, and what their own simulation says: for the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np
import torch

from neurosim.network import Network

SAMPLES, STEPS = 8, 60


@dataclass(frozen=True)
class Made:
    """A NIR file, what it was run on, and the spikes of its last population in the source."""

    path: Path
    source: str
    raster: np.ndarray
    """(samples, time, *shape)."""
    spikes: np.ndarray
    """(samples, time, neurons)."""


def _raster(shape: tuple[int, ...], rate: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(7)
    return (rng.random((SAMPLES, STEPS, *shape)) < rate).astype(np.float32)


def _finish(graph, folder: Path, name: str, source: str, raster, spikes) -> Made:
    path = folder / f"{name}.nir"
    nir.write(path, graph)
    return Made(path, source, raster, np.asarray(spikes).reshape(SAMPLES, STEPS, -1))


def _stepped(net: Callable[[torch.Tensor], torch.Tensor], raster: np.ndarray) -> np.ndarray:
    """Run a net that takes a step (samples, ...) at a time."""
    with torch.no_grad():
        out = [net(torch.from_numpy(raster[:, t])) for t in range(STEPS)]
    return torch.stack(out, dim=1).numpy()


def _by_snntorch(net: torch.nn.Module, folder: Path, name: str) -> Made:
    from snntorch import utils
    from snntorch.export_nir import export_to_nir

    raster = _raster((6,))
    graph = export_to_nir(net, torch.from_numpy(raster[0, 0]))
    utils.reset(net)
    return _finish(graph, folder, name, "snntorch", raster, _stepped(net, raster))


def snntorch_leaky(folder: Path) -> Made:
    import snntorch as snn

    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 12),
        snn.Leaky(beta=0.9 * torch.ones(12), threshold=torch.ones(12), init_hidden=True),
        torch.nn.Linear(12, 5, bias=False),
        snn.Leaky(beta=0.8 * torch.ones(5), threshold=0.3 * torch.ones(5), init_hidden=True),
    )
    for linear in (net[0], net[2]):
        linear.weight.data *= 2.0
    return _by_snntorch(net, folder, "snntorch")


def snntorch_synaptic(folder: Path) -> Made:
    import snntorch as snn

    torch.manual_seed(2)
    alpha, beta, threshold = 0.7 * torch.ones(10), 0.9 * torch.ones(10), torch.ones(10)
    neurons = snn.Synaptic(alpha=alpha, beta=beta, threshold=threshold, init_hidden=True)
    net = torch.nn.Sequential(torch.nn.Linear(6, 10), neurons)
    return _by_snntorch(net, folder, "synaptic")


def snntorch_recurrent(folder: Path) -> Made:
    import snntorch as snn

    torch.manual_seed(3)
    beta, threshold = 0.9 * torch.ones(10), torch.ones(10)
    neurons = snn.RLeaky(
        beta=beta, threshold=threshold, linear_features=10, init_hidden=True, all_to_all=True
    )
    net = torch.nn.Sequential(torch.nn.Linear(6, 10), neurons)
    net[0].weight.data *= 2.0
    return _by_snntorch(net, folder, "recurrent")


def _by_norse(net: torch.nn.Module, folder: Path, name: str) -> Made:
    from norse.torch.utils.export_nir import to_nir

    raster = _raster((6,))
    graph = to_nir(net, torch.from_numpy(raster[0, 0]))
    state = None

    def step(x: torch.Tensor) -> torch.Tensor:
        nonlocal state
        spikes, state = net(x, state)
        return spikes

    return _finish(graph, folder, name, "norse", raster, _stepped(step, raster))


def norse_lif(folder: Path) -> Made:
    import norse.torch as norse

    torch.manual_seed(4)
    parameters = norse.LIFParameters(
        tau_mem_inv=torch.full((12,), 100.0),
        tau_syn_inv=torch.full((12,), 200.0),
        v_th=torch.full((12,), 0.5),
        v_leak=torch.zeros(12),
        v_reset=torch.zeros(12),
    )
    net = norse.SequentialState(torch.nn.Linear(6, 12), norse.LIFCell(parameters))
    net[0].weight.data *= 2.0
    return _by_norse(net, folder, "norse")


def norse_box(folder: Path) -> Made:
    import norse.torch as norse
    from norse.torch.module.iaf import IAFCell

    torch.manual_seed(9)

    def values(n: int, **others: float) -> dict[str, torch.Tensor]:
        return {name: torch.full((n,), value) for name, value in others.items()}

    box = norse.LIFBoxParameters(
        **values(12, tau_mem_inv=200.0, v_th=0.2, v_leak=0.05, v_reset=0.0)
    )
    integrate = norse.IAFParameters(**values(5, v_th=1.5, v_reset=0.0))
    net = norse.SequentialState(
        torch.nn.Linear(6, 12), norse.LIFBoxCell(box), torch.nn.Linear(12, 5), IAFCell(integrate)
    )
    net[0].weight.data *= 2.0
    net[2].weight.data += 0.2
    return _by_norse(net, folder, "norse-box")


def sinabs_lif(folder: Path) -> Made:
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    torch.manual_seed(5)
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 12),
        sl.LIF(tau_mem=torch.full((12,), 10.0), spike_threshold=torch.full((12,), 0.1)),
        torch.nn.Linear(12, 5),
        sl.LIF(tau_mem=torch.full((5,), 5.0), spike_threshold=torch.full((5,), 0.1)),
    )
    raster = _raster((6,))
    with torch.no_grad():
        spikes = net(torch.from_numpy(raster)).numpy()
    graph = to_nir(net, torch.from_numpy(raster))
    return _finish(graph, folder, "sinabs", "sinabs", raster, spikes)


def sinabs_convolution(folder: Path) -> Made:
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    torch.manual_seed(6)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1, bias=False),
        sl.IAFSqueeze(batch_size=SAMPLES),
        sl.SumPool2d(2),
        torch.nn.Conv2d(4, 3, 3, stride=2, padding=1),
        sl.IAFSqueeze(batch_size=SAMPLES),
        torch.nn.Flatten(),
        torch.nn.Linear(12, 4),
        sl.IAFSqueeze(batch_size=SAMPLES),
    )
    raster = _raster((2, 8, 8))
    flat = torch.from_numpy(raster.reshape(-1, 2, 8, 8))
    with torch.no_grad():
        spikes = net(flat).numpy()
    graph = to_nir(net, flat)
    # sinabs leaves the shapes out, without which nir does not write.
    graph.nodes["0"].input_shape, graph.nodes["3"].input_shape = (8, 8), (4, 4)
    graph.nodes["5"].input_type = {"input": np.array([3, 2, 2])}
    return _finish(graph, folder, "convolution", "sinabs", raster, spikes)


def _by_spikingjelly(net: torch.nn.Module, shape: tuple[int, ...], folder: Path, name: str) -> Made:
    from spikingjelly.activation_based import functional
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    raster = _raster(shape)
    graph = export_to_nir(net, torch.from_numpy(raster[:, 0]))
    functional.reset_net(net)
    return _finish(graph, folder, name, "spikingjelly", raster, _stepped(net, raster))


def spikingjelly_lif(folder: Path) -> Made:
    from spikingjelly.activation_based import layer, neuron

    torch.manual_seed(7)
    net = torch.nn.Sequential(
        layer.Linear(6, 12),
        neuron.LIFNode(tau=2.0, v_threshold=0.3),
        layer.Linear(12, 5),
        neuron.LIFNode(tau=3.0, v_threshold=0.1, decay_input=False),
    )
    return _by_spikingjelly(net, (6,), folder, "spikingjelly")


def spikingjelly_current(folder: Path) -> Made:
    from spikingjelly.activation_based import layer, neuron

    torch.manual_seed(10)
    net = torch.nn.Sequential(
        layer.Linear(6, 12),
        neuron.CUBALIFNode(c_decay=0.6, v_decay=0.8, v_threshold=0.9, v_reset=0.0),
        layer.Linear(12, 5),
        neuron.IFNode(v_threshold=0.7, v_reset=0.1),
    )
    return _by_spikingjelly(net, (6,), folder, "current")


def spikingjelly_convolution(folder: Path) -> Made:
    from spikingjelly.activation_based import layer, neuron

    torch.manual_seed(11)
    net = torch.nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1),
        neuron.LIFNode(tau=2.0, v_threshold=0.2),
        layer.AvgPool2d(2),
        layer.Conv2d(4, 3, 3, stride=2, padding=1),
        neuron.IFNode(v_threshold=0.4),
        layer.Flatten(),
        layer.Linear(12, 4),
        neuron.LIFNode(tau=3.0, v_threshold=0.1, decay_input=False),
    )
    return _by_spikingjelly(net, (2, 8, 8), folder, "jelly-conv")


def rockpool_lif(folder: Path) -> Made:
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch
    from rockpool.nn.modules.torch.nir import to_nir

    from neurosim import engines

    torch.manual_seed(8)
    settings = {"tau_mem": 0.05, "tau_syn": 0.02, "dt": 0.01}
    net = Sequential(
        LinearTorch((6, 12), has_bias=False),
        LIFTorch(12, **settings),
        LinearTorch((12, 5), has_bias=False),
        LIFTorch(5, **settings),
    )
    raster = _raster((6,))
    network = Network.from_rockpool(net)
    spikes = engines.get("liftorch").run(network, raster.astype(np.uint8)).spikes[-1]
    return _finish(to_nir(net), folder, "rockpool", "rockpool", raster, spikes)


MAKERS: dict[str, tuple[str, Callable[[Path], Made]]] = {
    "snnTorch Leaky": ("snntorch", snntorch_leaky),
    "snnTorch Synaptic": ("snntorch", snntorch_synaptic),
    "snnTorch RLeaky": ("snntorch", snntorch_recurrent),
    "Norse LIF": ("norse", norse_lif),
    "Norse LIFBox, IAF": ("norse", norse_box),
    "sinabs LIF": ("sinabs", sinabs_lif),
    "sinabs IAF, convolutions": ("sinabs", sinabs_convolution),
    "SpikingJelly LIF": ("spikingjelly", spikingjelly_lif),
    "SpikingJelly CUBALIF, IF": ("spikingjelly", spikingjelly_current),
    "SpikingJelly, convolutions": ("spikingjelly", spikingjelly_convolution),
    "rockpool LIFTorch": ("nirtorch", rockpool_lif),
}
"""By name: the package that is needed, and what makes the file."""
