"""Stopping by evidence: a lead of output spikes that decides, beside the runtime threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.energy.operating_points import front
from neurosim.readout import NEVER
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import Estimate, interval, paired, percent
from neurosim.studies.study import Row, Study, Training
from neurosim.workflows.sweep import threshold_sweep

if TYPE_CHECKING:
    import xarray as xr

NETS = {
    "fixed": ("fixed", "counts"),
    "aspen": ("aspen", "counts"),
    "fixed early": ("fixed", "early"),
    "aspen early": ("aspen", "early"),
}
"""Preset and loss of each net: spikes counted at the window's end, or all along."""
KNOBS = ("threshold", "lead", "both")
"""What may be turned at run time: the threshold, deciding at the window's end; the lead, at the
threshold scale 1; or both."""
SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Of the spikes of the net "fixed" at scale 1: where nets are compared."""
SCARCE = slice(0.15, 0.4)
"""Of these shares: those for which knobs are turned."""


def measure(
    net: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    leads: tuple[int, ...],
) -> list[Row]:
    """Sweep threshold and lead of a net on the test windows, and on those that settings are
    chosen by.
    """
    preset, loss = NETS[net]
    changes = {} if loss == "counts" else {"loss": loss}
    data, _, spec = on_chip.wrist(preset, seed, every=every, training=training, **changes)
    test, known = (
        threshold_sweep(spec, part.raster, part.labels, thresholds, leads=leads, workers=1)
        for part in (data.test, data.validation)
    )
    return [
        {
            "threshold": row["threshold"],
            "lead": row["lead"],
            "accuracy": row["accuracy"],
            "undecided": row["silent"],
            "spikes": row["spikes_per_inference"],
            "events": row["input_events"],
            "used": row["window_used"],
            "power": row["power_uw"],
            "power_off": row["power_off_uw"],
            "accuracy_known": other["accuracy"],
            "spikes_known": other["spikes_per_inference"],
        }
        for row, other in zip(test, known, strict=True)
    ]


STUDY = Study(
    name="aspen_leads",
    title="Deciding at a lead of output spikes, beside raised thresholds",
    measure=measure,
    grid={"net": tuple(NETS)},
    index=("net", "seed", "threshold", "lead"),
    units={
        **on_chip.UNITS,
        "events": "input events per window",
        "used": "share of the window",
        "power_off": "µW (estimated) if the core is off after its decision",
        "accuracy_known": "share of validation windows",
        "spikes_known": "spikes per validation window",
    },
    settings={
        **on_chip.FULL,
        "thresholds": (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4),
        "leads": (2, 3, 4, 6, 8, 10, 15, 25),
    },
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (1.0, 1.4), "leads": (2, 6)},
)


def of_knob(net: xr.Dataset, knob: str) -> xr.Dataset:
    """Return the settings of a swept net that a knob reaches."""
    if knob == "threshold":
        return net.sel(lead=[NEVER])
    return net.sel(threshold=[1.0]) if knob == "lead" else net


def at_equal(d: xr.Dataset, net: str, knob: str, cost: str = "spikes") -> xr.DataArray:
    """Return a net's accuracies (seed, share) where it spends what the net "fixed" does at 1.

    Settings are those that none beats on validation windows, of other people than the test's.
    Between two of them a device takes turns; below the cheapest it leaves windows unanswered.

    Args:
        d: results.
        net: which.
        knob: of KNOBS.
        cost: "spikes", or "used": the share of the window.
    """
    import xarray as xr

    seeds = []
    for seed in d.seed.values:
        one = of_knob(d.sel(net=net, seed=seed), knob)
        known = "spikes_known" if cost == "spikes" else "used"
        chosen = front(one[known].values.ravel(), one.accuracy_known.values.ravel())
        spent, right = (one[name].values.ravel()[chosen] for name in (cost, "accuracy"))
        order = np.argsort(spent)
        whole = d[cost].sel(net="fixed", seed=seed, threshold=1.0, lead=NEVER).item()
        paid = np.array(SHARES) * whole
        seeds.append(np.interp(paid, np.r_[0.0, spent[order]], np.r_[0.0, right[order]]))
    coords = {"seed": d.seed.values, "share": list(SHARES)}
    return xr.DataArray(np.array(seeds), dims=("seed", "share"), coords=coords)


def gap(d: xr.Dataset, first: tuple[str, str], second: tuple[str, str]) -> Estimate:
    """Return by how much a net and knob are ahead of another at equal spikes, mean over SCARCE."""
    ahead = at_equal(d, *first) - at_equal(d, *second)
    return interval(ahead.sel(share=SCARCE).mean("share"))


TESTED = (
    "accuracy at 15 to 40 % of the spikes of the net fixed at scale 1, settings chosen on "
    "validation people, {seed} seeds and subject splits"
)


@claim(
    "Stopping at a lead of output spikes saves more than raising the threshold",
    "not in the papers",
    TESTED,
)
def lead_or_threshold(d: xr.Dataset) -> Finding:
    """Compare both knobs on the net that was trained at one threshold."""
    found = {net: gap(d, (net, "lead"), (net, "threshold")) for net in ("fixed", "aspen")}
    text = f"lead alone less threshold alone: fixed {found['fixed']:+.3f}"
    return Finding(f"{text}; ASPEN {found['aspen']:+.3f}", by_sign(found["fixed"], least=RELEVANT))


@claim(
    "A fixed net that stops when it knows is ahead of random thresholds that are raised",
    "not in the papers",
    TESTED,
)
def fixed_stops(d: xr.Dataset) -> Finding:
    """Compare both knobs of the fixed net with ASPEN's own knob on ASPEN's net."""
    ahead = gap(d, ("fixed", "both"), ("aspen", "threshold"))
    return Finding(
        f"fixed with both knobs less ASPEN by its threshold: {ahead:+.3f}",
        by_sign(ahead, least=RELEVANT),
    )


@claim("Random thresholds in training add to stopping early", "not in the papers", TESTED)
def aspen_adds(d: xr.Dataset) -> Finding:
    """Compare both nets with both knobs, also where spikes are fewest."""
    added = gap(d, ("aspen", "both"), ("fixed", "both"))
    aspen, fixed = (at_equal(d, net, "both").sel(share=0.15) for net in ("aspen", "fixed"))
    least = paired(aspen, fixed)
    return Finding(
        f"ASPEN less fixed, both knobs: {added:+.3f}; at 15 % of the spikes {least:+.3f}",
        by_sign(added, least=RELEVANT),
    )


@claim("Training on running counts adds to stopping early", "not in the papers", TESTED)
def early_adds(d: xr.Dataset) -> Finding:
    """Compare nets trained on running counts with those trained on the window's, both knobs."""
    added = {net: gap(d, (f"{net} early", "both"), (net, "both")) for net in ("fixed", "aspen")}
    fixed, aspen = (
        (at_equal(d, f"{net} early", "both") - at_equal(d, net, "both")).sel(share=SCARCE)
        for net in ("fixed", "aspen")
    )
    pooled = interval((fixed.mean("share") + aspen.mean("share")) / 2)
    return Finding(
        f"{pooled:+.3f}; fixed {added['fixed']:+.3f}, ASPEN {added['aspen']:+.3f}",
        by_sign(pooled, least=RELEVANT),
    )


@claim(
    "Stopping early saves a tenth of the power of a core that idles after its decision",
    "not in the papers",
    "net fixed at scale 1, lead 6, {seed} seeds, estimates from 201 µW active and 188 µW idle",
)
def power_saved(d: xr.Dataset) -> Finding:
    """Compare the estimated power at lead 6 with that at the window's end."""
    at = d.sel(net="fixed", threshold=1.0)

    def saved(name: str) -> xr.DataArray:
        return 1 - at[name].sel(lead=6) / at[name].sel(lead=NEVER)

    idling, off = interval(saved("power")), interval(saved("power_off"))
    text = (
        f"{percent(idling)} of the power, where decisions fall after "
        f"{interval(at.used.sel(lead=6)):.2f} of the window; {percent(off)} of a core that is "
        "switched off there and starts at no cost"
    )
    return Finding(text, by_sign(interval(saved("power") - 0.1)))


CLAIMS = (lead_or_threshold, fixed_stops, aspen_adds, early_adds, power_saved)
