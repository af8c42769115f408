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
    labels = torch.tensor(windows.labels).long()
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


def test_it_wins_back_what_coarse_weights_lose(tmp_path):
    """Of what three nets lose together 56 %, and 57 % where libraries add in another order.

    A single net wins back from nothing to all of it, another share on every processor.
    """
    lost, regained = 0.0, 0.0
    for seed in (4, 5, 6):
        rng = np.random.default_rng(seed)
        parts = [alike(rng, samples, subject) for subject, samples in enumerate((240, 30, 240))]
        dataset = dataclasses.replace(
            small_dataset(rng), train=parts[0], validation=parts[1], test=parts[2]
        )
        settings = {**SMALL, "epochs": 10, "seed": seed}
        run = train("fixed", folder=tmp_path / f"{seed}", dataset=dataset, **settings)
        whole, samples = run.network, (dataset.train.raster, dataset.train.labels)
        as_trained = TrainConfig(batch_size=32, label_smoothing=0.0)  # the loss that is compared
        tuned = finetune(whole, *samples, bits=2, epochs=6, learning_rate=3e-3, settings=as_trained)
        before, rounded, after = (loss(n, dataset.test) for n in (whole, on_grid(whole, 2), tuned))
        assert before < 0.8 * np.log(3)  # it had learnt something
        lost, regained = lost + rounded - before, regained + rounded - after
        for layer, again in zip(tuned.layers, on_grid(tuned, 2).layers, strict=True):
            np.testing.assert_allclose(layer.weight, again.weight, rtol=1e-5, atol=1e-7)
    assert lost > 0.6
    assert regained > 0.3 * lost


# --- what it takes from the settings --------------------------------------------------------------

ACTS = {
    "batch_size": {"batch_size": 24},
    "optimiser": {"optimiser": "adamw"},
    "momentum": {"momentum": 0.5},
    "weight_decay": {"weight_decay": 0.1},
    "clip": {"clip": 1e-3},
    "label_smoothing": {"label_smoothing": 0.3},
    "gain_spread": {"gain_spread": (0.1, 0.3, 0.2)},
    "loss": {"loss": "membrane"},
    "logit_scale": {"logit_scale": 0.5},
    "spike_penalty": {"spike_penalty": 3.0},
    "saturation_penalty": {"saturation_penalty": 3.0},
    "threshold": {"threshold": (0.5, 1.5)},
    "threshold_levels": {"threshold_levels": 2},
    "threshold_matched": {"threshold_matched": True},
    "threshold_per": {"threshold_per": "neuron"},
    "threshold_when": {"threshold_when": "step"},
    "threshold_register": {"threshold_register": 2},
}
GIVEN = {"epochs", "learning_rate", "seed"}
"""By arguments of `finetune`."""
WITHOUT_USE = {
    *("task", "net", "method", "steps", "mode", "batch_norm", "hidden", "decay_shifts"),
    *("weight_gain", "threshold_widen", "warm_up", "patience", "device", "threads", "homeostat"),
    *("relaxation", "diffusion", "global_gain", "common_mode", "target_rate", "homeostat_ticks"),
    *("data", "class_weights"),
}
"""The network and its windows are given; and as the docstring says. Weights of classes are for
classes that are not equal, as those of these windows are: the next test but one."""
BASE = {"batch_size": 16, "optimiser": "sgd", "threshold": (0.6, 1.4), "threshold_levels": 3}


def summable(weight):
    """Return weights on the chip's grid whose sums float32 does not round, in whatever order.

    A spike of such a net does not hang on the order in which a processor adds.
    """
    unit = 2.0 ** np.ceil(np.log2(np.abs(weight).max(axis=0) / 127))
    steps = np.round(weight / unit)
    largest = np.abs(steps) == np.abs(steps).max(axis=0)
    return np.where(largest, 127 * np.sign(steps), steps) * unit


