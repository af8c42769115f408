"""From output spikes to a decision: the class whose neuron fired most, and when that is enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from neurosim.errors import InputError, shown

SILENT = -1
"""The decision where no output neuron fired; it equals no label, so it counts as an error."""

NEVER = math.inf
"""The lead of a decision at the window's end, in tables of numbers."""

ONE = 1 << 16
"""Weight of the leading class in a posterior rule's table of integers."""


@dataclass(frozen=True)
class Rule:
    """When a decision falls: after the first step with enough evidence, at the window's end else.

    Wald's sequential test for several classes, on spike counts; integers alone, so that a
    microcontroller beside a chip decides as any engine does. With neither limit the decision
    falls at the end.
    Source of the test: Baum and Veeravalli 1994, IEEE Trans. Inf. Theory 40(6), p. 1994.

    Raises:
        InputError: a limit is out of range, or there are two.
    """

    lead: int | None = None
    """Output spikes that the first class must be ahead of the second, from 1."""
    posterior: float | None = None
    """Probability that the first class must reach, above 0.5 and below 1: its share of
    exp(logit_scale count), summed over classes."""
    logit_scale: float | None = None
    """Log odds that an output spike is worth, 0.001 to 100: with `posterior` alone."""

    def __post_init__(self) -> None:
        """Check the limits."""
        if self.lead is not None:
            whole = isinstance(self.lead, Integral) and not isinstance(self.lead, bool)
            if not whole or self.lead < 1:
                raise InputError(f"lead is {shown(self.lead)}; give a number of spikes from 1")
            object.__setattr__(self, "lead", int(self.lead))
        if self.lead is not None and self.posterior is not None:
            raise InputError(f"lead {self.lead} and posterior {shown(self.posterior)}: give one")
        if (self.posterior is None) != (self.logit_scale is None):
            raise InputError(
                f"posterior is {shown(self.posterior)}, logit_scale {shown(self.logit_scale)}; "
                "one needs the other"
            )
        if self.posterior is not None and not _within(self.posterior, 0.5, 1.0):
            raise InputError(f"posterior is {shown(self.posterior)}; it lies between 0.5 and 1")
        if self.logit_scale is not None and not _within(self.logit_scale, 0.999e-3, 100.001):
            raise InputError(f"logit_scale is {shown(self.logit_scale)}; it lies in 0.001..100")

    @property
    def early(self) -> bool:
        """Whether a decision may fall before the window's end."""
        return self.lead is not None or self.posterior is not None

    @cached_property
    def table(self) -> tuple[int, ...]:
        """Weights exp(-logit_scale d) of a class d spikes behind the first, as parts of ONE.

        Beyond its end weights are 0; empty without a posterior.
        """
        if self.logit_scale is None:
            return ()
        length = math.ceil(math.log(2 * ONE) / self.logit_scale) + 1
        weights = (round(ONE * math.exp(-self.logit_scale * d)) for d in range(length))
        return tuple(weight for weight in weights if weight)

    @property
    def limit(self) -> int:
        """Sum of all classes' weights at which the posterior is reached; 0 without one."""
        return 0 if self.posterior is None else int(ONE / self.posterior)

    def reached(self, counts: np.ndarray) -> np.ndarray:
        """Return whether output spike counts (..., classes) are enough for a decision, (...)."""
        top = counts.max(axis=-1, keepdims=True)
        fired = top[..., 0] > 0
        if self.lead is not None:
            second = _second(counts)
            return np.asarray(fired & (top[..., 0] - second >= self.lead))
        if self.posterior is not None:
            weights = np.array((*self.table, 0), dtype=np.int64)
            behind = np.minimum(top - counts, len(self.table))
            return np.asarray(fired & (weights[behind].sum(axis=-1) <= self.limit))
        return np.zeros(counts.shape[:-1], dtype=bool)

    @property
    def says(self) -> str:
        """What a microcontroller does that reads the output neurons, in plain words."""
        end = (
            "at the window's end answer the class with most spikes (of equal ones the lower; "
            "nothing where there is none)"
        )
        if not self.early:
            return f"add the output spikes of each class; {end}"
        start = "after each step add the output spikes of each class; stop and answer the first "
        if self.lead is not None:
            return f"{start}class when it is {self.lead} spikes ahead of the second; {end}"
        return (
            f"{start}class when it has a spike and the sum of table[most - count] over all classes "
            f"is at most {self.limit} (a posterior of {self.posterior:g}; the table holds "
            f"round({ONE} exp(-{self.logit_scale:g} d)) for d = 0 to {len(self.table) - 1}, 0 "
            f"beyond); {end}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: the limits that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def lead_or_never(self) -> float:
        """The lead as a number: NEVER where none is set."""
        return NEVER if self.lead is None else float(self.lead)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Rule:
        """Return the rule of `to_dict`.

        Raises:
            InputError: a name is unknown, or a limit is refused.
        """
        known = ("lead", "posterior", "logit_scale")
        if odd := [name for name in values if name not in known]:
            raise InputError(f"decision has {shown(odd[0])}; it holds {', '.join(known)}")
        return cls(**values)

    def __str__(self) -> str:
        """Return its short name."""
        if self.lead is not None:
            return f"lead {self.lead}"
        return "the window's end" if self.posterior is None else f"posterior {self.posterior:g}"


AT_END = Rule()
"""Decide when the window ends."""


def at_leads(leads: Sequence[int] = ()) -> tuple[Rule, ...]:
    """Return the rules of a sweep: the window's end, and each lead.

    Raises:
        InputError: a lead is refused, or is there twice.
    """
    if len(set(leads)) < len(leads):
        raise InputError(f"leads are {shown(list(leads))}; give each once")
    return (AT_END, *(Rule(lead=lead) for lead in leads))


def decisions(output_spikes: np.ndarray, rule: Rule = AT_END) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each sample, and after how many steps it was decided.

    Most spikes so far win, ties at the window's end go to the lower class.

    Args:
        output_spikes: (samples, time, classes) spikes of the output neurons.
        rule: when to decide.

    Returns:
        (samples,) classes, SILENT where no output neuron fired; (samples,) steps, 1 to time, which
        is also the number where the evidence never is enough.
    """
    samples, length, _ = output_spikes.shape
    steps = np.full(samples, length, dtype=np.int64)
    if not rule.early:
        return _most(output_spikes.sum(axis=1, dtype=np.int64)), steps
    counts = output_spikes.cumsum(axis=1, dtype=np.int64)
    enough = rule.reached(counts)
    steps = np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, length)
    return _most(counts[np.arange(samples), steps - 1]), steps


def decide(output_spikes: np.ndarray, rule: Rule = AT_END) -> np.ndarray:
    """Return the class of each sample, shape (samples,); see `decisions`."""
    return decisions(output_spikes, rule)[0]


def decision_step(output_spikes: np.ndarray, rule: Rule = AT_END) -> np.ndarray:
    """Return after how many steps each sample is decided, shape (samples,); see `decisions`."""
    return decisions(output_spikes, rule)[1]


def accuracy(output_spikes: np.ndarray, labels: np.ndarray, rule: Rule = AT_END) -> float:
    """Return the share of samples decided as labelled; a silent readout counts as wrong."""
    return float(np.mean(decide(output_spikes, rule) == np.asarray(labels)))


def _most(counts: np.ndarray) -> np.ndarray:
    return np.where(counts.any(axis=1), counts.argmax(axis=1), SILENT)


def _second(counts: np.ndarray) -> np.ndarray:
    """Return the second largest of the last axis; 0 where there is one class only."""
    if counts.shape[-1] < 2:
        return np.zeros(counts.shape[:-1], dtype=counts.dtype)
    second: np.ndarray = np.partition(counts, -2, axis=-1)[..., -2]
    return second


def _within(value: Any, low: float, high: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and low < value < high
