"""AHSAR 3: learning with and without the homeostat, and without each of its parts."""

from __future__ import annotations

import xarray as xr

from neurosim.studies.ahsar import images
from neurosim.studies.ahsar.images import TESTED, against_none
from neurosim.studies.claims import Finding, by_parts, by_pool, claim, pool
from neurosim.studies.study import Row, Study, Training


def measure(
    net: str, shown: str, learning: str, variant: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Train one net and report its epochs."""
    changes = {**training, **images.SHOWN[shown], **images.VARIANTS[variant]}
    run = images.run(seed, every=every, net=net, method=learning, **changes)
    return [
        {
            "epoch": int(row["epoch"]),
            "accuracy": row["validation_accuracy"],
            "loss": row["validation_loss"],
            "rate": row["spikes_per_neuron_and_step"],
            "gain": row.get("gain", 1.0),
        }
        for row in run.metrics
    ]


STUDY = Study(
    name="ahsar_homeostat",
    title="Learning with and without AHSAR, and without its parts",
    measure=measure,
    grid={
        "net": images.NETS,
        "shown": tuple(images.SHOWN),
        "learning": images.METHODS,
        "variant": tuple(images.VARIANTS),
    },
    index=("net", "shown", "learning", "variant", "seed", "epoch"),
    units={
        "accuracy": "share of validation images",
        "loss": "nat (validation)",
        "rate": "spikes per neuron and step",
        "gain": "factor on all thresholds",
    },
    settings=images.SHORT,
    fast={**images.FAST, "shown": ("images",), "variant": ("none", "full")},
)

PART = 0.0016
"""Smallest difference there between AHSAR and AHSAR without relaxation or diffusion."""
SHARE = 0.1
"""Of the loss's oscillation without AHSAR: what must vanish to count; the paper gives no number."""


@claim("It reduces oscillations of the loss", "section 1", TESTED)
def steadier(d: xr.Dataset) -> Finding:
    """Compare how much the validation loss rises on its way down with and without AHSAR."""
    rises = d.loss.diff("epoch").clip(min=0).sum("epoch")
    base = float(rises.sel(variant="none").mean())
    change = pool(against_none(rises), ("net", "shown"))
    text = f"sum of the validation loss's rises {change:+.4f}; without AHSAR it is {base:.4f} nat"
    return Finding(text, by_pool(change, positive=False, least=SHARE * base))


@claim("Relaxation, diffusion and gain each contribute", "section 5.4, table 1", TESTED)
def parts(d: xr.Dataset) -> Finding:
    """Compare AHSAR with itself less a part, over all nets, inputs and methods."""
    mean = d.accuracy.mean("epoch")
    full = mean.sel(variant="full", drop=True)
    gaps = {
        part: pool(full - mean.sel(variant=part, drop=True))
        for part in ("no relaxation", "no diffusion", "no gain")
    }
    text = "mean accuracy over epochs, full less " + "; ".join(
        f"{k} {g.overall:+.4f} (up in {g.up}, down in {g.down} of {g.cells})"
        for k, g in gaps.items()
    )
    gain = d.gain.sel(variant="full")
    low, high = float(gain.min()), float(gain.max())
    if low == high == 1:  # left out, it leaves the same run: that judges nothing
        del gaps["no gain"]
        text += "; the gain never left 1: it moves where the loss stalls or activity falls"
    else:
        text += f"; the gain went from {low:.3f} to {high:.3f}"
    return Finding(text, by_parts([by_pool(g, least=PART) for g in gaps.values()]))


CLAIMS = (
    steadier,
    parts,
)
