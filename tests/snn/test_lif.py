"""LIF against rockpool's LIFTorch: spikes and gradients to the last bit, or within rounding."""

import pytest
import torch
from hypothesis import given, settings
from rockpool.nn.modules import LIFTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential

from neurosim.snn import LIF
from tests.snn.nets import (
    assert_close,
    build,
    deep,
    layers,
    raster,
    run,
    weight_gradients,
)

FAST = 1e-5
"""Of the largest gradient: the kernels' exp is a polynomial, and rounding adds up over time."""
SUMS = 1e-5
"""Sums over samples and steps in another order; float32 keeps 6e-8, thousands are added."""


def assert_sums_close(ours, theirs, leaks):
    """Compare gradients by parameters: sums that may cancel, so a term sets the scale."""
    by_x = theirs[3]
    terms = by_x.abs().max() * (by_x.shape[0] * by_x.shape[1]) ** 0.5
    for name, value in theirs[4].items():
        # A decay changes by exp(-dt / tau) dt / tau^2 with its time constant.
        size = (1e-3 / leaks[name] ** 2).max() if name.startswith("tau") else 1.0
        scale = value.abs().max() + terms * size
        assert (ours[4][name] - value).abs().max() <= SUMS * scale + 1e-30, name


def assert_exact(case):
    arguments, leaks, x, gradient = case
    theirs = run(build(LIFTorch, arguments, leaks), x, gradient)
    ours = run(build(LIF, arguments, leaks, exact=True), x, gradient)
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[3], theirs[3])
    for name in ("vmem", "isyn", "spikes"):
        assert torch.equal(ours[1][name], theirs[1][name]), name
    assert_sums_close(ours, theirs, leaks)


@settings(max_examples=60, deadline=None)
@given(layers())
def test_exact_path_equals_rockpool_to_the_last_bit(case):
    assert_exact(case)


@settings(max_examples=10, deadline=None)
@given(layers(neurons=(1, 1), most_samples=1))
def test_a_single_neuron_equals_rockpool_to_the_last_bit(case):
    assert_exact(case)


@pytest.mark.slow  # compiles
@settings(max_examples=30, deadline=None)
@given(layers(neurons=(1, 1)))
def test_samples_of_a_single_neuron_equal_rockpool_to_the_last_bit(case):
    assert_exact(case)


@settings(max_examples=60, deadline=None)
@given(layers())
def test_fast_path_has_the_same_spikes_and_close_gradients(case):
    arguments, leaks, x, gradient = case
    theirs = run(build(LIFTorch, arguments, leaks), x, gradient)
    ours = run(build(LIF, arguments, leaks), x, gradient)
    assert torch.equal(ours[0], theirs[0])
    assert_close(ours[3], theirs[3], FAST)
    assert_sums_close(ours, theirs, leaks)


@settings(max_examples=30, deadline=None)
@given(layers(recurrent=True))
def test_recurrent_layer_equals_rockpool(case):
    arguments, leaks, x, gradient = case
    theirs = run(build(LIFTorch, arguments, leaks), x, gradient)
    ours = run(build(LIF, arguments, leaks, exact=True), x, gradient)
    assert torch.equal(ours[0], theirs[0])
    assert_close(ours[3], theirs[3], SUMS)
    assert_sums_close(ours, theirs, leaks)


@settings(max_examples=20, deadline=None)
@given(layers())
def test_record_and_its_gradients_equal_rockpool(case):
    arguments, leaks, x, gradient = case
    theirs = run(build(LIFTorch, arguments, leaks), x, gradient, record=True)
    ours = run(build(LIF, arguments, leaks, exact=True), x, gradient, record=True)
    assert set(ours[2]) == set(theirs[2])
    for name, value in theirs[2].items():
        assert torch.equal(ours[2][name], value), name
    assert_close(ours[3], theirs[3], FAST)


def test_recorded_recurrent_input_equals_rockpool():
    torch.manual_seed(0)
    arguments = {"shape": (6,), "has_rec": True, "w_rec": torch.randn(6, 6) * 0.3}
    x, gradient = torch.rand(2, 20, 6), torch.ones(2, 20, 6)
    theirs = run(LIFTorch(**arguments), x, gradient, record=True)[2]["irec"]
    ours = run(LIF(**arguments), x, gradient, record=True)[2]["irec"]
    assert theirs.abs().max() > 0
    assert_close(ours, theirs, SUMS)


