"""Rungs 1 to 3: theory, the trainer's neurons, and continuous time against the float map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim import engines
from neurosim.analysis.networks import mean_field
from neurosim.engines.brian2 import Simulation
from neurosim.engines.brian2 import continuous as flow
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.verify.check import STATES
from neurosim.verify.compare import Verdict
from neurosim.verify.float_error import judge
from neurosim.verify.rung import Rung, Subject, evenly_spread, trace

BIN_STEPS = 16
"""Steps over which theory takes the input's rate as constant."""
THEORY_SCALES = (1.0, 1.6)
THEORY_SAMPLES = 8
FLOAT_SAMPLES, FLOAT_STEPS = 8, 200
"""LIFTorch's time is quadratic in the steps."""
FACTORS = (1, 2, 4, 8, 16)
"""Steps of the map are divided by these; continuous time has FLOW small steps in one."""
FLOW, FLOW_STEPS = 128, 200
FEW = 30
"""Spikes of a layer below which no order is fitted."""
RARE = 0.01
"""Share of steps from which on a layer's limit of spikes hides the order."""

NAMES = {
    1: "theory to float",
    2: "LIFTorch to kernels to Brian2's float map",
    3: "float map to continuous time",
}


def _network(subject: Subject) -> Network:
    if subject.network is None:
        raise InputError("there are integers only, no float network")
    return subject.network


def theory(subject: Subject) -> Rung:
    """Compare predicted with measured spikes of every layer, at two threshold scales.

    Raises:
        InputError: there is no float network, or the raster is shorter than a bin.
    """
    network = _network(subject)
    raster = subject.raster[evenly_spread(subject.raster, THEORY_SAMPLES)]
    steps = raster.shape[1] - raster.shape[1] % BIN_STEPS
    if not steps:
        raise InputError(f"theory needs at least {BIN_STEPS} steps, got {raster.shape[1]}")
    raster = raster[:, :steps]
    bins = raster.reshape(len(raster), -1, BIN_STEPS, raster.shape[2]).mean(axis=2)
    depth, table = len(network.layers), {}
    for scale in THEORY_SCALES:
        scales = [*[scale] * (depth - 1), 1.0] if depth > 1 else scale
        theory = mean_field.predict(network, bins, threshold_scale=scales, bin_steps=BIN_STEPS)
        run = engines.get("brian2").run(network.with_threshold(scale), raster)
        table[str(scale)] = {
            "predicted": [float(BIN_STEPS * r.sum(axis=(1, 2)).mean()) for r in theory.rates],
            "measured": [float(s.sum(axis=(1, 2)).mean()) for s in run.spikes],
        }
    layers = _off([(p, m) for r in table.values() for p, m in zip(*r.values(), strict=True)])
    total = _off([(sum(r["predicted"]), sum(r["measured"])) for r in table.values()])
    sentence = (
        f"predicted spikes are off by {total} in all, by {layers} in single layers, at threshold "
        f"scales {' and '.join(table)} ({len(raster)} samples)"
    )
    numbers = {"by_scale": table, "samples": len(raster), "bin_steps": BIN_STEPS}
    return Rung(1, NAMES[1], "measured", sentence, numbers)


def _off(pairs: list[tuple[float, float]]) -> str:
    """Say how far predictions are from measurements, relative to these."""
    off = [predicted / measured - 1 for predicted, measured in pairs if measured > 0]
    return f"{min(off):+.1%} to {max(off):+.1%}" if off else "nothing, the net is silent"


def trainer(subject: Subject) -> Rung:
    """Compare LIFTorch, the fused kernels and Brian2's float map, every spike and state.

    All run the net as it is in float32, the trainer's type; Brian2 computes in float64. One rule
    serves both pairs: what differs must lie within the computed bound of float error.
    """
    network = in_float32(_network(subject))
    raster = subject.raster[evenly_spread(subject.raster, FLOAT_SAMPLES), :FLOAT_STEPS]
    names = ("liftorch", "torch", "brian2")
    theirs, ours, reference = (engines.get(n).run(network, raster, record=STATES) for n in names)
    to_kernels = judge(network, raster, theirs, ours)
    to_brian2 = judge(network, raster, reference, ours)
    verdicts = {"liftorch to torch": to_kernels, "torch to brian2": to_brian2}
    kinds = {v.kind for v in verdicts.values()}
    kind = next(k for k in ("diverged", "rounding", "identical") if k in kinds)
    sentence = "; ".join(f"{name}: {_sentence(v)}" for name, v in verdicts.items())
    sentence += f" ({to_brian2.spikes:,} spikes in {len(raster)} x {raster.shape[1]} steps)"
    drawn = None
    for verdict, pair, labels in (
        (to_kernels, (theirs, ours), names[:2]),
        (to_brian2, (reference, ours), ("brian2", "torch")),
    ):
        if verdict.first and drawn is None:
            d = verdict.first
            k = int(reference.populations.index(d.population))
            theta = float(network.layers[k].threshold[d.neuron])
            place = (d.sample, d.step, k, d.neuron)
            drawn = trace(str(d), pair, (labels[0], labels[1]), place, (theta, theta))
    numbers = {name: v.to_dict() for name, v in verdicts.items()}
    return Rung(2, NAMES[2], kind, sentence, numbers, drawn)


