"""NETWORKS 3: neurons that keep their own rate, in a network whose input or synapses change.

Each neuron of Brunel's network (model A) has the catalogue's `homeostatic-threshold`: the log of
its threshold scale rises by (its rate/target - 1)/tau. All neurons share what changes, so their
mean log scale y follows the network's rate r(y), which theory knows: near the target
d ln r/dy = -A with A = a/(1 - sum_m J_lm), the answer of the whole network (`coupling_from_
populations`), where a neuron's own is a. So thresholds settle with tau/A, not with tau/a.

Before the runs was decided: the rate comes back if its last 4 s are within 5 % of the target; the
time constant is theory's if within 20 % of tau/A after a change of the input by 10 %. After large
changes theory is the nonlinear equation, and what is compared is the time in which y goes 63 % of
its way.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurosim.analysis import firing_rate, homeostasis
from neurosim.studies.claims import Finding, by_bound, by_parts, claim
from neurosim.studies.estimates import crossing, interval, percent
from neurosim.studies.networks.published import psp_mV
from neurosim.studies.study import Row, Study

if TYPE_CHECKING:
    from neurosim.circuits import Circuit
    from neurosim.circuits.library import Library
    from neurosim.circuits.plan import Link

SMALL = ("input x0.9", "input x1.1")
LARGE = ("input x0.5", "input x2", "a third cut")
CHANGES = (*SMALL, *LARGE)
"""Of the external input, or of the recurrent synapses, at time 0."""
G, ETA = 6.0, 2.0
"""Strength of inhibition and external input."""
TARGET, TAU, TAU_RATE = 20.0, 2.0, 0.1
"""Rate that neurons keep [Hz], time constants of the rule and of its estimate of the rate [s]."""
THETA, RESET, TAU_M, DEAD = 20.0, 10.0, 0.02, 0.002
"""Threshold and reset [mV], membrane's and dead time [s]."""
BIN = 0.2
"""Of the time courses [s]."""
LAST = 4.0
"""Seconds at the end by which the end is judged."""


def eta_after(change: str) -> float:
    """Return the external input after a change."""
    return ETA * (float(change[7:]) if change.startswith("input") else 1.0)


def theory_of(order: int, change: str = "", scale: float = 1.0) -> dict[str, Any]:
    """Return the arguments of `firing_rate.self_consistent` for the network after a change."""
    psp = psp_mV(order)
    drive = eta_after(change) * THETA
    left = 2 / 3 if change == "a third cut" else 1.0
    return {
        "weight": [[psp, -G * psp]] * 2,
        "indegree": [[left * round(0.4 * order), left * round(0.1 * order)]] * 2,
        "external_mean": drive,
        "external_variance": drive * psp,
        "threshold": [scale * THETA] * 2,
        "reset": RESET,
        "tau": TAU_M,
        "refractory": DEAD,
    }


def rate_at(order: int, change: str, log_scale: float, start: float = TARGET) -> float:
    """Return the network's self-consistent rate [Hz] at the log of its threshold scale."""
    own = theory_of(order, change, float(np.exp(log_scale)))
    return float(firing_rate.self_consistent(**own, start=start).rate[0])


@lru_cache
def resting_log_scale(order: int) -> float:
    """Return the log scale at which theory's rate is the target, before any change."""
    from scipy.optimize import brentq

    return float(brentq(lambda y: rate_at(order, "", y) - TARGET, -0.2, 1.2, xtol=1e-10))


def coupling_of(order: int) -> homeostasis.Coupling:
    """Return the elasticities of the network at the target, before any change."""
    own = theory_of(order, scale=float(np.exp(resting_log_scale(order))))
    return homeostasis.coupling_from_populations(firing_rate.elasticities(**own, start=TARGET))


@lru_cache
def gains(order: int) -> tuple[float, float]:
    """Return -d ln rate/d ln threshold of the whole network, and of a neuron by itself."""
    a, coupling = coupling_of(order)
    return float((np.linalg.inv(np.eye(2) - coupling) @ a)[0]), float(a[0])


