"""Rungs 4 and 5: what quantisation costs, and whether all engines run the integers alike."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from neurosim import engines, readout
from neurosim.errors import InputError
from neurosim.network import THRESHOLD_SCALES, Network
from neurosim.recording import Recording
from neurosim.verify.check import STATES, verify
from neurosim.verify.decisions import Agreement, compared
from neurosim.verify.report import Report
from neurosim.verify.rung import Rung, Subject, Trace, evenly_spread, trace
from neurosim.xylo.spec import XyloSpec

SAMPLES = 128
EXACT_SAMPLES = 512
"""Samples of the comparison bit for bit; `neurosim verify` without --ladder takes all."""

NAMES = {4: "float to integer", 5: "integers in Brian2 to XyloSim"}


def spec_of(subject: Subject) -> XyloSpec:
    """Return the specification.

    Raises:
        InputError: there is none.
    """
    if subject.spec is None:
        raise InputError("there is no integer network for a chip")
    return subject.spec


def quantisation(subject: Subject) -> Rung:
    """Measure the gap between the float net and its integers: counts, classes, first spike.

    Raises:
        InputError: there is no float network or no specification, or they are not of one net.
    """
    spec = spec_of(subject)
    if subject.network is None:
        raise InputError("there are integers only, no float network")
    check_same_net(subject.network, spec)
    chosen = evenly_spread(subject.raster, SAMPLES)
    raster = subject.raster[chosen]
    labels = None if subject.labels is None else np.asarray(subject.labels)[chosen]
    rows = [_row(subject.network, spec, raster, labels, scale) for scale in THRESHOLD_SCALES]
    nominal = rows[THRESHOLD_SCALES.index(1.0)]
    first, drawn = first_difference(subject.network, spec, raster)
    sentence = (
        "at scale 1 the spike counts' correlation by layer is "
        f"{', '.join(_shown(c) for c in nominal['correlation'])}; "
        f"classes agree in {nominal['class_agreement']:.1%} of {len(raster)} samples"
    )
    if labels is not None:
        exact, integer = nominal["accuracy_float"], nominal["accuracy_integer"]
        sentence += f"; accuracy {exact:.3f} float, {integer:.3f} integer"
    sentence += f"; {Agreement(**nominal['decisions'])}" if spec.decision.early else ""
    if drawn is not None:
        sentence += f"; first differing spike: {drawn.title}"
    numbers = {"samples": len(raster), "by_scale": rows, "first_differing_step": first}
    return Rung(4, NAMES[4], "measured", sentence, numbers, drawn)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def layer_ids(spec: XyloSpec) -> list[np.ndarray]:
    """Return the hidden ids of every hidden layer of a mapped net, without relays.

    Raises:
        InputError: the specification names no layers.
    """
    if not spec.layers:
        raise InputError("the specification names no layers: it was not mapped from a layered net")
    edges = np.cumsum((0, *spec.layers))
    return [np.setdiff1d(np.arange(a, b), spec.relays) for a, b in pairwise(edges)]


def layer_spikes(spec: XyloSpec, recording: Recording) -> list[np.ndarray]:
    """Return the spikes of every layer of a mapped net, each shifted back by its lag."""
    steps = recording.steps - spec.lag
    hidden = [recording.spikes[0][:, k : k + steps, ids] for k, ids in enumerate(layer_ids(spec))]
    return [*hidden, recording.spikes[1][:, spec.lag :]]


def check_same_net(network: Network, spec: XyloSpec) -> None:
    """Refuse a specification whose layers are not the network's.

    Raises:
        InputError: the sizes differ, as after pruning.
    """
    sizes = [len(ids) for ids in layer_ids(spec)] + [spec.outputs]
    if sizes != list(network.shape[1:]):
        raise InputError(
            f"the specification has layers of {sizes} neurons, the network {network.shape[1:]}: "
            "neurons cannot be paired (was it pruned?)"
        )


def correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Correlate the spike counts (samples, neurons) of two runs; None where one is constant."""
    counts = [s.sum(axis=1, dtype=float).ravel() for s in (a, b)]
    if min(np.ptp(c) for c in counts) == 0:
        return None
    return float(np.corrcoef(counts)[0, 1])


