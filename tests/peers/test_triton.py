"""Triton's kernels against numba's: in Triton's interpreter, and on a GPU where there is one."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

pytest.importorskip("triton")

from neurosim.errors import InputError
from neurosim.snn import LIF
from neurosim.snn.kernels import fused
from neurosim.snn.surrogates import CODES, PeriodicExponential, StepPWL

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
interpreted = pytest.mark.skipif(
    not INTERPRETED, reason="run by test_in_the_interpreter in a process of its own"
)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
"""Of the largest value: slopes are exponentials, rounded differently, and summed over time."""


@pytest.mark.skipif(INTERPRETED, reason="is that process")
def test_in_the_interpreter():
    """Triton decides when it is imported, so that this takes a fresh process."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout


def case(dtype, n, synapses, *, function, theta=(1, 1), noise=False, record=False, delta=False):
    """Draw the arguments of a layer of 3 samples and 9 steps."""
    generator = torch.Generator().manual_seed(n + 10 * synapses)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=dtype)

    arguments = [
        uniform(-0.2, 0.9, 3, 9, n * synapses),
        uniform(0.5, 0.95, n),
        uniform(0.0, 0.0, 0) if delta else uniform(0.5, 0.9, n * synapses),
        uniform(-0.1, 0.1, n),
        uniform(0.6, 1.4, *theta, n),
    ]
    setting = fused.Setting(
        surrogate=function, window=torch.tensor(0.4, dtype=dtype),
        max_spikes=torch.tensor(2.0, dtype=dtype), exact=False, record=record,
        noise=uniform(-0.3, 0.3, 3, 9, n) if noise else None, vmem=uniform(-0.5, 0.5, n),
        isyn=uniform(-0.2, 0.2, n, synapses), spikes=torch.zeros(n, dtype=dtype),
    )  # fmt: skip
    weights = [uniform(-1, 1, *shape) for shape in ((3, 9, n), (3, 9, n), (3, 9, n * synapses))]
    return arguments, setting, weights


def results(evolve, arguments, setting, weights, device="cpu"):
    """Return outputs, state at the end and gradients of a layer, on the CPU."""
    to = {
        name: value.to(device)
        for name, value in vars(setting).items()
        if isinstance(value, torch.Tensor)
    }
    setting = replace(setting, **to)
    mine = [a.detach().clone().to(device).requires_grad_(a.numel() > 0) for a in arguments]
    outputs = evolve(*mine, setting)
    loss = sum(
        (out * w.to(device)).sum() for out, w in zip(outputs, weights, strict=True) if out.numel()
    )
    loss.backward()
    found = [*outputs, setting.vmem, setting.isyn, setting.rate, *(a.grad for a in mine)]
    return [None if value is None else value.detach().cpu() for value in found]


def compare(ours, theirs, dtype):
    """Spikes are equal, all else to rounding."""
    assert theirs[0].sum() > 3
    assert torch.equal(ours[0], theirs[0])
    for mine, expected in zip(ours[1:], theirs[1:], strict=True):
        if expected is None or not expected.numel():
            continue
        scale = max(expected.abs().max().item(), 1e-3)
        assert (mine - expected).abs().max().item() <= TOLERANCE[dtype] * scale


def numba(x, alpha, beta, bias, theta, setting):
    return fused.lif(x, None, alpha, beta, bias, theta, setting)


CASES = [
    *({"n": 5, "synapses": 1, "function": function} for function in CODES),
    *(
        {"n": n, "synapses": s, "function": PeriodicExponential, "record": r, "noise": r}
        for n, s, r in ((1, 1, False), (20, 2, False), (20, 1, True), (20, 2, True))
    ),
    {"n": 20, "synapses": 1, "function": StepPWL, "delta": True, "record": True},
    {"n": 20, "synapses": 2, "function": StepPWL, "theta": (3, 1)},
    {"n": 20, "synapses": 1, "function": PeriodicExponential, "theta": (1, 9)},
    {"n": 140, "synapses": 1, "function": PeriodicExponential, "theta": (3, 9)},
]


@interpreted
@pytest.mark.parametrize(
    ("settings", "dtype"),
    [*((c, torch.float32) for c in CASES), *((c, torch.float64) for c in CASES[:2] + CASES[-1:])],
)
def test_equal_to_the_numba_kernels(settings, dtype):
    from neurosim.snn.kernels import triton_lif

    arguments = case(dtype, **settings)
    compare(results(triton_lif.lif, *arguments), results(numba, *arguments), dtype)


@interpreted
def test_input_that_is_not_finite_is_refused():
    from neurosim.snn.kernels import triton_lif

    arguments, setting, _ = case(torch.float32, 5, 1, function=StepPWL)
    arguments[0][1, 4, 3] = float("nan")
    with pytest.raises(InputError, match="sample 1, step 4, synapse 3"):
        triton_lif.lif(*arguments, setting)


@interpreted
@pytest.mark.parametrize("synapse", [True, False])
def test_module_gives_what_it_gives_with_numba(monkeypatch, synapse):
    """The module's way to a GPU, walked on the CPU."""
    torch.manual_seed(0)
    x, found = torch.rand(2, 20, 6) * 0.5, []
    for gpu in (False, True):
        lif = LIF((6,), synapse=synapse)
        if gpu:
            monkeypatch.setattr(lif, "_on_gpu", lambda x: True)
        mine = x.clone().requires_grad_()
        spikes = lif(mine)[0]
        spikes.square().sum().backward()
        found.append((spikes.detach(), mine.grad, lif.threshold.grad, lif.mean_rate))
    assert found[0][0].sum() > 10
    assert torch.equal(found[0][0], found[1][0])
    for ours, theirs in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU: torch.cuda.is_available() is False"
)
@pytest.mark.skipif(INTERPRETED, reason="the interpreter takes tensors of the CPU")
@pytest.mark.parametrize("settings", CASES)
def test_equal_to_the_numba_kernels_on_a_gpu(settings):
    from neurosim.snn.kernels import triton_lif

    arguments = case(torch.float32, **settings)
    ours = results(triton_lif.lif, *arguments, device="cuda")
    compare(ours, results(numba, *arguments), torch.float32)
