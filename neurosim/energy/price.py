"""Power of a Xylo core: clock cycles at an activity, times what a cycle costs by published figures.

No energy per operation was published for any Xylo: what a cycle costs (`neurosim.energy.cycles`
counts them) is inferred from one of the few measured powers, `ANCHORS`. They differ in chip, clock
and task, so `spread` gives the estimate from each of
them. Every power here is an estimate, and says what it is anchored to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from neurosim.energy.cycles import CLOCK_MARGIN, Shares, check_clock, clock_hz, per_step
from neurosim.errors import InputError, nearest
from neurosim.xylo.spec import XyloSpec

ASSUMED_CLOCK_HZ = 6.25e6
"""Where a measurement's clock was not published: that of the one where it was."""


@dataclass(frozen=True)
class Activity:
    """Fractions of (sample, step, neuron) bins with at least one event, and events per sample.

    The core pays for a bin with any event once, however many events it holds.
    """

    input_bins: float
    hidden_bins: float
    spikes: float
    """Spikes of all hidden and output neurons in one sample."""


def clock_note(spec: XyloSpec, published: Anchor) -> str:
    """Say which clock a net needs at the rate of its data, and what that means for an estimate."""
    needed, measured = clock_hz(spec), published.measured_hz
    note = f"at {1e-6 * needed:.1f} MHz, which its worst step of {1e3 * spec.dt:g} ms needs"
    if needed > measured:
        note += (
            f"; idle power is that of {1e-6 * measured:g} MHz, so that the estimate is a lower "
            "bound"
        )
    return note


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
    chip: str | None = None
    """The chip that it counts for alone; None for any."""

    @property
    def measured_hz(self) -> float:
        """Master clock of the measurement, published or assumed."""
        return self.clock_hz if self.clock_hz is not None else ASSUMED_CLOCK_HZ

    @property
    def cycle_j(self) -> float:
        """Energy of a busy cycle: dynamic power over the cycles of a clock used but for its margin.

        Raises:
            InputError: no dynamic power was published.
        """
        if self.dynamic_w is None:
            raise InputError(
                f"anchor {self.name!r} gives no dynamic power ({self.source}); use another"
            )
        return self.dynamic_w * CLOCK_MARGIN / self.measured_hz

    def counts_for(self, spec: XyloSpec) -> bool:
        """Say whether a spec is for the chip that was measured, or for none yet."""
        return self.chip is None or spec.chip in (None, self.chip)