def in_float32(network: Network) -> Network:
    """Return a network with its arrays rounded to float32."""
    names = ("weight", "recurrent", "tau_mem", "tau_syn", "threshold", "bias")
    layers = []
    for layer in network.layers:
        arrays = {n: getattr(layer, n) for n in names if getattr(layer, n) is not None}
        layers.append(replace(layer, **{n: a.astype(np.float32) for n, a in arrays.items()}))
    return replace(network, layers=tuple(layers))


def _sentence(verdict: Verdict) -> str:
    if verdict.kind == "identical":
        return f"all {sum(verdict.compared.values()):,} values identical"
    if verdict.kind == "rounding":
        spikes = verdict.differing["spikes"]
        sentence = (
            f"rounding: states differ by up to {verdict.rounding:.2g} of the computed bound, "
            f"{spikes:,} spikes differ"
        )
        return sentence + (f", the first at {verdict.parted}" if verdict.parted else "")
    return str(verdict.first)


def continuous(subject: Subject) -> Rung:
    """Fit the order at which the map comes near continuous time as its step shrinks."""
    network = _network(subject)
    raster = subject.raster[:, :FLOW_STEPS]
    sample = int(raster.sum(axis=(1, 2)).argmax())
    raster = raster[sample]
    exact = flow.flow(network, raster, FLOW)
    errors = np.array([_error(network, raster, exact, factor) for factor in FACTORS])
    fired = [len(layer.spike_steps) for layer in exact]
    limited = _limited(network, raster)
    orders = [
        float(np.polyfit(-np.log(FACTORS), np.log(errors[:, k]), 1)[0])
        if fired[k] >= FEW and (errors[:, k] > 0).all() and limited[k] < RARE
        else None
        for k in range(len(network.layers))
    ]
    shown = ", ".join("-" if o is None else f"{o:.2f}" for o in orders)
    sentence = (
        f"order of convergence by layer {shown} (1 is expected), over steps of 1 to 1/"
        f"{FACTORS[-1]}; with the net's own step a spike is off by "
        f"{', '.join(f'{e:.2g}' for e in errors[0])} steps"
    )
    if max(limited) >= RARE:
        shares = ", ".join(f"{share:.1%}" for share in limited)
        sentence += f"; the limit of spikes a step, which continuous time lacks, binds in {shares}"
    numbers = {"factors": list(FACTORS), "errors": errors.tolist(), "orders": orders}
    numbers["limited"] = limited
    return Rung(3, NAMES[3], "measured", sentence, {**numbers, "spikes": fired, "sample": sample})


def _limited(network: Network, raster: np.ndarray) -> list[float]:
    """Return for each layer how often the most spikes of the smallest step are not enough.

    As a share of (neuron, small step).
    """
    fine, raster = flow.refine(network, FACTORS[-1]), flow.refine_raster(raster[None], FACTORS[-1])
    run = engines.get("brian2").run(fine, raster, record=("v_mem",))
    membranes = run.v_mem or ()
    return [
        float((v >= layer.threshold).mean())
        for v, layer in zip(membranes, network.layers, strict=True)
    ]


def _error(
    network: Network, raster: np.ndarray, exact: list[Simulation], factor: int
) -> list[float]:
    """Return for each layer how late or early its spikes are, in the network's steps.

    The mean over the spikes of continuous time: the area between the two counting curves of each
    neuron, divided by their number; a missing spike counts with the time that is left.
    """
    fine = flow.refine(network, factor)
    run = engines.get("brian2").run(fine, flow.refine_raster(raster[None], factor))
    late = []
    for k, layer in enumerate(network.layers):
        difference = np.zeros((len(raster) * FLOW, layer.n_out))
        np.add.at(difference, (exact[k].spike_steps, exact[k].spike_neurons), 1.0)
        difference[:: FLOW // factor] -= run.spikes[k][0]
        area = np.abs(np.cumsum(difference, axis=0)).sum() / FLOW
        late.append(float(area / max(len(exact[k].spike_steps), 1)))
    return late
