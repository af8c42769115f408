"""Fine-tuning on the chip's grid: it stays there, and wins back what coarse weights lose."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosim import data, train
from neurosim.data.windows import Windows
from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network
from neurosim.training.config import TrainConfig
from neurosim.training.finetune import finetune
from neurosim.training.imu_task import forward
from neurosim.workflows.float_sweep import sweep
from neurosim.xylo.grid import on_grid
from tests import nets
from tests.training.small import SMALL, small_dataset

REFERENCE = Path(__file__).parents[1] / "reference"


def loss(network, windows):
    with torch.no_grad():
        output, _ = forward(module_from_network(network), torch.tensor(windows.raster).float())
    labels = torch.as_tensor(windows.labels).long()
    return float(torch.nn.functional.cross_entropy(0.05 * output.sum(1), labels))


def test_rounding_a_net_on_the_grid_changes_nothing(rng):
    net = nets.network(rng)
    recurrent = dataclasses.replace(net.layers[1], recurrent=rng.normal(0, 0.1, (8, 8)))
    net = Network((net.layers[0], recurrent, net.layers[2]), net.dt)
    once = on_grid(net, 4)
    twice = on_grid(once, 4)
    for a, b, given in zip(once.layers, twice.layers, net.layers, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, rtol=1e-12)
        largest = np.abs(given.weight).max(axis=0)
        if given.recurrent is not None:
            largest = np.maximum(largest, np.abs(given.recurrent).max(axis=0))
        assert len(np.unique(np.rint(7 * a.weight / largest).astype(int))) <= 15
        np.testing.assert_allclose(
            7 * a.weight / largest, np.rint(7 * a.weight / largest), atol=1e-9
        )
        assert np.abs(a.weight - given.weight).max() <= largest.max() / 14 * 1.001
    fine = on_grid(net, 8)
    assert np.abs(fine.layers[0].weight - net.layers[0].weight).max() < 0.01


def alike(rng, samples, subject):
    """Windows whose classes differ little: coarse weights tell on them."""
    labels = np.arange(samples) % 3
    loud = np.arange(6) // 2 == labels[:, None]
    raster = rng.poisson(np.where(loud, 0.65, 0.5)[:, None, :], (samples, 60, 6))
    return Windows(raster.astype(np.uint8), labels, np.full(samples, subject))


def test_it_wins_back_what_coarse_weights_lose(rng, tmp_path):
    parts = [alike(rng, samples, subject) for subject, samples in enumerate((240, 30, 240))]
    dataset = dataclasses.replace(
        small_dataset(rng), train=parts[0], validation=parts[1], test=parts[2]
    )
    whole = train("fixed", folder=tmp_path, dataset=dataset, **{**SMALL, "epochs": 10}).network
    samples = dataset.train.raster, dataset.train.labels
    as_trained = TrainConfig(batch_size=32, label_smoothing=0.0)  # the loss that is compared
    tuned = finetune(whole, *samples, bits=2, epochs=6, learning_rate=3e-3, settings=as_trained)
    before, rounded, after = (loss(n, dataset.test) for n in (whole, on_grid(whole, 2), tuned))
    assert before < 0.8 * np.log(3)  # it had learnt something
    assert rounded > before + 0.05
    assert after < rounded - 0.5 * (rounded - before)
    for layer, again in zip(tuned.layers, on_grid(tuned, 2).layers, strict=True):
        np.testing.assert_allclose(layer.weight, again.weight, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_few_bits_on_the_wrist_recordings():
    """After one epoch 0.486 became 0.596 with three bits, and 0.574 became 0.614 with four."""
    dataset = data.wrist_imu()
    whole = Network.load(REFERENCE / "trained_net.safetensors")

    def accuracy(network):
        windows = dataset.test
        return sweep(network, windows.raster, windows.labels, (1.0,)).accuracy[0]

    assert accuracy(whole) > 0.55
    for bits, gain in ((3, 0.05), (4, 0.01)):
        tuned = finetune(whole, dataset.train.raster, dataset.train.labels, bits=bits, epochs=1)
        assert accuracy(tuned) > accuracy(on_grid(whole, bits)) + gain


def test_what_does_not_fit_is_refused(rng):
    net = nets.network(rng)
    with pytest.raises(InputError, match="3 samples and 2 labels"):
        finetune(net, nets.events(rng, (3, 5, 6)), np.zeros(2))
    with pytest.raises(InputError, match="bits is 9"):
        finetune(net, nets.events(rng, (2, 5, 6)), np.zeros(2), bits=9)
