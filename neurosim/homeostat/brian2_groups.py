"""AHSAR for groups of a Brian2 network that a script has already: each group is a layer.

The controller is the declared one (`neurosim equations homeostat-map`) as Brian2 objects, so that
it runs on every target, programs included: spikes of a group are counted, once a tick a unit for
each group senses its rate, reacts, diffuses along the order of the groups, and sets the threshold
scale of its group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.analysis.homeostasis.design import recommend
from neurosim.analysis.homeostasis.loop import Loop
from neurosim.equations import regulation
from neurosim.equations.declaration import Declaration
from neurosim.equations.groups import assign
from neurosim.equations.homeostasis import HOMEOSTAT_MAP
from neurosim.equations.sandbox import load, program
from neurosim.errors import InputError
from neurosim.homeostat.brian2_rules import AttachedRule, attach_rule
from neurosim.homeostat.brian2_thresholds import (
    ThresholdSetter,
    check_runtime,
    owner,
    threshold_variable,
)
from neurosim.homeostat.controller import FLOOR, WINDUP, GlobalGain

TICK = 0.1
"""Seconds between two updates of the thresholds."""
_SENSITIVITY = 4.0
"""How steeply rates are taken to fall with the threshold where no loop is given: neurons that
noise drives across their threshold are steeper than layers of a net, where it is 1."""
_STEPS = 100
"""Ticks that the gains settle in where no loop is given."""

_SENSE = """
    fresh = int(t > since)
    rate = fresh*seen*tick/(t - since + (1 - fresh)*tick) + (1 - fresh)*sensed
    sensed = sensed + fresh*int(ticks == 0)*(clip(rate, floor_rate, inf) - sensed)
    ticks = ticks + fresh
    since = t
    seen = 0
