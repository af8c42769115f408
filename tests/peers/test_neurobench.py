"""Our complexity measures against the neurobench package on shared nets."""

import itertools

import numpy as np
import pytest

pytest.importorskip("neurobench")
torch = pytest.importorskip("torch")

from neurobench.benchmarks import Benchmark  # noqa: E402
from neurobench.metrics.static import ConnectionSparsity, Footprint  # noqa: E402
from neurobench.metrics.workload import ActivationSparsity, SynapticOperations  # noqa: E402
from neurobench.models import TorchModel  # noqa: E402

from neurosim.energy.neurobench_measures import measure  # noqa: E402
from neurosim.network import Layer, Network  # noqa: E402
from neurosim.recording import Recording  # noqa: E402


class Fire(torch.nn.Module):
    """A neuron without memory: floor(x) spikes, at most `most`; its parameters as buffers."""

    def __init__(self, layer, most):
        super().__init__()
        self.most = most
        for name in ("tau_mem", "tau_syn", "threshold", "bias"):
            self.register_buffer(name, torch.tensor(getattr(layer, name)))

    def forward(self, x):
        return torch.clamp(torch.floor(x), 0, self.most)


def shared_net(rng, sizes, zeros):
    """Return a Network with float32 weights, a share of them zero."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weight = rng.normal(0.4, 1.0, (n_in, n_out)).astype(np.float32)
        weight[rng.random(weight.shape) < zeros] = 0
        one = np.ones(n_out, np.float32)
        layers.append(Layer(weight, tau_mem=one, tau_syn=one, threshold=one, bias=0 * one))
    return Network(tuple(layers), dt=1e-3)


@pytest.mark.parametrize("most", [1, 31])
@pytest.mark.parametrize("zeros", [0.0, 0.4])
@pytest.mark.parametrize("binary_input", [True, False])
def test_measures_agree(rng, most, zeros, binary_input):
    network = shared_net(rng, (6, 20, 12, 4), zeros)
    raster = rng.poisson(0.4, (8, 30, 6))
    if binary_input:
        raster = np.minimum(raster, 1)
    modules, spikes, x = [], [], torch.tensor(raster, dtype=torch.float32)
    for layer in network.layers:
        linear = torch.nn.Linear(*layer.weight.shape, bias=False)
        linear.weight.data = torch.tensor(layer.weight.T.copy())
        modules += [linear, Fire(layer, most)]
        with torch.no_grad():
            x = modules[-1](modules[-2](x))
        spikes.append(x.numpy().astype(np.uint8))
    model = TorchModel(torch.nn.Sequential(*modules))
    model.add_activation_module(Fire)
    samples = torch.utils.data.TensorDataset(
        torch.tensor(raster, dtype=torch.float32), torch.zeros(len(raster))
    )
    theirs = Benchmark(
        model,
        torch.utils.data.DataLoader(samples, batch_size=8),
        [],
        [],
        [[Footprint, ConnectionSparsity], [ActivationSparsity, SynapticOperations]],
    ).run(quiet=True)
    ours = measure(network, raster, Recording(tuple(spikes)))
    assert all(s.any() for s in spikes)
    assert ours.footprint_bytes == theirs["Footprint"]
    # Theirs is rounded to three decimals.
    assert ours.connection_sparsity == pytest.approx(theirs["ConnectionSparsity"], abs=6e-4)
    assert ours.activation_sparsity == pytest.approx(theirs["ActivationSparsity"], rel=1e-12)
    operations = theirs["SynapticOperations"]
    assert ours.effective_acs == pytest.approx(operations["Effective_ACs"], rel=1e-6)
    assert ours.effective_macs == pytest.approx(operations["Effective_MACs"], rel=1e-6)
    assert ours.dense_operations == pytest.approx(operations["Dense"], rel=1e-6)
    assert (ours.effective_acs > 0) == (binary_input or most == 1)
    assert (ours.effective_macs > 0) == (not binary_input or most > 1)
