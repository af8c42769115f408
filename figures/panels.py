"""Figures of studies as data: panels by axes of the results, in each a line or points by hue.

A figure is a `Sheet`: which study, what each `Panel` shows, which axes have panels for each of
their values, and the `Hue`. Means over seeds have Student's intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, style
from neurosim.studies import results
from neurosim.studies.estimates import over

Kind = Literal["line", "points", "means", "seeds"]
"""Means with a band, points with bars; two quantities against each other: means, or each seed."""
NOTE = "mean and 95 % interval over seeds"
LABELS = {
    "threshold": "runtime threshold scale",
    "spikes": "spikes per window",
    "time": "time (s)",
}
"""Of axes and quantities that several figures have along x."""


@dataclass(frozen=True)
class Hue:
    """What the lines of a panel stand for."""

    axis: str | tuple[str, ...]
    """Of the results; or several, whose combinations have a line each."""
    labels: Mapping[Any, str]
    """By value, or tuple of values, in the order of drawing; what the results lack is left out. One
    that begins with _ is not in the legend."""
    colours: Sequence[Any] = (BLUE, ORANGE, GREEN, PINK, SKY)
    markers: Sequence[str] = "os^Dv"
    """None are drawn where this is empty."""
    looks: Sequence[Mapping[str, Any]] = ({},)
    """More of matplotlib's properties of a line. All three begin anew where they end."""

    def series(self, values: xr.DataArray) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        """Return number, properties and place of each line that has any of the values."""
        for k, (value, label) in enumerate(self.labels.items()):
            if isinstance(self.axis, str):
                point = {self.axis: value}
            else:
                point = dict(zip(self.axis, value, strict=True))
            if all(part in values[axis].values for axis, part in point.items()):
                look = {"label": label, "color": self.colours[k % len(self.colours)]}
                look |= {"marker": self.markers[k % len(self.markers)]} if self.markers else {}
                if bool(values.sel(point).notnull().any()):
                    yield k, {**look, **self.looks[k % len(self.looks)]}, point


ONE = Hue((), {(): "_"}, colours=(BLACK,))
"""A single line."""
TRAINED = Hue("net", {"fixed": "trained at one threshold", "aspen": "trained at U(1, 1.5)"})
METHODS = Hue("learning", {"bptt": "through time", "rate": "rate-based"})


@dataclass(frozen=True)
class Panel:
    """One quantity, drawn for each value of the sheet's facets; what is None is the sheet's."""

    y: str
    """Of the results, or of what `Sheet.quantities` makes of them."""
    label: str
    """Of the quantity's axis, with its unit."""
    title: str
    """Facets in braces stand for their values, attributes of the results likewise."""
    x: str | None = None
    """An axis of the results, or another quantity."""
    xlabel: str | None = None
    hue: Hue | None = None
    kind: Kind | None = None
    limits: tuple[float | None, float | None] = (None, None)
    """Of the quantity."""
    scales: tuple[str, str] = ("linear", "linear")
    """Of x and y: "linear", "log", or "counts", which is logarithmic with plain numbers."""
    lines: Sequence[float | str] = ()
    """Values of the quantity that a dotted line marks; or the name of another one."""
    geometric: bool = False
    """Whether mean and interval are those of the logarithm."""
    legend: Mapping[str, Any] | None = None
    """Arguments of a legend in the panel's first facet; that of the others is below all panels."""
    also: Callable[[Axes, xr.Dataset], object] | None = None
    """Draws what else the panel shows."""


def against_spikes(title: str, **more: Any) -> Panel:
    """Return the panel of accuracy against spikes; `more` as in `Panel`."""
    same: dict[str, Any] = {"limits": (0, 1), "scales": ("counts", "linear"), "kind": "means"}
    return Panel("accuracy", "test accuracy (mean over seeds)", title, "spikes", **same, **more)


