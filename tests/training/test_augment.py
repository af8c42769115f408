"""Random gains of training windows."""

import numpy as np

from neurosim.data import FrontEnd
from neurosim.data.imu_encoders import MAX_EVENTS
from neurosim.training.imu_task import BANDS, random_gain

EVENTS = np.full((400, 200, 2 * BANDS), 3, np.uint8)


def test_zero_spread_changes_and_draws_nothing(rng):
    before = rng.bit_generator.state
    assert np.array_equal(random_gain(EVENTS, (0, 0, 0), rng), EVENTS)
    assert rng.bit_generator.state == before


def test_counts_are_whole_and_saturate(rng):
    counts = random_gain(EVENTS, (1.0, 0.5, 0.5), rng)
    assert counts.dtype == np.float32
    assert np.array_equal(counts, np.floor(counts))
    assert counts.min() == 0
    assert counts.max() == MAX_EVENTS


def test_silence_stays_silent(rng):
    assert not random_gain(0 * EVENTS, (1.0, 1.0, 1.0), rng).any()


def test_gains_have_the_stated_spread_where_they_are_shared(rng):
    """Log gains of one channel vary by all three spreads together, means over time keep gains."""
    spread = np.array([0.2, 0.15, 0.1])
    gain = np.log(random_gain(EVENTS, tuple(spread), rng).mean(axis=1) / 3)
    # 400 windows: 4 standard errors of a correlation or a standard deviation are under 0.2.
    np.testing.assert_allclose(gain.std(axis=0), np.hypot.reduce(spread), rtol=0.2)
    correlation = np.corrcoef(gain.T)
    variance = spread**2 / (spread**2).sum()
    assert abs(correlation[0, 1] - variance[:2].sum()) < 0.2
    assert abs(correlation[0, BANDS] - variance[0]) < 0.2


def test_channels_need_not_fill_the_last_axis(rng):
    assert random_gain(EVENTS[:, :, : BANDS + 2], (0.1, 0.1, 0.1), rng).shape[2] == BANDS + 2


def test_gravity_is_as_strong_for_everybody(rng):
    """Bands 0, 1, 3 of each axis, then six channels of gravity, which no gain moves."""
    axes = FrontEnd(0.1, channels="both").band_axes
    counts = random_gain(EVENTS[:, :, :15], (0, 0.5, 0), rng, axes)
    assert np.array_equal(counts[:, :, 9:], EVENTS[:, :, 9:15])
    correlation = np.corrcoef(counts[:, :, :9].mean(axis=1).T)
    same_axis = np.equal.outer(axes, axes)
    # 400 windows: rounding of 200 steps leaves a correlation above 0.9, chance one below 0.25.
    assert correlation[same_axis].min() > 0.9
    assert np.abs(correlation[~same_axis]).max() < 0.25


def test_gravity_alone_has_no_gains(rng):
    assert np.array_equal(random_gain(EVENTS, (1, 1, 1), rng, ()), EVENTS)
