"""Power laws of cost against size: exponents with 95 % intervals of Student's t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

COLUMNS = ("cost", "sizes", "ms", "exponent", "95 % interval", "last two sizes", "note")
"""Of a table of `Growth.row`."""


class Growth(NamedTuple):
    """A fitted exponent of cost against a size."""

    title: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float
    low: float
    high: float
    last: float
    """Exponent of the last two sizes alone."""
    note: str = ""

    def row(self) -> list[str]:
        """Return the cells of a table."""
        return [
            self.title,
            " ".join(map(str, self.sizes)),
            " ".join(f"{1e3 * value:.3g}" for value in self.seconds),
            f"{self.exponent:.2f}",
            f"{self.low:.2f} .. {self.high:.2f}",
            f"{self.last:.2f}",
            self.note,
        ]


def fitted(title: str, sizes: Sequence[int], seconds: Sequence[float]) -> Growth:
    """Fit a line through logarithms by least squares; the interval is that of its slope."""
    x, y = np.log(sizes), np.log(seconds)
    line = stats.linregress(x, y)
    half = stats.t.ppf(0.975, len(x) - 2) * line.stderr
    last, slope = float((y[-1] - y[-2]) / (x[-1] - x[-2])), float(line.slope)
    return Growth(title, tuple(sizes), tuple(seconds), slope, slope - half, slope + half, last)


def of_pairs(title: str, one: Sequence[float], two: Sequence[float]) -> Growth:
    """Return the mean exponent of sizes 1 and 2 that were measured in pairs, and its interval."""
    slopes = np.log2(np.divide(two, one))
    half = float(stats.t.ppf(0.975, len(slopes) - 1) * stats.sem(slopes))
    mean, medians = float(slopes.mean()), (float(np.median(one)), float(np.median(two)))
    return Growth(title, (1, 2), medians, mean, mean - half, mean + half, mean)
