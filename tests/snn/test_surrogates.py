"""Surrogates against their stated formulas, in torch and in the kernels, and what they mean."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from rockpool.nn.modules import LIFTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential, StepPWL
from rockpool.parameters import Constant
from scipy.integrate import quad
from scipy.special import expit, ndtr

from neurosim.snn import LIF, stepwise
from neurosim.snn.kernels import backward as kernels_backward
from neurosim.snn.kernels import forward as kernels
from neurosim.snn.kernels import fused
from neurosim.snn.surrogates import CODES, ATan, Gaussian, Sigmoid, Triangular, slope, surrogate_of
from tests.snn.nets import assert_close

SMOOTH = {
    Sigmoid: expit,
    ATan: lambda y: 0.5 + np.arctan(y) / np.pi,
    Triangular: lambda y: np.where(
        np.abs(y) < 1, 0.5 + y - np.sign(y) * y * y / 2, np.heaviside(y, 0.5)
    ),
    Gaussian: ndtr,
}
"""Integrals F of the densities f, from -infinity: one smooth spike at y = (v/theta - 1)/window."""

OURS = pytest.mark.parametrize("function", SMOOTH)
TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-12}
"""Relative to the largest slope: float32 rounds v / theta, which the window divides."""


def stated(function, v, theta, window, most):
    """Return the slope of the table in `surrogates`, in plain numpy."""
    r = v / theta
    if function is StepPWL:
        return (v >= theta - window) / theta
    d = np.abs(r - np.clip(np.floor(r + 0.5), 1, most))
    if function is PeriodicExponential:
        return np.exp(-d * theta / window) / theta
    y = d / window
    density = {
        Sigmoid: lambda: expit(y) * expit(-y),
        ATan: lambda: 1 / (np.pi * (1 + y**2)),
        Triangular: lambda: np.maximum(0, 1 - y),
        Gaussian: lambda: np.exp(-(y**2) / 2) / math.sqrt(2 * math.pi),
    }[function]()
    return density / (window * theta)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("most", [1.0, 3.0])
@pytest.mark.parametrize("function", CODES)
def test_slopes_are_as_stated_in_torch_and_in_the_kernels(function, most, dtype):
    theta, window = 1.3, 0.4
    # Not at the edges, where rounding decides between two slopes.
    v = torch.linspace(-2.003, 7.013, 401, dtype=dtype).reshape(1, 401, 1)
    arguments = [torch.tensor(value, dtype=dtype) for value in (theta, window, most)]
    expected = torch.tensor(stated(function, v.double().numpy(), theta, window, most))
    assert expected.max() > 0.2
    if function not in (PeriodicExponential, StepPWL) or dtype == torch.float32:
        # rockpool's own code rounds to float32
        assert_close(slope(function, v, *arguments).double(), expected, TOLERANCE[dtype])
    # A step of a layer without memory has v = x, so that the gradient by x is the slope.
    lif = LIF(
        (1,), synapse=False, tau_mem=Constant(1e-9), bias=Constant(0.0),
        threshold=Constant(theta), spike_generation_fn=function, learning_window=window,
        max_spikes_per_dt=most,
    ).to(dtype)  # fmt: skip
    lif.threshold = lif.threshold.new_tensor(theta)
    lif.learning_window = lif.learning_window.new_tensor(window)
    x = v.reshape(-1, 1, 1).clone().requires_grad_()
    lif(x)[0].sum().backward()
    assert surrogate_of(lif.spike_generation_fn) is function
    assert_close(x.grad.double().reshape(1, -1, 1), expected, TOLERANCE[dtype])


@OURS
def test_a_surrogate_integrates_to_one_spike(function):
    theta, window = 1.7, 0.25
    for v in (0.3, 1.6, 2.4):
        total, _ = quad(
            lambda u: float(stated(function, np.array(u), theta, window, 1)),
            -np.inf if function is not Triangular else 0.0, v, points=None, limit=400,
        )  # fmt: skip
        assert total == pytest.approx(float(SMOOTH[function]((v / theta - 1) / window)), abs=1e-6)


# --- the smooth model, whose derivative the surrogate is -----------------------------------------

THETA, WINDOW = 1.1, 0.3
SHAPE = (2, 12, 3)


def smooth_run(function, x, alpha, beta, bias, theta):
    """Return spikes and membrane at the decision of the layer with smooth spikes, in numpy."""
    v = np.zeros((SHAPE[0], SHAPE[2]))
    i, spikes, trace = np.zeros_like(v), [], []
    for t in range(SHAPE[1]):
        i = (i + x[:, t]) * beta
        u = v * alpha + i + bias
        s = SMOOTH[function]((u / theta - 1) / WINDOW)
        v = u - s * theta
        spikes.append(s)
        trace.append(u)
    return np.stack(spikes, 1), np.stack(trace, 1)


def cases(rng):
    x = rng.uniform(-0.2, 0.9, SHAPE)
    constants = [rng.uniform(0.6, 0.9, 3), rng.uniform(0.5, 0.8, 3), rng.uniform(-0.1, 0.1, 3)]
    return x, *constants, rng.uniform(-1, 1, SHAPE)


@OURS
def test_kernels_give_the_difference_quotients_of_the_smooth_model(function):
    """The backward pass, handed the membranes of the smooth model, is that model's derivative."""
    rng = np.random.default_rng(3)
    x, alpha, beta, bias, weights = cases(rng)
    theta = np.full((1, 1, 3), THETA)
    none = np.empty((0, 0, 0))

    def loss(**changed):
        run = {"x": x, "alpha": alpha, "beta": beta, "bias": bias} | changed
        return float((smooth_run(function, **run, theta=THETA)[0] * weights).sum())

    spikes, trace = smooth_run(function, x, alpha, beta, bias, THETA)
    assert ((spikes > 0.2) & (spikes < 0.8)).any()
    after = trace - spikes * THETA
    v_before = np.concatenate([np.zeros((2, 1, 3)), after[:, :-1]], 1)
    i_before = np.zeros(SHAPE)
    current = np.zeros((2, 3))
    for t in range(SHAPE[1]):
        i_before[:, t] = current + x[:, t]
        current = i_before[:, t] * beta
    by_inputs = kernels_backward.ByInputs(
        np.zeros(SHAPE), np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)), none
    )
    kernels_backward.backward(
        False, CODES[function], kernels.Neurons(alpha, beta, bias, theta, 1.0, WINDOW),
        kernels.Trace(trace, v_before, i_before),
        kernels_backward.ByOutputs(weights, none, none, none), by_inputs,
        np.zeros((2, 3)), np.zeros((2, 3)), np.empty((2, 3)), (0, 2, 0, SHAPE[1]),
    )  # fmt: skip
    h = 1e-6
    for name, value, gradient, index in (
        ("x", x, by_inputs.x, (1, 4, 2)), ("x", x, by_inputs.x, (0, 0, 1)),
        ("alpha", alpha, by_inputs.alpha.sum(0), (1,)), ("beta", beta, by_inputs.beta.sum(0), (2,)),
        ("bias", bias, by_inputs.bias.sum(0), (0,)),
    ):  # fmt: skip
        up, down = value.copy(), value.copy()
        up[index] += h
        down[index] -= h
        quotient = (loss(**{name: up}) - loss(**{name: down})) / (2 * h)
        assert abs(quotient) > 1e-3, name
        # Rounding 1e-16 / h and truncation h^2; a triangle's corner inside the step adds h.
        assert gradient[index] == pytest.approx(quotient, rel=1e-5, abs=1e-8), name


