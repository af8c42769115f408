"""Rung 6: rockpool's own mapper and quantisers on the same net, and why they differ from ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import rockpool_devices
from neurosim.formats.rockpool_devices import Specification
from neurosim.network import Network
from neurosim.verify.integer_rungs import check_same_net, correlation, layer_spikes, spec_of
from neurosim.verify.rung import Rung, Subject, evenly_spread
from neurosim.xylo import chips
from neurosim.xylo.rules import REGISTER_MAX, REGISTER_MIN
from neurosim.xylo.spec import XyloSpec

NAME = "rockpool's mapper and quantisers"
SAMPLES = 32
QUANTISERS = ("global", "channel")
DASHES = ("dash_mem", "dash_mem_out", "dash_syn", "dash_syn_2", "dash_syn_out")
SCALED = ("weights_in", "weights_rec", "weights_out", "threshold", "threshold_out")


def rockpool(subject: Subject) -> Rung:
    """Map and quantise with rockpool, run the result, and name what explains the difference.

    Raises:
        InputError: there is no float network or no specification, or they are not of one net.
    """
    ours, network = spec_of(subject), subject.network
    if network is None:
        raise InputError("there are integers only, no float network")
    check_same_net(network, ours)
    raster = subject.raster[evenly_spread(subject.raster, SAMPLES)]
    exact = engines.get("brian2").run(network, raster).spikes
    mine = _agreement(ours, exact, raster)
    full = saturation(ours, raster)
    numbers: dict[str, Any] = {"ours": mine, "saturated": full}
    parts = [f"correlation with the float net by layer: ours {_shown(mine)} ({_saturated(full)})"]
    chip = chips.get(ours.chip or subject.chip)
    try:
        mapped = rockpool_devices.mapped(network, chip.part)
    except Exception as error:  # whatever rockpool raises is the finding
        numbers["mapper"] = fault = f"{type(error).__name__}: {error}"
        parts.append(f"its mapper stops ({fault}){_known_stop(network, chip)}")
        return Rung(6, NAME, "measured", "; ".join(parts), numbers)
    for name in QUANTISERS:
        numbers[name] = result = _try(name, mapped, network, ours, exact, raster)
        parts.append(f"{name} quantiser {result['says']}")
    return Rung(6, NAME, "measured", "; ".join(parts), numbers)


def _try(
    name: str,
    mapped: Specification,
    network: Network,
    ours: XyloSpec,
    exact: tuple[np.ndarray, ...],
    raster: np.ndarray,
) -> dict[str, Any]:
    """Quantise, run and explain; what rockpool raises is a finding."""
    try:
        theirs = rockpool_devices.quantised(mapped, name)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        known = name == "channel" and isinstance(error, IndexError)
        why = ": known, an off-by-one where a threshold overflows" if known else ""
        return {"fault": fault, "says": f"stops ({fault}){why}"}
    causes = list(explain(name, theirs, mapped, network, ours))
    result: dict[str, Any] = {"causes": causes}
    try:
        spec = as_spec(theirs, ours)
    except InputError as error:
        result["refused"] = str(error)
        return {**result, "says": _joined(f"is refused by the design rules ({error})", causes)}
    result["theirs"] = _agreement(spec, exact, raster)
    repaired = replace(spec, **{n: getattr(ours, n) for n in DASHES})
    result["with our decays"] = _agreement(repaired, exact, raster)
    result["saturated"] = saturation(spec, raster)
    says = f"{_shown(result['theirs'])}, with our decay shifts {_shown(result['with our decays'])}"
    if any(result["saturated"]):
        causes.append(_saturated(result["saturated"]))
    return {**result, "says": _joined(says, causes)}


def as_spec(theirs: Specification, ours: XyloSpec) -> XyloSpec:
    """Return rockpool's numbers as a XyloSpec of our layers, without a chip's limits."""
    keys = ("weight_shift_in", "weight_shift_rec", "weight_shift_out", "aliases")
    arrays = {n: np.rint(np.asarray(theirs[n])) for n in (*DASHES, *SCALED) if n in theirs}
    arrays |= {n: np.rint(theirs[n]) for n in ("bias", "bias_out") if theirs.get(n) is not None}
    if arrays["weights_in"].ndim == 3 and arrays["weights_rec"].ndim == 2:
        arrays["weights_rec"] = arrays["weights_rec"][:, :, None]
    others = {n: theirs[n] for n in keys if theirs.get(n) is not None}
    return XyloSpec(**arrays, **others, dt=ours.dt, layers=ours.layers)


def saturation(spec: XyloSpec, raster: np.ndarray) -> tuple[float, float]:
    """Return the shares of (neuron, step) at which a state stands at either end of its 16 bits.

    The upper end cuts off excitation; at the lower one only inhibition beyond need is lost.
    """
    run = engines.get("brian2").run(spec, raster, record=("v_mem", "i_syn"))
    states = [*(run.v_mem or ()), *(run.i_syn or ()), *(run.i_syn_2 or ())]
    size = sum(s.size for s in states)
    above = sum(int(np.count_nonzero(s >= REGISTER_MAX)) for s in states)
    below = sum(int(np.count_nonzero(s <= REGISTER_MIN)) for s in states)
    return above / size, below / size


def _agreement(
    spec: XyloSpec, exact: tuple[np.ndarray, ...], raster: np.ndarray
) -> list[float | None]:
    spikes = layer_spikes(spec, engines.get("brian2").run(spec, raster))
    return [correlation(a, b) for a, b in zip(exact, spikes, strict=True)]


def _shown(correlations: list[float | None]) -> str:
    return "/".join("-" if c is None else f"{c:.3f}" for c in correlations)


def _saturated(shares: tuple[float, float]) -> str:
    return f"{shares[0]:.2%} of states saturated above, {shares[1]:.2%} below"


def _joined(says: str, causes: list[str]) -> str:
    return says + (f" [{'; '.join(causes)}]" if causes else "")


def _known_stop(network: Network, chip: chips.Chip) -> str:
    if len(network.layers) == 2 and chip.mapper_needs_two_hidden_layers:
        return f": known, it needs two hidden layers for {chip.name}"
    return ""


# --- known defects: each looks for its own marks ----------------------------------------------


def explain(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> Iterator[str]:
    """Name the known defects of rockpool 3.1.0 whose marks the specification bears."""
    for defect in DEFECTS:
        finding = defect(name, theirs, mapped, network, ours)
        if finding:
            yield finding


def _decays(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> str:
    names = set(DASHES)
    if ours.synapses == 1:
        names -= {"dash_syn_2"}
    elif _interleaves(ours):
        names -= {"dash_syn", "dash_syn_2"}  # a defect of its own
    own = {n: np.rint(theirs[n]) for n in names if theirs.get(n) is not None}
    off = sum(int(np.count_nonzero(v != getattr(ours, n))) for n, v in own.items())
    if not off:
        return ""
    currents = ("dash_syn", "dash_syn_out")
    wiped = sum(int(np.count_nonzero(own[n] == 0)) for n in currents if n in own)
    dead = f"; {wiped} of them are 0, which empties a current each step" if wiped else ""
    return f"{off} decay shifts differ: log2(tau/dt) instead of -log2(1-exp(-dt/tau)){dead}"


def _interleaves(ours: XyloSpec) -> bool:
    """Return whether rockpool's mapper for this chip mixes up the decays of two synapses."""
    return ours.chip is not None and chips.get(ours.chip).mapper_mixes_synapses


