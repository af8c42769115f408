"""How the studies here judge the claims of AHSAR; each function reads one study's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.experiments.studies.ledger import Finding, Verdict, by_sign
from neurosim.experiments.studies.readings import predicted_band
from neurosim.experiments.studies.statistics import Estimate, interval, paired

if TYPE_CHECKING:
    import xarray as xr

NEAR = 0.95
"""Share of the best that still counts as productive."""


def gate() -> Finding:
    """Compare the mean gate with the density that the paper equates it with."""
    from neurosim.analysis import stationary

    near, far = (float(stationary.gate_bias(z, 0.0, 1.0, "laplace")) for z in (0.0, 4.0))
    text = (
        f"with the threshold at the mean G differs from p_U by {near:+.0%}, four standard "
        f"deviations above it by {far:+,.0%} (Laplace surrogate of default width)"
    )
    return Finding(text, Verdict.REGIME)


def band(d: xr.Dataset) -> Finding:
    """Look for scales from which learning is slower to both sides."""
    texts, verdicts = [], []
    for method in d.learning.values:
        speed = d.mean_accuracy.sel(learning=method)
        mean = speed.mean("seed")
        best = float(mean.idxmax("scale"))
        inside = mean.scale.where(mean >= NEAR * mean.max(), drop=True)
        low = paired(speed.sel(scale=best), speed.isel(scale=0))
        high = paired(speed.sel(scale=best), speed.isel(scale=-1))
        texts.append(
            f"{method}: best at {best:g}, within 5 % from {float(inside.min()):g} to "
            f"{float(inside.max()):g}; {low:.2f} above {float(mean.scale[0]):g}, {high:.2f} above "
            f"{float(mean.scale[-1]):g}"
        )
        verdicts += [by_sign(low), by_sign(high)]
    theory = "theory {:.2g} to {:.2g}".format(*predicted_band())
    text = "; ".join(["mean accuracy over epochs", *texts, theory])
    return Finding(text, _all(verdicts))


def _gains(d: xr.Dataset, variant: str, value: str) -> dict[str, Estimate]:
    """Return the paired difference to the net without AHSAR, for each input and method."""
    final = d.accuracy.isel(epoch=-1) if value == "final" else d.accuracy.mean("epoch")
    return {
        f"{shown}, {method}": paired(
            final.sel(shown=shown, learning=method, variant=variant),
            final.sel(shown=shown, learning=method, variant="none"),
        )
        for shown in d.shown.values
        for method in d.learning.values
    }


def _all(verdicts: list[Verdict]) -> Verdict:
    """Return what all verdicts say, "in this regime" if some but not all hold."""
    kinds = set(verdicts)
    if len(kinds) == 1:
        return kinds.pop()
    if Verdict.HOLDS in kinds:
        return Verdict.REGIME
    return Verdict.UNDECIDED


def faster(d: xr.Dataset) -> Finding:
    """Compare accuracy on the way with and without AHSAR."""
    gains = _gains(d, "full", "mean")
    text = "mean accuracy over epochs: " + "; ".join(f"{k} {g:+.3f}" for k, g in gains.items())
    return Finding(text, _all([by_sign(g) for g in gains.values()]))


def better(d: xr.Dataset) -> Finding:
    """Compare accuracy after the last epoch with and without AHSAR."""
    gains = _gains(d, "full", "final")
    text = "accuracy after the last epoch: " + "; ".join(f"{k} {g:+.3f}" for k, g in gains.items())
    return Finding(text, _all([by_sign(g, least=0.003) for g in gains.values()]))


def parts(d: xr.Dataset) -> Finding:
    """Compare AHSAR with itself less a part, over all inputs and methods."""
    mean = d.accuracy.mean(("epoch", "shown", "learning"))
    gaps = {
        variant: paired(mean.sel(variant="full"), mean.sel(variant=variant))
        for variant in ("no relaxation", "no diffusion", "no gain")
    }
    text = "mean accuracy over epochs, full less " + "; ".join(
        f"{k} {g:+.4f}" for k, g in gaps.items()
    )
    return Finding(text, _all([by_sign(g) for g in gaps.values()]))


def ood_accuracy(d: xr.Dataset) -> Finding:
    """Compare accuracy on corrupted images with and without AHSAR."""
    worse = d.accuracy.sel(kind=["noise", "rotation", "gain"]).mean("kind")
    gains = {
        str(m): paired(worse.sel(learning=m, variant="full"), worse.sel(learning=m, variant="none"))
        for m in d.learning.values
    }
    text = "accuracy on corrupted digits: " + "; ".join(f"{m} {g:+.3f}" for m, g in gains.items())
    return Finding(text, _all([by_sign(g) for g in gains.values()]))


def ood_detection(d: xr.Dataset) -> Finding:
    """Compare AUROC and FPR95 for MNIST's digits with and without AHSAR."""
    texts, verdicts = [], []
    for value, positive, least in (("auroc", True, 0.01), ("fpr95", False, 0.03)):
        at = d[value].sel(kind="MNIST")
        for m in d.learning.values:
            gap = paired(at.sel(learning=m, variant="full"), at.sel(learning=m, variant="none"))
            texts.append(f"{value} {m} {gap:+.3f}")
            verdicts.append(by_sign(gap, positive=positive, least=least))
    text = "digits against MNIST: " + "; ".join(texts)
    return Finding(f"{text}; reported are +0.01 to +0.27 and -0.03 to -0.26", _all(verdicts))