def _row(
    network: Network,
    spec: XyloSpec,
    raster: np.ndarray,
    labels: np.ndarray | None,
    scale: float,
) -> dict[str, Any]:
    """Compare counts and classes at one threshold scale."""
    engine = engines.get("brian2")
    exact = engine.run(network.with_threshold(scale), raster).spikes
    integer = layer_spikes(spec, engine.run(spec.with_threshold(scale), raster))
    classes = [readout.decide(s[-1]) for s in (exact, integer)]
    row = {
        "scale": scale,
        "correlation": [correlation(a, b) for a, b in zip(exact, integer, strict=True)],
        "spikes_float": [float(s.sum(axis=(1, 2)).mean()) for s in exact],
        "spikes_integer": [float(s.sum(axis=(1, 2)).mean()) for s in integer],
        "class_agreement": float(np.mean(classes[0] == classes[1])),
        "decisions": compared(spec.decision, exact[-1], integer[-1]).to_dict(),
    }
    if labels is not None:
        row["accuracy_float"] = readout.accuracy(exact[-1], labels)
        row["accuracy_integer"] = readout.accuracy(integer[-1], labels)
    return row


def first_difference(
    network: Network, spec: XyloSpec, raster: np.ndarray
) -> tuple[list[float | None], Trace | None]:
    """Return each layer's median first differing step over samples, and the first one's trace."""
    engine = engines.get("brian2")
    exact = engine.run(network, raster, record=("v_mem",))
    integer = engine.run(spec, raster, record=("v_mem",))
    aligned = layer_spikes(spec, integer)
    medians: list[float | None] = []
    places = []
    for k, (a, b) in enumerate(zip(exact.spikes, aligned, strict=True)):
        differs = (a != b).any(axis=2)
        steps = differs.argmax(axis=1)[differs.any(axis=1)]
        medians.append(float(np.median(steps)) if len(steps) else None)
        if len(steps):
            sample = int(np.where(differs.any(axis=1), differs.argmax(axis=1), 1 << 30).argmin())
            step = int(differs[sample].argmax())
            neuron = int((a[sample, step] != b[sample, step]).argmax())
            places.append((step, k, sample, neuron))
    if not places:
        return medians, None
    step, k, sample, neuron = min(places)
    output = k == len(spec.layers)
    own = neuron if output else int(layer_ids(spec)[k][neuron])
    register = spec.threshold_out if output else spec.threshold
    name = "output" if output else f"layer {k}"
    drawn = trace(
        f"sample {sample}, step {step}, {name} neuron {neuron}: "
        f"{exact.spikes[k][sample, step, neuron]} spikes in floats, "
        f"{aligned[k][sample, step, neuron]} in integers",
        (exact, integer),
        ("float", "integer"),
        (sample, step, k, neuron),
        (float(network.layers[k].threshold[neuron]), float(register[own])),
        lags=(0, k),
        populations=(k, int(output)),
        neurons=(neuron, own),
    )
    return medians, drawn


def simulators(subject: Subject) -> Rung:
    """Compare every spike and state of the integers in Brian2 and in XyloSim, or a board."""
    spec, against = spec_of(subject), subject.against
    raster = subject.raster[evenly_spread(subject.raster, EXACT_SAMPLES)]
    report = verify(spec, raster, ("brian2", *against), record=STATES)
    values = sum(sum(v.compared.values()) for v in report.verdicts)
    spikes = report.verdicts[0].spikes
    sentence = f"{values:,} spikes and states of {len(raster)} samples, {spikes:,} spikes: "
    drawn = None
    if report.exact:
        kind, sentence = "identical", sentence + f"every one identical; {report.decided}"
    else:
        kind, (name, verdict) = "diverged", _worst(report)
        sentence += f"{name}: {verdict.first}"
        d = verdict.first
        k = spec.populations.index(d.population)
        theta = float((spec.threshold, spec.threshold_out)[k][d.neuron])
        one = raster[d.sample : d.sample + 1]
        runs = [engines.get(n).run(spec, one, record=STATES) for n in ("brian2", name)]
        place = (0, d.step, k, d.neuron)
        drawn = trace(str(d), (runs[0], runs[1]), ("brian2", name), place, (theta, theta))
    return Rung(5, NAMES[5], kind, sentence, report.to_dict(), drawn)


def _worst(report: Report) -> tuple[str, Any]:
    pairs = zip(report.engines[1:], report.verdicts, strict=True)
    return next((name, verdict) for name, verdict in pairs if not verdict.exact)
