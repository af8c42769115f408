"""Units and rate of a user's recordings: what is given is checked, what is left out is measured.

A sensor at rest measures gravity. So the length of the acceleration in quiet moments says the
unit; a time column says the rate, and its own unit by the rates that sensors have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neurosim.data.tables import MAX_ROTATION, STANDARD_GRAVITY
from neurosim.errors import InputError, shown

PER_G = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "mg": 1000.0}
"""Length of gravity in units of acceleration; a number is a unit, too: so many are 1 g."""
PER_RAD_S = {"rad/s": 1.0, "deg/s": 180 / np.pi}

_AT_REST = 0.25
"""The resting length may differ so much from gravity's, relative to it: sensors are off by less,
and units by a factor of ten."""
_QUIET_S, _QUIET_SHARE = 0.5, 0.2
"""Length of the pieces that are looked at, and the share of them, the quietest, that is quiet."""
_PIECES = 20_000
"""At most so many are looked at, evenly spread."""
_RATES_HZ = (5.0, 2000.0)
"""Of sensors; time units are further apart than these, so that at most one fits."""
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SAME_RATE = 0.05
"""A rate that is given may differ so much from that of the time column, relative to it."""
GAP = 1.5
"""Sample intervals from which a step of the time column is a gap."""


class Units(NamedTuple):
    """What numbers are divided by, and how it is called."""

    name: str
    divisors: tuple[float, ...]
    """One for each column: then acceleration is in g, angular velocity in rad/s."""
    notes: tuple[str, ...]


class Timing(NamedTuple):
    """What a time column says."""

    rate_hz: float
    second: float
    """Seconds that a unit of the column lasts; 0: it counts nothing that tells gaps."""
    gap_s: float
    """A step longer than this is a gap."""
    notes: tuple[str, ...]


def units_of(
    signals: Sequence[np.ndarray], rate_hz: float, columns: Sequence[str], given: str | None
) -> Units:
    """Return the units of recordings.

    Args:
        signals: (time, columns) each, as they were read.
        rate_hz: of them.
        columns: their names, three or six.
        given: such as "g", "m/s2", "mg", "16384" (so many are 1 g), "g,deg/s"; None: measured.

    Raises:
        InputError: a unit is not known, contradicts the recordings, or must be given.
    """
    acceleration, _, rotation = (part.strip() for part in (given or "").partition(","))
    rest = resting_length([signal[:, :3] for signal in signals], rate_hz)
    if np.isnan(rest):
        raise InputError(
            f"no recording lasts {_QUIET_S:g} s: person, label or time change at almost every row; "
            "sort rows by person and time, or give other columns"
        )
    notes: tuple[str, ...] = ()
    if not acceleration:
        acceleration = _measured(rest)
        notes = (f"acceleration is in {acceleration}: its length at rest is {rest:.3g}",)
    per_g = _per_g(acceleration)
    likely = _likely(rest)
    if likely is not None and likely != acceleration and acceleration in PER_G:
        raise InputError(
            f"units {acceleration!r}: at rest the acceleration is {rest:.4g} long, as in {likely}; "
            f"give --units {likely}, or what 1 g is as a number"
        )
    if abs(rest / per_g - 1) > _AT_REST:
        notes += (
            f"at rest the acceleration is {rest / per_g:.2g} g long: gravity was taken out, or it "
            "never rests",
        )
    divisors: tuple[float, ...] = (per_g,) * 3
    if len(columns) == 6:
        divisors += (_per_rad_s(rotation, signals, columns),) * 3
    elif rotation:
        raise InputError(f"units {given!r}: a unit of rotation is for six columns; give one")
    return Units(f"{acceleration},{rotation}".rstrip(","), divisors, notes)


def divisors_of(name: str) -> tuple[float, ...]:
    """Return what three or six columns are divided by, of units as `Units.name` has them."""
    acceleration, _, rotation = name.partition(",")
    return (_per_g(acceleration),) * 3 + ((PER_RAD_S[rotation],) * 3 if rotation else ())


def resting_length(accelerations: Sequence[np.ndarray], rate_hz: float) -> float:
    """Return the median length of the acceleration (time, 3) in the quietest fifth of moments."""
    size = max(2, round(_QUIET_S * rate_hz))
    counts = [len(a) // size for a in accelerations]
    stride = max(1, sum(counts) // _PIECES)
    means, spreads = [], []
    for acceleration, count in zip(accelerations, counts, strict=True):
        pieces = acceleration[: count * size].reshape(count, size, 3)[::stride].astype(np.float64)
        lengths = np.sqrt((pieces**2).sum(axis=2))
        means.append(lengths.mean(axis=1))
        spreads.append(pieces.std(axis=1).sum(axis=1))
    mean, spread = np.concatenate(means), np.concatenate(spreads)
    if not len(mean):
        return float("nan")
    return float(np.median(mean[spread <= np.quantile(spread, _QUIET_SHARE)]))


def timing_of(
    name: str, times: np.ndarray, given_hz: float | None, second: float | None = None
) -> Timing:
    """Return what a time column says of rate and gaps.

    Args:
        name: of the column; it may end in its unit, such as `time_ms`.
        times: its first values, numbers.
        given_hz: the rate that the user says.
        second: seconds that a unit of them lasts, where that is known, as it is for dates.

    Raises:
        InputError: it contradicts the rate, or its unit or the rate cannot be told.
    """
    second = second or _named_unit(name)
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    rising = steps[steps > 0]
    if step <= 0:
        coarse = float(np.median(rising)) if len(rising) else 0.0
        return _coarse(name, coarse, given_hz, second or _unit_of_coarse(coarse))
    if (steps == 1).mean() > 0.99 and second is None:
        if given_hz is None:
            raise InputError(
                f"time {name!r} counts 1, 2, 3, ...: samples, or a unit that cannot be told; give "
                "--rate"
            )
        return Timing(given_hz, 1 / given_hz, GAP / given_hz, (f"time {name!r} counts samples",))
    second = second or _fitting_unit(name, step, given_hz)
    found = 1 / (step * second)
    if given_hz is not None:
        if abs(found / given_hz - 1) > _SAME_RATE:
            raise InputError(
                f"rate {given_hz:g} Hz contradicts the time column {name!r}, whose median step "
                f"means {found:.4g} Hz; give that, or --time none if it is not the time"
            )
        return Timing(given_hz, second, GAP / given_hz, ())
    if not _RATES_HZ[0] <= found <= _RATES_HZ[1]:
        raise InputError(
            f"time {name!r}: its median step means {found:.3g} Hz, which no sensor has; give --rate"
        )
    rate = float(round(found)) if abs(round(found) / found - 1) < 0.01 else found
    note = f"rate is {rate:g} Hz: the median step of {name!r} is {1e3 * step * second:.4g} ms"
    return Timing(rate, second, GAP / rate, (note,))


def _coarse(name: str, step: float, given_hz: float | None, second: float) -> Timing:
    """Return what a time says that is the same for several samples."""
    if given_hz is None:
        raise InputError(
            f"time {name!r}: its steps are 0 as often as not, so that it says no rate; give "
            "--rate, or sort rows by person and time where those of several people take turns"
        )
    note = f"time {name!r} is coarser than the samples: gaps shorter than its steps go unseen"
    return Timing(given_hz, second, GAP * step * second, (note,))


def _fitting_unit(name: str, step: float, given_hz: float | None) -> float:
    """Return the seconds of the one unit in which a step is as long as a sensor's."""
    for second in _SECONDS.values():
        rate = 1 / (step * second)
        if given_hz is not None and abs(rate / given_hz - 1) <= _SAME_RATE:
            return second
    for second in _SECONDS.values():
        if _RATES_HZ[0] <= 1 / (step * second) <= _RATES_HZ[1]:
            return second
    raise InputError(
        f"time {name!r}: its median step is {step:g}, in no unit that of a sensor of "
        f"{_RATES_HZ[0]:g} to {_RATES_HZ[1]:g} Hz; give --time none and --rate"
    )


