"""The runtime threshold in integers: what is exact, what is rounded, what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import InputError
from neurosim.xylo import ThresholdRegister, XyloSpec
from tests import nets


def register(thresholds, *, readout=False):
    return ThresholdRegister(
        XyloSpec(
            weights_in=np.ones((1, len(thresholds))),
            weights_out=np.ones((len(thresholds), 1)),
            threshold=thresholds,
            threshold_out=[7],
        ),
        readout=readout,
    )


def test_exact_scales_are_multiples_of_the_common_divisor():
    knob = register([300, 450, 600])
    assert knob.step == Fraction(1, 150)
    assert knob.expresses(1.0)
    assert knob.expresses(Fraction(151, 150))
    assert not knob.expresses(Fraction(301, 300))
    assert knob.expresses(1.5)
    assert knob.expressible(1.0, 1.02) == [Fraction(k, 150) for k in (150, 151, 152, 153)]
    assert knob.expressible(500.0, 600.0) == []
    assert knob.granularity == 1 / 300


def test_rounding_is_half_up_and_its_error_is_told():
    knob = register([10, 1000])
    np.testing.assert_array_equal(knob.integers(1.25), [13, 1250])
    np.testing.assert_allclose(knob.scales(1.25), [1.3, 1.25])
    assert knob.error(1.25) == pytest.approx(0.04)
    assert knob.error(1.5) == 0


def test_readout_is_scaled_on_demand():
    plain, both = register([10, 20]), register([10, 20], readout=True)
    assert plain.apply(2.0).threshold_out[0] == 7
    assert both.apply(2.0).threshold_out[0] == 14
    assert both.step == 1
    assert plain.step == Fraction(1, 10)


@given(st.lists(st.integers(1, 32767), min_size=1, max_size=6), st.floats(1e-4, 1e4), st.booleans())
def test_every_scale_fits_or_is_refused_and_limits_are_sharp(thresholds, scale, readout):
    knob = register(thresholds, readout=readout)
    low, high = knob.limits
    if low <= scale <= high:
        values = knob.integers(scale)
        assert values.min() >= 1
        assert values.max() <= 32767
        assert np.abs(values - knob.registers * scale).max() <= 0.5 + 1e-9 * values.max()
        assert knob.apply(scale).weights_in is not None
    elif scale < low * (1 - 1e-9) or scale > high * (1 + 1e-9):
        with pytest.raises(InputError, match="beyond the register"):
            knob.apply(scale)
    for limit in knob.limits:
        knob.integers(limit)


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=4), st.integers(1, 15))
def test_expressible_scales_are_met_without_error(thresholds, k):
    knob = register(thresholds)
    scale = k * knob.step
    if knob.limits[0] <= scale <= knob.limits[1]:
        assert knob.expresses(scale)
        assert (knob.integers(float(scale)) == [t * scale for t in knob.registers]).all()


def test_refusals_name_the_neuron(rng):
    knob = ThresholdRegister(nets.spec(rng, layers=(8, 4)))
    with pytest.raises(InputError, match=r"threshold\[\d+\] \(layer \d, neuron \d\) .* scale up"):
        knob.apply(1000)
    with pytest.raises(InputError, match=r"to 0, beyond .* at least"):
        knob.apply(1e-6)
    for bad in (0, -1, float("nan"), float("inf"), "x", None, True):
        with pytest.raises(InputError, match="threshold scale"):
            knob.apply(bad)
