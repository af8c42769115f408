"""AHSAR and ASPEN alone and together, over the runtime threshold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results

TITLE = "AHSAR and ASPEN, alone and together"
CONTROLS = {
    "fixed": (BLUE, "o", "neither"),
    "AHSAR": (GREEN, "^", "AHSAR"),
    "ASPEN": (ORANGE, "s", "ASPEN, U(1, 1.5)"),
    "both": (PINK, "D", "both"),
}
LINES = {
    "accuracy": "test accuracy",
    "gain": "gain by AHSAR\n(paired, percentage points)",
    "rate": "spikes per neuron and step",
}
GAINS = {
    "alone": ("AHSAR", "fixed", GREEN, "^"),
    "on top of ASPEN": ("both", "ASPEN", PINK, "D"),
}


def compute(source: str | Path = "ahsar_aspen") -> dict[str, Any]:
    """Return `accuracy` and `rate` over net, control and threshold.

    And for each of GAINS the paired gain of accuracy in percentage points, over net and threshold.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    values = {name: over_seeds(d[name]) for name in ("accuracy", "rate")}
    for kind, (first, second, *_) in GAINS.items():
        gap = d.accuracy.sel(control=first, drop=True) - d.accuracy.sel(control=second, drop=True)
        values[kind] = over_seeds(100 * gap)
    return values


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy, its gain and activity against the threshold, a column for each net."""
    nets = [str(net) for net in arrays["rate"].net.values]
    with style():
        size = (3.4 * len(nets) + 0.4, 7.2)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(LINES), len(nets), squeeze=False, sharex=True, sharey="row")
        for column, net in zip(panels.T, nets, strict=True):
            for axis, name in zip(column, LINES, strict=True):
                axis.set_title(f"{net}: {name}" if name != "rate" else f"{net}: activity")
                for label, colour, marker, found in _lines(arrays, name, net):
                    band(axis, found.threshold, found, colour, marker=marker, label=label)
            column[1].axhline(0, color=BLACK, lw=0.8, ls=":")
            column[-1].set_xlabel("runtime threshold scale")
        for line, label in zip(panels, LINES.values(), strict=True):
            line[0].set_ylabel(label)
        panels[0, 0].set_ylim(0, 1)
        panels[2, 0].set_ylim(0, None)
        panels[0, 0].legend(title="trained with")
        panels[1, 0].legend(title="AHSAR")
        figure.suptitle(NOTE, fontsize=8, x=0.01, ha="left")
    return figure


def _lines(arrays: dict[str, Any], name: str, net: str) -> Iterator[tuple[str, str, str, Any]]:
    """Return label, colour, marker and values of each line of a panel."""
    if name == "gain":
        for kind, (_, _, colour, marker) in GAINS.items():
            yield kind, colour, marker, arrays[kind].sel(net=net)
    else:
        for control, (colour, marker, label) in CONTROLS.items():
            yield label, colour, marker, arrays[name].sel(net=net, control=control)