def _unit_of_coarse(step: float) -> float:
    """Return the seconds of a unit in which a step that spans several samples is .05 to 50 s."""
    for second in _SECONDS.values():
        if 0.05 <= step * second <= 50:
            return second
    return 0.0


def _named_unit(name: str) -> float | None:
    """Return the seconds of the unit that a column's name ends in, or None."""
    ending = re.search(r"(?:^|[^a-z])(s|sec|seconds|ms|us|µs|ns)[^a-z]*$", name.lower())
    if ending is None:
        return None
    return _SECONDS[{"sec": "s", "seconds": "s", "µs": "us"}.get(ending[1], ending[1])]


def _likely(rest: float) -> str | None:
    return next((n for n, per_g in PER_G.items() if abs(rest / per_g - 1) <= _AT_REST), None)


def _measured(rest: float) -> str:
    if (name := _likely(rest)) is None:
        known = ", ".join(f"{per_g:.4g} in {name}" for name, per_g in PER_G.items())
        raise InputError(
            f"units: at rest the acceleration is {rest:.4g} long; gravity is {known}: give --units "
            "with one of them, or with the number that 1 g is"
        )
    return name


def _per_g(name: str) -> float:
    if name in PER_G:
        return PER_G[name]
    try:
        number = float(name)
    except ValueError:
        number = float("nan")
    if not 0 < number < np.inf:
        raise InputError(
            f"units {shown(name)!r}: choose from {', '.join(PER_G)}, or give the number that 1 g is"
        )
    return number


def _per_rad_s(name: str, signals: Sequence[np.ndarray], columns: Sequence[str]) -> float:
    """Return what angular velocity is divided by; deg/s only look alike where they are small."""
    largest = max((float(np.abs(s[:, 3:]).max(initial=0)) for s in signals), default=0.0)
    if name not in PER_RAD_S:
        hint = " (it is too large for rad/s)" if largest > MAX_ROTATION else ""
        raise InputError(
            f"units: {', '.join(columns[3:])} reach {largest:.4g}{hint}; say whether that is rad/s "
            "or deg/s, such as --units g,deg/s"
        )
    if largest / PER_RAD_S[name] > MAX_ROTATION:
        raise InputError(
            f"units {name!r}: {', '.join(columns[3:])} reach {largest:.4g}, more than any sensor "
            "measures; give deg/s, or other columns"
        )
    return PER_RAD_S[name]
