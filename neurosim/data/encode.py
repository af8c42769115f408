"""Images as sequences: direct current, Poisson spikes, spike latency, synthetic events.

Every encoder takes images (n, channels, height, width) in [0, 1] and a number of steps T and
returns (n, T, channels, height, width). The encoder of inertial sensors is `neurosim.data.imu`.
"""

from __future__ import annotations

import numpy as np

from neurosim.compiled import compiled
from neurosim.errors import InputError

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in what an event camera sees (ITU-R BT.601)."""


def direct(images: np.ndarray, steps: int) -> np.ndarray:
    """Return the image as a constant current at every step, float32.

    Raises:
        InputError: images of the wrong shape or range, or less than one step.
    """
    images = _checked(images, steps)
    return np.repeat(images[:, None], steps, axis=1)


def poisson(
    images: np.ndarray, steps: int, rng: int | np.random.Generator, *, rate: float = 1.0
) -> np.ndarray:
    """Return random spikes, uint8: at each step one with probability rate * intensity.

    Args:
        images: (n, channels, height, width) in [0, 1].
        steps: T.
        rng: of the draws.
        rate: probability of a spike at full intensity, 0..1.

    Raises:
        InputError: images of the wrong shape or range, no step, or a rate beyond 0..1.
    """
    images = _checked(images, steps)
    if not 0 <= rate <= 1:
        raise InputError(f"rate is {rate}; it is a probability a step, 0..1")
    rng = np.random.default_rng(rng)
    probability = np.float32(rate) * images
    spikes = np.empty((len(images), steps, *images.shape[1:]), np.uint8)
    for t in range(steps):  # step by step, so that the random numbers need little memory
        spikes[:, t] = rng.random(images.shape, dtype=np.float32) < probability
    return spikes


def latency(images: np.ndarray, steps: int) -> np.ndarray:
    """Return at most one spike a pixel, uint8: step round((1 - intensity) (T - 1)); black: none.

    Raises:
        InputError: images of the wrong shape or range, or less than one step.
    """
    images = _checked(images, steps)
    first = np.floor((1 - images) * (steps - 1) + 0.5).astype(np.int64)
    when = np.arange(steps).reshape(1, steps, 1, 1, 1)
    return ((first[:, None] == when) & (images[:, None] > 0)).astype(np.uint8)


def events(
    images: np.ndarray,
    steps: int,
    rng: int | np.random.Generator,
    *,
    threshold: float = 0.2,
    radius: float = 1.5,
    turns: float = 1.0,
    substeps: int = 4,
    floor: float = 0.05,
) -> np.ndarray:
    """Return synthetic ON and OFF events of images that move on a circle before a fixed camera.

    Each pixel emits an event whenever log(intensity + floor) has moved by `threshold` from its
    level at the last event (the working principle of an event camera: Lichtsteiner et al. 2008,
    doi:10.1109/JSSC.2007.914337). Every image starts at its own angle and turns its own way. No
    camera recorded this: call results synthetic.

    Args:
        images: (n, channels, height, width) in [0, 1]; three channels are now by their luminance,
            any other number by their mean.
        steps: T; events of a step are counted.
        rng: of the starting angles and senses.
        threshold: change of log intensity that makes an event.
        radius: of the circle, in pixels; beyond its edge an image is black.
        turns: full circles in T steps.
        substeps: positions computed a step.
        floor: added to the intensity, so that black has a logarithm.

    Returns:
        (n, T, 2, height, width) uint8 counts, at most 255: channel 0 ON (brighter), 1 OFF (darker).

    Raises:
        InputError: images of the wrong shape or range, no step, or a setting out of range.
    """
    images = _checked(images, steps)
    for name, value in (("threshold", threshold), ("floor", floor), ("substeps", substeps)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; it must be positive")
    rng = np.random.default_rng(rng)
    weights = LUMINANCE if images.shape[1] == 3 else [1 / images.shape[1]] * images.shape[1]
    grey = np.einsum("nchw,c->nhw", images.astype(np.float64), np.array(weights))
    start = rng.uniform(0, 2 * np.pi, len(grey))
    sense = rng.choice((-1.0, 1.0), len(grey))
    turned = np.linspace(0, 2 * np.pi * turns, steps * int(substeps) + 1)
    angle = start[:, None] + sense[:, None] * turned
    path = radius * np.stack((np.sin(angle), np.cos(angle)), axis=2)
    return _differencing(grey, path, int(substeps), threshold, floor)


@compiled
def _at(image, y, x):  # pragma: no cover
    """Return an image's value between its pixels (bilinear), black outside."""
    row, column = int(np.floor(y)), int(np.floor(x))
    value = 0.0
    for i in range(row, row + 2):
        for j in range(column, column + 2):
            if 0 <= i < image.shape[0] and 0 <= j < image.shape[1]:
                value += image[i, j] * (1 - abs(y - i)) * (1 - abs(x - j))
    return value


@compiled
def _differencing(grey, path, substeps, threshold, floor):  # pragma: no cover
    """Count the events (n, T, 2, H, W) of images (n, H, W) along paths (n, substeps T + 1, 2)."""
    n, height, width = grey.shape
    steps = (path.shape[1] - 1) // substeps
    counts = np.zeros((n, steps, 2, height, width), np.uint8)
    for k in range(n):
        for i in range(height):
            for j in range(width):
                level = np.log(_at(grey[k], i - path[k, 0, 0], j - path[k, 0, 1]) + floor)
                for t in range(1, path.shape[1]):
                    now = np.log(_at(grey[k], i - path[k, t, 0], j - path[k, t, 1]) + floor)
                    moved = int((now - level) / threshold)  # towards zero
                    level += moved * threshold
                    step, off = (t - 1) // substeps, int(moved < 0)
                    total = counts[k, step, off, i, j] + abs(moved)
                    counts[k, step, off, i, j] = min(total, 255)
    return counts


def _checked(images: np.ndarray, steps: int) -> np.ndarray:
    """Return the images as float32."""
    images = np.asarray(images)
    if images.ndim != 4:
        raise InputError(f"images have shape {images.shape}; need (n, channels, height, width)")
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise InputError(
            f"images range over {images.min():.3g}..{images.max():.3g}; they must lie in [0, 1]"
        )
    if int(steps) != steps or steps < 1:
        raise InputError(f"steps is {steps}; give a whole number >= 1")
    return images.astype(np.float32, copy=False)
