"""The IMU front end of Xylo: acceleration in, event counts of 3 x 5 frequency bands out.

Channels that say which way is down can stand beside the bands or in their place (`imu_gravity`):
those no front end of the chip makes, but a microcontroller beside it.

Quantise to 16 bits -> optional rotation removal -> band-pass filters -> event encoder, at 200 Hz.
Bit for bit what rockpool 3.1 computes sample by sample (`devices.xylo.syns63300.imuif`), each
sample from a fresh state, some hundred times faster. Two habits of rockpool's modules differ:
`FilterBank` filters the time-reversed signal first, here only with `reversed_prefix=True`; and
`RotationRemoval` carries its state into the next sample and call, here never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from neurosim.data import imu_gravity
from neurosim.data.imu_encoders import iaf_events, scale_events
from neurosim.data.imu_filters import BANDS_HZ, RATE_HZ, band_pass, taps
from neurosim.data.imu_quantise import quantise
from neurosim.data.imu_rotation import Axes, remove_rotation
from neurosim.errors import InputError, shown

__all__ = ["BANDS_HZ", "CHANNELS", "RATE_HZ", "FrontEnd", "encode", "quantise"]

CHANNELS = 3 * len(BANDS_HZ)
"""Of the chip's front end. Channel = 5 * axis + band: 0-4 x, 5-9 y, 10-14 z."""

