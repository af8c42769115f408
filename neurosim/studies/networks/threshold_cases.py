"""Cases of the study of random thresholds: which points, which thresholds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.analysis.laws import Law, Uniform, as_law
from neurosim.studies.networks.published import SKIPPED

DRAWS = ("quenched", "per spike", "per step")
"""When a threshold is drawn: once for each neuron, or anew by a rule of the catalogue."""
QUENCHED = ("quenched", "even")
FIXED, Q20, S20, P20 = "fixed", "quenched 20 %", "per spike 20 %", "per step 20 %"
EVEN = "even 20 %"
"""Quenched, at even distances instead of drawn: each population has the law's very mean."""
SPREADS = (FIXED, "quenched 5 %", "quenched 10 %", Q20, "per spike 5 %", "per spike 10 %", S20,
           "per step 10 %", P20)  # fmt: skip
POINTS = {
    "asynchronous irregular": "g=5 eta=2",
    "fast oscillation": "g=6 eta=4",
    "synchronous regular": "g=3 eta=2",
}
REGULAR = (FIXED, "quenched 10 %", Q20, "per spike 10 %", S20)
"""Thresholds of the synchronous regular network, which takes three times as long."""
INDEPENDENT, SPARSE = "g=5 eta=2 independent", "g=5 eta=2 sparse"
REGULAR_LINE, FAST_LINE, SILENT_LINE = (
    {float(x): point.format(x) for x in values}
    for point, values in (
        ("g={} eta=2", ("3", "3.25", "3.5")),
        ("g=6 eta={}", ("2", "3", "4", "5")),
        ("g=4.5 eta={}", ("0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2")),
    )
)
"""Points by g or eta along three lines, each across a border of figure 2 of Brunel 2000."""
IGNITION = "g=3 eta=0.7"
"""Where neurons excite each other more than they inhibit, at a drive that does not suffice."""


def cases() -> tuple[str, ...]:
    """Return points with their thresholds, as "g=5 eta=2 quenched 20 %"."""
    chosen = {
        POINTS["asynchronous irregular"]: (*SPREADS, EVEN),
        POINTS["fast oscillation"]: SPREADS,
        POINTS["synchronous regular"]: REGULAR,
        INDEPENDENT: (FIXED, Q20, S20, P20),
        SPARSE: (FIXED,),
        IGNITION: (FIXED, Q20, S20),
    }
    chosen |= {p: (FIXED, Q20, S20, P20) for p in FAST_LINE.values() if p not in chosen}
    lines = (*REGULAR_LINE.values(), *SILENT_LINE.values())
    chosen |= {p: (FIXED, Q20, S20) for p in lines if p not in chosen}
    return tuple(f"{point} {name}" for point, names in chosen.items() for name in names)


@dataclass(frozen=True)
class Thresholds:
    """Uniform thresholds of neurons; what was drawn for a population is kept by its size."""

    low: float
    high: float
    even: bool
    """In equal distances, each somewhere."""
    drawn: dict[int, np.ndarray] = field(default_factory=dict)

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Return (size,) thresholds."""
        if self.even:
            shares = (random_state.permutation(size) + 0.5) / size
        else:
            shares = random_state.uniform(size=size)
        self.drawn[size] = self.low + (self.high - self.low) * shares
        return self.drawn[size]


@dataclass(frozen=True)
class Setting:
    """A case in numbers."""

    g: float
    eta: float
    kind: str
    """"sparse", "independent", or "" for the network of the paper."""
    draw: str
    """One of DRAWS, "even" or "fixed"."""
    spread: float
    """Standard deviation of the threshold over its mean."""

    @classmethod
    def of(cls, case: str) -> Setting:
        """Read one from its name."""
        match = re.fullmatch(
            r"g=(\S+) eta=(\S+) ?(sparse|independent|) (fixed|[a-z ]+?)(?: (\d+) %)?", case
        )
        assert match, case
        g, eta, kind, draw, spread = match.groups()
        return cls(float(g), float(eta), kind, draw, float(spread or 0) / 100)

    @property
    def scales(self) -> tuple[float, float]:
        """Smallest and largest threshold over the mean."""
        half = 3**0.5 * self.spread
        return 1 - half, 1 + half

    @property
    def seconds(self) -> float:
        """Of the run: networks that fire at 200 /s and more take long, near silence all is slow."""
        if self.g < 4:
            return 0.35
        return 1.2 if self.eta < 1.5 else 0.6

    @property
    def start(self) -> float:
        """Seconds until rates count: near silence it takes time until few neurons fire."""
        return 0.6 if self.seconds > 1 else SKIPPED

    @property
    def rule(self) -> dict[str, Any]:
        """What `published.brunel` needs for these thresholds."""
        if self.draw == "fixed":
            return {}
        if self.draw in QUENCHED:
            low, high = self.law.support
            return {"threshold_mV": Thresholds(low, high, self.draw == "even")}
        low, high = self.scales
        name = f"stochastic-threshold-{self.draw.replace(' ', '-')}"
        return {"rule": name, "rule_parameters": {"low": low, "high": high}}

    @property
    def law(self) -> Law:
        """Of the threshold [mV]."""
        from neurosim.circuits.published.brunel import THRESHOLD_MV

        low, high = (scale * THRESHOLD_MV for scale in self.scales)
        return Uniform(low, high) if self.spread else as_law(THRESHOLD_MV)
