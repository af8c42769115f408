"""Nets for images: shapes, plans, firing from the start, steps one by one, seeds."""

import numpy as np
import pytest
import torch

from neurosim.errors import InputError
from neurosim.snn import image_nets
from neurosim.snn.image_nets import build
from neurosim.snn.spiking import Spiking, layers

SMALL = ("small-vgg", "small-resnet", "mlp")


def _images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_every_layer_fires_before_training(name, batch_norm):
    net = build(name, shape=(2, 8, 8), classes=10, steps=5, batch_norm=batch_norm)
    readout = net(_images(8, 2, 8, 8, seed=3))
    assert readout.shape == (8, 5, 10)
    assert readout.requires_grad
    rates = [float(layer.mean_rate) for layer in layers(net)]
    assert all(0.08 < rate < 0.4 for rate in rates), rates
    assert all(layer.size_out > 0 for layer in layers(net))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
@pytest.mark.parametrize("name", SMALL)
def test_shapes_of_images(name, shape):
    net = build(name, shape=shape, classes=7, steps=2)
    assert net(_images(2, *shape)).shape == (2, 2, 7)
    assert net(_images(2, 4, *shape)).shape == (2, 4, 7)  # a series may have other steps


def test_vgg13_and_resnet18_are_those_of_the_papers():
    vgg = build("vgg13", shape=(3, 32, 32), classes=10, steps=1)
    weights = [m for m in vgg.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [w.out_channels for w in weights] == [64, 64, 128, 128, 256, 256, 512, 512, 512, 512]
    assert vgg.blocks == [[0, 1], [2, 3], [4, 5], [6, 7, 8], [9]]
    resnet = build("resnet18", shape=(3, 32, 32), classes=10, steps=1)
    # He et al. 2016: 11.17 million parameters for 32x32 images and 10 classes.
    assert sum(p.numel() for p in resnet.parameters()) == 11_173_962
    assert len(layers(resnet)) == 17
    assert resnet.blocks == [[0], *([k, k + 1] for k in range(1, 17, 2))]
    for net in (vgg, resnet):
        assert net(_images(1, 3, 32, 32)).shape == (1, 1, 10)
        assert not any(isinstance(m, torch.nn.MaxPool2d) for m in net.modules())


@pytest.mark.parametrize("name", SMALL)
def test_step_by_step_is_the_same_in_evaluation(name):
    nets = [build(name, shape=(2, 8, 8), classes=4, steps=5, mode=m) for m in ("multi", "single")]
    series = _images(3, 5, 2, 8, 8) * 2
    multi, single = (net.eval()(series) for net in nets)
    torch.testing.assert_close(single, multi, rtol=1e-5, atol=1e-5)  # rounding of convolutions
    assert min(float(layer.mean_rate) for layer in layers(nets[1])) > 0.05
    for a, b in zip(layers(nets[0]), layers(nets[1]), strict=True):
        assert float(a.mean_rate) == pytest.approx(float(b.mean_rate), rel=1e-3)


@pytest.mark.parametrize("name", SMALL)
def test_a_constant_input_is_the_series_that_repeats_it(name):
    nets = [build(name, shape=(2, 8, 8), classes=4, steps=5) for _ in range(2)]
    images = _images(3, 2, 8, 8)
    series = images.unsqueeze(1).repeat(1, 5, 1, 1, 1)
    results = []
    for net, x in zip(nets, (images, series), strict=True):
        out = net(x)
        out.square().mean().backward()
        results.append((out, torch.cat([p.grad.flatten() for p in net.parameters()])))
    assert layers(nets[0])[0].mean_rate > 0.08
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-5)  # rounding
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-3, atol=1e-5)


def test_statistics_of_batch_norm_over_all_steps_or_each():
    images = _images(4, 2, 8, 8)
    multi, single = (
        build("small-vgg", shape=(2, 8, 8), classes=4, steps=3, mode=m) for m in ("multi", "single")
    )
    multi(images)
    single(images)
    norms = [
        [m for m in n.modules() if isinstance(m, torch.nn.BatchNorm2d)] for n in (multi, single)
    ]
    assert int(norms[0][1].num_batches_tracked) == 1
    assert int(norms[1][1].num_batches_tracked) == 3
    # The first input is constant: the statistics of its current are the same in all steps.
    mean = norms[0][0].running_mean / (1 - 0.9)
    torch.testing.assert_close(norms[1][0].running_mean / (1 - 0.9**3), mean, rtol=1e-4, atol=1e-5)


def test_seeds_and_the_generator_outside():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    nets = [build("mlp", shape=(1, 4, 4), classes=3, steps=2, seed=s) for s in (1, 1, 2)]
    assert torch.equal(torch.rand(1), expected)
    first, same, other = (torch.cat([p.flatten() for p in n.parameters()]) for n in nets)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_neurons_of_choice_learn_through_time():
    net = build(
        "small-resnet", shape=(1, 8, 8), classes=3, steps=4, neuron=lambda: Spiking(reset="hard")
    )
    assert all(layer.rule.hard for layer in layers(net))
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    images, labels = _images(12, 1, 8, 8), torch.tensor(np.arange(12) % 3)
    losses = []
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(net(images).mean(1), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0], losses  # 12 images are learnt by heart


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "vgg"}, "unknown"),
        ({"mode": "both"}, "mode"),
        ({"steps": 0}, "steps"),
        ({"name": "vgg13"}, "from 16"),
        ({"shape": (1, 3, 3), "name": "small-vgg"}, "from 4"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, word):
    arguments = {"name": "mlp", "shape": (1, 8, 8), "classes": 3, "steps": 2, **changes}
    with pytest.raises(InputError, match=word):
        build(arguments.pop("name"), **arguments)
    assert set(SMALL) < set(image_nets.NAMES)


def test_series_of_wrong_rank_is_refused():
    net = build("mlp", shape=(1, 4, 4), classes=3, steps=2)
    with pytest.raises(InputError, match="shape"):
        net(torch.zeros(2, 16))
