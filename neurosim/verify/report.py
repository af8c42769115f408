"""The verdicts of a verification, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import page
from neurosim.verify.compare import Verdict
from neurosim.verify.decisions import Agreement


@dataclass(frozen=True)
class Report:
    """The verdict on each engine against the first."""

    engines: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    """Of the second engine against the first, the third against the first, and so on."""
    samples: int
    steps: int
    provenance: tuple[dict[str, Any], ...]
    """How each engine made its recording."""
    compared: str = ""
    """In words, what was compared with what, where the names of the engines do not say it."""
    decisions: tuple[Agreement, ...] = ()
    """How each engine decides against the first; none where the output is not one population."""
    drawn_from: int | None = None
    """Of how many samples those compared were drawn at random; None where all were compared."""

    @property
    def exact(self) -> bool:
        """Whether all engines agree on every value."""
        return all(verdict.exact for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether all engines agree, up to what rounding explains."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def differ_at_most(self) -> float | None:
        """Largest share of all samples that may fail, at 95 % confidence; None where all ran.

        N samples drawn at random without one that fails leave 3/N, the rule of three: where a
        share p fails, none shows with probability below (1 - p)^N < exp(-N p). Hanley and
        Lippman-Hand, JAMA 249, 1743 (1983). None, too, where one failed.
        """
        if self.drawn_from is None or not self.passed:
            return None
        return min(1.0, 3 / self.samples)

    @property
    def confidence(self) -> str:
        """In words, what drawn samples say about all; empty where all were compared."""
        if self.drawn_from is None:
            return ""
        text = f"{self.samples:,} of {self.drawn_from:,} samples, drawn at random"
        share = self.differ_at_most
        if share is None:
            return text
        return f"{text}: at 95 % confidence at most {100 * share:.2g} % of all differ"

    @property
    def decided(self) -> str:
        """In words, whether all engines decide alike; empty where nothing was decided."""
        pairs = zip(self.engines[1:], self.decisions, strict=False)
        return "; ".join(f"{self.engines[0]} and {name}: {each}" for name, each in pairs)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "exact": self.exact,
            "passed": self.passed,
            "engines": list(self.engines),
            "samples": self.samples,
            "steps": self.steps,
            "compared": self.compared,
            "drawn_from": self.drawn_from,
            "differ_at_most": self.differ_at_most,
            "decisions": [agreement.to_dict() for agreement in self.decisions],
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "provenance": [dict(p) for p in self.provenance],
        }

    def save(self, path: str | Path) -> Path:
        """Write the report as a self-contained HTML page."""
        return save_all({"model": self}, path)


def save_all(reports: Mapping[str, Report], path: str | Path, events: str = "") -> Path:
    """Write the reports of several models, by name, as one self-contained HTML page.

    Args:
        reports: by the name of the model.
        path: of the page.
        events: in words, where the events come from.
    """
    return page.write("verification.html", path, reports=reports, events=events)
