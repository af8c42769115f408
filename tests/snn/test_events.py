"""Products through events against products of float64 matrices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.snn.kernels import events

ROUNDING = 1e-6
"""Of sums of float32 numbers, as a share of the sum of their sizes: some ten roundings of 6e-8."""


@st.composite
def rasters(draw):
    """Draw counts (rows, neurons) as float32 and the width of a weight matrix."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, neurons, width = draw(st.integers(0, 70)), *(draw(st.integers(1, 130)) for _ in "nm")
    density = draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]))
    most = draw(st.sampled_from([1, 1, 3, 31, 2**events.DIGITS - 1]))
    counts = (rng.random((rows, neurons)) < density) * rng.integers(1, most + 1, (rows, neurons))
    raster = torch.tensor(counts, dtype=torch.float32)
    if draw(st.booleans()):
        raster = raster.repeat(1, 2)[:, :neurons]  # not contiguous
    return raster, torch.tensor(rng.standard_normal((neurons, width)), dtype=torch.float32), rng


def assert_sum(ours, factors, dtype=torch.float64):
    a, b = (factor.double() for factor in factors)
    error, size = (ours.double() - a @ b).abs(), a.abs() @ b.abs()
    assert ours.shape == size.shape
    assert (error <= ROUNDING * size).all()


@settings(max_examples=150, deadline=None)
@given(rasters())
def test_products_are_those_of_float64(case):
    raster, weight, rng = case
    spikes = events.pack(raster)
    assert torch.equal(spikes.floats(), raster)
    assert_sum(events.product(spikes, weight), (raster, weight))
    by_rows = torch.tensor(rng.standard_normal((len(raster), weight.shape[1]))).float()
    assert_sum(events.weight_gradient(spikes, by_rows), (raster.T, by_rows))


@pytest.mark.parametrize("width", range(1, 131))
def test_every_width(width):
    rng = np.random.default_rng(width)
    raster = torch.tensor(rng.random((40, width)) < 0.2).double()
    weight, by_rows = (torch.tensor(rng.standard_normal((k, width))) for k in (width, 40))
    spikes = events.pack(raster)
    assert spikes.events == raster.sum()
    start = weight[0]
    exact = {"rtol": 1e-12, "atol": 1e-12}  # sums of at most 130 float64 numbers
    torch.testing.assert_close(
        events.product(spikes, weight, start), raster @ weight + start, **exact
    )
    torch.testing.assert_close(events.weight_gradient(spikes, by_rows), raster.T @ by_rows, **exact)


@pytest.mark.parametrize("value", [0.5, -1.0, 1e-40, float(2**events.DIGITS), np.inf, np.nan])
def test_what_is_no_count_is_not_packed(value):
    for neurons in (3, 8, 77):
        raster = torch.zeros(4, neurons)
        raster[2, neurons - 1] = value
        assert events.pack(raster) is None


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    raster = torch.tensor(rng.random((20_000, 48)) < 0.1).float()
    weight, by_rows = (torch.tensor(rng.standard_normal((k, 48))).float() for k in (48, 20_000))
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            spikes = events.pack(raster)
            both = events.product(spikes, weight), events.weight_gradient(spikes, by_rows)
            results.append((spikes.floats(), *both))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_long_sums_round_little():
    """A training batch has 12,800 rows: sums over all of them are as good as short ones."""
    rng = np.random.default_rng(0)
    raster = torch.tensor(rng.random((12_800, 48)) < 0.2).float()
    by_rows = torch.tensor(rng.standard_normal((12_800, 48))).float()
    assert_sum(events.weight_gradient(events.pack(raster), by_rows), (raster.T, by_rows))