ENCODERS = ("scale", "IAF")
KINDS = ("bands", "gravity", "both")


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
    channels: str = "bands"
    """"bands": 5 of each axis, as the chip's own front end makes them, blind to what stands still;
    "gravity": 6, the direction of gravity in steps of g/8 (`imu_gravity`), which a microcontroller
    beside the chip must make; "both": `bands` of each axis, then these 6."""
    bands: tuple[int, ...] = (0, 1, 3)
    """Which of BANDS_HZ stand beside gravity with channels="both": 15 inputs of the chip's 16."""

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
        self._check_channels()

    def _check_channels(self) -> None:
        if self.channels not in KINDS:
            raise InputError(
                f"FrontEnd.channels {shown(self.channels, form=repr)} is not known; choose one of "
                f"{KINDS}"
            )
        if self.channels != "bands" and self.reversed_prefix:
            raise InputError(
                "FrontEnd.reversed_prefix is a habit of rockpool's simulation, which has no "
                f"gravity: set it to False with channels={self.channels!r}"
            )
        known = range(len(BANDS_HZ))
        bands = tuple(self.bands) if isinstance(self.bands, list | tuple) else ()
        if not (bands and all(type(k) is int and k in known for k in bands)) or any(
            later <= earlier for earlier, later in pairwise(bands)
        ):
            raise InputError(
                f"FrontEnd.bands is {shown(self.bands, form=repr)}; name bands of 0..{known[-1]} "
                "in rising order, e.g. (0, 1, 3)"
            )
        object.__setattr__(self, "bands", bands)

    def quantise(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the 16-bit signal; see the function `quantise`."""
        return quantise(acceleration, self.scale)

    def filter(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the filter outputs.

        Args:
            acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).

        Returns:
            (samples, time, 15) int32, or (time, 15): axis by axis its bands, none of gravity.

        Raises:
            InputError: wrong shape, a value that is not finite, or more than 16 bits.
        """
        signal = self.quantise(acceleration)
        batch = signal if signal.ndim == 3 else signal[None]
        bands = self._filter(batch, _State.fresh(len(batch), len(self.band_axes)))
        return bands if signal.ndim == 3 else bands[0]

    def encode(self, acceleration: np.ndarray) -> np.ndarray:
        """Return the event counts.

        Args:
            acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).

        Returns:
            (samples, time, channels) uint8, or (time, channels): 15, or as `channel_names` says.

        Raises:
            InputError: wrong shape, a value that is not finite, or more than 16 bits.
        """
        signal = self.quantise(acceleration)
        batch = signal if signal.ndim == 3 else signal[None]
        events = self._encode(batch, _State.fresh(len(batch), len(self.band_axes)))
        return events if signal.ndim == 3 else events[0]

    def stream(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Encode one recording that comes piece by piece, to the bits that it gives as a whole.

        Args:
            chunks: (steps, 3) accelerations in g at 200 Hz, any number of steps each, in the order
                of the recording; an iterable that need not end.

        Yields:
            (steps, channels) uint8 event counts of each chunk. Filters, axes and encoder keep a few
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
        state = _State.fresh(1, len(self.band_axes))
        for number, chunk in enumerate(chunks):
            if np.ndim(chunk) != 2:
                raise InputError(f"chunk {number} has shape {np.shape(chunk)}; give (steps, 3)")
            try:
                signal = self.quantise(chunk)[None]
            except InputError as error:
                raise InputError(f"chunk {number}: {error}") from error
            yield self._encode(signal, state)[0]

    def _encode(self, signal: np.ndarray, state: _State) -> np.ndarray:
        """Return the events (samples, steps, channels) of a 16-bit signal; the state goes on."""
        parts = []
        if self.channels != "gravity":
            bands = self._filter(signal, state)
            if self.encoder == "scale":
                parts.append(scale_events(bands, self.shift))
            else:
                parts.append(iaf_events(bands, self.threshold, state.remainder))
        if self.channels != "bands":
            level = imu_gravity.level(self.scale)
            parts.append(imu_gravity.gravity_events(signal, level, state.gravity))
        return np.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]

    def _filter(self, signal: np.ndarray, state: _State) -> np.ndarray:
        """Return the bands (samples, steps, axes x bands) of a 16-bit signal; the state goes on."""
        if self.rotation_removal:
            signal = remove_rotation(signal, self.averaging_shift, self.hold, state.axes)
        rows = taps()[list(self._bands)]
        return band_pass(signal, rows, self.reversed_prefix, state.registers)

    @property
    def _bands(self) -> tuple[int, ...]:
        """Which bands each axis has."""
        all_bands = tuple(range(len(BANDS_HZ)))
        return {"bands": all_bands, "gravity": (), "both": self.bands}[self.channels]

    @property
    def band_axes(self) -> tuple[int, ...]:
        """The axis, 0..2, of each channel that is a band; channels of gravity come after them."""
        return tuple(axis for axis in range(3) for _ in self._bands)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel counts, such as "x 1-2 Hz" or "gravity +x"."""
        bands = [f"{a} {low:g}-{high:g} Hz" for a in "xyz" for low, high in self._bands_hz]
        gravity = [f"gravity {sign}{a}" for a in "xyz" for sign in "+-"]
        return (*bands, *(gravity if self.channels != "bands" else ()))

    @property
    def _bands_hz(self) -> list[tuple[float, float]]:
        return [BANDS_HZ[k] for k in self._bands]

    @property
    def dt(self) -> float:
        """Length of a time step in seconds."""
        return 1 / RATE_HZ

    @property
    def saturation_level(self) -> int:
        """Magnitude |y| of a filter output from which the encoder cannot tell it from a larger."""
        return 16 << self.shift if self.encoder == "scale" else self.threshold

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values; those of gravity only where there is any."""
        settings = asdict(self)
        if self.channels == "bands":
            del settings["channels"], settings["bands"]
        return settings

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


class _State(NamedTuple):
    """What filters and encoders remember from step to step, of each sample."""

    axes: Axes
    registers: np.ndarray
    remainder: np.ndarray
    gravity: np.ndarray

    @classmethod
    def fresh(cls, samples: int, bands: int) -> _State:
        """Return the state before the first step."""
        shapes = (samples, bands, 2), (samples, bands), (samples, 3)
        return cls(Axes.fresh(samples), *(np.zeros(shape, np.int64) for shape in shapes))


def encode(acceleration: np.ndarray, *, scale: float, **settings: Any) -> np.ndarray:
    """Return the event counts of an acceleration signal; `FrontEnd` names the settings.

    Args:
        acceleration: (samples, time, 3) in g at 200 Hz, or (time, 3).
        scale: what 1 g becomes, in units of the 16-bit full scale.
        **settings: encoder="scale" | "IAF", rotation_removal, reversed_prefix and the registers.

    Returns:
        (samples, time, channels) uint8, or (time, channels).

    Raises:
        InputError: a setting is unknown or out of range; wrong shape, a value that is not finite,
            or a signal that does not fit 16 bits.
    """
    return FrontEnd.from_dict({"scale": scale, **settings}).encode(acceleration)


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and abs(value) < 2**63  # Python's whole numbers have no end, numpy's do
