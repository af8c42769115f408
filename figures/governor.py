"""What an energy-aware governor gains: over regimes of dynamic power, and in one simulated week.

Regimes are those of the study `aspen_governor`; the week is of the demo's nets and two smaller
ones, trained as `fixed` with hidden = [24, 24, 24] and [12, 12].
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim import store
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style
from neurosim.studies import results
from neurosim.studies.estimates import over
from neurosim.workflows import governor

if TYPE_CHECKING:
    import xarray as xr

TITLE = "The governor: what threshold and model choice gain on a battery"
FINDING = """\
ASPEN's energy-aware adaptation was closed into a loop: a battery that holds 80 % of a week's need,
a harvester, bouts of real movement of people the nets never saw, and a table calibrated on others;
three trainings and subject splits, nine wearers. On the Xylo IMU it can gain next to nothing: by
the published figures 2 % of the power at work is dynamic, so that losing 71 % of the demo net's
spikes saves 0.6 % of the power. Of the decisions that Select(E) makes there 6 % fewer are right
than at the best constant threshold (interval -1 to 12), for energy that is not saved. A governor
that saves only where saving buys decisions stays at the best threshold. That choice, made once from
a table, is nearly all that the threshold of one net gains in any regime: beyond it accuracy falls
about as fast as the cycles do, of which 42 % are spent without any event. Storing a second, small
net is worth more: 12-12 neurons take a sixth of the dynamic power of 48-48-48 and are about as
accurate. With both, 9 % more decisions are correct (interval 5 to 12) at a dynamic share of 20 %,
15 % more (12 to 19) at 40 %; at the Xylo IMU's 2 % the gain is not told from none."""

STUDY, TABLE = "aspen_governor", governor.TRACE
TRACED_SHARE = 0.95
"""Dynamic share of power in the week that is drawn."""
POLICIES = {
    "calibrated": (BLACK, "^", "best threshold, always"),
    "select": (PINK, "v", "Select(E), thresholds"),
    "threshold": (BLUE, "o", "governor, thresholds"),
    "best mix": (ORANGE, "s", "governor, models and thresholds"),
}
TRACES = {
    "fixed": (GREEN, "threshold 1"),
    "threshold": (BLUE, POLICIES["threshold"][2]),
    "best mix": (ORANGE, POLICIES["best mix"][2]),
}
MODELS = {
    "aspen": "48-48-48, U(1, 1.5)",
    "fixed": "48-48-48",
    "fixed24": "24-24-24",
    "fixed12": "12-12",
}
WEARERS = 3
"""Test subjects of a seed, who wear the device in turn."""

PUBLISHED = {"Xylo IMU": 0.020, "first Xylo": 0.112}
"""Dynamic share of the net `aspen` at scale 1 by the two anchors with an idle power (estimates)."""


def measure() -> list[dict[str, object]]:
    """Return one week of the demo's nets, period by period, at TRACED_SHARE."""
    from neurosim.figures import power_linearity
    from neurosim.workflows import stored_models

    models = [stored_models.measure_model(folder) for folder in power_linearity.demo_nets()]
    price = governor.price_at(TRACED_SHARE, models[0])
    return governor.trace(TRACED_SHARE, governor.weeks_of(models, price))


def compute(study: str | Path = STUDY, week: Path | None = None) -> dict[str, Any]:
    """Read the results of the study and a table of `measure`.

    Args:
        study: its name, or a CSV file of its results.
        week: the table; the one stored with the figures when None.

    Returns:
        What `summary` gives; `trace_share`; `trace`: for each traced policy the columns `hours`,
        `charge`, `threshold`, `model`.

    Raises:
        InputError: there are no results.
    """
    arrays = summary(results.read(study))
    remedy = "neurosim figures governor --recompute"
    table = store.read_table(week or store.shipped() / TABLE, remedy=remedy)
    columns = ("hours", "charge", "threshold", "model")
    arrays["trace_share"] = float(table["dynamic_share"][0])
    arrays["trace"] = {
        name: {column: table[column][table["policy"] == name] for column in columns}
        for name in TRACES
    }
    return arrays


