"""Whether engines decide alike: the same class after the same step, in every sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neurosim import readout
from neurosim.network import Network
from neurosim.readout import AT_END, Rule
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Agreement:
    """The decisions of an engine against those of the first, by one rule."""

    rule: str
    samples: int
    other_class: int
    """Samples decided for another class."""
    other_step: int
    """Samples decided after another step."""
    used: float
    """Share of the steps up to the decision, mean over samples of the first engine."""
    first: int | None = None
    """The first sample that differs in one of them."""

    @property
    def exact(self) -> bool:
        """Whether all decisions are the same, and fall at the same step."""
        return not self.other_class and not self.other_step

    def __str__(self) -> str:
        """Say it in words."""
        where = f"decisions at {self.rule}, after {self.used:.0%} of the steps"
        if self.exact:
            return f"{where}: the same class at the same step in all {self.samples:,} samples"
        return (
            f"{where}: another class in {self.other_class:,}, another step in "
            f"{self.other_step:,} of {self.samples:,} samples, first in sample {self.first}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def rule_of(model: object) -> Rule | None:
    """Return the rule by which a model decides; None where its output is not one population."""
    if isinstance(model, XyloSpec):
        return model.decision
    return AT_END if isinstance(model, Network) else None


def agree(rule: Rule, first: Recording, other: Recording) -> Agreement:
    """Compare the decisions by the spikes of the last population of two runs."""
    return compared(rule, first.spikes[-1], other.spikes[-1])


def compared(rule: Rule, first: np.ndarray, other: np.ndarray) -> Agreement:
    """Compare the decisions by output spikes (samples, time, classes)."""
    (classes, steps), (theirs, their_steps) = (
        readout.decisions(spikes, rule) for spikes in (first, other)
    )
    differ = np.flatnonzero((classes != theirs) | (steps != their_steps))
    return Agreement(
        rule=str(rule),
        samples=len(classes),
        other_class=int(np.count_nonzero(classes != theirs)),
        other_step=int(np.count_nonzero(steps != their_steps)),
        used=float(np.mean(steps) / first.shape[1]),
        first=int(differ[0]) if len(differ) else None,
    )


def merge(parts: Sequence[Agreement], starts: Sequence[int]) -> Agreement:
    """Join the agreements on chunks of samples, each with the number of its first sample."""
    samples = sum(part.samples for part in parts)
    firsts = [
        part.first + start
        for part, start in zip(parts, starts, strict=True)
        if part.first is not None
    ]
    return Agreement(
        rule=parts[0].rule,
        samples=samples,
        other_class=sum(part.other_class for part in parts),
        other_step=sum(part.other_step for part in parts),
        used=sum(part.used * part.samples for part in parts) / samples,
        first=min(firsts, default=None),
    )
