"""AHSAR 1: one constant factor on all thresholds, in training and evaluation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from neurosim.studies.ahsar import images
from neurosim.studies.claims import Finding, by_parts, by_sign, claim
from neurosim.studies.estimates import Estimate, interval, paired
from neurosim.studies.study import Row, Study, Training

TARGET = 0.7
"""Validation accuracy whose first epoch measures the speed of learning."""


def measure(
    net: str, scale: float, learning: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Train one net at one scale."""
    changes = {"method": learning, "homeostat": False, **images.SCALED[net], **training}
    epochs, _ = images.learn(seed, scale=scale, every=every, **changes)
    accuracy = [row["validation_accuracy"] for row in epochs]
    reached = [k for k, value in enumerate(accuracy, 1) if value >= TARGET]
    rises = [after - before for before, after in pairwise(accuracy)]
    return [
        {
            **images.learnt(epochs),
            "epochs_to_target": reached[0] if reached else len(accuracy) + 1,
            "worst_fall": max(0.0, -min(rises, default=0.0)),
        }
    ]


STUDY = Study(
    name="ahsar_scale",
    title="One constant factor on all thresholds: speed, stability, accuracy",
    measure=measure,
    grid={
        "net": tuple(images.SCALED),
        "learning": images.METHODS,
        "scale": tuple(round(0.1 + 0.05 * k, 2) for k in range(39)),
    },
    units={
        "accuracy": "share of validation images, last epoch",
        "mean_accuracy": "share of validation images, mean over epochs",
        "epochs_to_target": f"epochs to {TARGET}; one more than trained if never",
        "worst_fall": "largest fall of accuracy in an epoch",
        "rate": "spikes per neuron and step, last epoch",
    },
    settings={**images.SHORT, "training": {"epochs": 4, "batch_size": 32, "threads": 1}},
    fast={**images.FAST, "scale": (0.5, 1.0)},
)
TESTED = (
    f"{{scale}} scales; digits; {{net}}; {STUDY.settings['training']['epochs']} epochs, "
    "{seed} seeds"
)

NEAR = 0.95
"""Share of the best that still counts as productive."""


def predicted_band(decay: float = 0.2) -> tuple[float, float]:
    """Return the threshold scales that theory calls productive behind BatchNorm.

    Currents of mean 0 and variance 1 give a free membrane of variance 1/(1 - decay^2); the band is
    where gate times rate exceeds half its maximum, without reset (`analysis.stationary`).
    """
    from neurosim.analysis.thresholds import stationary

    low, high = stationary.productive_band(0.0, (1 - decay**2) ** -0.5)
    return max(float(low), 0.0), float(high)


def productive(speed: xr.DataArray) -> tuple[float, float, float]:
    """Return the best scale, and the ends of the scales around it that come near it.

    Args:
        speed: (scale,) the higher the better.
    """
    best = int(speed.argmax("scale"))
    near = speed.values >= NEAR * float(speed.max())
    low = best - int(np.argmin(np.r_[near[best::-1], False])) + 1
    high = best + int(np.argmin(np.r_[near[best:], False])) - 1
    scale = speed.scale.values
    return float(scale[best]), float(scale[low]), float(scale[high])


def ahead(speed: xr.DataArray, end: float) -> Estimate:
    """Return by how much the best scale is ahead of another one.

    The best is chosen on the other seeds: chosen on those that it is judged by, it would be ahead
    by luck alone.

    Args:
        speed: (scale, seed).
        end: the other scale.
    """
    seeds = speed.seed.values
    gaps = []
    for seed in seeds:
        others = speed.sel(seed=seeds[seeds != seed] if len(seeds) > 1 else seeds)
        best = float(others.mean("seed").idxmax("scale"))
        gaps.append(float(speed.sel(seed=seed, scale=best) - speed.sel(seed=seed, scale=end)))
    return interval(np.array(gaps))


@claim(
    "Too low and too high thresholds both slow learning; between lies a band",
    "section 3, figure 2",
    TESTED,
)
def band(d: xr.Dataset) -> Finding:
    """Look for scales from which learning is slower to both sides."""
    texts, verdicts = [], []
    theory = predicted_band()
    ends = [float(s) for s in d.scale.values[[0, -1]]]
    for net in d["net"].values:
        speed = d.mean_accuracy.sel(net=net).mean("learning")
        best, *inside = productive(speed.mean("seed"))
        gaps = [ahead(speed, end) for end in ends]
        falls = " and ".join(f"{g:.2f} at {e:g}" for g, e in zip(gaps, ends, strict=True))
        texts.append(
            f"{net} best at {best:g}, within 5 % from {inside[0]:g} to {inside[1]:g}, behind by "
            f"{falls}"
        )
        least = (1 - NEAR) * float(speed.mean("seed").max())
        verdicts += [by_sign(gap, least=least) for gap in gaps]
    methods = " and ".join(map(str, d["learning"].values))
    text = "; ".join([f"mean accuracy over epochs ({methods})", *texts])
    text += "; theory behind BatchNorm {:.2g} to {:.2g}".format(*theory)
    return Finding(text, by_parts(verdicts))


@claim("Too low thresholds make learning unstable", "section 1", TESTED)
def unsteady(d: xr.Dataset) -> Finding:
    """Compare the worst fall of accuracy at the lowest scale with that at the best."""
    texts, verdicts = [], []
    for net in d["net"].values:
        here = d.sel(net=net).mean("learning")
        best, *_ = productive(here.mean_accuracy.mean("seed"))
        gap = paired(here.worst_fall.isel(scale=0), here.worst_fall.sel(scale=best))
        texts.append(f"{net} {gap:+.3f}")
        verdicts.append(by_sign(gap, least=0.01))
    text = f"largest fall of accuracy in an epoch, scale {float(d.scale[0]):g} less the best: "
    return Finding(text + "; ".join(texts), by_parts(verdicts))


CLAIMS = (
    band,
    unsteady,
)
