import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.data import Split, at_random, by_subject
from neurosim.errors import InputError


@given(st.sets(st.integers(1, 99), min_size=3, max_size=12), st.integers(0, 2**32), st.data())
def test_subjects_never_overlap_and_all_are_used(subjects, seed, data):
    test = data.draw(st.integers(0, len(subjects) - 1))
    validation = data.draw(st.integers(0, len(subjects) - 1 - test))
    split = at_random(subjects, test=test, validation=validation, seed=seed)
    assert (len(split.test), len(split.validation)) == (test, validation)
    assert sorted(split.train + split.validation + split.test) == sorted(subjects)
    of_recordings = np.array(sorted(subjects) * 3)
    masks = [split.mask(part, of_recordings) for part in ("train", "validation", "test")]
    assert (np.sum(masks, axis=0) == 1).all()


@pytest.mark.parametrize("test", [[1.7], [True, False], ["1"]])
def test_subjects_are_whole_numbers(test):
    with pytest.raises(InputError, match="test is"):
        by_subject([1, 2, 3], test=test)
    with pytest.raises(InputError, match="test is"):
        Split((2, 3), (), tuple(test))


def test_a_random_split_is_repeated_by_its_seed():
    drawn = {
        at_random(range(10), test=3, validation=1, seed=seed) for seed in [*range(8), *range(8)]
    }
    assert 2 <= len(drawn) <= 8


def test_subjects_that_are_not_named_train():
    split = by_subject([4, 1, 2, 2, 3], test=[1], validation=[3])
    assert split == Split(train=(2, 4), validation=(3,), test=(1,))


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: by_subject([1, 2, 3], test=[1, 2], validation=[2]), "subject 2 is in validation"),
        (
            lambda: Split(train=(1, 2), validation=(), test=(2,)),
            "subject 2 is in train and in test",
        ),
        (lambda: by_subject([1, 2], test=[3]), "subject 3 has no recordings"),
        (lambda: by_subject([1, 2], test=[1, 2]), "left to train"),
        (lambda: at_random([1, 2, 3], test=2, validation=1, seed=0), "at least one to train"),
        (lambda: at_random([1, 2, 3], test=-1, seed=0), ">= 0"),
        (lambda: Split((1,), (), ()).mask("dev", np.arange(3)), "'dev' is not known"),
    ],
)
def test_overlap_and_absent_subjects_are_refused(ask, says):
    with pytest.raises(InputError, match=says):
        ask()
