"""How studies of nets trained with and without AHSAR judge its claims, each from one study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.studies.ledger import Finding, by_sign
from neurosim.studies.pooling import Pool, pool, together, verdict
from neurosim.studies.readings import NEAR, ahead, predicted_band, productive
from neurosim.studies.statistics import paired

if TYPE_CHECKING:
    import xarray as xr

GAIN = 0.003
"""Smallest gain of accuracy in the paper's table 1 (BPTT, VGG-13, multi-step, event, T = 10)."""
PART = 0.0016
"""Smallest difference there between AHSAR and AHSAR without relaxation or diffusion."""
GAIN_OOD = 0.0042
"""Smallest gain of accuracy that its table 2 has."""
AUROC, FPR = 0.01, 0.03
"""Smallest changes that its table 4 has."""
EPOCHS = 0.1
"""Epochs by which a target must be reached sooner to count; the paper gives no number."""
SHARE = 0.1
"""Of the loss's oscillation without AHSAR: what must vanish to count; the paper gives no number."""
BACK = 0.5
"""Of what extreme thresholds cost: what must be made good to speak of a way to the band."""


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
    return Finding(text, together(verdicts))


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
    return Finding(text + "; ".join(texts), together(verdicts))


def rescue(d: xr.Dataset) -> Finding:
    """Ask whether AHSAR makes good what thresholds far too low or too high cost."""
    ends = d["start"].values[[0, -1]]
    speed = {str(c): d.mean_accuracy.sel(control=c, drop=True) for c in d["control"].values}
    deficit = float((speed["none"].sel(start=1.0) - speed["none"].sel(start=ends)).mean())
    gaps = {c: pool((speed[c] - speed["none"]).sel(start=ends), ("net", "start")) for c in speed}
    held = gaps["AHSAR to a rate"].overall
    text = (
        f"mean accuracy over epochs from thresholds times {ends[0]:g} or {ends[1]:g}, which cost "
        f"{deficit:.2f} without AHSAR: with it {gaps['AHSAR']:+.3f}; log rates held to that of a "
        f"chosen rate instead of their mean {held:+.3f}"
    )
    return Finding(text, verdict(gaps["AHSAR"], least=BACK * deficit))


def against_none(values: xr.DataArray, variant: str = "full") -> xr.DataArray:
    """Return the paired difference of a variant to the net without AHSAR."""
    return values.sel(variant=variant, drop=True) - values.sel(variant="none", drop=True)


def faster(d: xr.Dataset) -> Finding:
    """Compare epochs to a target, and accuracy on the way, with and without AHSAR."""
    epochs = pool(against_none(d["epochs_to_target"]), ("shown", "net", "learning"))
    mean = pool(against_none(d.mean_accuracy), ("shown", "net", "learning"))
    text = f"epochs to the target {epochs:+.2f}; mean accuracy over epochs {mean.overall:+.4f}"
    said = (verdict(epochs, positive=False, least=EPOCHS), verdict(mean, least=GAIN))
    return Finding(text, together(said))


def better(d: xr.Dataset) -> Finding:
    """Compare test accuracy after the last epoch with and without AHSAR."""
    found = pool(against_none(d.accuracy), ("shown", "net", "learning"))
    text = f"test accuracy after the last epoch {found:+.4f}; reported are +0.003 to +0.024"
    return Finding(text, verdict(found, least=GAIN))


def steadier(d: xr.Dataset) -> Finding:
    """Compare how much the validation loss rises on its way down with and without AHSAR."""
    rises = d.loss.diff("epoch").clip(min=0).sum("epoch")
    base = float(rises.sel(variant="none").mean())
    found = pool(against_none(rises), ("net", "shown"))
    text = f"sum of the validation loss's rises {found:+.4f}; without AHSAR it is {base:.4f} nat"
    return Finding(text, verdict(found, positive=False, least=SHARE * base))


def parts(d: xr.Dataset) -> Finding:
    """Compare AHSAR with itself less a part, over all nets, inputs and methods."""
    mean = d.accuracy.mean("epoch")
    gaps = {part: _without(mean, part) for part in ("no relaxation", "no diffusion", "no gain")}
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
    return Finding(text, together([verdict(g, least=PART) for g in gaps.values()]))


def _without(values: xr.DataArray, part: str) -> Pool:
    return pool(values.sel(variant="full", drop=True) - values.sel(variant=part, drop=True))


def ood_accuracy(d: xr.Dataset) -> Finding:
    """Compare accuracy on corrupted images with and without AHSAR."""
    worse = d.accuracy.sel(kind=["noise", "rotation", "gain"])
    found = pool(against_none(worse), ("net", "kind"))
    text = f"accuracy on corrupted digits {found:+.4f}; reported are +0.004 to +0.007"
    return Finding(text, verdict(found, least=GAIN_OOD))


def ood_detection(d: xr.Dataset) -> Finding:
    """Compare AUROC and FPR95 for MNIST's digits with and without AHSAR."""
    others = d.sel(kind="MNIST")
    auroc = pool(against_none(others.auroc), ("net",))
    fpr = pool(against_none(others.fpr95), ("net",))
    text = (
        f"digits against MNIST: AUROC {auroc:+.3f}; FPR95 {fpr.overall:+.3f}; reported are +0.01 "
        "to +0.27 and -0.03 to -0.26"
    )
    said = (verdict(auroc, least=AUROC), verdict(fpr, positive=False, least=FPR))
    return Finding(text, together(said))


def with_aspen(d: xr.Dataset) -> Finding:
    """Compare the combination with ASPEN alone over raised thresholds."""
    mean = d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")
    by_control = {str(c): mean.sel(control=c, drop=True) for c in d["control"].values}
    gap = pool(by_control["both"] - by_control["ASPEN"], ("net",))
    alone = pool(by_control["AHSAR"] - by_control["fixed"])
    text = (
        f"mean accuracy over scales 1 to {float(d.threshold.max()):g}: both less ASPEN alone "
        f"{gap:+.3f}; AHSAR less neither {alone.overall:+.3f}; spikes {_more(d, 'both', 'ASPEN')} "
        f"and {_more(d, 'AHSAR', 'fixed')}"
    )
    return Finding(text, verdict(gap, least=GAIN))


def _more(d: xr.Dataset, first: str, second: str) -> str:
    """Return by how much more spikes one control has than another at scale 1, in percent."""
    rate = d.rate.sel(threshold=1.0).mean(("net", "seed"))
    return f"{float(rate.sel(control=first) / rate.sel(control=second)) - 1:+.0%}"
