"""Delta LIF layers: against their equations, fused against plain, shapes, state, thresholds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rockpool.parameters import Constant

from neurosim.errors import InputError
from neurosim.snn import LIF, image_nets, rate_based
from neurosim.snn.kernels import delta
from neurosim.snn.spiking import Spiking, carried, layers
from neurosim.snn.surrogates import Sigmoid


@st.composite
def _cases(draw, dtype=torch.float64):
    """Draw a rule, an input, a start, thresholds and gradients from above."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, steps, n = draw(st.integers(1, 4)), draw(st.integers(1, 12)), draw(st.integers(1, 50))
    rule = delta.Rule(
        draw(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])),
        draw(st.sampled_from([1.0, 4.0])),
        draw(st.booleans()),
        draw(st.booleans()),
    )
    axes = [draw(st.sampled_from([1, k])) for k in (samples, steps, n)]
    c = rng.normal(0.4, 0.8, (samples, steps, n))
    v, by_end = rng.normal(0, 0.5, (2, samples, n))
    theta, by_spikes = rng.uniform(0.5, 1.5, axes), rng.normal(size=c.shape)
    return rule, *(torch.tensor(a, dtype=dtype) for a in (c, v, theta, by_spikes, by_end))


def _run(evolve, rule, c, v, theta, by_spikes, by_end):
    """Return spikes, end, mean and the gradients by input and start."""
    c, v = c.clone().requires_grad_(), v.clone().requires_grad_()
    spikes, end, mean = evolve(c, v, theta, rule)
    loss = (spikes * by_spikes).sum() + (end * by_end).sum()
    return spikes.detach(), end.detach(), mean, *torch.autograd.grad(loss, (c, v))


