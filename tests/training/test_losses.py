"""Losses against numbers worked out by hand, and what their gradients do."""

import math

import pytest
import torch

from neurosim.errors import InputError
from neurosim.training import losses

LABELS = torch.tensor([0, 1])


def series(*counts, steps=4):
    """Return spikes (B, steps, classes) with so many in the first steps."""
    spikes = torch.zeros(len(counts), steps, len(counts[0]))
    for b, row in enumerate(counts):
        for k, count in enumerate(row):
            spikes[b, :count, k] = 1
    return spikes


def expected(lead_0, lead_1):
    return (math.log1p(math.exp(-lead_0)) + math.log1p(math.exp(-lead_1))) / 2


def test_cross_entropies_are_those_of_their_statistics():
    spikes = series((3, 1), (2, 1))  # right by 2 spikes, wrong by 1
    value = losses.on_counts(spikes, LABELS)
    assert value.item() == pytest.approx(expected(2, -1), rel=1e-6)
    value = losses.on_counts(spikes, LABELS, per_spike=0.5)
    assert value.item() == pytest.approx(expected(1, -0.5), rel=1e-6)
    assert losses.on_rates(spikes, LABELS).item() == pytest.approx(expected(0.5, -0.25), rel=1e-6)
    longer = torch.cat([spikes, spikes], 1)
    assert losses.on_rates(longer, LABELS).item() == pytest.approx(expected(0.5, -0.25), rel=1e-6)


def test_running_counts_are_judged_at_every_part_of_the_window():
    """Of 4 steps each is a part: leads 1, 2, 2, 2 for the right class, then 0, 0, -1, -1."""
    spikes = torch.zeros(2, 4, 2)
    spikes[0, :2, 0] = 1
    spikes[1, 2, 0] = 1
    leads = [[1, 2, 2, 2], [0, 0, -1, -1]]
    by_hand = sum(math.log1p(math.exp(-0.5 * lead)) for row in leads for lead in row) / 8
    value = losses.on_running_counts(spikes, LABELS, per_spike=0.5)
    assert value.item() == pytest.approx(by_hand, rel=1e-6)
    assert losses.running_counts(torch.ones(1, 50, 1)).flatten().tolist() == [
        3, 6, 9, 12, 16, 19, 22, 25, 28, 31, 34, 38, 41, 44, 47, 50,
    ]  # fmt: skip
    assert torch.equal(losses.running_counts(spikes)[:, -1], spikes.sum(1))


def test_the_gradient_of_running_counts_is_float64_autograds():
    torch.manual_seed(1)
    spikes = torch.poisson(torch.full((3, 40, 4), 0.3, dtype=torch.float64))
    labels = torch.tensor([0, 3, 1])
    assert torch.autograd.gradcheck(
        lambda x: losses.on_running_counts(x, labels, per_spike=0.3), spikes.requires_grad_()
    )


def test_a_spike_is_worth_the_more_the_earlier_it_comes():
    spikes = torch.zeros(2, 32, 3, requires_grad=True)
    losses.on_running_counts(spikes, LABELS).backward()
    own = -spikes.grad[0, :, 0].double()
    steps = torch.arange(32)
    # Without evidence the softmax is 1/3 everywhere: what is left is the share of parts to come.
    left = (16 - steps // 2) / 16
    torch.testing.assert_close(own, left * (2 / 3) / 2, rtol=1e-5, atol=0.0, check_dtype=False)


def test_reductions_and_label_smoothing_are_torchs():
    torch.manual_seed(2)
    logits, labels = torch.randn(5, 6, 3), torch.tensor([0, 1, 2, 1, 0])
    each = torch.stack(
        [torch.nn.functional.cross_entropy(part, labels, label_smoothing=0.1) for part in
         logits.unbind(1)]
    )  # fmt: skip
    mean = losses.on_logits(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(mean, each.mean())
    total = losses.on_logits(logits, labels, label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(total, 5 * mean)


def test_membrane_maximum_sends_its_gradient_to_one_step():
    vmem = torch.tensor([[[0.1, 0.2], [0.9, 0.3]], [[0.5, 0.4], [0.2, 0.1]]], requires_grad=True)
    loss = losses.on_membrane_maximum(vmem, LABELS)
    assert loss.item() == pytest.approx(expected(0.6, -0.1), rel=1e-6)
    loss.backward()
    assert ((vmem.grad != 0) == (vmem == vmem.max(1, keepdim=True).values)).all()
    assert vmem.grad[0, 1, 0] < 0 < vmem.grad[0, 1, 1]


def test_spike_count_penalty_pulls_into_the_band():
    spikes = series((4, 2, 0), (4, 2, 0)).requires_grad_()  # rates 1, 0.5 and 0
    penalty = losses.spike_count_penalty(spikes, low=0.2, high=0.6)
    assert penalty.item() == pytest.approx((0.4**2 + 0.2**2) / 3, rel=1e-6)
    penalty.backward()
    assert (spikes.grad[..., 0] > 0).all()
    assert (spikes.grad[..., 1] == 0).all()
    assert (spikes.grad[..., 2] < 0).all()
    assert losses.spike_count_penalty(spikes).item() == pytest.approx((1 + 0.25) / 3, rel=1e-6)


def test_saturation_penalty_counts_what_is_beyond():
    spikes = torch.tensor([[[31.0, 3.0]]], requires_grad=True)
    penalty = losses.saturation_penalty(spikes, most=29.0)
    assert penalty.item() == 2.0
    penalty.backward()
    assert spikes.grad.tolist() == [[[2.0, 0.0]]]


def test_wrong_shapes_and_bands_are_refused():
    with pytest.raises(InputError, match="labels"):
        losses.on_counts(torch.zeros(2, 3), LABELS)
    with pytest.raises(InputError, match="labels"):
        losses.on_rates(torch.zeros(3, 4, 2), LABELS)
    with pytest.raises(InputError, match="labels"):
        losses.on_running_counts(torch.zeros(3, 4, 2), LABELS)
    with pytest.raises(InputError, match="band"):
        losses.spike_count_penalty(torch.zeros(1, 1, 1), low=0.5, high=0.2)
