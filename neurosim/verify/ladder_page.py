"""A climbed ladder: its rungs as a table for the terminal and as a page with figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from neurosim import page
from neurosim.drawing import BLUE, ORANGE, style, svg
from neurosim.verify.rung import Rung, Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"identical": "green", "rounding": "green", "diverged": "red", "skipped": "dim"}


@dataclass(frozen=True, eq=False)
class Ladder:
    """All rungs, and what the numbers depend on."""

    rungs: tuple[Rung, ...]
    provenance: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether nothing that must agree diverges: rungs 2 and 5, where they were climbed."""
        return all(rung.kind != "diverged" for rung in self.rungs)

    @property
    def exact(self) -> bool:
        """Whether all that must agree is identical, bit for bit."""
        return all(rung.kind not in ("diverged", "rounding") for rung in self.rungs)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        rungs = [rung.to_dict() for rung in self.rungs]
        return {
            "exact": self.exact,
            "passed": self.passed,
            "rungs": rungs,
            "provenance": self.provenance,
        }

    def save(self, path: str | Path) -> Path:
        """Write the report as a self-contained HTML page."""
        traces = {rung.number: svg(draw_trace(rung.trace)) for rung in self.rungs if rung.trace}
        gaps = [r for r in self.rungs if r.number == 4 and "by_scale" in r.numbers]
        heat = svg(draw_agreement(gaps[0])) if gaps else ""
        return page.write("ladder.html", path, ladder=self, figures=traces, heat=heat)

    def table(self, name: str = "") -> Table:
        """Return a row for each rung, for the terminal."""
        title = f"Ladder of equivalence: {name}" if name else "Ladder of equivalence"
        out = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
        for column in ("", "rung", "verdict", "what was found"):
            out.add_column(column, ratio=3 if column == "what was found" else None)
        for rung in self.rungs:
            colour = COLOURS.get(rung.kind, "cyan")
            kind = f"[{colour}]{rung.kind}[/]"
            out.add_row(str(rung.number), rung.name, kind, rung.says.replace("[", r"\["))
        return out


def draw_trace(trace: Trace) -> Figure:
    """Draw two membranes in units of their threshold, their spikes above, the divergence marked."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(trace.at, color="0.8", linewidth=6, zorder=0)
        axes.axhline(1.0, color="0.6", linewidth=0.8, linestyle=":")
        top = max(1.0, float(trace.membranes.max()))
        for k, (colour, name) in enumerate(zip((BLUE, ORANGE), trace.names, strict=True)):
            line = "-" if k == 0 else "--"
            axes.plot(trace.steps, trace.membranes[k], line, color=colour, label=name)
            fired = trace.spikes[k] > 0
            height = np.full(int(fired.sum()), top + 0.15 * (k + 1))
            axes.plot(trace.steps[fired], height, "|", color=colour, markersize=8)
        axes.set_xlabel("step")
        axes.set_ylabel("membrane / threshold")
        figure.legend(loc="outside upper right", ncols=2)
    return figure


def draw_agreement(rung: Rung) -> Figure:
    """Draw layer by layer the spike counts' correlation of float and integer net over scales."""
    from matplotlib.figure import Figure

    rows = rung.numbers["by_scale"]
    values = np.array([[np.nan if c is None else c for c in row["correlation"]] for row in rows]).T
    depth = len(values)
    names = [f"hidden {k + 1}" for k in range(depth - 1)] + ["output"]
    low = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    with style():
        figure = Figure(figsize=(7.2, 0.9 + 0.45 * (depth + 1)), layout="constrained")
        axes = figure.add_subplot()
        shown = np.vstack([values, [row["class_agreement"] for row in rows]])
        image = axes.imshow(shown, aspect="auto", cmap="viridis", vmin=min(low, 0.9), vmax=1.0)
        axes.set_xticks(range(len(rows)), [f"{row['scale']:g}" for row in rows])
        axes.set_yticks(range(depth + 1), [*names, "classes"])
        axes.set_xlabel("threshold scale")
        middle = 0.5 * (min(low, 0.9) + 1.0)
        for (y, x), value in np.ndenumerate(shown):
            text = "silent" if np.isnan(value) else f"{value:.3f}"
            colour = "black" if value > middle or np.isnan(value) else "white"
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=7)
        axes.tick_params(length=0)
        axes.grid(False)
        figure.colorbar(image, label="agreement", pad=0.01)
    return figure