@settings(max_examples=40, deadline=None)
@given(_cases())
def test_fused_equals_plain(case):
    fused, plain = _run(delta.evolve, *case), _run(delta.plain, *case)
    assert torch.equal(fused[0], plain[0])
    assert torch.equal(fused[1], plain[1])
    # Means are counted here and summed there; the gradients differ by the rounding of exp.
    for a, b in zip(fused[2:], plain[2:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(_cases(torch.float32))
def test_fused_equals_plain_in_float32(case):
    fused, plain = _run(delta.evolve, *case), _run(delta.plain, *case)
    assert torch.equal(fused[0], plain[0])
    for a, b in zip(fused[2:], plain[2:], strict=True):
        # The kernels' exp is good to 2e-7; decay 1 over 12 steps sums a dozen such errors.
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * float(b.abs().max()))


@settings(max_examples=40, deadline=None)
@given(_cases())
def test_sums_of_phase_one_are_alike_and_give_the_derivative_of_the_rate(case):
    rule, c, v, theta, _, _ = case
    sums = [delta.Rates.start(v) for _ in range(2)]
    fused = delta.collect(c, v, theta, rule, sums[0])
    plain = delta._collect_plain(c, v, theta, rule, sums[1])
    for a, b in zip(fused, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
    for name in ("rho", "rate", "gate"):
        a, b = (getattr(s, name) for s in sums)
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    # The gate is what backpropagation through time makes of an input constant in time.
    constant = torch.zeros_like(v, requires_grad=True)
    spikes, _, _ = delta.plain(c + constant.unsqueeze(1), v, theta, rule)
    by_constant = torch.autograd.grad(spikes.sum(), constant)[0]
    torch.testing.assert_close(sums[0].gate, by_constant, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_equations_of_the_paper(reset):
    rng = np.random.default_rng(1)
    c = rng.normal(0.7, 0.5, (2, 30, 5))
    u, s, expected = np.zeros((2, 5)), np.zeros((2, 5)), []
    for t in range(30):
        before = u - 1.0 * s if reset == "soft" else u * (1 - s)
        u = 0.2 * before + c[:, t]
        s = (u >= 1.0).astype(float)
        expected.append(s)
    layer = Spiking(reset=reset)
    spikes = layer(torch.tensor(c))
    assert torch.equal(
        delta.plain(torch.tensor(c), None, torch.ones(1, 1, 1), layer.rule)[0], spikes
    )
    np.testing.assert_array_equal(spikes.numpy(), np.stack(expected, 1))
    assert 0.1 < float(spikes.mean()) < 0.9
    assert float(layer.mean_rate) == pytest.approx(float(spikes.mean()), rel=1e-12)


@pytest.mark.parametrize("rule", [(False, True), (True, False)])
def test_gradients_from_rest_are_those_from_a_membrane_of_zero(rule):
    torch.manual_seed(0)
    c, theta = torch.randn(3, 40, 3000) + 0.5, torch.ones(1, 1, 1)
    rule, by_spikes = delta.Rule(0.8, 4.0, *rule), torch.randn(c.shape)
    results = []
    for v in (None, torch.zeros(3, 3000)):
        x = c.clone().requires_grad_()
        spikes, _, _ = delta.evolve(x, v, theta, rule)
        results.append((spikes, torch.autograd.grad((spikes * by_spikes).sum(), x)[0]))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert results[0][1].abs().max() > 0.1


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_a_step_that_stands_for_all_is_the_series_that_repeats_it(reset):
    torch.manual_seed(0)
    c, rule = torch.randn(3, 1, 500) + 0.5, delta.Rule(0.5, 4.0, reset == "hard", False)
    theta, by_spikes = torch.rand(1, 9, 500) + 0.5, torch.randn(3, 9, 500)
    results = []
    for repeated in (lambda x: x.expand(-1, 9, -1), lambda x: x.repeat(1, 9, 1)):
        x = c.clone().requires_grad_()
        spikes, _, mean = delta.evolve(repeated(x), None, theta, rule)
        gradient = torch.autograd.grad((spikes * by_spikes).sum(), x)[0]
        sums = delta.Rates.start(c[:, 0])
        seen, _, _ = delta.collect(repeated(c), torch.zeros(3, 500), theta, rule, sums)
        results.append((spikes, mean, gradient, seen, sums.gate, sums.rate))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)  # the sum over the steps
    assert results[0][0].sum() > 100


def test_threads_share_a_batch_without_a_trace(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    c = torch.randn(5, 10, 6000, generator=generator) + 0.3
    by_spikes, theta = torch.randn(c.shape, generator=generator), torch.ones(1, 1, 1)
    rule, results = delta.Rule(0.2, 4.0, False, True), []
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        x, sums = c.clone().requires_grad_(), delta.Rates.start(c[:, 0])
        spikes, _, mean = delta.evolve(x, None, theta, rule)
        gradient = torch.autograd.grad((spikes * by_spikes).sum(), x)[0]
        delta.collect(c, torch.zeros(5, 6000), theta, rule, sums)
        results.append((spikes, mean, gradient, sums.gate))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert results[0][1] > 0.1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["multi", "single"])
def test_a_net_on_a_gpu_is_that_on_the_cpu(mode):
    gradients = []
    for device in ("cpu", "cuda"):
        net = image_nets.build("small-vgg", shape=(1, 8, 8), classes=4, steps=4, mode=mode)
        net, x = net.double().to(device), torch.linspace(0, 2, 8 * 64).reshape(8, 1, 8, 8)
        x = x.double().to(device)
        for logits in (net(x).mean(1), rate_based.forward(net, x)):
            logits.square().sum().backward()
        gradients.append(torch.cat([p.grad.cpu().flatten() for p in net.parameters()]))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-6, atol=1e-9)


def test_any_shape_and_no_memory_between_calls():
    layer = Spiking()
    c = torch.randn(3, 6, 4, 5, 2, generator=torch.Generator().manual_seed(0)) + 0.8
    spikes = layer(c)
    assert spikes.shape == c.shape
    assert layer.size_out == 40
    assert torch.equal(layer(c), spikes)
    assert torch.equal(layer(c.flatten(2)), spikes.flatten(2))
    transposed = c.transpose(2, 4).contiguous().transpose(2, 4)
    assert torch.equal(layer(transposed), spikes)
    assert spikes.sum() > 50


@pytest.mark.parametrize("settings", [{}, {"reset": "hard"}, {"detached": False}])
def test_steps_add_up_to_a_call(settings):
    layer = Spiking(**settings)
    c = torch.randn(3, 6, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gradient = torch.randn(c.shape, dtype=c.dtype, generator=torch.Generator().manual_seed(1))
    layer.threshold_scale = torch.linspace(0.5, 1.5, 6).reshape(1, 6, 1)
    results = []
    for stepwise in (False, True):
        x, state, steps = c.clone().requires_grad_(), None, []
        if stepwise:
            for x_t in x.unbind(1):
                spikes, state = layer.step(x_t, state)
                steps.append(spikes)
            spikes = torch.stack(steps, 1)
        else:
            spikes = layer(x)
        rate = float(layer.mean_rate)
        results.append((spikes, torch.autograd.grad((spikes * gradient).sum(), x)[0], rate))
    assert torch.equal(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-12, atol=1e-12)
    assert results[0][2] == pytest.approx(results[1][2], rel=1e-12)
    assert results[0][2] > 0.1
    with carried(torch.nn.Sequential(layer)):
        carried_spikes = torch.cat([layer(x_t) for x_t in c.split(1, 1)], 1)
    assert torch.equal(carried_spikes, results[0][0])
    assert torch.equal(layer(c), results[0][0])  # the context leaves nothing behind


def test_surrogate_is_the_derivative_of_its_sigmoid():
    layer = Spiking(slope=3.0)
    u = torch.linspace(-2, 4, 25, dtype=torch.float64).reshape(1, 1, 25).requires_grad_()
    slope = torch.autograd.grad(layer(u).sum(), u)[0]
    e = 1e-6
    numeric = (torch.sigmoid(3.0 * (u - 1 + e)) - torch.sigmoid(3.0 * (u - 1 - e))) / (2 * e)
    torch.testing.assert_close(slope, numeric.detach(), rtol=0, atol=1e-9)  # O(e^2) and rounding


def test_threshold_scales_of_every_shape():
    torch.manual_seed(0)
    layer, c = Spiking(), torch.randn(4, 7, 2, 3) + 1
    layer.threshold_scale = 0.5
    half = layer(c)
    assert half.sum() > Spiking()(c).sum() > 0
    assert torch.equal(half, Spiking(threshold=0.5)(c))
    for shape in ((6,), (4, 1, 1), (1, 7, 1), (4, 1, 6), (1, 7, 6), ()):
        layer.threshold_scale = torch.full(shape, 0.5)
        assert torch.equal(layer(c), half), shape
    layer.threshold_scale = torch.tensor([0.1] * 3 + [9.0] * 3)
    spikes = layer(c).flatten(2)
    assert spikes[..., :3].sum() > 0
    assert spikes[..., 3:].sum() == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"decay": 1.5}, "decay"), ({"slope": 0}, "slope"), ({"reset": "none"}, "reset")],
)
def test_settings_refused(arguments, word):
    with pytest.raises(InputError, match=word):
        Spiking(**arguments)


