"""Student's confidence interval of a mean: the only one of the project."""

from __future__ import annotations

import warnings

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers

LEVEL = 0.95
"""Of confidence."""


def student(
    values: Numbers, axis: int = -1, level: float = LEVEL
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean of independent values, and the lower and upper end of its interval.

    Args:
        values: (..., n, ...) of any unit; nan are left out.
        axis: along which values are independent.
        level: of confidence.

    Returns:
        Three arrays without that axis: the ends are nan where fewer than two values are left, the
        mean where none is.
    """
    from scipy import stats

    values = np.asarray(values, dtype=np.float64)
    count = np.sum(~np.isnan(values), axis=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of too few values, as the docstring says
        mean = np.nanmean(values, axis=axis)
        error = np.nanstd(values, axis=axis, ddof=1) / np.sqrt(count)
        low, high = stats.t.interval(level, count - 1)
    return np.asarray(mean), np.asarray(mean + low * error), np.asarray(mean + high * error)