@pytest.fixture(scope="module")
def loud():
    """A net some of whose neurons fire more than 15 spikes in a step, and windows for it."""
    rng = np.random.default_rng(21)
    net = nets.network(rng, (6, 8, 5, 3))
    factors = (8.0, 1.0, 1.0)
    layers = [
        dataclasses.replace(layer, weight=summable(factor * layer.weight))
        for layer, factor in zip(net.layers, factors, strict=True)
    ]
    net = Network(tuple(layers), net.dt)
    windows = alike(rng, 48, 0)
    with torch.no_grad():
        _, layers = forward(module_from_network(net), torch.tensor(windows.raster).float())
    assert layers[0].max() > 15
    assert all(spikes.mean() > 0.01 for spikes in layers)
    return net, windows


@pytest.fixture(scope="module")
def as_it_is(loud):
    assert tuned(loud) == tuned(loud)
    return tuned(loud)


def tuned(loud, **settings):
    net, windows = loud
    settings = TrainConfig(**(BASE | settings))
    return finetune(
        net, windows.raster, windows.labels, epochs=1, learning_rate=0.01, settings=settings
    ).digest()


def test_every_setting_is_taken_up_or_said_not_to_be():
    assert {*ACTS} | GIVEN | WITHOUT_USE == {*TrainConfig.model_fields}


@pytest.mark.parametrize("name", ACTS)
def test_a_setting_acts(loud, as_it_is, name):
    assert tuned(loud, **ACTS[name]) != as_it_is


def test_classes_that_are_not_equal_are_weighted(loud):
    net, windows = loud
    few = windows.select(np.arange(40))
    free, weighted = (tuned((net, few), class_weights=w) for w in (False, True))
    assert free != weighted
    assert tuned(loud, class_weights=False) == tuned(loud, class_weights=True)


def test_a_step_follows_the_gradient_of_the_stated_loss(loud):
    """One step of plain gradient descent, its gradient taken by hand at the rounded weights."""
    net, windows = loud
    settings = TrainConfig(
        batch_size=48,
        optimiser="sgd",
        momentum=0.0,
        loss="rates",
        logit_scale=3.0,
        label_smoothing=0.2,
        spike_penalty=0.7,
        saturation_penalty=0.4,
        gain_spread=(0, 0, 0),
        threshold=(1.25, 1.25),
    )
    rate = 0.05
    ours = finetune(
        net, windows.raster, windows.labels, epochs=1, learning_rate=rate, settings=settings
    )
    module = module_from_network(on_grid(net))
    for layer in list(module.modules().values())[1:-1:2]:
        layer.threshold_scale = 1.25
    output, layers = forward(module, torch.tensor(windows.raster).float())
    logits = torch.log_softmax(3.0 * output.mean(1), 1)
    right = logits[torch.arange(48), torch.tensor(windows.labels)].mean()
    error = -(0.8 * right + 0.2 * logits.mean())
    spikes = sum(s.mean() for s in layers[:-1]) / 2
    beyond = sum((s - 15).clamp(min=0).square().mean() for s in layers[:-1]) / 2
    linear = list(module.modules().values())[::2]
    by_weight = torch.autograd.grad(error + 0.7 * spikes + 0.4 * beyond, [m.weight for m in linear])
    stepped = [
        dataclasses.replace(layer, weight=layer.weight - rate * g.numpy())
        for layer, g in zip(net.layers, by_weight, strict=True)
    ]
    theirs = on_grid(Network(tuple(stepped), net.dt))
    for a, b, before in zip(ours.layers, theirs.layers, on_grid(net).layers, strict=True):
        assert np.abs(b.weight - before.weight).max() > 1e-3
        # float32, and a weight next to the middle of two steps of the grid may fall to either
        unit = np.abs(b.weight).max(axis=0) / 127
        off = np.abs(a.weight - b.weight)
        assert (off <= 1.001 * unit).all()
        assert np.mean(off > 1e-5 * np.abs(b.weight).max()) < 0.02


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
    settings = TrainConfig(task="digits")
    with pytest.raises(InputError, match="fine-tuning is for task 'imu'"):
        finetune(net, nets.events(rng, (2, 5, 6)), np.zeros(2), settings=settings)
    with pytest.raises(InputError, match="settings: learning_rate"):
        finetune(net, nets.events(rng, (2, 5, 6)), np.zeros(2), learning_rate=-1.0)
    with pytest.raises(InputError, match="bits is 9"):
        finetune(net, nets.events(rng, (2, 5, 6)), np.zeros(2), bits=9)
