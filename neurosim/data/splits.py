"""Splits by subject: nobody's movements are in two parts.

Windows of one person resemble each other far more than those of another, so a random split would
flatter every classifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError
from neurosim.indices import whole

PARTS = ("train", "validation", "test")

_DRAWS = 200


@dataclass(frozen=True)
class Split:
    """Subjects to train on, to choose settings with, and to report; no one is in two parts."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        part_of: dict[int, str] = {}
        for part in PARTS:
            subjects = tuple(sorted({whole(part, s) for s in getattr(self, part)}))
            for subject in subjects:
                if subject in part_of:
                    raise InputError(
                        f"subject {subject} is in {part_of[subject]} and in {part}; "
                        "give every subject to one part only"
                    )
                part_of[subject] = part
            object.__setattr__(self, part, subjects)
        if not self.train:
            raise InputError("no subject is left to train on; name fewer for validation and test")

    def mask(self, part: str, subjects: np.ndarray) -> np.ndarray:
        """Return a boolean array: which entries of `subjects` belong to the part."""
        if part not in PARTS:
            raise InputError(f"part {part!r} is not known; choose one of {PARTS}")
        return np.isin(subjects, getattr(self, part))


def by_subject(
    subjects: Iterable[int], *, test: Iterable[int], validation: Iterable[int] = ()
) -> Split:
    """Return a split that trains on all subjects not named.

    Args:
        subjects: the subject of each recording, or each subject once.
        test: subjects to report on.
        validation: subjects to choose settings with.

    Raises:
        InputError: a named subject has no recordings, is named in both parts, or none is left.
    """
    present = {whole("subjects", s) for s in subjects}
    test = {whole("test", s) for s in test}
    validation = {whole("validation", s) for s in validation}
    absent = sorted((test | validation) - present)
    if absent:
        raise InputError(f"subject {absent[0]} has no recordings; there are {sorted(present)}")
    return Split(tuple(present - test - validation), tuple(validation), tuple(test))


def at_random(
    subjects: Iterable[int], *, test: int, validation: int = 0, seed: int | np.random.Generator
) -> Split:
    """Return a split with that many subjects, chosen at random, for test and validation.

    Raises:
        InputError: more subjects are asked for than leave one to train on, or fewer than none.
    """
    present = sorted({whole("subjects", s) for s in subjects})
    if min(test, validation) < 0 or test + validation >= len(present):
        raise InputError(
            f"{test} test and {validation} validation subjects of {len(present)}: "
            "both must be >= 0 and leave at least one to train on"
        )
    drawn = np.random.default_rng(seed).permutation(present).tolist()
    return by_subject(present, test=drawn[:test], validation=drawn[test : test + validation])


def by_share(
    subjects: Sequence[int] | np.ndarray,
    labels: Sequence[int] | np.ndarray,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
) -> Split:
    """Return a split with shares of three or more subjects, each class in each part if possible.

    Of _DRAWS random splits it is the first in which the fewest (class, part) pairs are missing.

    Args:
        subjects: (recordings,) the subject of each.
        labels: (recordings,) its class.
        validation: share of the subjects to choose settings with; at least one.
        test: share of the subjects to report on; at least one.
        seed: of the draws.

    Raises:
        InputError: there are fewer than three subjects, or the shares leave none to train on.
    """
    subjects, labels = np.asarray(subjects), np.asarray(labels)
    present = np.unique(subjects)
    if len(present) < 3:
        raise InputError(f"{len(present)} subjects are too few for three parts; three are needed")
    sizes = {"validation": validation, "test": test}
    counts = {part: max(1, round(share * len(present))) for part, share in sizes.items()}
    rng = np.random.default_rng(seed)
    splits = [at_random(present, **counts, seed=rng) for _ in range(_DRAWS)]

    def missing(split: Split) -> int:
        shown = [np.unique(labels[split.mask(part, subjects)]) for part in PARTS]
        return -sum(map(len, shown))

    return min(splits, key=missing)