def boundary(d: xr.Dataset) -> Finding:
    """Count the runs that settle or not as the spectral radius says."""
    settled = d.swing < SETTLED
    agree = settled == (d.factor < 1)
    text = (
        f"{int(agree.sum())} of {agree.size} runs settle or keep swinging as the sign of "
        f"1 - beta/beta_critical says; critical beta {interval(d.critical_beta.values):.3g}"
    )
    return Finding(text, Verdict.HOLDS if bool(agree.all()) else Verdict.REGIME)


SETTLED = 0.1
"""Change of ln threshold in a step below which a loop counts as settled: at its limits a ringing
loop moves by about 1; what is left of a settled one are the grains of rates, which are counts."""


def fixed_point(d: xr.Dataset) -> Finding:
    """Ask whether disagreements of the layers vanish where the loop settles."""
    left = (d.disagreement / d.open_disagreement).median(("net", "seed"))
    low, high = (float(f) for f in d.factor.values[[0, np.flatnonzero(d.factor < 1)[-1]]])
    text = (
        f"of the spread of ln rates {float(left.sel(factor=low)):.0%} is left (median) at {low:g} "
        f"of the critical beta, {float(left.sel(factor=high)):.0%} at {high:g}: they shrink, but "
        "do not vanish"
    )
    return Finding(text, Verdict.REGIME)


def population(d: xr.Dataset) -> Finding:
    """Ask whether the layers of a Brian2 population agree more with the loop closed."""
    late = d.spread.isel(time=slice(-5, None)).mean("time")
    strongest = float(d.beta.max())
    gap = paired(late.sel(beta=0.0), late.sel(beta=strongest))
    left = interval((late.sel(beta=strongest) / late.sel(beta=0.0)).values)
    text = f"at beta {strongest:g} {left:.2f} of the spread of ln rates is left, {gap:.2f} less"
    return Finding(text, by_sign(gap))


def feedback() -> Finding:
    """Say when centring feeds disagreements, from the loop's theory."""
    from neurosim.analysis.homeostat_loop import Loop
    from neurosim.analysis.homeostat_stability import feedback_sign

    def sign(coupling: float) -> int:
        return feedback_sign(Loop(beta=1e-3, gamma=0.0, D=0.0, layers=4, coupling=coupling))

    text = (
        "negative feedback where layers are normalised or weakly coupled (b = 0.5: "
        f"{'negative' if sign(0.5) < 0 else 'positive'}), positive in plain chains "
        f"(b = 1.5, 4 layers: {'positive' if sign(1.5) > 0 else 'negative'})"
    )
    return Finding(text, Verdict.REGIME if sign(0.5) < 0 < sign(1.5) else Verdict.FAILS)


def with_aspen(d: xr.Dataset) -> Finding:
    """Compare the combination with ASPEN alone over raised thresholds."""
    mean = d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")
    gap = paired(mean.sel(net="both"), mean.sel(net="ASPEN"))
    alone = paired(mean.sel(net="AHSAR"), mean.sel(net="fixed"))
    text = (
        f"mean accuracy over scales 1 to 2.4: both {gap:+.3f} against ASPEN alone, AHSAR "
        f"{alone:+.3f} against neither"
    )
    return Finding(text, by_sign(gap))


def parameters() -> Finding:
    """Count what a homeostat adds to a net that is trained."""
    from neurosim.experiments.studies import images
    from neurosim.training import machine
    from neurosim.training.homeostat import Homeostat
    from neurosim.training.tasks import task_for

    settings = images.settings(0, net="mlp", threads=1)
    task = task_for(settings, images.digits(0, 16), machine.device(settings))
    before = sum(p.numel() for p in task.net.parameters())
    homeostat = Homeostat.attach(task.net)
    added = sum(p.numel() for p in task.net.parameters()) - before
    text = (
        f"{added} trainable parameters added to {before:,}; {len(homeostat.layers)} states, one a "
        "layer"
    )
    return Finding(text, Verdict.HOLDS if added == 0 else Verdict.FAILS)


def cifar(d: xr.Dataset) -> Finding:
    """Compare accuracies on CIFAR-10 and CIFAR10-DVS with and without AHSAR."""
    gap = d.accuracy.sel(variant="full") - d.accuracy.sel(variant="none")
    found = interval(gap.mean([x for x in gap.dims if x != "seed"]).values)
    return Finding(f"mean gain over all settings {found:+.4f}", by_sign(found))