"""
"""What is new since the last tick, before the declared code senses it: a tick that no time has
passed before is none, and the moving average starts at the first rate, as in AHSAR."""


def attach(
    network: Any,
    groups: Sequence[Any] | None = None,
    *,
    rule: str | Declaration = "ahsar",
    variable: str | Sequence[str] | None = None,
    rest: Any = None,
    **options: Any,
) -> GroupHomeostat | AttachedRule:
    """Regulate the thresholds of groups of a Brian2 network; `neurosim.homeostat.attach`."""
    groups = _groups(network, groups)
    variables = each("variable", variable, groups)
    names = [threshold_variable(g, v) for g, v in zip(groups, variables, strict=True)]
    rests = each("rest", rest, groups)
    if rule != "ahsar":
        return attach_rule(groups, names, rests, rule, **options)
    return GroupHomeostat(groups, names, rests, **options)


class GroupHomeostat:
    """AHSAR on groups of a Brian2 network; `attach` makes it.

    Args:
        groups: in the order of the chain along which the states diffuse.
        variables: of each group, that its threshold is set by.
        rests: of each group, the potential that its threshold counts from.
        band: a rate or a band (low, high) of rates to hold, as a frequency (Brian2 quantity or in
            Hz); without one, groups are held to the geometric mean of their rates, as AHSAR does.
        tick: time between two updates, a quantity or in seconds.
        loop: gains; those of `recommend` by default.
        gain: the global gain, which `end_epoch` adapts; True for its default, None for none.
        floor: spikes per neuron and tick; a rate below counts as this much.
        windup: bound on kappa |c - c0|.

    Raises:
        InputError: the settings do not fit each other or the groups.
    """

    def __init__(
        self,
        groups: Sequence[Any],
        variables: Sequence[str],
        rests: Sequence[Any],
        *,
        band: Any = None,
        tick: Any = TICK,
        loop: Loop | None = None,
        gain: GlobalGain | bool | None = None,
        floor: float = FLOOR,
        windup: float = WINDUP,
    ) -> None:
        brian2 = load()
        self.groups, self.gain = tuple(groups), GlobalGain() if gain is True else (gain or None)
        self.tick = _seconds(tick, groups)
        self._band = None if band is None else np.log(band_of(band) * self.tick)
        self.loop = loop_for(loop, len(groups), centred=self._band is None)
        self._setters = _setters(self.groups, variables, rests)
        clock = brian2.Clock(self.tick * brian2.second)
        self._units, links = regulation.units(
            HOMEOSTAT_MAP,
            regulation.chain(len(groups)),
            clock,
            _parameters(self.loop, self.tick, floor, windup),
            context=_CONTEXT,
            centred=self._band is None,
            name="homeostat*",
        )
        assign(self._units, "since", _now(groups[0]) * brian2.second)
        if self._band is not None:
            assign(self._units, "sensed", float(np.exp(self._band.mean())))
        assign(self._units, "written", "scale")
        self._monitor = brian2.StateMonitor(
            self._units, ("rate", "sensed", "c", "written"), True, when="end", clock=clock
        )
        counters = self._count(brian2)
        self._step(clock)
        for setter, parts in self._setters.items():
            setter.follow_units(self._units, "written", parts)
            setter.every(clock, when="end", order=1)
        for part in (self._units, *links, *counters, self._monitor):
            next(iter(self._setters)).holds(owner(groups[0]), part)
        self._epoch = 0

    def _count(self, brian2: Any) -> list[Any]:
        """Return what counts the spikes of the groups in their own steps, for the units to read."""
        clock = self.groups[0].clock
        counter = brian2.NeuronGroup(
            len(self.groups), "seen : 1", clock=clock, name=f"{self._units.name}_counter"
        )
        self._units.seen = brian2.linked_var(counter, "seen")
        links = []
        for k, group in enumerate(self.groups):
            name = f"{self._units.name}_senses_{k}"
            count = f"seen_post += {1 / len(group)!r}"
            links.append(brian2.Synapses(group, counter, on_pre=count, clock=clock, name=name))
            links[-1].connect(i=np.arange(len(group)), j=np.full(len(group), k))
        return [counter, *links]

    def _step(self, clock: Any) -> None:
        """Let the units take in what was counted, compare it, and write their scales."""
        units = self._units
        units.run_regularly(_SENSE, when="start", order=1, clock=clock)
        if self._band is not None:
            units.low, units.high = self._band
            code = "reference = clip(log_rate, low, high)"
            units.run_regularly(code, when="groups", order=0, clock=clock)
        units.run_regularly("written = scale", when="groups", order=2, clock=clock)

    def __repr__(self) -> str:
        names = ", ".join(group.name for group in self.groups)
        band = self.band
        held = "their mean rate" if band is None else f"{band[0]:g}..{band[1]:g} Hz"
        return f"GroupHomeostat on {names}: every {self.tick * 1e3:g} ms, held to {held}"

    @property
    def band(self) -> tuple[float, float] | None:
        """The rates (low, high) in Hz that groups are held to; None where it is their mean."""
        if self._band is None:
            return None
        low, high = np.exp(self._band) / self.tick
        return float(low), float(high)

    @property
    def scales(self) -> np.ndarray:
        """(groups,) threshold scales, the gain included."""
        return np.array(self._units.written[:])

    @property
    def history(self) -> dict[str, np.ndarray]:
        """What happened, tick by tick.

        `time` (ticks,) in seconds; `rate` and `smoothed` (ticks, groups) in Hz; the states `c` and
        the threshold scales `scale` (ticks, groups) after the tick.
        """
        monitor = self._monitor
        return {
            "time": np.array(monitor.t_[:]),
            "rate": np.array(monitor.rate_).T / self.tick,
            "smoothed": np.array(monitor.sensed_).T / self.tick,
            "c": np.array(monitor.c_).T,
            "scale": np.array(monitor.written_).T,
        }

    def end_epoch(self, loss: float) -> float:
        """Adapt the global gain to a loss of the user's and the mean rate since the last time.

        Call it between two runs.

        Returns:
            The gain, a factor on all thresholds; where a band is held it lowers the band instead.

        Raises:
            InputError: there is no gain, nothing ran since, the loss is no finite number, or the
                network is a program, which has no between.
        """
        check_runtime("end_epoch")
        if self.gain is None:
            raise InputError("this homeostat has no global gain; attach it with gain=True")
        sensed = np.array(self._monitor.sensed_).T[self._epoch :]
        if not len(sensed):
            raise InputError("no tick has passed since the last epoch; run the network first")
        self._epoch += len(sensed)
        value = self.gain.update(float(loss), float(sensed.mean()))
        if self._band is None:
            self._units.gain = value
        else:
            self._units.low, self._units.high = self._band - np.log(value)
        return value

    def detach(self) -> None:
        """Put back the thresholds that the groups had, and take all parts out of the network.

        What was recorded stays.

        Raises:
            InputError: the network is a program.
        """
        check_runtime("detach")
        for setter in self._setters:
            setter.detach()


_CONTEXT = """
    seen : 1 (linked)         # spikes per neuron since the last tick
    since : second            # time of the last tick
    ticks : 1                 # how many there were
    written : 1               # scale as the groups have it
    low : 1 (shared)          # log of the smallest rate wanted, per tick
    high : 1 (shared)         # and of the largest
"""


def _setters(
    groups: Sequence[Any], variables: Sequence[str], rests: Sequence[Any]
) -> dict[ThresholdSetter, list[tuple[int, int, int]]]:
    """Return what sets the thresholds of NeuronGroups, with their parts and the parts' units."""
    setters: dict[tuple[int, str], ThresholdSetter] = {}
    parts: dict[ThresholdSetter, list[tuple[int, int, int]]] = {}
    try:
        for k, (group, variable, rest) in enumerate(zip(groups, variables, rests, strict=True)):
            whole = owner(group)
            key = (id(whole), variable)
            if key not in setters:
                setters[key] = ThresholdSetter(whole, variable, rest)
            own = parts.setdefault(setters[key], [])
            start, stop = int(group.start), int(group.stop)
            if any(start < other_stop and other < stop for other, other_stop, _ in own):
                raise InputError(f"groups overlap in {whole.name}")
            own.append((start, stop, k))
    except InputError:
        for setter in setters.values():
            setter.detach()
        raise
    return parts