def _synapses(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> str:
    if ours.synapses != 2 or not _interleaves(ours):
        return ""
    if np.array_equal(np.rint(theirs["dash_syn_2"]), ours.dash_syn_2):
        return ""
    return "the two synapses' decays are interleaved wrongly"


def _small_weights(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> str:
    lost = total = 0
    for weight in ("weights_in", "weights_rec", "weights_out"):
        exact = np.asarray(mapped[weight], dtype=float).ravel()
        rounded = np.rint(np.asarray(theirs[weight], dtype=float)).ravel()
        lost += int(np.count_nonzero((exact != 0) & (rounded == 0)))
        total += int(np.count_nonzero(exact))
    return f"{lost / total:.0%} of the weights round to 0" if lost > 0.05 * total else ""


def _thresholds(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> str:
    zero = int(np.count_nonzero(np.rint(theirs["threshold"]) <= 0))
    zero += int(np.count_nonzero(np.rint(theirs["threshold_out"]) <= 0))
    return f"{zero} thresholds are 0: those neurons fire without end" if zero else ""


def _biases(
    name: str, theirs: Specification, mapped: Specification, network: Network, ours: XyloSpec
) -> str:
    if not any(layer.bias.any() for layer in network.layers):
        return ""
    bias, before = (np.rint(np.asarray(s.get("bias"), dtype=float)) for s in (theirs, mapped))
    if name == "channel" and ours.synapses == 1 and np.array_equal(bias, before):
        return "hidden biases are not scaled with their neurons"
    if name == "global" and ours.bias_out.any():
        return "output biases are scaled by the hidden neurons' factor"
    return ""


DEFECTS: list[Callable[[str, Specification, Specification, Network, XyloSpec], str]] = [
    _decays,
    _synapses,
    _small_weights,
    _thresholds,
    _biases,
]
