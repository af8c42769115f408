"""Networks of the study of random thresholds, what theory says of them, and what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis import firing_rate
from neurosim.analysis.firing_rate import FixedPoint
from neurosim.studies.networks.published import SKIPPED, activity, psp_mV
from neurosim.studies.networks.threshold_cases import POINTS, QUENCHED, Setting, Thresholds
from neurosim.studies.study import Row

if TYPE_CHECKING:
    from neurosim.circuits import Circuit
    from neurosim.engines.brian2.simulation import Simulation

STEP = 1e-4
"""Time step of the networks [s]."""
CELL = {"reset": 10.0, "tau": 0.02, "refractory": 2e-3}
"""Of all neurons, in mV and s: those of `circuits.published.brunel`."""


def measure(case: str, seed: int, order: int) -> list[Row]:
    """Run a network and report rate, intervals and synchrony of its excitatory neurons.

    Neurons with independent input get it at theory's rate; reported is the rate at which theory's
    slope lets what they send meet what they receive.
    """
    from neurosim.circuits import interval_cv, synchrony

    setting, rate_drawn = Setting.of(case), np.nan
    neuron, points = theory(setting, order)
    stable = [point for point in points if point.stable]
    if setting.kind == "independent":
        own = independent(setting, order, stable[0].rate, seed).run(1.2)["E"]
        rate = closed_rate(setting, order, neuron, stable[0], own)
    else:
        circuit = circuit_of(setting, order, seed)
        own = circuit.run(setting.seconds)["E"]
        if case.startswith(POINTS["asynchronous irregular"]) and setting.draw in QUENCHED:
            rate_drawn = rate_as_drawn(circuit, stable[0].rate)
        rate = float(own.rate(setting.start).mean())
    variation = interval_cv(own, setting.start)
    swing, frequency = activity(own)
    return [
        {
            "rate": rate,
            "rate_expected": stable[0].rate,
            "rate_drawn": rate_drawn,
            "rate_highest": stable[-1].rate,
            "cv": float(variation.mean()) if variation.size else np.nan,
            "cv_expected": theory_cv(setting, stable[0]),
            "swing": swing,
            "frequency": frequency,
            "synchrony": synchrony(own, 0.5e-3, SKIPPED),
        }
    ]


def theory(setting: Setting, order: int) -> tuple[dict[str, Any], tuple[FixedPoint, ...]]:
    """Return what neurons are, as `random_threshold_rate` takes it, and all fixed points."""
    draw = {"per spike": "per-spike", "per step": "per-step"}.get(setting.draw, "quenched")
    neuron: dict[str, Any] = {**CELL, "draw": draw, "dt": STEP}
    psp = psp_mV(order)
    excitatory = round(0.4 * order)
    points = firing_rate.random_threshold_brunel(
        setting.eta * 20 / (psp * excitatory * 0.02), setting.law, psp=psp, g=setting.g,
        excitatory=excitatory, inhibitory=round(0.1 * order), **neuron,
    )  # fmt: skip
    return neuron, points


def rate_as_drawn(circuit: Circuit, start: float) -> float:
    """Return theory's rate of excitatory neurons for the thresholds and connections of a network.

    Each neuron has a mean and a variance of its own: of what the neurons that it hears send, which
    fire at different rates as their thresholds differ. Rates follow, slowly, what neurons send; nan
    if they have not settled to 1e-4 of their mean after 200 steps, as with the stronger synapses of
    order 500 and less.

    Args:
        circuit: the network, of `Thresholds` or one for all.
        start: rate from which all begin [Hz].
    """
    plan, cells = circuit.plan(STEP), circuit.populations
    laws = [population.settings["parameters"]["theta_0"] for population in cells]
    thresholds = [own.drawn[p.n] if isinstance(own, Thresholds) else np.full(p.n, own)
                  for own, p in zip(laws, cells, strict=True)]  # fmt: skip
    drive = circuit.drives[0]
    jump = 1e3 * float(drive.weight)
    outside = np.array([jump * drive.rate, jump**2 * drive.rate])
    rates = [np.full(p.n, start) for p in cells]
    for _ in range(200):
        moments = [np.outer(outside, np.ones(p.n)) for p in cells]
        for link in plan.links:
            sent = rates[link.source][link.sources]
            heard = np.bincount(link.targets, sent, cells[link.target].n)
            jump = 1e3 * float(link.weights[0])
            moments[link.target] += np.outer([jump, jump**2], heard)
        gap = [
            firing_rate.siegert(CELL["tau"] * mean, np.sqrt(CELL["tau"] * square / 2),
                                threshold=own, **CELL) - rate
            for (mean, square), own, rate in zip(moments, thresholds, rates, strict=True)
        ]  # fmt: skip
        if max(abs(part).max() for part in gap) < 1e-4 * rates[0].mean():
            return float(rates[0].mean())
        rates = [rate + 0.25 * part for rate, part in zip(rates, gap, strict=True)]
    return float("nan")


def theory_cv(setting: Setting, point: FixedPoint) -> float:
    """Return the variation of intervals at a fixed point: the mean over neurons that keep theirs.

    Of thresholds drawn per spike, intervals mix: their second moments are averaged. There is none
    here for thresholds drawn per step.
    """
    if setting.draw == "per step":
        return float("nan")
    thresholds, shares = setting.law.nodes(point.std / 4)
    cv = firing_rate.cv(point.mean, point.std, threshold=thresholds, **CELL)
    if setting.draw != "per spike":
        return float(cv @ shares)
    interval_of = 1 / firing_rate.siegert(point.mean, point.std, threshold=thresholds, **CELL)
    second = (interval_of**2 * (1 + cv**2)) @ shares
    return float(np.sqrt(second / (interval_of @ shares) ** 2 - 1))


def circuit_of(setting: Setting, order: int, seed: int) -> Circuit:
    """Return the network of a case; a sparse one has four times the neurons, as many synapses."""
    from neurosim.circuits import published

    more = 4 if setting.kind == "sparse" else 1
    return published.brunel(
        more * order, g=setting.g, eta=setting.eta, psp_mV=psp_mV(order),
        connected=0.1 / more, dt=STEP, seed=seed, **setting.rule,
    )  # fmt: skip


def independent(setting: Setting, order: int, rate: float, seed: int) -> Circuit:
    """Return the excitatory neurons of the network with Poisson input of the same rates instead."""
    from neurosim.circuits import Circuit

    network = circuit_of(setting, order, seed)
    cells, drive = network.populations[0], network.drives[0]
    jump = 1e-3 * psp_mV(order)
    alone = Circuit(dt=STEP, seed=seed)
    assert cells.model is not None
    own = alone.population(
        cells.model, cells.n, name="E",
        **{name: cells.settings[name] for name in ("parameters", "initial")},
    )  # fmt: skip
    alone.poisson(own, rate=drive.rate + round(0.4 * order) * rate, weight=jump)
    alone.poisson(own, rate=round(0.1 * order) * rate, weight=-setting.g * jump)
    return alone


def closed_rate(
    setting: Setting, order: int, neuron: dict[str, Any], point: FixedPoint, own: Simulation
) -> float:
    """Return the rate of the fixed point that neurons with these rates would have."""
    psp, g = psp_mV(order), setting.g
    per_rate = neuron["tau"] * psp * order * (0.4 - 0.1 * g)
    per_rate_square = neuron["tau"] * psp**2 * order * (0.4 + 0.1 * g**2) / 2
    ends = []
    for change in (-0.01 * point.rate, 0.01 * point.rate):
        mean = point.mean + per_rate * change
        std = float(np.sqrt(point.std**2 + per_rate_square * change))
        ends.append(firing_rate.random_threshold_rate(setting.law, mean, std, **neuron))
    slope = (ends[1] - ends[0]) / (0.02 * point.rate)
    return float(point.rate + (own.rate(SKIPPED).mean() - point.rate) / (1 - slope))
