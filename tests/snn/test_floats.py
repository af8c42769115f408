"""The kernels' float tricks: a power of two by polynomial, and subnormal numbers as zero."""

import numpy as np
import pytest
import torch
from numba import njit
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential

from neurosim.snn import LIF
from neurosim.snn.kernels.floats import exp2_of_negative

SUBNORMAL = np.float32(1e-40)


@njit(error_model="numpy")
def _exp2(y, to):
    for k in range(y.size):
        to[k] = exp2_of_negative(y[k])


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.float32, 4e-7), (np.float64, 1e-15)],  # a few roundings of each
)
def test_power_of_two(dtype, tolerance):
    y = -np.concatenate([np.linspace(0, 126, 100_001), np.arange(126) + 0.5]).astype(dtype)
    result = np.empty_like(y)
    _exp2(y, result)
    exact = np.exp2(y.astype(np.float64))
    assert np.abs(result / exact - 1).max() < tolerance


def test_power_of_two_ends_at_the_smallest_normal_number():
    result = np.empty(2, np.float32)
    _exp2(np.array([-1e4, -np.inf], np.float32), result)
    assert (result <= 2e-38).all()
    assert (result >= 0).all()


@pytest.mark.parametrize("exact", [True, False])
def test_subnormal_gradients_become_zero_in_the_fast_path_alone(exact):
    """A membrane 40 below threshold passes e^-82 of a gradient, times 1e-5 is subnormal."""
    lif = LIF((20,), bias=torch.tensor(-40.0), spike_generation_fn=PeriodicExponential, exact=exact)
    x = torch.zeros(2, 1, 20, requires_grad=True)
    (lif(x)[0].sum() * 1e-5).backward()
    assert (x.grad > 0).all() == exact
    assert (x.grad.abs() < 1.2e-38).all()
    # The thread's float mode is what it was.
    assert np.multiply(SUBNORMAL, np.float32(0.5)) > 0
