"""How claims on AHSAR's theory and its loop are judged; `judges_learning` has those on learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.studies.ahsar._judges_learning import GAIN, against_none
from neurosim.studies.ledger import Finding, Verdict, by_sign
from neurosim.studies.pooling import pool, verdict
from neurosim.studies.statistics import interval, paired

if TYPE_CHECKING:
    import xarray as xr


def gate() -> Finding:
    """Compare the mean gate with the density that the paper equates it with."""
    from neurosim.analysis.thresholds import stationary

    near, far = (float(stationary.gate_bias(z, 0.0, 1.0, "laplace")) for z in (0.0, 4.0))
    text = (
        f"with the threshold at the mean G differs from p_U by {near:+.0%}, four standard "
        f"deviations above it by {far:+,.0%} (Laplace surrogate of default width)"
    )
    return Finding(text, Verdict.REGIME)


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
    from neurosim.analysis.homeostasis.loop import Loop
    from neurosim.analysis.homeostasis.stability import feedback_sign

    def sign(coupling: float) -> int:
        return feedback_sign(Loop(beta=1e-3, gamma=0.0, D=0.0, layers=4, coupling=coupling))

    text = (
        "negative feedback where layers are normalised or weakly coupled (b = 0.5: "
        f"{'negative' if sign(0.5) < 0 else 'positive'}), positive in plain chains "
        f"(b = 1.5, 4 layers: {'positive' if sign(1.5) > 0 else 'negative'})"
    )
    return Finding(text, Verdict.REGIME if sign(0.5) < 0 < sign(1.5) else Verdict.FAILS)


def parameters() -> Finding:
    """Count what a homeostat adds to a net that is trained."""
    from neurosim.homeostat.homeostat import Homeostat
    from neurosim.studies import images
    from neurosim.training import machine
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


NEGLIGIBLE = 0.01
"""Share of a training step's time below which a cost counts as such; the paper gives no number."""


def cost(d: xr.Dataset) -> Finding:
    """Ask what share of a training step the homeostat takes."""
    share = d["share"].mean("learning")
    by_net = {str(n): interval(share.sel(net=n).values) for n in d["net"].values}
    text = "its update over the rest of a training step: "
    text += "; ".join(f"{net} {found:.2%}" for net, found in by_net.items())
    return Finding(text, verdict(pool(share - NEGLIGIBLE, ("net",)), positive=False))


def cifar(d: xr.Dataset) -> Finding:
    """Compare accuracies on CIFAR-10 and CIFAR10-DVS with and without AHSAR."""
    found = pool(against_none(d.accuracy), ("modality", "net", "learning"))
    return Finding(f"test accuracy {found:+.4f}", verdict(found, least=GAIN))
