"""AHSAR 7: the same controller on layers of noisy neurons in Brian2, each driven differently."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim.engines.brian2 import graphs, homeostasis
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import interval, paired
from neurosim.studies.study import Row, Study

DRIVE_MV = (-56.0, -53.0, -50.0)
"""Mean drive of the layers' membranes; the threshold is at -50 mV."""
TICK_MS = 20.0
POINTS = 20
"""Times at which the layers are compared."""


def measure(beta: float, seed: int, duration: float, neurons: int) -> list[Row]:
    """Run one closed loop, or the open one at beta 0, and report how far the layers differ."""
    layers = len(DRIVE_MV)
    unit = {"tick": TICK_MS, "momentum": 0.2, "gamma": 0.01, "D": 0.02}
    run = homeostasis.regulate(
        layers,
        neurons,
        graphs.chain(layers),
        duration=duration,
        neuron="noisy-lif",
        neuron_parameters={"mu": np.array(DRIVE_MV), "std": 4.0},
        parameters={**unit, "beta": beta or 0.1},
        closed=beta > 0,
        seed=seed,
    )
    rates = np.array_split(run.rate[1:], POINTS)
    times = np.array_split(run.time[1:], POINTS)
    return [
        {
            "time": round(float(time[-1]), 3),
            "spread": float(np.std(np.log(np.maximum(rate.mean(axis=0), 1e-4)))),
            "rate": float(rate.mean() / (TICK_MS * 1e-3)),
            "scale_low": float(run.scale[len(np.concatenate(times[: k + 1])) - 1].min()),
            "scale_high": float(run.scale[len(np.concatenate(times[: k + 1])) - 1].max()),
        }
        for k, (time, rate) in enumerate(zip(times, rates, strict=True))
    ]


STUDY = Study(
    name="ahsar_population",
    title="The homeostat on layers of noisy neurons in Brian2",
    measure=measure,
    grid={"beta": (0.0, 0.02, 0.1)},
    index=("beta", "seed", "time"),
    units={
        "spread": "standard deviation of ln rate over layers",
        "rate": "spikes per second and neuron",
        "scale_low": "threshold scale of the calmest layer",
        "scale_high": "threshold scale of the busiest layer",
    },
    settings={"duration": 3.0, "neurons": 40},
    fast={"beta": (0.0, 0.1), "duration": 1.2, "neurons": 20, "seeds": 2},
)


@claim(
    "Busy layers calm down and calm ones join in",
    "section 4",
    "three layers of noisy neurons in Brian2",
)
def population(d: xr.Dataset) -> Finding:
    """Ask whether the layers of a Brian2 population agree more with the loop closed."""
    late = d.spread.isel(time=slice(-5, None)).mean("time")
    strongest = float(d.beta.max())
    gap = paired(late.sel(beta=0.0), late.sel(beta=strongest))
    left = interval(late.sel(beta=strongest) / late.sel(beta=0.0))
    text = f"at beta {strongest:g} {left:.2f} of the spread of ln rates is left, {gap:.2f} less"
    return Finding(text, by_sign(gap))


CLAIMS = (population,)