ANCHORS = (
    Anchor(
        "imu",
        "Xylo IMU core, demonstration net",
        "rockpool's Xylo IMU power notebook: 201 µW active, 188 µW idle at 6.25 MHz",
        idle_w=188e-6,
        dynamic_w=13e-6,
        clock_hz=6.25e6,
        chip="xylo-imu",
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
    dynamic_w: float
    clock_note: str = ""
    """Which clock the net needs, and what that means for the estimate."""

    @property
    def idle_w(self) -> float | None:
        """The anchor's idle power in watts; None where it was not published."""
        return self.anchor.idle_w

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
            f"(anchored to {self.anchor.source}) {self.clock_note}"
        ).rstrip()


def anchor(name: str, spec: XyloSpec | None = None) -> Anchor:
    """Return a published power by name, for a spec where one is given.

    Raises:
        InputError: there is none of that name, it counts for another chip than the spec's, or the
            spec does not fit (see `check_clock`).
    """
    by_name = {one.name: one for one in ANCHORS}
    if name not in by_name:
        raise InputError(f"anchor {name!r} is not known; {nearest(name, tuple(by_name))}")
    published = by_name[name]
    if spec is not None and not published.counts_for(spec):
        raise InputError(
            f"chip is {spec.chip}; anchor {name!r} was measured on {published.chip}: choose another"
        )
    if spec is not None:
        check_clock(spec)
    return published


def estimate(spec: XyloSpec, active: Activity, name: str = "imu") -> Estimate:
    """Estimate the power of the core at an activity.

    Dynamic power is cycles per second times the energy of a cycle (`Anchor.cycle_j`), which
    takes the measured core to have been busy for all of its clock but the margin of 20 %, and the
    clock to have been 6.25 MHz where it was not published. Idle power is the anchor's: no
    measurement says how it scales with the clock, so that for a net that needs a faster one
    (`clock_hz`) the estimate is a lower bound, and says so.

    Args:
        spec: the deployed net.
        active: its measured activity, see `activity`.
        name: of the anchor.

    Raises:
        InputError: an unknown anchor, one that gives no dynamic power, or one that counts for
            another chip; or the net does not fit.
    """
    published = anchor(name, spec)
    cycles_per_s = per_step(spec, active.input_bins, active.hidden_bins) / spec.dt
    power_w = published.cycle_j * cycles_per_s
    return Estimate(published, cycles_per_s, power_w, clock_note(spec, published))


def spread(spec: XyloSpec, active: Activity) -> tuple[Estimate, ...]:
    """Return the estimate from each anchor that allows one: how far they differ is the uncertainty.

    Anchors without dynamic power, and those that count for another chip, are left out.
    """
    usable = [a for a in ANCHORS if a.dynamic_w is not None and a.counts_for(spec)]
    return tuple(estimate(spec, active, published.name) for published in usable)


@dataclass(frozen=True)
class Price:
    """What a core pays: idle power and energy of a clock cycle; both estimates."""

    idle_w: float
    cycle_j: float
    off: bool = False
    """Whether the core is switched off after its decision; it idles otherwise. A lower bound: what
    starting it again costs was not published."""

    def power_w(self, cycles: Shares, dt: float, used: Shares = 1.0) -> Shares:
        """Return the power in watts, mean over a window.

        Args:
            cycles: a step, mean over the window (any shape): none after the decision.
            dt: seconds of a step.
            used: share of the window up to the decision, of that shape.
        """
        return self.idle_w * (used if self.off else 1.0) + self.dynamic_w(cycles, dt)

    def dynamic_w(self, cycles: Shares, dt: float) -> Shares:
        """Return the power above idle in watts at so many cycles a step of dt seconds."""
        return self.cycle_j * cycles / dt


def published_price(name: str = "imu", *, spec: XyloSpec | None = None) -> Price:
    """Return idle power and energy of a cycle by an anchor of `ANCHORS`, for a spec.

    Raises:
        InputError: the anchor has no idle or dynamic power, or counts for another chip.
    """
    published = anchor(name, spec)
    if published.idle_w is None:
        raise InputError(f"anchor {name!r} gives no idle power ({published.source}); use another")
    return Price(published.idle_w, published.cycle_j)


def price_at_clock(clock_hz: float, name: str = "imu", *, spec: XyloSpec | None = None) -> Price:
    """Return the published price at another master clock, idle power in proportion to the clock.

    A lower bound for slower clocks: nobody published how idle power falls with the clock, and what
    leaks does not.

    Raises:
        InputError: as `published_price`.
    """
    at = published_price(name, spec=spec)
    return Price(at.idle_w * clock_hz / anchor(name, spec).measured_hz, at.cycle_j)


def powers_uw(
    spec: XyloSpec, cycles: float, used: float = 1.0, clock_hz: float | None = None
) -> dict[str, float]:
    """Return what a decision before the window's end may save: mean powers over a window, in µW.

    Args:
        spec: the deployed net.
        cycles: a step, mean over the window: none after the decision.
        used: share of the window up to the decision.
        clock_hz: that fits the operating point; the measured one when None.

    Returns:
        `power_uw` of a core that idles after its decision; and two lower bounds: `power_off_uw`
        of one that is switched off there, and `power_clock_uw` of one at the clock.
    """
    paid = published_price(spec=spec)
    kinds = {
        "power_uw": paid,
        "power_off_uw": replace(paid, off=True),
        "power_clock_uw": paid if clock_hz is None else price_at_clock(clock_hz, spec=spec),
    }
    return {n: 1e6 * float(kind.power_w(cycles, spec.dt, used)) for n, kind in kinds.items()}
