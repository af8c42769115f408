"""Effective synaptic operations of our summaries against the neurobench package."""

import pytest

pytest.importorskip("neurobench")
torch = pytest.importorskip("torch")

from neurobench.benchmarks import Benchmark  # noqa: E402
from neurobench.metrics.workload import SynapticOperations  # noqa: E402
from neurobench.models import TorchModel  # noqa: E402

from neurosim.snn import image_nets  # noqa: E402
from neurosim.snn.summary import summary  # noqa: E402


@pytest.mark.parametrize("name", ["small-vgg", "small-resnet", "mlp"])
def test_operations_agree(name):
    net = image_nets.build(name, shape=(2, 8, 8), classes=10, steps=3).eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(5, 2, 8, 8, generator=generator)
    images[images < 0.4] = 0
    with torch.no_grad():
        for weight in net.parameters():  # some of the weights are zero
            weight[torch.rand(weight.shape, generator=generator) < 0.1] = 0
    samples = torch.utils.data.TensorDataset(images, torch.zeros(5))
    loader = torch.utils.data.DataLoader(samples, batch_size=5)
    with torch.no_grad():
        theirs = Benchmark(TorchModel(net), loader, [], [], [[], [SynapticOperations]]).run(
            quiet=True
        )["SynapticOperations"]
    ours = summary(net, inputs=images)
    assert ours.total("effective_acs") == pytest.approx(theirs["Effective_ACs"], rel=1e-6)
    assert ours.total("effective_macs") == pytest.approx(theirs["Effective_MACs"], rel=1e-6)
    assert ours.total("dense") == pytest.approx(theirs["Dense"], rel=1e-6)
    assert min(ours.total("effective_acs"), ours.total("effective_macs")) > 1000