def _now(group: Any) -> float:
    """Return the time in seconds up to which a group has run; a program has not."""
    return 0.0 if program() is not None else float(np.asarray(group.clock.t_))


def _groups(network: Any, groups: Sequence[Any] | None) -> list[Any]:
    """Return the groups to regulate.

    Raises:
        InputError: there are none, or one is not in the network or named twice.
    """
    brian2 = load()
    magic = isinstance(network, brian2.core.magic.MagicNetwork)
    if isinstance(network, brian2.Network) and not magic:
        members = list(network.objects)
    elif magic:
        members = None
    elif isinstance(network, list | tuple) and groups is None:
        groups, members = network, None
    else:
        raise InputError(
            f"network is {type(network).__name__}; give a torch net, a Network of Brian2, its "
            "magic_network with groups=[...], or a list of groups"
        )
    if groups is None:
        kind = brian2.NeuronGroup
        spiking = (g for g in members or () if isinstance(g, kind) and "spike" in g.events)
        groups = sorted(spiking, key=_by_name)  # a network keeps no order
    groups = list(groups)
    if not groups:
        raise InputError("there are no groups that spike; name them with groups=[...]")
    for group in groups:
        if not hasattr(owner(group), "events"):
            raise InputError(f"{group!r} is no NeuronGroup, or part of one")
        if members is not None and owner(group) not in members:
            known = ", ".join(sorted(member.name for member in members))
            raise InputError(f"{group.name} is not in the network, which holds {known}")
    if len({id(group) for group in groups}) < len(groups):
        raise InputError("a group is named twice")
    return groups


def _by_name(group: Any) -> list[Any]:
    """Return what sorts neurongroup_10 behind neurongroup_9."""
    return [(part.isdigit(), int(part) if part.isdigit() else part)
            for part in re.split(r"(\d+)", group.name)]  # fmt: skip


def each(name: str, value: Any, groups: Sequence[Any]) -> list[Any]:
    """Return a value for each group: the same, or one of a list."""
    if not isinstance(value, list | tuple):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise InputError(f"{name} has {len(value)} values for {len(groups)} groups")
    return list(value)


def _seconds(tick: Any, groups: Sequence[Any]) -> float:
    """Return the tick in seconds; it holds a whole number of the groups' steps."""
    steps = {float(group.clock.dt_) for group in groups}
    if len(steps) > 1:
        raise InputError(f"groups have steps of {sorted(steps)} s; they need the same clock")
    return tick_of(tick, steps.pop())


def tick_of(tick: Any, step: float) -> float:
    """Return a tick, a quantity or in seconds, in seconds.

    Raises:
        InputError: it is no time, or no whole number of steps.
    """
    brian2 = load()
    if getattr(tick, "dim", brian2.second.dim) is not brian2.second.dim:
        raise InputError(f"tick is {tick}; it is a time, like 100*ms")
    seconds = float(tick)
    if not seconds > 0 or abs(seconds / step - round(seconds / step)) > 1e-6:
        raise InputError(f"tick is {tick}; it is a whole number of steps of {step:g} s")
    return seconds


def band_of(band: Any) -> np.ndarray:
    """Return the smallest and the largest rate wanted, in Hz, of a rate or two.

    Raises:
        InputError: they are no rates, or the wrong way round.
    """
    brian2 = load()
    ends = [band, band] if np.ndim(band) == 0 else list(band)
    for end in ends:
        if getattr(end, "dim", brian2.Hz.dim) is not brian2.Hz.dim:
            raise InputError(f"band is {band}; it is a rate, like 5*Hz, or two, (3*Hz, 8*Hz)")
    rates = np.array([float(end) for end in ends])
    if rates.shape != (2,) or not (0 < rates[0] <= rates[1] < np.inf):
        raise InputError(f"band is {band}; it is a positive rate, or two, the smaller one first")
    return rates


def loop_for(loop: Loop | None, layers: int, *, centred: bool) -> Loop:
    """Return the gains to use: those given, or `recommend`'s.

    Raises:
        InputError: they do not fit the groups.
    """
    if layers == 1 and centred:
        raise InputError("one group has no others to be compared with; give it band=(low, high)")
    centring = 1.0 if centred else 0.0
    if loop is None:
        return recommend(layers, steps=_STEPS, sensitivity=_SENSITIVITY, centring=centring)
    if loop.layers != layers:
        raise InputError(f"loop is for {loop.layers} layers; there are {layers} groups")
    if loop.ticks != 1 or not loop.fresh:
        raise InputError("loop: groups have one tick a step, and averages that take it in first")
    return replace(loop, centring=centring)


def _parameters(loop: Loop, tick: float, floor: float, windup: float) -> dict[str, float]:
    """Return the parameters of the declared unit for the gains of a loop."""
    return {
        "tick": tick * 1e3,
        "momentum": loop.m_r,
        "floor_rate": floor,
        "beta": loop.beta,
        "gamma": loop.gamma,
        "c_0": loop.c0,
        "D": loop.D,
        "s_base": loop.s_base,
        "alpha": loop.alpha,
        "kappa": loop.kappa,
        "windup": windup,
    }