@dataclass(frozen=True)
class Sheet:
    """The figure of a study's results."""

    study: str
    panels: Sequence[Panel]
    x: str
    xlabel: str = ""
    """That of LABELS if left out."""
    hue: Hue = TRAINED
    kind: Kind = "line"
    ticks: Mapping[Any, str] | None = None
    """Names of the values of x, where they are no numbers, in the order of drawing."""
    sides: Sequence[float] = ()
    """For each hue how far its points stand beside x, so that bars do not cover each other."""
    marks: Sequence[float] = ()
    """Values of x that a dotted line marks."""
    rows: str | None = None
    """An axis of the results with a row of panels for each value."""
    columns: str | None = None
    down: bool = False
    """Whether the panels of one facet stand below each other."""
    flip: bool = False
    """Whether the quantity is the horizontal axis, and x runs down the vertical one."""
    size: tuple[float, float] = (3.6, 3.1)
    """Of a panel, in inches."""
    note: str = NOTE
    """Above all panels; an axis of the results in braces stands for its length."""
    quantities: Callable[[xr.Dataset], xr.Dataset] = lambda d: d
    """Makes of the results what the panels show."""

    def compute(self, source: str | Path | None = None) -> xr.Dataset:
        """Return what is drawn, each quantity over its axes and "seed".

        Args:
            source: a study's name or a CSV file of results; what is stored of `study` without.

        Raises:
            InputError: the results are not there.
            KeyError: they are a part of the grid, and lack what others are compared with.
        """
        return self.quantities(results.read(source or self.study))

    def draw(self, d: xr.Dataset) -> Figure:
        """Draw what `compute` returns.

        Raises:
            KeyError: a panel is empty.
        """
        grid = self._grid(d)
        alike: Any = "row" if self.down else "col" if len(self.panels) > 1 else "all"
        shared: Any = ("none", "all") if self.flip else ("col", alike)
        with style():
            size = (self.size[0] * len(grid[0]) + 0.3, self.size[1] * len(grid) + 0.6)
            figure = Figure(figsize=size, layout="constrained")
            axes = figure.subplots(
                len(grid), len(grid[0]), squeeze=False, sharex=shared[0], sharey=shared[1]
            )
            places = list(zip(axes.flat, chain.from_iterable(grid), strict=True))
            for axis, (panel, facet) in places:
                self._draw(axis, panel, d.sel(facet))
            for axis, (panel, facet) in places:  # when all is drawn, for axes are shared
                self._finish(axis, panel, d.sel(facet))
                axis.set_title(panel.title.format_map({**facet, **d.attrs}))
            for axis in axes[:-1].flat if shared[0] == "col" else ():
                axis.set_xlabel("")
            for axis in axes[:, 1:].flat if shared[1] in ("row", "all") else ():
                axis.set_ylabel("")
            _legends(figure, [(axis, panel) for axis, (panel, _) in places])
            lengths = {str(axis): length for axis, length in d.sizes.items()}
            figure.suptitle(self.note.format_map(lengths), fontsize=8, x=0.01, ha="left")
        return figure

    def _grid(self, d: xr.Dataset) -> list[list[tuple[Panel, dict[str, Any]]]]:
        """Return rows of panels, each with its facet."""
        rows, columns = (
            [{axis: value} for value in d[axis].values] if axis else [dict[str, Any]()]
            for axis in (self.rows, self.columns)
        )
        if self.down:
            return [[(p, r | c) for c in columns] for r in rows for p in self.panels]
        return [[(p, r | c) for c in columns for p in self.panels] for r in rows]

    def _draw(self, axis: Axes, panel: Panel, d: xr.Dataset) -> None:
        """Draw the lines or points of one panel."""
        x, y, kind = panel.x or self.x, d[panel.y], panel.kind or self.kind
        series = list((panel.hue or self.hue).series(y))
        if not series:
            raise KeyError(panel.y)
        if kind in ("line", "points"):
            logs: Any = np.log(y) if panel.geometric else None
            summary = over(y) if logs is None else over(logs).map(np.exp)
        for k, look, point in series:
            if kind == "seeds":
                _seeds(axis, _at(d[x], point), y.sel(point), look)
            elif kind == "means":
                axis.plot(_at(d[x], point).mean("seed"), y.sel(point).mean("seed"), **look)
            else:
                line = summary.sel(point)
                if self.ticks is not None and x == self.x:
                    line = line.sel({x: list(self._names(y))})
                    places = np.arange(line.sizes[x])
                else:
                    line = line.dropna(x, how="all")
                    places = line[x].values
                if kind == "line":
                    _line(axis, places, line, look)
                else:
                    side = self.sides[k] if self.sides and panel.x is None else 0.0
                    _points(axis, places + side, line, look, flip=self.flip)
        _scale(axis, "x", panel.scales[0])
        _scale(axis, "y", panel.scales[1])

    def _names(self, values: xr.DataArray) -> dict[Any, str]:
        """Return the ticks of those values of x at which a quantity is known."""
        known = values.dropna(self.x, how="all")[self.x].values
        return {value: name for value, name in (self.ticks or {}).items() if value in known}

    def _finish(self, axis: Axes, panel: Panel, d: xr.Dataset) -> None:
        """Set limits, ticks, labels and marks of a panel, and draw what else it shows."""
        label = panel.xlabel or LABELS.get(panel.x or "") or self.xlabel or LABELS[self.x]
        along, across, set_limits = axis.axvline, axis.axhline, axis.set_ylim
        axis.set(xlabel=label, ylabel=panel.label)
        if self.flip:
            along, across, set_limits = axis.axhline, axis.axvline, axis.set_xlim  # type: ignore
            axis.set(xlabel=panel.label, ylabel=label)
        dotted: dict[str, Any] = {"color": BLACK, "lw": 0.8, "ls": ":"}
        for value in self.marks if panel.x is None else ():
            along(value, **dotted)
        for line in panel.lines:
            across(float(d[line]) if isinstance(line, str) else line, **dotted)
        set_limits(*panel.limits)
        if self.ticks is not None and panel.x is None:
            names = self._names(d[panel.y])
            which = "y" if self.flip else "x"
            ends = (len(names) - 0.5, -0.5) if self.flip else (-0.5, len(names) - 0.5)
            ticks = {f"{which}ticks": range(len(names)), f"{which}ticklabels": [*names.values()]}
            axis.set(**ticks, **{f"{which}lim": ends})
        if panel.also is not None:
            panel.also(axis, d)


