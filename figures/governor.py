"""What an energy-aware governor gains: over regimes of dynamic power, and in one simulated week.

The stored results are of four nets: `aspen` and `fixed` of the demo, and two smaller ones trained
as `fixed` with hidden = [24, 24, 24] and [12, 12].
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.experiments import governor_results, tidy
from neurosim.figures.style import BLACK, BLUE, GREEN, ORANGE, PINK, style

TITLE = "The governor: what threshold and model choice gain on a battery"
FINDING = """\
ASPEN's energy-aware adaptation was closed into a loop: a battery that holds 80 % of a week's need,
a harvester, bouts of real movement of three people the nets never saw, and a table calibrated on
others. On the Xylo IMU it can gain next to nothing: by the published figures 2 % of the power at
work is dynamic, so that losing 71 % of the spikes saves 0.6 % of the power. There Select(E) does
harm: it gives up accuracy for energy that is not saved, 4 % of all decisions. A governor that saves
only where saving buys decisions stays at the best threshold. That choice, made once from a table,
is all that the threshold of one net gains in any regime: beyond it accuracy falls as fast as the
cycles do, of which 42 % are spent without any spike. Storing a second, small net is worth more:
12-12 neurons take a sixth of the dynamic power of 48-48-48, at an accuracy of .75 against .77.
Switching between both wins from a dynamic share of about 20 % on, with 13 % more correct decisions
at 40 %; below 10 % it loses to the large net. One training of each net, nine weeks."""

POLICIES = {
    "calibrated": (BLACK, "^", "best threshold, always"),
    "select": (PINK, "v", "Select(E), thresholds"),
    "threshold": (BLUE, "o", "governor, thresholds"),
    "best mix": (ORANGE, "s", "governor, models and thresholds"),
}
TRACES = {"fixed": BLACK, "threshold": BLUE, "best mix": ORANGE}
PUBLISHED = {"Xylo IMU": 0.020, "first Xylo": 0.112}
"""Dynamic share of the net `aspen` at scale 1 by the two anchors with an idle power (estimates)."""


def compute(folder: Path | None = None) -> dict[str, Any]:
    """Read the results of `neurosim governor ... --out FOLDER`; those stored with the figures.

    Returns:
        `shares` (S,); for each policy `gain` and `half` (S,), paired with "fixed" week by week;
        `lifetime` (S,) mean days, of "fixed" too; `trace`: for each traced policy `hours`,
        `charge`, `threshold`, `model`.

    Raises:
        InputError: the folder holds no results.
    """
    folder, remedy = folder or tidy.stored(), "neurosim governor RUN..."
    table = tidy.read(folder / governor_results.WEEKS, remedy=remedy)
    week = tidy.read(folder / governor_results.TRACE, remedy=remedy)
    shares = np.unique(table["dynamic_share"])
    found: dict[str, Any] = {"shares": shares, "trace_share": float(week["dynamic_share"][0])}
    for name in ("fixed", *POLICIES):
        rows = [_rows(table, name, share) for share in shares]
        base = [_rows(table, "fixed", share) for share in shares]
        gains = np.array(
            [
                table["correct_share"][a] - table["correct_share"][b]
                for a, b in zip(rows, base, strict=True)
            ]
        )
        found[name] = {
            "gain": gains.mean(axis=1),
            "half": _half_width(gains),
            "lifetime": np.array([table["lifetime_days"][r].mean() for r in rows]),
        }
    found["trace"] = {
        name: {
            c: week[c][week["policy"] == name] for c in ("hours", "charge", "threshold", "model")
        }
        for name in TRACES
    }
    return found


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw gain and lifetime against the dynamic share, and one week's charge and settings."""
    with style():
        figure = Figure(figsize=(9.6, 6.0), layout="constrained")
        (gain, life), (charge, setting) = figure.subplots(2, 2)
        _regimes(gain, life, arrays)
        day = {name: trace["hours"] / 24 for name, trace in arrays["trace"].items()}
        for name, trace in arrays["trace"].items():
            charge.plot(day[name], 100 * trace["charge"], color=TRACES[name], label=name, lw=1.2)
        percent = 100 * arrays["trace_share"]
        charge.set(title=f"A week at {percent:.0f} % dynamic power", ylabel="charge (%)")
        charge.set(xlabel="day", ylim=(0, 102))
        charge.legend(loc="upper right")
        _settings(setting, day["best mix"], arrays["trace"]["best mix"])
    return figure


def _regimes(gain: Axes, life: Axes, arrays: dict[str, Any]) -> None:
    percent = 100 * arrays["shares"]
    for name, (colour, marker, label) in POLICIES.items():
        a = arrays[name]
        gain.errorbar(
            percent,
            100 * a["gain"],
            100 * a["half"],
            color=colour,
            marker=marker,
            label=label,
            elinewidth=0.8,
        )
        life.plot(percent, a["lifetime"], color=colour, marker=marker)
    life.plot(percent, arrays["fixed"]["lifetime"], color=GREEN, marker="x", label="threshold 1")
    for name, share in PUBLISHED.items():
        gain.axvline(100 * share, color=BLACK, lw=0.8, ls=":")
        gain.annotate(
            name,
            (100 * share + 0.8, 0.98),
            xycoords=("data", "axes fraction"),
            fontsize=7,
            rotation=90,
            va="top",
        )
    gain.axhline(0, color=BLACK, lw=0.8)
    gain.set(title="Gain over threshold 1")
    gain.set_ylabel("correct decisions gained\n(% of those asked, 95 % interval)")
    gain.set(xlabel="dynamic share of power at work (%)")
    gain.set_ylim(-9, 32)
    gain.legend(loc="upper right")
    life.set(title="Until the battery is empty", ylabel="days (7: never)", ylim=(4.5, 7.1))
    life.set(xlabel="dynamic share of power at work (%)")
    life.legend(loc="lower right")


def _settings(axis: Axes, day: np.ndarray, trace: dict[str, np.ndarray]) -> None:
    colours = (ORANGE, BLUE, GREEN, PINK)
    for model, colour in zip(np.unique(trace["model"]), colours, strict=False):
        shown = np.where(trace["model"] == model, trace["threshold"], np.nan)
        axis.plot(day, shown, color=colour, marker=".", ms=3, lw=1.2, label=str(model))
    axis.set(title="The governor's choice of model and threshold", xlabel="day")
    axis.set_ylabel("threshold scale in force")
    axis.legend(loc="best")


def _rows(table: dict[str, np.ndarray], policy: str, share: float) -> np.ndarray:
    """Return the rows of a policy in a regime, week by week."""
    rows = np.flatnonzero((table["policy"] == policy) & (table["dynamic_share"] == share))
    return rows[np.argsort(table["week"][rows])]


def _half_width(gains: np.ndarray) -> np.ndarray:
    """Return half widths (S,) of the 95 % interval of the mean of gains (S, weeks)."""
    from scipy.stats import t

    n = gains.shape[1]
    if n < 2:
        return np.full(len(gains), np.nan)
    return t.ppf(0.975, n - 1) * gains.std(axis=1, ddof=1) / np.sqrt(n)
