"""AHSAR 6: homeostats inside, at and outside the stability boundary, as theory draws it."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import xarray as xr

from neurosim.analysis.homeostasis.loop import Loop
from neurosim.analysis.homeostasis.stability import is_stable, spectral_radius
from neurosim.studies.ahsar import images
from neurosim.studies.claims import Finding, Verdict, claim
from neurosim.studies.estimates import interval
from neurosim.studies.study import Row, Study, Training

LATE = 0.2
"""Last share of the steps, in which a loop that settles has settled."""


def measure(
    factor: float, net: str, seed: int, training: Training, every: int, steps: int
) -> list[Row]:
    """Run a homeostat on a net whose weights stand still, with a multiple of the critical beta."""
    from neurosim.homeostat.gains import measured_response
    from neurosim.homeostat.homeostat import Homeostat
    from neurosim.training import machine
    from neurosim.training.tasks import task_for

    settings = images.settings(seed, net=net, **training)
    task = task_for(settings, images.digits(seed, every), machine.device(settings))
    chosen = np.arange(settings.batch_size)
    batch = task.inputs("train", chosen, slice(None), None)
    answer = measured_response(task.net, batch)
    loop = Loop(
        beta=1.0,
        gamma=0.05,
        D=0.0125,
        m_r=0.2,
        layers=len(answer.sensitivity),
        sensitivity=tuple(answer.sensitivity),
        coupling=tuple(answer.coupling),
    )
    critical = critical_beta(loop)
    loop = replace(loop, beta=factor * critical)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # attaching warns of what is tried here on purpose
        homeostat = Homeostat.attach(task.net, loop=loop, gain=None)
    for _ in range(steps):
        task.forward(batch, training=True)
        homeostat.step()
    scales = np.log(homeostat.history["scale"])
    late = scales[-int(LATE * steps) :]
    return [
        {
            "radius": spectral_radius(loop, mean=False),
            "swing": float(np.abs(np.diff(late, axis=0)).max()),
            "disagreement": float(np.std(np.log(homeostat.history["rate"][-1]))),
            "open_disagreement": float(np.std(np.log(homeostat.history["rate"][0]))),
            "critical_beta": critical,
        }
    ]


def critical_beta(loop: Loop) -> float:
    """Return the largest stable beta between 1e-6 and 1e6, nan if none is stable."""
    from scipy.optimize import bisect

    def stable(ln_beta: float) -> float:
        return 1.0 if is_stable(replace(loop, beta=float(np.exp(ln_beta)))) else -1.0

    low, high = np.log(1e-6), np.log(1e6)
    if stable(low) < 0:
        return float("nan")
    return float(np.exp(bisect(stable, low, high)))


STUDY = Study(
    name="ahsar_stability",
    title="Homeostats inside, at and outside the stability boundary",
    measure=measure,
    grid={"net": ("mlp", "small-vgg"), "factor": (0.1, 0.3, 0.6, 0.9, 1.1, 1.5, 3.0)},
    units={
        "radius": "predicted spectral radius of the loop, its mean left out",
        "swing": "largest change of ln threshold in a late step",
        "disagreement": "standard deviation of ln rate over layers, last step",
        "open_disagreement": "the same before the loop acts",
        "critical_beta": "reaction gain per tick",
    },
    settings={"training": {"threads": 1, "batch_size": 16}, "every": 1, "steps": 150},
    fast={"net": ("mlp",), "factor": (0.3, 3.0), "every": 8, "steps": 60, "seeds": 2},
)

SETTLED = 0.1
"""Change of ln threshold in a step below which a loop counts as settled: at its limits a ringing
loop moves by about 1; what is left of a settled one are the grains of rates, which are counts."""


@claim(
    "The loop converges to a stable fixed point",
    "section 4.2",
    "frozen nets, beta from 0.1 to 3 times the critical one of our theory",
)
def boundary(d: xr.Dataset) -> Finding:
    """Count the runs that settle or not as the spectral radius says."""
    settled = d.swing < SETTLED
    agree = settled == (d.factor < 1)
    text = (
        f"{int(agree.sum())} of {agree.size} runs settle or keep swinging as the sign of "
        f"1 - beta/beta_critical says; critical beta {interval(d.critical_beta):.3g}"
    )
    return Finding(text, Verdict.HOLDS if bool(agree.all()) else Verdict.REGIME)


@claim("At the fixed point rate deviations vanish", "section 4", "spread of the layers' ln rates")
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


CLAIMS = (
    boundary,
    fixed_point,
)
