"""NETWORKS 2: Brunel's network with random thresholds: rate, irregularity, synchrony, borders.

Thresholds are uniform, ASPEN's law, about the network's own of 20 mV, with a standard deviation of
5 to 20 % of it. Each neuron keeps its own (quenched), draws one at each of its spikes, or in each
step. Theory is Brunel's self-consistent one with the mean rate of such neurons; decided before the
run: it fails where the rate is not within 5 % of it.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim.studies.claims import Finding, Verdict, by_bound, by_parts, by_sign, claim
from neurosim.studies.estimates import interval, paired
from neurosim.studies.networks.threshold_cases import (
    EVEN,
    FAST_LINE,
    FIXED,
    IGNITION,
    INDEPENDENT,
    P20,
    POINTS,
    Q20,
    REGULAR,
    REGULAR_LINE,
    S20,
    SILENT_LINE,
    SPARSE,
    SPREADS,
    cases,
)
from neurosim.studies.networks.threshold_networks import measure
from neurosim.studies.study import Study

REGULAR_SWING, FAST_SWING = 1.0, 0.8
"""Swing at the borders to the synchronous regular and the fast oscillating state: between those of
fixed thresholds on both sides, in a first run."""
SILENT_RATE = 1.0
"""Spikes per second and neuron below which a network counts as silent."""


STUDY = Study(
    name="networks_thresholds",
    title="Random thresholds in Brunel's network: rate, irregularity, synchrony and borders",
    measure=measure,
    grid={"case": cases()},
    units={
        "rate": "spikes per second and neuron",
        "rate_expected": "spikes per second and neuron, of the lowest stable fixed point of theory",
        "rate_drawn": "spikes per second and neuron, of theory for what was drawn",
        "rate_highest": "spikes per second and neuron, of the highest stable fixed point of theory",
        "cv": "variation of a neuron's intervals",
        "cv_expected": "variation of a neuron's intervals, of theory",
        "swing": "standard deviation over mean of the activity in 0.5 ms",
        "frequency": "largest peak of the activity's spectrum in Hz",
        "synchrony": "variance over mean of the population's spikes in 0.5 ms",
    },
    settings={"order": 2500},
    fast={
        "case": (f"g=5 eta=2 {Q20}", f"{INDEPENDENT} {P20}"),
        "order": 1000,
        "seeds": 1,
    },
)  # fmt: skip


def values_of(d: xr.Dataset, point: str, threshold: str) -> xr.Dataset:
    """Return the results of a point with a threshold, over seeds."""
    return d.sel(case=f"{point} {threshold}")


def border(
    d: xr.Dataset, line: dict[float, str], threshold: str, what: str, level: float
) -> xr.DataArray:
    """Return by seed where along a line the logarithm of a quantity crosses a level.

    It is interpolated between points. Without a crossing the border lies beyond an end of the line,
    which is returned: of REGULAR_LINE, along which the swing falls, the lower one if all is below.

    Args:
        d: results.
        line: points by g or eta, rising.
        threshold: of the neurons.
        what: quantity.
        level: of the border.
    """
    x = np.array(list(line))
    curves = np.stack([values_of(d, point, threshold)[what].values for point in line.values()])
    excess = np.log(np.maximum(np.nan_to_num(curves), 1e-3) / level)
    excess *= -1 if line is REGULAR_LINE else 1
    places = np.where((excess < 0).all(0), x[-1], x[0])
    for seed, y in enumerate(excess.T):
        for k in np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))[:1]:
            places[seed] = x[k] + (x[k + 1] - x[k]) * y[k] / (y[k] - y[k + 1])
    return xr.DataArray(places, dims="seed", coords={"seed": d.seed})


def _place(line: dict[float, str], border: xr.DataArray) -> str:
    """Return a border with its interval; whether it lies beyond the line."""
    ends = min(line), max(line)
    if (border == ends[0]).all() or (border == ends[1]).all():
        return f"{'<=' if float(border[0]) == ends[0] else '>='} {float(border[0]):g}"
    return f"{interval(border):.3f}"


def _gaps(d: xr.Dataset, cases: list[tuple[str, str]], theirs: str = "rate_expected") -> Finding:
    """Judge whether rates are within 5 % of theory; name the largest gap."""
    gaps = {}
    for point, threshold in cases:
        own = values_of(d, point, threshold)
        gaps[f"{point} {threshold}"] = interval(100 * (own.rate / own[theirs] - 1))
    where, largest = max(gaps.items(), key=lambda item: abs(item[1].mean))
    verdicts = [by_bound(gap, 5) for gap in gaps.values()]
    count = sum(verdict is Verdict.HOLDS for verdict in verdicts)
    text = f"{count} of {len(gaps)}; the largest gap is {largest:+.1f} % ({where})"
    return Finding(text, by_parts(verdicts))


def _changes(d: xr.Dataset, what: str, spec: str, *, positive: bool) -> Finding:
    """Judge whether the largest spread raises (or lowers) a quantity at all three points."""
    parts, verdicts = [], []
    for name, point in POINTS.items():
        fixed = values_of(d, point, FIXED)[what]
        texts = [f"{float(fixed.mean()):{spec}} fixed"]
        for threshold in (Q20, S20):
            own = values_of(d, point, threshold)[what]
            change = paired(own, fixed)
            verdicts.append(by_sign(change, positive=positive))
            texts.append(f"{float(own.mean()):{spec}} {threshold} ({change:+{spec}})")
        parts.append(f"{name} {', '.join(texts)}")
    return Finding("; ".join(parts), by_parts(verdicts))


def _moves(
    d: xr.Dataset, line: dict[float, str], level: float, thresholds: tuple[str, ...], *, up: bool
) -> Finding:
    """Judge whether spread moves a border by the swing up (or down) a line."""
    fixed = border(d, line, FIXED, "swing", level)
    texts, verdicts = [f"{_place(line, fixed)} {FIXED}"], []
    for threshold in thresholds:
        own = border(d, line, threshold, "swing", level)
        verdicts.append(by_sign(paired(own, fixed), positive=up))
        texts.append(f"{_place(line, own)} {threshold}")
    return Finding("; ".join(texts), by_parts(verdicts))


@claim(
    "Rates of Brunel's network in the asynchronous irregular regime are within 5 % of the "
    "self-consistent theory, whatever the spread of thresholds and when they are drawn",
    "not in the papers",
    "12,500 neurons, g = 5, eta = 2; uniform thresholds, spread 0 to 20 %; {seed} seeds",
)
def theory_irregular(d: xr.Dataset) -> Finding:
    """Ask whether theory gives the rates of the asynchronous network."""
    return _gaps(d, [(POINTS["asynchronous irregular"], threshold) for threshold in SPREADS])


@claim(
    "Rates of networks that oscillate, fast or regularly, are within 5 % of the theory, too",
    "not in the papers",
    "g = 6, eta = 4 and g = 3, eta = 2; spread 0 to 20 %; {seed} seeds",
)
def theory_oscillating(d: xr.Dataset) -> Finding:
    """Ask whether theory gives the rates where its assumption does not hold."""
    cases = [(POINTS["fast oscillation"], threshold) for threshold in SPREADS]
    return _gaps(d, cases + [(POINTS["synchronous regular"], threshold) for threshold in REGULAR])


@claim(
    "With quenched thresholds the rates of a network are those of the very thresholds and "
    "connections that it has: within 5 % of theory with a mean and variance for each neuron",
    "not in the papers",
    "g = 5, eta = 2, spread 5 to 20 %, drawn or at even distances; tried with two seeds before the "
    "run; {seed} seeds",
)
def as_drawn(d: xr.Dataset) -> Finding:
    """Ask whether theory for the network that was drawn gives its rate."""
    point, quenched = POINTS["asynchronous irregular"], ("quenched 5 %", "quenched 10 %", Q20, EVEN)
    finding = _gaps(d, [(point, threshold) for threshold in quenched], "rate_drawn")
    texts = []
    for threshold in (FIXED, Q20, EVEN):
        rates = values_of(d, point, threshold).rate
        texts.append(f"{float(rates.min()):.1f} to {float(rates.max()):.1f} {threshold}")
    return Finding(f"{finding.result}; seeds: {', '.join(texts)} /s", finding.verdict)


@claim(
    "Neurons with Poisson input of their own have the rates of theory within 5 %, whatever their "
    "thresholds",
    "not in the papers",
    "the input of the network at g = 5, eta = 2, closed by theory's slope; spread 20 %; {seed} "
    "seeds",
)
def own_input(d: xr.Dataset) -> Finding:
    """Ask whether theory holds where its assumption does."""
    return _gaps(d, [(INDEPENDENT, threshold) for threshold in (FIXED, Q20, S20, P20)])


@claim(
    "Neurons of the network fire more regularly than with Poisson input of their own, and not "
    "because they share input: with a quarter of the connections CV is the same within 0.02",
    "not in the papers",
    "g = 5, eta = 2, fixed thresholds; 50,000 neurons with 1,250 synapses each; tried with one "
    "seed before the run; {seed} seeds",
)
def regular_by_themselves(d: xr.Dataset) -> Finding:
    """Ask whether shared input makes neurons regular."""
    network, sparse, alone = (
        values_of(d, point, FIXED).cv
        for point in (POINTS["asynchronous irregular"], SPARSE, INDEPENDENT)
    )
    means = f"{float(network.mean()):.3f} network, {float(sparse.mean()):.3f} with a quarter "
    change, excess = paired(sparse, network), paired(alone, network)
    text = f"{means}({change:+.3f}), {float(alone.mean()):.3f} alone ({excess:+.3f})"
    return Finding(text, by_parts([by_bound(change, 0.02), by_sign(excess)]))


@claim(
    "Random thresholds lower synchrony in all three regimes",
    "not in the papers",
    "swing of the activity in 0.5 ms, paired by seed; {seed} seeds",
)
def calmer(d: xr.Dataset) -> Finding:
    """Ask whether spread lowers the swing of activity."""
    return _changes(d, "swing", ".2f", positive=False)


@claim(
    "Random thresholds make neurons fire more irregularly",
    "not in the papers",
    "variation of each neuron's intervals, paired by seed; {seed} seeds",
)
def irregular(d: xr.Dataset) -> Finding:
    """Ask whether spread raises the variation of intervals."""
    return _changes(d, "cv", ".2f", positive=True)


@claim(
    "Random thresholds move the border of the synchronous regular state to weaker inhibition",
    "not in the papers",
    "g at which the swing crosses 1, at eta = 2, between g = 3, 3.25 and 3.5; level and direction "
    "set after a pilot; {seed} seeds",
)
def regular_border(d: xr.Dataset) -> Finding:
    """Ask where the synchronous regular state ends."""
    return _moves(d, REGULAR_LINE, REGULAR_SWING, (Q20, S20), up=False)


@claim(
    "Random thresholds move the border of the fast oscillation to stronger drive",
    "not in the papers",
    "eta at which the swing crosses 0.8, at g = 6, between eta = 2, 3, 4 and 5; level and "
    "direction set after a pilot; {seed} seeds",
)
def fast_border(d: xr.Dataset) -> Finding:
    """Ask where the fast oscillation begins."""
    return _moves(d, FAST_LINE, FAST_SWING, (Q20, S20, P20), up=True)


@claim(
    "The drive at which a network stops being silent is that of theory to 0.05; quenched "
    "thresholds lower it, those drawn per spike raise it: neurons wait with a high one",
    "not in the papers",
    "eta at which the rate crosses 1 /s, at g = 4.5, in the second 0.6 s; {seed} seeds",
)
def silent_border(d: xr.Dataset) -> Finding:
    """Ask at which drive activity begins, in simulation and theory."""
    places, texts, verdicts = {}, [], []
    for threshold in (FIXED, Q20, S20):
        own, expected = (
            border(d, SILENT_LINE, threshold, what, SILENT_RATE)
            for what in ("rate", "rate_expected")
        )
        places[threshold] = own
        verdicts.append(by_bound(interval(own - expected), 0.05))
        theirs = _place(SILENT_LINE, expected).split()[0]
        texts.append(f"{threshold} {_place(SILENT_LINE, own)} (theory {theirs})")
    for threshold, up in ((Q20, False), (S20, True)):
        change = paired(places[threshold], places[FIXED])
        verdicts.append(by_sign(change, positive=up))
    return Finding("; ".join(texts), by_parts(verdicts))


@claim(
    "Where excitation dominates, a silent network stays silent with fixed thresholds and with "
    "those drawn per spike; with quenched ones it fires, as theory's silent fixed point is gone",
    "not in the papers",
    "g = 3, eta = 0.7, spread 20 %; starts with potentials below 20 mV; silent below 1 /s, firing "
    "above 200; {seed} seeds",
)
def ignition(d: xr.Dataset) -> Finding:
    """Ask whether the silent state ends where theory has no such fixed point."""
    texts, verdicts = [], []
    for threshold in (FIXED, Q20, S20):
        own = values_of(d, IGNITION, threshold)
        low, high = (float(own[n].mean()) for n in ("rate_expected", "rate_highest"))
        texts.append(f"{threshold} {interval(own.rate):.3g} /s (theory {low:.2g} and {high:.3g})")
        silent = low < SILENT_RATE
        verdicts.append(by_sign(interval(SILENT_RATE - own.rate if silent else own.rate - 200)))
    return Finding("; ".join(texts), by_parts(verdicts))


CLAIMS = (
    theory_irregular,
    as_drawn,
    own_input,
    theory_oscillating,
    regular_by_themselves,
    calmer,
    irregular,
    regular_border,
    fast_border,
    silent_border,
    ignition,
)