def test_inputs_refused():
    layer = Spiking()
    with pytest.raises(InputError, match="shape"):
        layer(torch.zeros(3, 4))
    for scale in (torch.ones(5), torch.ones(2, 1, 1), 0.0, -torch.ones(6)):
        layer.threshold_scale = scale
        with pytest.raises(InputError, match="threshold_scale"):
            layer(torch.zeros(4, 7, 6))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("evolve", [delta.evolve, delta.plain])
def test_what_is_not_finite_is_refused_and_placed(evolve, reset, value):
    c = torch.zeros(4, 7, 3000)
    c[2, 3, 2500] = value
    for v in (None, torch.zeros(4, 3000)):
        with pytest.raises(InputError, match="sample 2, step 3, neuron 2500"):
            evolve(c, v, torch.ones(1, 1, 1), delta.Rule(0.2, 4.0, reset == "hard", True))
    layer = Spiking(reset=reset)
    with pytest.raises(InputError, match="not finite"):
        rate_based.forward(torch.nn.Sequential(layer), c)


def test_layers_are_found_in_order():
    net = torch.nn.Sequential(Spiking(decay=0.1), torch.nn.Sequential(Spiking(decay=0.3)))
    assert [layer.rule.decay for layer in layers(net)] == [0.1, 0.3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 1.3, "a sample", "a step"])
def test_a_lif_with_delta_synapses_is_the_same_neuron_where_both_can_be(rng, dtype, scale):
    """Same spikes to the last bit; gradients, whose sigmoids are written otherwise, by rounding."""
    samples, steps, neurons, decay, theta, slope = 5, 20, 30, 0.7, 1.25, 4.0
    c = torch.tensor(rng.normal(0.3, 0.8, (samples, steps, neurons)), dtype=dtype)
    by_spikes = torch.tensor(rng.normal(size=c.shape), dtype=dtype)
    shapes = {"a sample": (samples, 1, 1), "a step": (1, steps, neurons)}
    if isinstance(scale, str):
        scale = torch.tensor(rng.uniform(0.8, 1.4, shapes[scale]))
    spiking = Spiking(decay=decay, threshold=theta, detached=False, slope=slope)
    factor = scale if isinstance(scale, float) else 1.0
    lif = LIF(
        (neurons,), leak_mode="decays", alpha=Constant(decay), bias=Constant(0.0),
        threshold=Constant(theta), max_spikes_per_dt=1.0, spike_generation_fn=Sigmoid,
        learning_window=1 / (slope * theta * factor), synapse=False,
    ).to(dtype)  # fmt: skip
    lif.alpha.data, lif.threshold.data = (torch.tensor(a, dtype=dtype) for a in (decay, theta))
    spikes, gradients = [], []
    for layer in (lambda x: lif(x)[0], spiking):
        lif.threshold_scale = spiking.threshold_scale = scale
        x = c.clone().requires_grad_()
        spikes.append(layer(x))
        gradients.append(torch.autograd.grad(spikes[-1], x, by_spikes)[0])
    assert 0.05 < spikes[0].mean() < 0.6
    assert torch.equal(*spikes)
    if isinstance(scale, float):  # a window for each sample or step is none
        close = {torch.float32: 1e-5, torch.float64: 1e-6}[dtype]  # the window is a float32
        torch.testing.assert_close(*gradients, rtol=close, atol=close)
