"""The verdicts of a verification, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import page
from neurosim.verify.compare import Verdict


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

    @property
    def exact(self) -> bool:
        """Whether all engines agree on every value."""
        return all(verdict.exact for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether all engines agree, up to what rounding explains."""
        return all(verdict.passed for verdict in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "exact": self.exact,
            "passed": self.passed,
            "engines": list(self.engines),
            "samples": self.samples,
            "steps": self.steps,
            "compared": self.compared,
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