@lru_cache
def expected(order: int, change: str, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return theory's rate and log scale at the ends of bins after a change, (bins,) each.

    The rule itself, with the self-consistent rate of the moment: the network settles in
    milliseconds.
    """
    step = 0.02
    y, fired, rate = resting_log_scale(order), TARGET, TARGET
    course = []
    for k in range(round(seconds / step)):
        rate = rate_at(order, change, y, max(rate, 0.1))
        fired += step / TAU_RATE * (rate - fired)
        y += step / TAU * (fired / TARGET - 1)
        if (k + 1) % round(BIN / step) == 0:
            course.append((rate, y))
    rates, scales = np.array(course).T
    return rates, scales


def circuit_of(order: int, change: str, seed: int) -> Circuit:
    """Return the network, with the input that it has after a change; without one before."""
    from neurosim.circuits.published import brunel

    return brunel(
        order,
        g=G,
        eta=eta_after(change),
        psp_mV=psp_mV(order),
        rule="homeostatic-threshold",
        rule_parameters={
            "target": TARGET,
            "tau_rate": TAU_RATE * 1e3,
            "tau_homeostasis": TAU * 1e3,
        },
        initial={"log_scale": resting_log_scale(order)},
        seed=seed,
    )


def thinned(link: Link, share: float, rng: np.random.Generator) -> Link:
    """Return the synapses that stay when a share of them, drawn at random, is cut."""
    stays = rng.random(len(link.targets)) >= share
    rows = np.r_[0, np.cumsum(stays)][link.rows]
    return replace(link, rows=rows.astype(np.int64), targets=link.targets[stays])


def measure(change: str, seed: int, order: int, settle: float, seconds: float) -> list[Row]:
    """Let thresholds settle, change the network, and report the course of rate and scale."""
    from contextlib import closing

    from neurosim.circuits.library import Library

    before = circuit_of(order, "", seed)
    with closing(Library(before.plan(settle))) as library:
        before.start(library)
        rows = _course(library, -settle, settle)
        kept = [
            {name: members.state(name).copy() for name in ("v", "fired", "log_scale")}
            for members in library.populations
            if members is not None
        ]
    plan = circuit_of(order, change, seed).plan(seconds)
    if change == "a third cut":
        rng = np.random.default_rng(seed)
        plan = replace(plan, links=tuple(thinned(link, 1 / 3, rng) for link in plan.links))
    with closing(Library(plan)) as library:
        for members, states in zip(library.populations, kept, strict=True):
            assert members is not None
            for name, values in states.items():
                members.state(name)[:] = values
        rows += _course(library, 0.0, seconds)
    rates, scales = expected(order, change, seconds)
    still = round(settle / BIN)
    for k, row in enumerate(rows):
        row["rate_expected"] = TARGET if k < still else float(rates[k - still])
        y = resting_log_scale(order) if k < still else float(scales[k - still])
        row["log_scale_expected"] = y
    return rows


def _course(library: Library, start: float, seconds: float) -> list[Row]:
    """Run a network and return a row for each bin, with the time of its end."""
    steps, scales = round(BIN / library.plan.dt), []
    for _ in range(round(seconds / BIN)):
        library.advance(steps)
        logs = [m.state("log_scale") for m in library.populations if m is not None]
        scales.append(np.concatenate(logs))
    results = library.result().values()
    spikes = np.concatenate([own.spike_steps for own in results]) // steps
    counts = np.bincount(spikes, minlength=len(scales))
    n = sum(own.n for own in results)
    return [
        {
            "time": round(start + (k + 1) * BIN, 6),
            "rate": float(counts[k] / (n * BIN)),
            "log_scale": float(own.mean()),
            "spread": float(own.std()),
        }
        for k, own in enumerate(scales)
    ]


STUDY = Study(
    name="networks_homeostasis",
    title="Neurons that keep their own rate, in a network that changes",
    measure=measure,
    grid={"change": CHANGES},
    index=("change", "time", "seed"),
    units={
        "rate": "spikes per second and neuron",
        "rate_expected": "spikes per second and neuron, of theory",
        "log_scale": "mean log of the threshold scale at the end of the bin",
        "log_scale_expected": "mean log of the threshold scale, of theory",
        "spread": "standard deviation of the log over neurons",
    },
    settings={"order": 500, "settle": 5.0, "seconds": 10.0},
    seeds=5,
    fast={
        "change": ("input x1.1", "a third cut"),
        "order": 100,
        "settle": 1.0,
        "seconds": 2.0,
        "seeds": 1,
    },
)


def time_constants(d: xr.Dataset, change: str, order: int = 500) -> np.ndarray:
    """Return the time constant tau/A [s] that fits the thresholds after a change, (seeds,).

    A is fitted to the linear equations, which know the lag of the neurons' estimate of their rate:
    d f/dt = (A (y_end - y) - f)/tau_rate, d y/dt = f/tau; so is y_end.
    """
    from scipy.optimize import curve_fit

    own = d.log_scale.sel(change=change).transpose("seed", "time")
    after = d.time.values > 1e-9
    time = d.time.values[after]
    guess = gains(order)[0]

    def course(time: np.ndarray, way: float, gain: float) -> np.ndarray:
        # A double root would divide by 0; a complex number takes both roots on either side.
        root = np.sqrt(complex(1 - 4 * gain * TAU_RATE / TAU)) + 1e-9
        fast, slow = (-1 - root) / (2 * TAU_RATE), (-1 + root) / (2 * TAU_RATE)
        left = (fast * np.exp(slow * time) - slow * np.exp(fast * time)) / (fast - slow)
        return np.asarray(way * (1 - left.real))

    fitted = []
    for values in own.values:
        y0 = values[~after][-1]
        way = values[after][-round(LAST / BIN) :].mean() - y0
        (_, gain), _ = curve_fit(
            course, time, values[after] - y0, (way, guess), bounds=([-3, 0.05], [3, 20])
        )
        fitted.append(TAU / gain)
    return np.array(fitted)


def reach(values: xr.DataArray, share: float = 0.63) -> np.ndarray:
    """Return the time [s] in which log scales (time, seed) go a share of their way, (seeds,)."""
    at = values.time.values
    times = []
    after = at > 1e-9
    for own in values.transpose("seed", "time").values:
        start = own[~after][-1]
        end = own[at > at[-1] - min(LAST, at[-1] / 2)].mean()
        times.append(crossing(share, (own[after] - start) / (end - start), at[after]))
    return np.array(times)


@claim(
    "Neurons with homeostatic thresholds bring a recurrent network back to its rate: within 5 % "
    "after its input is halved or doubled or a third of its synapses is cut",
    "not in the papers",
    "2,500 neurons at 20 spikes/s, last 4 of 10 s; {seed} seeds",
)
def comes_back(d: xr.Dataset) -> Finding:
    """Ask whether the rate at the end is the target."""
    parts, verdicts = [], []
    for change in CHANGES:
        own = d.sel(change=change)
        first = own.rate.sel(time=slice(BIN / 2, 2 * BIN + 1e-6)).mean("time")
        end = own.rate.sel(time=slice(float(d.time[-1]) - LAST + BIN / 2, None)).mean("time")
        gap = interval(end / TARGET - 1)
        verdicts.append(by_bound(gap, 0.05))
        parts.append(f"{change}: {float(first.mean()):.1f} /s at first, then {percent(gap)}")
    return Finding("; ".join(parts), by_parts(verdicts))


@claim(
    "After a small change thresholds settle with the time constant of the linear theory, tau over "
    "the answer of the whole network",
    "not in the papers",
    "input 10 % more or less; within 20 %; {seed} seeds",
)
def small(d: xr.Dataset) -> Finding:
    """Ask whether the fitted time constants are tau/A."""
    whole, alone = gains(500)
    fitted = {change: time_constants(d, change) for change in SMALL}
    both = interval(np.mean(list(fitted.values()), axis=0) * whole / TAU - 1)
    each = ", ".join(f"{interval(own):.2f} s after {name}" for name, own in fitted.items())
    text = f"{each}; theory {TAU / whole:.2f} s ({TAU / alone:.2f} without recurrence); both "
    return Finding(f"{text}{percent(both)}", by_bound(both, 0.2))


@claim(
    "After large changes the thresholds follow the nonlinear theory",
    "not in the papers",
    "time to 63 % of their way within 20 % of theory; {seed} seeds",
)
def large(d: xr.Dataset) -> Finding:
    """Ask whether the times of large changes are those of the nonlinear equation."""
    parts, verdicts = [], []
    for change in LARGE:
        own = d.sel(change=change)
        times, theory = reach(own.log_scale), reach(own.log_scale_expected)
        gap = interval(times / theory - 1)
        verdicts.append(by_bound(gap, 0.2))
        text = f"{change}: {interval(times):.2f} s, theory {float(theory.mean()):.2f} s"
        parts.append(f"{text} ({percent(gap)})")
    return Finding("; ".join(parts), by_parts(verdicts))


CLAIMS = (comes_back, small, large)
