"""Rasters of event counts, (samples, time, channels): what every engine and net reads."""

from __future__ import annotations

import numpy as np

from neurosim.errors import InputError


def as_samples(raster: np.ndarray) -> np.ndarray:
    """Return a raster as an array of samples.

    Raises:
        InputError: rows are unequal, or an axis is missing.
    """
    try:
        raster = np.asarray(raster)
    except ValueError as error:
        raise InputError(f"raster is ragged ({error}); it needs equal rows") from error
    if raster.ndim < 3:
        raise InputError(
            f"raster has shape {raster.shape}; it needs (samples, time, channels): "
            "add a leading axis for a single sample"
        )
    return raster


def check_raster(raster: np.ndarray, channels: int) -> np.ndarray:
    """Return the raster as contiguous uint8 (samples, time, channels).

    Raises:
        InputError: wrong dimensions or channels, no samples or steps, or values that are no counts
            in 0..255.
    """
    raster = as_samples(raster)
    if raster.ndim != 3:
        raise InputError(f"raster has shape {raster.shape}; it needs (samples, time, channels)")
    if raster.shape[2] != channels:
        raise InputError(
            f"raster has {raster.shape[2]} channels, the model reads {channels}: "
            "encode the signal with the model's own front end"
        )
    if 0 in raster.shape:
        raise InputError(f"raster has shape {raster.shape}: nothing to run")
    if raster.dtype == bool:
        return np.ascontiguousarray(raster, dtype=np.uint8)
    if raster.dtype.kind not in "iu":
        raise InputError(_not_counts(raster))
    low, high = int(raster.min()), int(raster.max())
    if low < 0 or high > 255:
        value = low if low < 0 else high
        where = tuple(int(i[0]) for i in np.nonzero(raster == value))
        raise InputError(
            f"raster holds {value} at (sample, time, channel) = {where}; event counts of a step "
            "lie in 0..255 (the chip reads at most 15)"
        )
    return np.ascontiguousarray(raster, dtype=np.uint8)


def _not_counts(raster: np.ndarray) -> str:
    """Return why a raster that holds no integers is refused."""
    fault = f"has dtype {raster.dtype}"
    if np.issubdtype(raster.dtype, np.floating):
        odd = ~np.isfinite(raster) | (raster != np.floor(raster)) | (raster < 0)
        if odd.any():
            where = tuple(int(i[0]) for i in np.nonzero(odd))
            fault += f" and holds {raster[where]} at (sample, time, channel) = {where}"
    return f"raster {fault}; events are counted: give integers 0..255, e.g. raster.astype('uint8')"
