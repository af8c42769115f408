"""Tables of estimated power and of the governor's weeks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from neurosim.energy import cycles
from neurosim.energy import price as energy
from neurosim.energy.price import Price
from neurosim.readout import NEVER
from neurosim.tables import terminal
from neurosim.workflows import power
from neurosim.workflows.governor import Weeks, dynamic_share, gains
from neurosim.workflows.stored_models import Model


def estimates(models: Sequence[Model]) -> Group:
    """Return the estimate of each model at scale 1 from each anchor."""
    table = Table(
        "net", "clock MHz", "anchor", "idle µW", "dynamic µW", "dynamic share", box=box.SIMPLE
    )
    for model in models:
        k = model.scales.index(1.0)
        active = energy.Activity(
            model.input_bins,
            float(model.sample.hidden_bins[k].mean()),
            float(model.sample.spikes[k].mean()),
        )
        for estimate in energy.spread(model.spec, active):
            total = estimate.total_w
            table.add_row(
                model.name,
                f"{1e-6 * cycles.clock_hz(model.spec):.1f}{_bound(model, estimate)}",
                estimate.anchor.name,
                "-" if estimate.idle_w is None else f"{1e6 * estimate.idle_w:.0f}",
                f"{1e6 * estimate.dynamic_w:.2f}",
                "-" if total is None else f"{estimate.dynamic_w / total:.3f}",
            )
    bound = "Clock: what the worst step needs; > where idle power is that of a slower clock."
    notes = [Text(bound), *_sources()]
    return Group(table, "Estimates, nothing was measured here. Published figures:", *notes)


def _bound(model: Model, estimate: energy.Estimate) -> str:
    """Return a sign where the estimate is a lower bound."""
    return " >" if cycles.clock_hz(model.spec) > estimate.anchor.measured_hz else ""


def _sources() -> list[Text]:
    return [Text(f"{a.name}: {a.what}; {a.source}") for a in energy.ANCHORS]


def linearity(models: Sequence[Model]) -> Table:
    """Return how linear power is in spikes: over thresholds, over windows, in active bins."""
    table = Table(
        "net",
        "dynamic power against",
        "slope [95 %]",
        "R²",
        "worst residual",
        "curvature [95 %]",
        "elasticity",
        "linear",
        box=box.SIMPLE,
    )
    for model in models:
        for name, scale, unit, line in (
            ("spikes, over thresholds", 1e12, "nW/1000 spikes", power.over_thresholds(model)),
            ("spikes, over windows at 1", 1e12, "nW/1000 spikes", power.over_windows(model)),
            ("active bins (so modelled)", 1e4, "µW/%", power.in_active_bins(model)),
        ):
            low, high = (scale * bound for bound in line.slope_ci)
            curved = [line.curvature, *line.curvature_ci]
            table.add_row(
                model.name,
                name,
                f"{scale * line.slope:.3g} [{low:.3g}, {high:.3g}] {unit}",
                f"{line.r_squared:.4f}",
                f"{line.worst_residual:.3f}",
                "{:+.3f} [{:+.3f}, {:+.3f}]".format(*curved),
                f"{line.elasticity:.3f}",
                "yes" if line.linear else "no",
            )
    return table


def reaches(models: Sequence[Model]) -> Table:
    """Return what the threshold saves on each net, at the published price."""
    table = Table(
        "net",
        "bytes",
        "silent cycles",
        "cheapest scale",
        "accuracy 1 -> there",
        "spikes saved",
        "dynamic saved",
        "power saved",
        "dynamic share for 10 % longer life",
        box=box.SIMPLE,
    )
    for model in models:
        reach = power.power_reach(model)
        needed = reach.share_needed(0.1)
        table.add_row(
            model.name,
            f"{model.footprint}",
            f"{power.silent_share(model):.2f}",
            f"{reach.scale}",
            f"{reach.accuracy[0]:.3f} -> {reach.accuracy[1]:.3f}",
            f"{reach.spikes:.1%}",
            f"{reach.dynamic:.1%}",
            f"{reach.total:.2%}",
            f"{needed:.2f}" if needed <= 1 else "impossible",
        )
    return table


def fronts(models: Sequence[Model]) -> Group:
    """Return the settings of threshold and lead that none beats in both accuracy and spikes."""
    columns = ("net", "scale", "lead", "accuracy", "window used", "spikes", "clock MHz")
    heads = (*columns, "µW idle after", "µW off after", "µW at that clock")
    table = terminal(heads, right=heads[1:])
    for row in (row for model in models for row in power.front(model)):
        powers = (row[name] for name in ("power_uw", "power_off_uw", "power_clock_uw"))
        table.add_row(
            row["net"],
            f"{row['threshold']:g}",
            "end" if row["lead"] == NEVER else f"{row['lead']:g}",
            f"{row['accuracy']:.3f}",
            f"{row['window_used']:.2f}",
            f"{row['spikes']:,.0f}",
            f"{row['clock_mhz']:.2f}",
            *(f"{value:.1f}" for value in powers),
        )
    imu = energy.ANCHORS[0]
    assert imu.idle_w is not None
    assert imu.dynamic_w is not None
    total = 1e6 * (imu.idle_w + imu.dynamic_w)
    note = (
        f"Lead: output spikes ahead of the second class at which it decides. Of {total:.0f} µW "
        f"({imu.name}) spikes move at most {1e6 * imu.dynamic_w:.0f}: time saves more. Off after "
        "the decision: a start is taken to cost nothing. At that clock, which the busiest step "
        "needs: idle power is taken as proportional to it. Neither was measured: lower bounds."
    )
    return Group(table, Text(note))


def weeks(lived: Weeks, models: Sequence[Model], price: Price) -> Group:
    """Return what each policy made of its weeks."""
    table = Table(
        "policy",
        "correct of asked",
        "gain [95 %]",
        "accuracy",
        "lifetime d",
        "missed",
        "mJ / correct",
        "changes",
        box=box.SIMPLE,
    )
    gained = gains(lived.lives)
    for name, lives in lived.lives.items():
        mean = {
            key: float(np.mean([getattr(life, key) for life in lives]))
            for key in ("correct_share", "accuracy", "lifetime_days", "energy_per_correct_j")
        }
        missed = sum(life.failures for life in lives) / sum(d.asked for d in lived.schedules)
        gain, half = gained[name]
        table.add_row(
            name,
            f"{mean['correct_share']:.3f}",
            "" if name == "fixed" else f"{gain:+.3f} ± {half:.3f}",
            f"{mean['accuracy']:.3f}",
            f"{mean['lifetime_days']:.2f}",
            f"{missed:.1%}",
            f"{1e3 * mean['energy_per_correct_j']:.3f}",
            f"{np.mean([life.changes for life in lives]):.1f}",
        )
    share = dynamic_share(models[0], price)
    head = (
        f"{100 * share:.1f} % of {models[0].name}'s power at work is dynamic; battery "
        f"{lived.battery.capacity_j:.1f} J, harvest {1e6 * lived.battery.harvest_w:.1f} µW; "
        f"{len(lived.wearers)} weeks of {len(set(lived.wearers))} wearers"
    )
    return Group(Text(head), table)
