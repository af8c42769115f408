"""Power and energy of a Xylo core: estimates, each with the published figure it is anchored to.

No energy per operation was published for any Xylo. What can be known is the number of clock cycles
(`neurosim.energy.cycles`); what a cycle costs is inferred from one of the few measured powers. They
differ in chip, clock and task, so `spread` gives the estimate from each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.energy import cycles
from neurosim.energy.cycles import CLOCK_MARGIN, Activity, activity, clock_hz, per_step
from neurosim.errors import InputError
from neurosim.xylo.spec import XyloSpec

__all__ = [
    "ANCHORS",
    "ASSUMED_CLOCK_HZ",
    "CLOCK_MARGIN",
    "Activity",
    "Anchor",
    "Estimate",
    "Price",
    "activity",
    "anchor",
    "clock_hz",
    "estimate",
    "per_step",
    "published_price",
    "spread",
]


ASSUMED_CLOCK_HZ = 6.25e6
"""Where a measurement's clock was not published: that of the one where it was."""


@dataclass(frozen=True)
class Anchor:
    """One published power of a Xylo."""

    name: str
    what: str
    """Chip and task."""
    source: str
    idle_w: float | None
    """Watts without activity; None where it was not published."""
    dynamic_w: float | None
    """Watts on top of it at work; None where only a total was published."""
    total_w: float | None = None
    """Watts in all, where nothing else was published."""
    clock_hz: float | None = None
    """Master clock of the measurement; None where it was not published."""

    @property
    def cycle_j(self) -> float:
        """Energy of a busy cycle: dynamic power over the cycles of a clock used but for its margin.

        Raises:
            InputError: no dynamic power was published.
        """
        if self.dynamic_w is None:
            raise InputError(f"anchor {self.name!r} gives no dynamic power ({self.source})")
        return self.dynamic_w * CLOCK_MARGIN / (self.clock_hz or ASSUMED_CLOCK_HZ)


ANCHORS = (
    Anchor(
        "imu",
        "Xylo IMU core, demonstration net",
        "rockpool's Xylo IMU power notebook: 201 µW active, 188 µW idle at 6.25 MHz",
        idle_w=188e-6,
        dynamic_w=13e-6,
        clock_hz=6.25e6,
    ),
    Anchor(
        "audio-scenes",
        "Xylo core, ambient audio",
        "arXiv 2208.12991, cited at second hand: 219 µW idle, 93 µW dynamic",
        idle_w=219e-6,
        dynamic_w=93e-6,
    ),
    Anchor(
        "keywords",
        "Xylo Audio 2, keyword spotting",
        "arXiv 2406.15112: 291 µW dynamic, 6.6 µJ an inference",
        idle_w=None,
        dynamic_w=291e-6,
    ),
    Anchor(
        "aspen",
        "Xylo, activity recognition with ASPEN",
        "arXiv 2508.11689: about 120 µW, not said of what; below every published idle power",
        idle_w=None,
        dynamic_w=None,
        total_w=120e-6,
    ),
)
"""All that was found. The first is the default: the only one for the Xylo IMU, with its clock."""


@dataclass(frozen=True)
class Estimate:
    """An estimated power; it was not measured."""

    anchor: Anchor
    cycles_per_s: float
    idle_w: float | None
    dynamic_w: float

    @property
    def total_w(self) -> float | None:
        """Idle and dynamic power in watts; None where no idle power was published."""
        return None if self.idle_w is None else self.idle_w + self.dynamic_w

    def energy_j(self, seconds: float) -> float | None:
        """Return the energy of an inference that lasts some seconds; None without idle power."""
        return None if self.total_w is None else self.total_w * seconds

    def __str__(self) -> str:
        total = "" if self.total_w is None else f"{1e6 * self.total_w:.1f} µW, of it "
        return (
            f"estimate: {total}{1e6 * self.dynamic_w:.2f} µW dynamic "
            f"(anchored to {self.anchor.source})"
        )


def anchor(name: str) -> Anchor:
    """Return a published power by name.

    Raises:
        InputError: there is none of that name.
    """
    for found in ANCHORS:
        if found.name == name:
            return found
    raise InputError(f"anchor {name!r} is not known; choose from {[a.name for a in ANCHORS]}")


def estimate(spec: XyloSpec, active: Activity, name: str = "imu") -> Estimate:
    """Estimate the power of the core at an activity.

    Dynamic power is cycles per second times the energy of a cycle (`Anchor.cycle_j`), which
    takes the measured core to have been busy for all of its clock but the margin of 20 %, and the
    clock to have been 6.25 MHz where it was not published. Idle power is the anchor's, whatever the
    clock: no measurement says how it would scale.

    Args:
        spec: the deployed net.
        active: its measured activity, see `activity`.
        name: of the anchor.

    Raises:
        InputError: an unknown anchor, or one that gives no dynamic power; the anchor "imu" for a
            spec of another chip.
    """
    found = anchor(name)
    if name == "imu" and spec.chip not in (None, cycles.ANCHOR_CHIP):
        raise InputError(f"chip is {spec.chip}; anchor 'imu' was measured on {cycles.ANCHOR_CHIP}")
    cycles_per_s = per_step(spec, active.input_bins, active.hidden_bins) / spec.dt
    return Estimate(found, cycles_per_s, found.idle_w, found.cycle_j * cycles_per_s)


def spread(spec: XyloSpec, active: Activity) -> tuple[Estimate, ...]:
    """Return the estimate from each anchor that allows one: how far they differ is the uncertainty.

    The anchor "imu" is left out for a spec of another chip.
    """
    usable = [a.name for a in ANCHORS if a.dynamic_w is not None]
    if spec.chip not in (None, cycles.ANCHOR_CHIP):
        usable.remove("imu")
    return tuple(estimate(spec, active, name) for name in usable)


@dataclass(frozen=True)
class Price:
    """What a core pays: idle power and energy of a clock cycle; both estimates."""

    idle_w: float
    cycle_j: float

    def power_w(self, cycles: np.ndarray | float, dt: float) -> np.ndarray | float:
        """Return the power in watts at so many cycles (any shape) a step of dt seconds."""
        return self.idle_w + self.cycle_j * cycles / dt


def published_price(name: str = "imu") -> Price:
    """Return idle power and energy of a cycle by an anchor of `ANCHORS`.

    Raises:
        InputError: the anchor has no idle or dynamic power.
    """
    found = anchor(name)
    if found.idle_w is None:
        raise InputError(f"anchor {name!r} gives no idle power ({found.source}); use another")
    return Price(found.idle_w, found.cycle_j)