def _at(values: xr.DataArray, point: Mapping[str, Any]) -> xr.DataArray:
    """Return a quantity at those coordinates of a point that it has."""
    return values.sel({axis: value for axis, value in point.items() if axis in values.dims})


def _line(axis: Axes, x: np.ndarray, summary: xr.Dataset, look: Mapping[str, Any]) -> None:
    """Draw means as a line with their intervals as a band."""
    axis.fill_between(x, summary.lower, summary.upper, color=look["color"], alpha=0.15, lw=0)
    axis.plot(x, summary["mean"], **look)


def _points(
    axis: Axes, x: np.ndarray, summary: xr.Dataset, look: Mapping[str, Any], *, flip: bool
) -> None:
    """Draw means as points with their intervals as bars."""
    y = summary["mean"].values
    errors = np.stack([y - summary.lower, summary.upper - y])
    look = {"ls": "", "lw": 1, "ms": 4, "capsize": 2, **look}
    if flip:
        axis.errorbar(y, x, xerr=errors, **look)
    else:
        axis.errorbar(x, y, yerr=errors, **look)


def _seeds(axis: Axes, x: xr.DataArray, y: xr.DataArray, look: Mapping[str, Any]) -> None:
    """Draw each seed's values of two quantities against each other."""
    for k, seed in enumerate(y.seed.values):
        pair = (values.sel(seed=seed).values.ravel() for values in (x, y))
        axis.plot(*pair, **{**look, "label": "_" if k else look["label"]})


def _scale(axis: Axes, which: str, scale: str) -> None:
    """Make an axis logarithmic; of counts with ticks at 1, 2 and 5 in plain numbers."""
    if scale == "linear":
        return
    axis.set(**{f"{which}scale": "log"})
    if scale == "counts":
        line = getattr(axis, f"{which}axis")
        line.set_major_locator(LogLocator(subs=(1, 2, 5)))
        line.set_major_formatter(StrMethodFormatter("{x:,g}"))
        line.set_minor_formatter(NullFormatter())


def _legends(figure: Figure, panels: Sequence[tuple[Axes, Panel]]) -> None:
    """Draw the legend below all panels, and in its first facet that of a panel with its own."""
    below: dict[str, Any] = {}
    for k, (axis, panel) in enumerate(panels):
        if panel.legend is None:
            handles, labels = axis.get_legend_handles_labels()
            below |= dict(zip(labels, handles, strict=True))
        elif all(panel is not other for _, other in panels[:k]):
            axis.legend(**{"fontsize": 8, **panel.legend})
    if below:
        names, columns = list(below), min(len(below), 6)
        place: Any = "outside lower center"
        figure.legend(list(below.values()), names, loc=place, ncols=columns, fontsize=8)
