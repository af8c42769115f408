import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import data
from neurosim.data import encode
from neurosim.errors import InputError


@pytest.fixture(scope="module")
def images():
    return data.digits().images[:40]


def test_direct_repeats_the_image(images):
    current = encode.direct(images, 5)
    assert current.shape == (40, 5, 1, 8, 8)
    assert current.dtype == np.float32
    np.testing.assert_array_equal(current[:, 3], images)


def test_poisson_spikes_at_the_rate_of_the_intensity(images, rng):
    spikes = encode.poisson(images, 400, rng, rate=0.5)
    assert spikes.dtype == np.uint8
    assert spikes.max() == 1
    # Binomial: 5 standard errors of the mean of 400 draws at p <= 0.5.
    np.testing.assert_allclose(spikes.mean(axis=1), images / 2, atol=5 * 0.5 / 20)
    assert not spikes[:, :, images[0] == 0][0].any()
    np.testing.assert_array_equal(encode.poisson(images, 9, 3), encode.poisson(images, 9, 3))


@given(steps=st.integers(1, 12), value=st.floats(0, 1, width=32))
def test_latency_is_one_spike_the_earlier_the_brighter(steps, value):
    image = np.array([value, 1, 0], np.float32).reshape(1, 1, 1, 3)
    spikes = encode.latency(image, steps)[0, :, 0, 0]
    assert spikes.sum(axis=0).tolist() == [int(value > 0), 1, 0]
    assert spikes[0, 1] == 1
    if value > 0:
        assert abs(spikes[:, 0].argmax() - (1 - value) * (steps - 1)) <= 0.5 + 1e-6


def test_events_of_a_moving_edge_are_where_and_what_they_should_be():
    # A bright half plane on a circle of 2 pixels: it comes by 4 columns and goes again.
    image = np.zeros((1, 1, 16, 16), np.float32)
    image[..., 8:] = 1
    found = encode.events(image, 40, 0, radius=2.0, threshold=0.2)
    assert found.shape == (1, 40, 2, 16, 16)
    inner = found[0, :, :, 4:12, 4:12].sum(axis=0)
    assert inner[0].any()
    assert inner[1].any()
    columns = np.flatnonzero(inner.sum(axis=(0, 1))) + 4
    assert columns.min() >= 5
    assert columns.max() <= 10
    # After a full turn every pixel is back: its ON and OFF events differ by at most the one that
    # the dead zone of the threshold leaves open.
    total = found[0].astype(int).sum(axis=0)
    assert np.abs(total[0] - total[1]).max() <= 1


def test_event_counts_follow_the_change_of_log_intensity(images):
    coarse = encode.events(images, 10, 1, threshold=0.4)
    fine = encode.events(images, 10, 1, threshold=0.1)
    assert coarse.any()
    ratio = fine.sum(dtype=int) / coarse.sum(dtype=int)
    assert 4 < ratio < 6  # four times as many levels, and smaller changes seen at all
    assert not encode.events(np.ones_like(images), 10, 1, radius=0.0).any()
    assert encode.events(images[:2], 1, 1, threshold=1e-3).max() == 255  # and no overflow


def test_events_are_seeded_and_see_the_luminance_of_colours(images):
    colour = np.repeat(images, 3, axis=1)
    grey = encode.events(images, 6, 5)
    # The three weights sum to 1 but for rounding, which moves a rare event by one.
    assert (encode.events(colour, 6, 5) == grey).mean() > 0.99
    np.testing.assert_array_equal(encode.events(images, 6, 5), grey)
    assert not np.array_equal(encode.events(images, 6, 6), grey)


@pytest.mark.parametrize("name", ["direct", "poisson", "latency", "events"])
@pytest.mark.parametrize(
    ("bad", "steps", "says"),
    [
        (np.zeros((3, 8, 8)), 4, "n, channels"),
        (np.full((3, 1, 8, 8), 255.0), 4, "lie in"),
        (np.full((3, 1, 8, 8), np.nan), 4, "lie in"),
        (np.zeros((3, 1, 8, 8)), 0, "steps is 0"),
        (np.zeros((3, 1, 8, 8)), 1.5, "steps is 1.5"),
    ],
)
def test_bad_images_are_refused(name, bad, steps, says):
    rest = () if name in ("direct", "latency") else (0,)
    with pytest.raises(InputError, match=says):
        getattr(encode, name)(bad, steps, *rest)


def test_bad_settings_are_refused(images):
    with pytest.raises(InputError, match="probability"):
        encode.poisson(images, 4, 0, rate=1.5)
    with pytest.raises(InputError, match="threshold"):
        encode.events(images, 4, 0, threshold=0.0)