def summary(lives: xr.Dataset) -> dict[str, Any]:
    """Return gains over "fixed", paired, and lifetimes.

    The unit is a wearer of a seed's nets: his weeks are averaged, and the interval is over them.

    Args:
        lives: over dynamic_share, policy, seed and week; week k is that of wearer k mod 3.

    Returns:
        `shares` (S,); for each policy `gain` and `half` (S,), in shares of the decisions asked for,
        with the half width of the 95 % interval, and `lifetime` and `life_half` (S,) in days.
    """
    persons = lives.groupby(lives.week % WEARERS).mean().stack(person=("seed", "week"))
    by_policy: dict[str, Any] = {"shares": lives.dynamic_share.values}
    base = persons.correct_share.sel(policy="fixed")
    for name in ("fixed", *POLICIES):
        own = persons.sel(policy=name)
        gain, lifetime = over(own.correct_share - base, "person"), over(own.lifetime, "person")
        by_policy[name] = {
            "gain": gain["mean"].values,
            "half": (gain.upper - gain["mean"]).values,
            "lifetime": lifetime["mean"].values,
            "life_half": (lifetime.upper - lifetime["mean"]).values,
        }
    return by_policy


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw gain and lifetime against the dynamic share, and one week's charge and settings."""
    with style():
        figure = Figure(figsize=(9.6, 6.0), layout="constrained")
        (gain, life), (charge, setting) = figure.subplots(2, 2)
        _regimes(gain, life, arrays)
        day = {name: trace["hours"] / 24 for name, trace in arrays["trace"].items()}
        for name, trace in arrays["trace"].items():
            colour, label = TRACES[name]
            charge.plot(day[name], 100 * trace["charge"], color=colour, label=label, lw=1.2)
        percent = 100 * arrays["trace_share"]
        charge.set(title=f"A week at {percent:.0f} % dynamic power", ylabel="charge (%)")
        charge.set(xlabel="day", ylim=(0, 102))
        charge.legend(loc="upper right")
        _settings(setting, day["best mix"], arrays["trace"]["best mix"])
    return figure


def _regimes(gain: Axes, life: Axes, arrays: dict[str, Any]) -> None:
    percent = 100 * arrays["shares"]
    shown = {**POLICIES, "fixed": (GREEN, "x", "threshold 1")}
    for k, (name, (colour, marker, label)) in enumerate(shown.items()):
        a, x = arrays[name], percent + 0.5 * (k - 2)  # side by side, so that no bar hides another
        marks: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "elinewidth": 0.8,
            "label": label,
        }
        if name != "fixed":
            gain.errorbar(x, 100 * a["gain"], 100 * a["half"], **marks)
        life.errorbar(x, a["lifetime"], a["life_half"], **marks)
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
    gain.set_ylim(-11, 36)
    gain.legend(loc="upper right")
    life.legend(loc="lower right", fontsize=7, ncols=2)
    life.set(title="Until the battery is empty", ylim=(4.2, 7.1))
    life.set_ylabel("days (7: never; 95 % interval)")
    life.set(xlabel="dynamic share of power at work (%)")


def _settings(axis: Axes, day: np.ndarray, trace: dict[str, np.ndarray]) -> None:
    colours = (ORANGE, BLUE, GREEN, PINK)
    for model, colour in zip(np.unique(trace["model"]), colours, strict=False):
        shown = np.where(trace["model"] == model, trace["threshold"], np.nan)
        axis.plot(
            day,
            shown,
            color=colour,
            marker=".",
            ms=3,
            lw=1.2,
            label=MODELS.get(str(model), str(model)),
        )
    axis.set(title="The governor's choice of model and threshold", xlabel="day")
    axis.set_ylabel("threshold scale in force")
    axis.legend(loc="best")
