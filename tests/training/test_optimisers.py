"""Optimisers of a run against torch's own: the same weights, without torch's compiler."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from neurosim.training import config
from neurosim.training.optimisers import optimiser, schedule

EPOCHS, BATCHES = 3, 4
TORCHS = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, weight_decay=0.1, momentum=0.9),
}


def weights(rng):
    return [
        torch.nn.Parameter(torch.tensor(rng.normal(size=shape), dtype=torch.float32))
        for shape in ((3, 4), (4,))
    ]


@pytest.mark.parametrize("name", TORCHS)
def test_weights_and_states_are_those_of_torch_to_the_last_bit(rng, name):
    ours, theirs = weights(rng), []
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    settings = config.load(
        "fixed", optimiser=name, learning_rate=0.01, weight_decay=0.1, epochs=EPOCHS
    )
    a, b = optimiser(ours, settings), TORCHS[name](theirs)
    schedules = schedule(a, settings, BATCHES), CosineAnnealingLR(b, EPOCHS * BATCHES)
    start = [p.detach().clone() for p in ours]
    for _ in range(EPOCHS * BATCHES):
        gradients = [torch.tensor(rng.normal(size=p.shape), dtype=torch.float32) for p in ours]
        for parameters, chosen, falling in ((ours, a, schedules[0]), (theirs, b, schedules[1])):
            chosen.zero_grad()
            assert all(p.grad is None for p in parameters)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient.clone()
            chosen.step()
            falling.step()
        a.load_state_dict(a.state_dict())
    for p, q, before in zip(ours, theirs, start, strict=True):
        assert torch.equal(p, q)
        assert not torch.equal(p, before)
        assert p.requires_grad
    ours_state, theirs_state = a.state_dict(), b.state_dict()
    assert ours_state["param_groups"] == theirs_state["param_groups"]
    for k, values in theirs_state["state"].items():
        for key, value in values.items():
            torch.testing.assert_close(ours_state["state"][k][key], value, rtol=0, atol=0)
