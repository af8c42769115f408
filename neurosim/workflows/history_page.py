"""The page of the benchmarks' history: tables, and a picture of all ratios over the entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import store, tables
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, YELLOW, save, style
from neurosim.errors import InputError
from neurosim.workflows.history import FALL, Entry, changes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK)
HEAD = f"""\
# Ratios over commits

Written by `neurosim bench --json` from [{{file}}]({{file}}), and again by `neurosim bench --page`.
A ratio says how many times faster (or smaller in memory) something is than its reference, both
measured in one run; larger is better. The command compares each with the last one of the same
processor and names what fell by more than {100 * FALL:g} %. Machines are shared: it may be noise.
Solid lines are of the processor of the last entry, dotted ones of others.
"""


def write(file: Path, entries: Sequence[Entry]) -> list[Path]:
    """Write page and picture beside the file of the entries; return both paths.

    Raises:
        InputError: there are no entries.
    """
    if not entries:
        raise InputError(f"{file}: no entries; `neurosim bench --json` measures some")
    (picture,) = save(draw(entries), file.with_suffix(""), ("svg",))
    out = file.with_suffix(".md")
    store.write_text(out, page(file, entries))
    return [out, picture]


def page(file: Path, entries: Sequence[Entry]) -> str:
    """Return the page of entries, the last one first."""
    parts = [HEAD.format(file=file.name), f"![ratios over entries]({file.stem}.svg)\n"]
    for processor in dict.fromkeys(entry.processor for entry in reversed(entries)):
        rows = list(_last_ratios([entry for entry in entries if entry.processor == processor]))
        columns, right = ("ratio", "last", "before", "change", "measured at"), ("last", "before")
        parts.append(f"## Last ratios of {processor}\n")
        parts.append(tables.markdown(columns, rows, right=(*right, "change")) + "\n")
    names = ("measured", "commit", "neurosim", "processor", "versions", "ratios")
    lines = [
        (
            entry.date,
            (f"`{entry.commit[:12]}`" if entry.commit else "unknown")
            + (", with changes" if entry.dirty else ""),
            entry.version,
            entry.processor,
            ", ".join(f"{name} {version}" for name, version in entry.versions.items()),
            str(len(entry.ratios)),
        )
        for entry in reversed(entries)
    ]
    parts += ["## Entries\n", tables.markdown(names, lines, right=("ratios",))]
    return "\n".join(parts) + "\n"


def _last_ratios(entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    """Yield the last value of each ratio of one processor, and the one before."""
    last = {name: k for k, entry in enumerate(entries) for name in entry.ratios}
    for name in sorted(last):
        k = last[name]
        (change,) = (c for c in changes(entries[:k], entries[k]) if c.name == name)
        before, shift = ("", "")
        if change.before is not None:
            before, shift = f"{change.before:.3g}", change.shift
        shift = f"**{shift}**" if change.fell else shift
        yield name, f"{change.now:.3g}", before, shift, entries[k].place


def draw(entries: Sequence[Entry]) -> Figure:
    """Draw the ratios over the entries: a panel a benchmark, a line a ratio, labelled at its end.

    Lines of the last entry's processor are solid, those of others dotted.
    """
    from matplotlib.figure import Figure

    groups: dict[str, list[str]] = {}
    for name in sorted({name for entry in entries for name in entry.ratios}):
        groups.setdefault(name.partition(": ")[0], []).append(name)
    heights = [0.6 + 0.17 * max(4, len(group)) for group in groups.values()]
    with style():
        figure = Figure(figsize=(8, sum(heights) + 0.6))
        panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=heights)[
            :, 0
        ]
        for axes, (benchmark, group), height in zip(panels, groups.items(), heights, strict=True):
            _panel(axes, group, entries, (height - 0.5) * 72)
            axes.set_title(benchmark)
        shown = np.unique(np.linspace(0, len(entries) - 1, 5).round().astype(int))
        panels[-1].set_xticks(shown, [entries[k].place.replace(" ", "\n") for k in shown])
        panels[-1].set_xlim(-0.3, len(entries) - 0.85)
    return figure


def _panel(axes: Axes, names: Sequence[str], entries: Sequence[Entry], points: float) -> None:
    """Draw some ratios on a logarithmic axis of so many points height."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    values = [entry.ratios[name] for name in names for entry in entries if name in entry.ratios]
    middle = np.sqrt(min(values) * max(values))
    low, high = min(min(values) / 1.2, middle / 2), max(max(values) * 1.2, middle * 2)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 50 else (1,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ends = {}
    last = entries[-1].processor
    processors = sorted({entry.processor for entry in entries}, key=lambda name: name == last)
    for k, name in enumerate(names):
        colour = COLOURS[k % len(COLOURS)]
        for processor in processors:
            line = [
                (place, entry.ratios[name])
                for place, entry in enumerate(entries)
                if entry.processor == processor and name in entry.ratios
            ]
            if not line:
                continue
            form: dict[str, Any] = {"marker": "o", "color": colour}
            if processor != last:
                form |= {"linestyle": ":", "markerfacecolor": "white"}
            axes.plot(*zip(*line, strict=True), **form)
            ends[name] = (*line[-1], colour)  # of the last processor where there is one
    _label(axes, ends, points)


def _label(axes: Axes, ends: dict[str, tuple[int, float, str]], points: float) -> None:
    """Write each line's last value and name to the right of the panel, apart from one another."""
    low, high = np.log(axes.get_ylim())
    order = sorted(ends, key=lambda name: ends[name][1])
    wanted = np.array([(np.log(ends[name][1]) - low) / (high - low) for name in order])
    for name, y in zip(order, _apart(wanted, 9.5 / points), strict=True):
        at, value, colour = ends[name]
        axes.annotate(
            f"{value:.3g}  {name.partition(': ')[2]}",
            (at, value),
            xytext=(1.03, y),
            textcoords="axes fraction",
            color=colour,
            fontsize=8,
            va="center",
            annotation_clip=False,
            # Grey, so that nobody takes it for a line of measurements.
            arrowprops={"arrowstyle": "-", "color": "0.8", "lw": 0.5, "relpos": (0, 0.5)},
        )


def _apart(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Return places near ascending ones, at least a gap apart, within 0 and 1 where they fit."""
    steps = gap * np.arange(len(wanted))
    places = np.maximum.accumulate(wanted - steps) + steps
    top = max(1.0, steps[-1])
    return np.minimum(places, top - steps[::-1])