@OURS
def test_torch_loop_gives_the_difference_quotients_of_the_smooth_model(function):
    """Thresholds too: they enter the smooth spike, the reset, and both through -v/theta."""
    rng = np.random.default_rng(4)
    x, alpha, beta, bias, weights = cases(rng)
    theta = torch.full((1, 1, 3), THETA, dtype=torch.float64, requires_grad=True)
    window, one = torch.tensor(WINDOW, dtype=torch.float64), torch.tensor(1.0)

    class Smooth(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v, threshold):
            ctx.save_for_backward(v, threshold)
            return torch.tensor(SMOOTH[function](((v / threshold - 1) / window).numpy()))

        @staticmethod
        def backward(ctx, g):
            v, threshold = (a.detach().requires_grad_() for a in ctx.saved_tensors)
            with torch.enable_grad():
                spikes = function.apply(v, threshold, window, one)
            return torch.autograd.grad(spikes, (v, threshold), g)

    rows = [torch.tensor(a) for a in (x[..., None], alpha, beta[:, None], bias)]
    start = tuple(torch.zeros(shape, dtype=torch.float64) for shape in ((3,), (3, 1), (3,)))
    spikes, _, _ = stepwise.lif(rows[0], None, *rows[1:], theta, None, start, Smooth.apply)
    (spikes * torch.tensor(weights)).sum().backward()
    h = 1e-6
    up, down = (
        float((smooth_run(function, x, alpha, beta, bias, THETA + d)[0] * weights).sum())
        for d in (h, -h)
    )
    quotient = (up - down) / (2 * h)
    assert abs(quotient) > 1e-2
    assert theta.grad.sum().item() == pytest.approx(quotient, rel=1e-5)


# --- in a layer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [True, False])
@OURS
def test_layer_equals_liftorch_with_the_same_surrogate(function, exact):
    torch.manual_seed(2)
    x, g = torch.rand(3, 25, 6) * 0.4, torch.randn(3, 25, 6)
    results = []
    for kind, extra in ((LIFTorch, {}), (LIF, {"exact": exact})):
        module = kind(
            (6,), spike_generation_fn=function, learning_window=0.3, max_spikes_per_dt=2.0, **extra
        )
        mine = x.clone().requires_grad_()
        spikes = module(mine)[0]
        (spikes * g).sum().backward()
        results.append((spikes.detach(), mine.grad, module.threshold.grad, module.tau_mem.grad))
    (theirs, by_x, by_theta, by_tau), (ours, x_grad, theta_grad, tau_grad) = results
    assert theirs.sum() > 10
    assert torch.equal(ours, theirs)
    if exact:
        assert torch.equal(x_grad, by_x)
    else:
        assert_close(x_grad, by_x, 1e-5)
    assert_close(theta_grad, by_theta, 2e-5)
    assert_close(tau_grad, by_tau, 2e-5)


@OURS
def test_surrogates_can_be_copied_and_stored(function):
    assert pickle.loads(pickle.dumps(function)) is function
    lif = copy.deepcopy(LIF((2,), spike_generation_fn=function))
    assert surrogate_of(lif.spike_generation_fn) is function
    assert fused.CODES[function] == CODES[function]
