"""Numbers that are not finite stop a run, which says where they began."""

import numpy as np
import pytest
import torch

from neurosim.data.images import image_set
from neurosim.snn import image_nets
from neurosim.training import checkpoint, loop
from neurosim.training.faults import NonFiniteLossError
from neurosim.training.imu_task import ImuTask
from neurosim.training.tasks import Pass
from tests.training.small import SMALL, small_dataset


@pytest.fixture
def train(tmp_path, rng):
    dataset = small_dataset(rng)

    def run(**changes):
        loop.train(
            "fixed", folder=tmp_path, dataset=dataset, checkpoint_seconds=0, **(SMALL | changes)
        )

    return run


def spoil(monkeypatch, change, call):
    """Change what the task's net or result is at the so manieth forward pass of training."""
    forward, seen = ImuTask.forward, []

    def spoilt(task, inputs, *, training):
        if training:
            seen.append(None)
        before = change if training and len(seen) >= call else (lambda task, result: result)
        if before is not change:
            return forward(task, inputs, training=training)
        return change(task, lambda: forward(task, inputs, training=training))

    monkeypatch.setattr(ImuTask, "forward", spoilt)


def test_weights_that_are_not_finite_are_named(monkeypatch, train, tmp_path):
    def change(task, forward):
        with torch.no_grad():
            task.net[2].weight[0, 0] = torch.nan
        result = forward()
        return Pass(result.logits * torch.nan, *result[1:])

    spoil(monkeypatch, change, call=5)
    said = (
        r"the forward pass failed in epoch 2, batch 2 of 3, threshold scale 1\.000: "
        r"2_LinearTorch\.weight is not finite; lower learning_rate from 0\.01 or set clip"
    )
    with pytest.raises(NonFiniteLossError, match=said):
        train()
    # What is saved is from before.
    state = checkpoint.load(tmp_path / checkpoint.NAME)
    assert (len(state["metrics"]), state["done"]) == (1, 1)
    assert all(torch.isfinite(value).all() for value in state["net"].values())


def test_a_loss_alone_that_is_not_finite_is_told_apart(monkeypatch, train):
    def change(task, forward):
        result = forward()
        return Pass(result.logits * torch.inf, *result[1:])

    spoil(monkeypatch, change, call=1)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, batch 1 .* all layers are finite"):
        train()


def test_a_gradient_that_is_not_finite_stops_before_the_step(monkeypatch, train):
    """Comparisons turn nan into silence: the loss of a net with such weights is finite."""

    class Poison(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * torch.nan

    def change(task, forward):
        result = forward()
        return Pass(Poison.apply(result.logits), *result[1:])

    spoil(monkeypatch, change, call=2)
    said = r"a gradient is not finite in epoch 1, batch 2 .*it began in 4_LinearTorch\.weight"
    with pytest.raises(NonFiniteLossError, match=said):
        train()


def test_an_image_net_names_its_module(monkeypatch, tmp_path, rng):
    build = image_nets.build

    def steep(*args, **kwargs):
        net = build(*args, **kwargs)
        net.readout[-1].weight.data.fill_(3e38)
        return net

    monkeypatch.setattr(image_nets, "build", steep)
    images = rng.random((60, 1, 8, 8), dtype=np.float32)
    few = image_set("few", images, np.arange(60) % 3, ("a", "b", "c"))
    settings = {"net": "mlp", "homeostat": False, "epochs": 1}
    said = r"epoch 1, batch 1 .*: the output of readout\.\d is not finite"
    with pytest.raises(NonFiniteLossError, match=said):
        loop.train("ahsar-digits", folder=tmp_path, dataset=few, **settings)
