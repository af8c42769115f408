import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import data
from neurosim.data import corrupt, partners, seglearn
from neurosim.errors import InputError


@pytest.fixture(scope="module")
def recordings():
    return seglearn.load()


@pytest.fixture
def signal(rng):
    return rng.standard_normal((500, 6))


@pytest.mark.parametrize("kind", corrupt.SIGNALS)
def test_no_severity_changes_nothing_and_some_does(signal, kind):
    np.testing.assert_allclose(corrupt.SIGNALS[kind](signal, 0.0, 1), signal, rtol=0, atol=1e-12)
    found = corrupt.SIGNALS[kind](signal, 0.5, 1)
    assert found.shape == signal.shape
    assert np.abs(found - signal).max() > 1e-3
    np.testing.assert_array_equal(corrupt.SIGNALS[kind](signal, 0.5, 1), found)
    assert not np.array_equal(corrupt.SIGNALS[kind](signal, 0.5, 2), found)


@given(angle=st.floats(0, 180), seed=st.integers(0, 99))
def test_rotation_keeps_lengths_and_turns_by_the_angle(angle, seed):
    signal = np.random.default_rng(seed).standard_normal((40, 6))
    found = corrupt.rotation(signal, angle, seed)
    for axes in (slice(0, 3), slice(3, 6)):
        a, b = signal[:, axes], found[:, axes]
        np.testing.assert_allclose(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1), rtol=1e-12)
    turn = np.linalg.lstsq(signal[:, :3], found[:, :3], rcond=None)[0]
    np.testing.assert_allclose(np.trace(turn), 1 + 2 * np.cos(np.radians(angle)), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_each_kind_does_what_it_says(signal):
    assert np.std(corrupt.noise(signal, 0.3, 0) - signal) == pytest.approx(0.3, rel=0.05)
    factors = corrupt.gain(signal, 0.5, 0) / signal
    np.testing.assert_allclose(factors, np.repeat(factors[:1], 500, axis=0), rtol=1e-12)
    offset = corrupt.drift(signal, 0.5, 0) - signal
    np.testing.assert_allclose(offset[250], offset[-1] * 250 / 499, atol=1e-12)
    held = corrupt.dropped(signal, 0.3, 0)
    same = (held == signal).all(axis=1)
    assert 0.6 < same.mean() < 0.8
    lost = np.flatnonzero(~same)
    np.testing.assert_array_equal(held[lost], held[lost - 1])


def test_recordings_are_corrupted_each_for_itself_and_cached_apart(recordings):
    found = corrupt.recordings(recordings, "noise", 0.1, seed=3)
    assert found.digest != recordings.digest
    assert found.digest != corrupt.recordings(recordings, "noise", 0.1, seed=4).digest
    added = [f[:100] - s[:100] for f, s in zip(found.signals, recordings.signals, strict=True)]
    assert not np.allclose(added[0], added[1])
    np.testing.assert_array_equal(found.labels, recordings.labels)


@pytest.mark.parametrize(("kind", "severity"), [("noise", 0.2), ("rotation", 30.0), ("gain", 0.5)])
def test_images_stay_in_range(kind, severity):
    clean = data.digits().images[:50]
    found = corrupt.images(clean, kind, severity, 1)
    assert found.dtype == np.float32
    assert found.shape == clean.shape
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.abs(found - clean).mean() > 0.01
    np.testing.assert_allclose(corrupt.images(clean, kind, 0.0, 1), clean, atol=1e-6)


def test_bad_requests_are_refused(recordings, signal):
    for bad in (
        lambda: corrupt.recordings(recordings, "fog", 1.0),
        lambda: corrupt.recordings(recordings, "noise", -1.0),
        lambda: corrupt.dropped(signal, 1.5),
        lambda: corrupt.images(np.zeros((3, 1, 8, 8)), "fog", 1.0),
        lambda: corrupt.images(np.zeros((3, 8, 8)), "noise", 1.0),
        lambda: partners.of_side(recordings, 2),
        lambda: partners.without_classes(recordings, ["SWIM"]),
        lambda: partners.without_classes(recordings, recordings.classes),
        lambda: partners.images_without_classes(data.digits(), ["ten"]),
        lambda: partners.resized(np.zeros((2, 1, 8, 9)), 4),
    ):
        with pytest.raises(InputError):
            bad()


def test_held_out_classes_leave_a_relabelled_set(recordings):
    kept, out = partners.without_classes(recordings, ["PEN", "ROW"])
    assert kept.classes == ("ABD", "FEL", "IR", "ER", "TRAP")
    assert np.bincount(kept.labels).tolist() == [20] * 5
    assert out.classes == ("PEN", "ROW")
    assert len(kept) + len(out) == len(recordings)
    rows = np.flatnonzero(np.isin(recordings.labels, [1, 2, 3, 4, 5]))
    assert all(kept.signals[k] is recordings.signals[row] for k, row in enumerate(rows))
    assert kept.digest != recordings.digest


def test_held_out_digits_are_in_no_part():
    digits = data.digits()
    kept, out = partners.images_without_classes(digits, ["0", "7"])
    assert len(kept.classes) == 8
    assert len(kept) == np.isin(digits.labels, [0, 7], invert=True).sum()
    assert len(out) == np.isin(digits.labels[digits.test], [0, 7]).sum()
    images, labels = kept.part("test")
    original = digits.images[digits.test]
    others = ~np.isin(digits.labels[digits.test], [0, 7])
    np.testing.assert_array_equal(images, original[others])
    names = np.array(kept.classes)[labels]
    np.testing.assert_array_equal(names, digits.labels[digits.test][others].astype(str))


def test_sides_part_the_recordings(recordings):
    left, right = partners.of_side(recordings, 0), partners.of_side(recordings, 1)
    assert len(left) == len(right) == 70
    assert set(left.sides) == {0}


@pytest.mark.parametrize("size", [4, 8, 14, 16, 28])
def test_resized_images_keep_mean_and_constants(size):
    images = data.digits().images[:20]
    found = partners.resized(images, size)
    assert found.shape == (20, 1, size, size)
    # Areas are kept exactly when shrinking, up to the border when growing.
    tolerance = 1e-6 if size <= 8 else 0.03
    np.testing.assert_allclose(found.mean(), images.mean(), atol=tolerance)
    np.testing.assert_allclose(partners.resized(np.ones((1, 1, 8, 8)), size), 1, rtol=1e-6)
    if size == 4:
        np.testing.assert_allclose(
            found[:, 0, 0, 0], images[:, 0, :2, :2].mean(axis=(1, 2)), atol=1e-6
        )
