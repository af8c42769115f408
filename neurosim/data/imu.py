"""The IMU front end of Xylo: acceleration in, event counts of 3 x 5 frequency bands out.

Quantise to 16 bits -> optional rotation removal -> band-pass filters -> event encoder, at 200 Hz.
Bit for bit what rockpool 3.1 computes sample by sample (`devices.xylo.syns63300.imuif`), each
sample from a fresh state, some hundred times faster. Two habits of rockpool's modules differ:
`FilterBank` filters the time-reversed signal first, here only with `reversed_prefix=True`; and
`RotationRemoval` carries its state into the next sample and call, here never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from neurosim.data.imu_encoders import iaf_events, scale_events
from neurosim.data.imu_filters import BANDS_HZ, RATE_HZ, band_pass, taps
from neurosim.data.imu_rotation import Axes, remove_rotation
from neurosim.errors import InputError, shown

__all__ = ["BANDS_HZ", "CHANNELS", "RATE_HZ", "FrontEnd", "encode", "quantise"]

CHANNELS = 3 * len(BANDS_HZ)
"""Channel = 5 * axis + band: 0-4 x, 5-9 y, 10-14 z."""

ENCODERS = ("scale", "IAF")

_FULL_SCALE = 2**15


@dataclass(frozen=True)
class FrontEnd:
    """All settings of the front end: recorded with a run, and part of what is deployed."""

    scale: float
    """What 1 g becomes, in units of the 16-bit full scale."""
    encoder: str = "scale"
    """"scale": min(|y| >> shift, 15) events a step; "IAF": integrate and fire, at most one."""
    rotation_removal: bool = False
    """Turn the signal into its principal axes first (halves the amplitude)."""
    reversed_prefix: bool = False
    """Rockpool's simulation: filter the time-reversed signal first. Not causal, not on the chip."""
    shift: int = 5
    """Low bits dropped by the "scale" encoder, 0..31."""
    threshold: int = 1024
    """Threshold of the "IAF" encoder, 1..2^31 - 1."""
    averaging_shift: int = 4
    """Rotation removal averages the covariance over 2^averaging_shift steps, 0..31."""
    hold: int = 10
    """Steps between updates of the rotation, 1..2047."""

    def __post_init__(self) -> None:
        if not (_is_number(self.scale) and np.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"FrontEnd.scale is {self.scale!r}; it must be positive, e.g. 0.1")
        object.__setattr__(self, "scale", float(self.scale))
        if self.encoder not in ENCODERS:
            raise InputError(
                f"FrontEnd.encoder {self.encoder!r} is not known; choose one of {ENCODERS}"
            )
        for name, low, high in (
            ("shift", 0, 31),
            ("threshold", 1, 2**31 - 1),
            ("averaging_shift", 0, 31),
            ("hold", 1, 2047),
        ):
            value = getattr(self, name)
            if not (_is_number(value) and low <= value <= high and int(value) == value):
                raise InputError(
                    f"FrontEnd.{name} is {shown(value, form=repr)}; it is a whole number "
                    f"{low}..{high}"
                )
            object.__setattr__(self, name, int(value))
        for name in ("rotation_removal", "reversed_prefix"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"FrontEnd.{name} is {getattr(self, name)!r}; say True or False")

    def quantise(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the 16-bit signal; see the function `quantise`."""
        return quantise(acceleration, self.scale)

    def filter(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the filter outputs.

        Args:
            acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).

        Returns:
            (samples, time, 15) int32, or (time, 15).

        Raises:
            InputError: wrong shape, a value that is not finite, or more than 16 bits.
        """
        signal = self.quantise(acceleration)
        batch = signal if signal.ndim == 3 else signal[None]
        if self.rotation_removal:
            batch = remove_rotation(batch, self.averaging_shift, self.hold)
        bands = band_pass(batch, taps(), self.reversed_prefix)
        return bands if signal.ndim == 3 else bands[0]

    def encode(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the event counts.

        Args:
            acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).

        Returns:
            (samples, time, 15) uint8, or (time, 15).

        Raises:
            InputError: wrong shape, a value that is not finite, or more than 16 bits.
        """
        bands = self.filter(acceleration)
        batch = bands if bands.ndim == 3 else bands[None]
        if self.encoder == "scale":
            events = scale_events(batch, self.shift)
        else:
            events = iaf_events(batch, self.threshold)
        return events if bands.ndim == 3 else events[0]

    def stream(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Encode one recording that comes piece by piece, to the bits that it gives as a whole.

        Args:
            chunks: (steps, 3) accelerations in g at 200 Hz, any number of steps each, in the order
                of the recording; an iterable that need not end.

        Yields:
            (steps, 15) uint8 event counts of each chunk. Filters, axes and encoder keep a few
            hundred bytes from chunk to chunk, however long the recording.

        Raises:
            InputError: `reversed_prefix` is set, which filters a recording from its end; or a chunk
                is not what `encode` takes.
        """
        if self.reversed_prefix:
            raise InputError(
                "FrontEnd.stream: reversed_prefix filters the whole recording from its end first; "
                "set it to False to encode as the chip does"
            )
        registers = np.zeros((1, CHANNELS, 2), np.int64)
        remainder = np.zeros((1, CHANNELS), np.int64)
        axes = Axes.fresh(1)
        for number, chunk in enumerate(chunks):
            if np.ndim(chunk) != 2:
                raise InputError(f"chunk {number} has shape {np.shape(chunk)}; give (steps, 3)")
            try:
                signal = self.quantise(chunk)[None]
            except InputError as error:
                raise InputError(f"chunk {number}: {error}") from error
            if self.rotation_removal:
                signal = remove_rotation(signal, self.averaging_shift, self.hold, axes)
            bands = band_pass(signal, taps(), False, registers)
            if self.encoder == "scale":
                yield scale_events(bands, self.shift)[0]
            else:
                yield iaf_events(bands, self.threshold, remainder)[0]

    @property
    def dt(self) -> float:
        """Length of a time step in seconds."""
        return 1 / RATE_HZ

    @property
    def saturation_level(self) -> int:
        """Magnitude |y| of a filter output from which the encoder cannot tell it from a larger."""
        return 16 << self.shift if self.encoder == "scale" else self.threshold

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> FrontEnd:
        """Read what `to_dict` gave.

        Raises:
            InputError: an unknown or missing setting, or a value out of range.
        """
        if not isinstance(settings, Mapping):
            raise InputError(f"front end settings are {settings!r}; give names and values")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown or "scale" not in settings:
            what = f"{unknown[0]!r} is not known" if unknown else "'scale' is missing"
            raise InputError(f"front end setting {what}; the settings are {sorted(known)}")
        return cls(**settings)


def encode(acceleration: np.ndarray, *, scale: float, **settings: Any) -> np.ndarray:
    """Return the event counts of an acceleration signal; `FrontEnd` names the settings.

    Args:
        acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).
        scale: what 1 g becomes, in units of the 16-bit full scale.
        **settings: encoder="scale" | "IAF", rotation_removal, reversed_prefix and the registers.

    Returns:
        (samples, time, 15) uint8, or (time, 15).

    Raises:
        InputError: a setting is unknown or out of range; wrong shape, a value that is not finite,
            or a signal that does not fit 16 bits.
    """
    return FrontEnd.from_dict({"scale": scale, **settings}).encode(acceleration)


def quantise(acceleration: np.ndarray, scale: float) -> np.ndarray:
    """Return int(scale * acceleration * 2^15), cut towards zero, magnitudes below 2^15.

    Args:
        acceleration: (samples, time, 3) in g, or (time, 3).
        scale: what 1 g becomes, in units of the 16-bit full scale.

    Returns:
        int64 array of the same shape.

    Raises:
        InputError: wrong shape, a value that is not finite, or more than 16 bits: the chip's
            registers would wrap.
    """
    signal = np.asarray(acceleration)
    if signal.ndim not in (2, 3) or signal.shape[-1] != 3:
        raise InputError(
            f"acceleration has shape {signal.shape}; it needs (samples, time, 3) or (time, 3): "
            "pass the three accelerometer axes only"
        )
    if not (np.issubdtype(signal.dtype, np.floating) or np.issubdtype(signal.dtype, np.integer)):
        raise InputError(f"acceleration has dtype {signal.dtype}; give real numbers in g")
    counts = np.trunc(scale * signal.astype(np.float64) * _FULL_SCALE)
    if not np.isfinite(counts).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(counts))[0])
        raise InputError(
            f"acceleration{list(where)} is {signal[where]}; every value must be finite: "
            "interpolate gaps first"
        )
    if counts.size and np.abs(counts).max() >= _FULL_SCALE:
        flat = int(np.abs(counts).argmax())
        where = tuple(int(i) for i in np.unravel_index(flat, counts.shape))
        value = float(signal[where])
        largest = np.floor((_FULL_SCALE - 1) / _FULL_SCALE / abs(value) * 1e4) / 1e4
        raise InputError(
            f"acceleration{list(where)} (axis {'xyz'[where[-1]]}) is "
            f"{value:g} g, which overflows 16 bits at scale {scale:g}; use a scale <= {largest:g}"
        )
    return counts.astype(np.int64)


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and abs(value) < 2**63  # Python's whole numbers have no end, numpy's do