@pytest.mark.parametrize("exact", [True, False])
def test_weight_gradients_through_a_deep_net(exact):
    spikes, theirs = weight_gradients(deep(LIFTorch), raster())
    ours_spikes, ours = weight_gradients(deep(LIF, exact=exact), raster())
    assert torch.equal(ours_spikes, spikes)
    assert 0.05 < spikes.mean() < 5  # neurons did fire, and not at their limit
    for mine, his in zip(ours, theirs, strict=True):
        assert his.abs().max() > 0
        if exact:
            assert torch.equal(mine, his)
        else:
            assert_close(mine, his, FAST)


def test_threads_change_nothing():
    before = torch.get_num_threads()
    torch.manual_seed(0)
    x = torch.rand(40, 120, 100) * 0.3  # 480,000 neuron-steps, enough for several threads
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            lif, mine = LIF((100,)), x.clone().requires_grad_()
            out, _, _ = lif(mine)
            (out * x).sum().backward()
            results.append((out.detach(), mine.grad))
    finally:
        torch.set_num_threads(before)
    assert results[0][0].sum() > 1000
    for one, three in zip(*results, strict=True):
        assert torch.equal(one, three)


def test_noise_is_the_noise_of_rockpool():
    outs = []
    for kind in (LIFTorch, LIF):
        module = kind((5,), noise_std=2.0)
        torch.manual_seed(3)
        outs.append(module(torch.rand(2, 40, 5) * 0.2)[0])
    assert outs[0].sum() > 0
    assert torch.equal(*outs)


@pytest.mark.parametrize("name", ["tau_mem", "tau_syn", "bias"])
def test_float64_gradient_is_the_difference_quotient(name):
    """Where nothing spikes the layer is smooth: the membrane is differentiable in all constants."""
    lif = LIF((3,), threshold=torch.tensor(1e6)).to(torch.float64)
    x = torch.rand(2, 30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def loss():
        lif.reset_state()
        _, _, record = lif(x, record=True)
        return record["vmem"].square().sum()

    loss().backward()
    parameter = getattr(lif, name)
    index = (0,) * parameter.ndim
    h = 1e-6 * max(abs(parameter[index].item()), 1e-2)
    values = []
    with torch.no_grad():
        for sign in (1, -2):
            parameter[index] += sign * h
            values.append(loss().item())
    quotient = (values[0] - values[1]) / (2 * h)
    assert abs(quotient) > 1
    # Central differences in float64: h^2 of truncation and 1e-16 / h of rounding.
    assert parameter.grad[index].item() == pytest.approx(quotient, rel=1e-6)


def test_torch_loop_gives_what_the_kernels_give(monkeypatch):
    """The loop serves other devices and surrogates.

    In float64 values agree to its rounding; gradients to that of float32, in which rockpool's
    surrogates hand them on.
    """
    torch.manual_seed(5)
    x = torch.rand(3, 25, 8, dtype=torch.float64)
    results = []
    for stepwise in (False, True):
        torch.manual_seed(6)
        lif = LIF(
            (8, 4), has_rec=True, w_rec=torch.randn(4, 8) * 0.2, exact=True,
            spike_generation_fn=PeriodicExponential,
        ).to(torch.float64)  # fmt: skip
        if stepwise:
            monkeypatch.setattr(lif, "_surrogate", lambda x: None)
        mine = x.clone().requires_grad_()
        out, state, record = lif(mine, record=True)
        (out.square().sum() + record["vmem"].sum()).backward()
        parameters = [p.grad for p in torch.nn.Module.parameters(lif)]
        values = [out, state["vmem"], state["isyn"], record["irec"]]
        results.append((values, [mine.grad, *parameters]))
    (fused, fused_gradients), (loop, loop_gradients) = results
    assert fused[0].sum() > 10
    for a, b in zip(fused, loop, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
    for a, b in zip(fused_gradients, loop_gradients, strict=True):
        assert_close(a, b, 1e-6)
