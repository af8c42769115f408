"""How far rounding may carry a float engine from the float64 reference.

Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM
2002, chapters 3 and 4, doi:10.1137/1.9780898718027): with unit roundoff u each operation is off by
at most u times its result, a sum of n products in any order by at most n u / (1 - n u) times the
sum of their magnitudes. The bound holds as long as both engines have given the same spikes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.engines.brian2.layers_run import parameters
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.recording import Recording

UNIT = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}
"""Unit roundoff by type."""


@dataclass(frozen=True)
class Explanation:
    """How two recordings of a float network relate.

    `identical`: all spikes are equal. `rounding`: in every sample, the first spikes that differ
    belong to membranes no farther from the threshold than rounding may carry them. `diverged`:
    some spike, or a membrane before it, is farther off.
    """

    kind: str
    samples: int
    parted: int
    """Samples in which spikes differ somewhere."""
    worst: float
    """Largest |difference of membranes| / bound before the first differing spike."""
    first: tuple[int, int, int, int] | None = None
    """Sample, step, layer and neuron that no rounding explains."""


def explain(
    network: Network, raster: np.ndarray, reference: Recording, other: Recording
) -> Explanation:
    """Say whether rounding explains how another engine's recording differs from the reference.

    Args:
        network: what both ran.
        raster: event counts (samples, time, channels).
        reference: the brian2 engine's, with spikes, v_mem and i_syn.
        other: another engine's, with spikes and v_mem, in float32 or float64.

    Raises:
        InputError: a variable is missing, or the shapes differ.
    """
    if reference.v_mem is None or reference.i_syn is None or other.v_mem is None:
        raise InputError("explain needs v_mem of both recordings and i_syn of the reference")
    if [a.shape for a in reference.spikes] != [a.shape for a in other.spikes]:
        raise InputError("the recordings have different shapes; run both on the same raster")
    unit = UNIT.get(other.v_mem[0].dtype)
    if unit is None:
        raise InputError(f"v_mem of the other recording has dtype {other.v_mem[0].dtype}")
    equal = [a == b for a, b in zip(reference.spikes, other.spikes, strict=True)]
    parting = _first_steps(equal)
    steps = reference.steps
    worst, first = 0.0, None
    for k, bound in enumerate(bounds(network, raster, reference, unit + UNIT[np.dtype(float)])):
        before = np.arange(steps)[None, :, None] < parting[:, None, None]
        off = np.abs(reference.v_mem[k] - other.v_mem[k].astype(float))
        # After the reset the bound holds where the spike counts are equal: before the parting.
        worst = max(worst, float(np.max(before * off / np.maximum(bound, np.finfo(float).tiny))))
        far = _far(network, k, reference, equal, parting, bound)
        unexplained = np.concatenate((np.argwhere(before & (off > bound)), far))
        for sample, step, neuron in unexplained.tolist():
            place = (sample, step, k, neuron)
            first = min(first, place) if first else place
    parted = int((parting < steps).sum())
    kind = "diverged" if first else ("rounding" if parted else "identical")
    return Explanation(kind, len(parting), parted, worst, first)


def _membranes(recording: Recording) -> tuple[np.ndarray, ...]:
    if recording.v_mem is None:
        raise InputError("the recording lacks v_mem; run the engine with record=('v_mem', 'i_syn')")
    return recording.v_mem


def _first_steps(equal: list[np.ndarray]) -> np.ndarray:
    """Return (samples,) the first step at which any spike differs, the number of steps if none."""
    differs = np.any([~mask.all(axis=2) for mask in equal], axis=0)
    return np.where(differs.any(axis=1), differs.argmax(axis=1), differs.shape[1])


def _far(
    network: Network,
    k: int,
    reference: Recording,
    equal: list[np.ndarray],
    parting: np.ndarray,
    bound: np.ndarray,
) -> np.ndarray:
    """Return (sample, step, neuron) of first differing spikes that lie too far from a threshold.

    A layer counts only where the layers before it still agree in that step.
    """
    layer = network.layers[k]
    found = [np.zeros((0, 3), dtype=int)]
    for sample, step in enumerate(parting):
        if step == reference.steps or not all(mask[sample, step].all() for mask in equal[:k]):
            continue
        differing = np.flatnonzero(~equal[k][sample, step])
        spikes = reference.spikes[k][sample, step, differing].astype(float)
        theta = layer.threshold[differing].astype(float)
        height = _membranes(reference)[k][sample, step, differing] + spikes * theta
        # The count changes at multiples of theta; the nearest one below and above.
        level = height / theta
        gap = np.minimum(level - np.floor(level), np.ceil(level) - level) * theta
        gap = np.where(level < 1, (1 - level) * theta, gap)
        far = differing[gap > bound[sample, step, differing]]
        found.append(np.array([(sample, step, neuron) for neuron in far]).reshape(-1, 3))
    return np.concatenate(found)


def bounds(
    network: Network, raster: np.ndarray, reference: Recording, unit: float
) -> Iterator[np.ndarray]:
    """Yield for each layer (samples, time, neurons) a bound on the error of its membrane.

    It covers the membrane before and after the reset of each step, for an engine with unit
    roundoff `unit` that gave the same spikes up to there; for two engines, give the sum.
    """
    heard: np.ndarray = np.asarray(raster)
    for k in range(len(network.layers)):
        yield _layer_bound(network, k, heard, reference, unit)
        heard = reference.spikes[k]


def _layer_bound(
    network: Network, k: int, heard: np.ndarray, reference: Recording, unit: float
) -> np.ndarray:
    layer, values = network.layers[k], parameters(network, k)
    own = np.roll(reference.spikes[k], 1, axis=1)
    own[:, 0] = 0
    alpha, drift_alpha = values["alpha"], _decay_error(values["alpha"], unit)
    v, spikes = _membranes(reference)[k], reference.spikes[k].astype(float)
    theta, bias = layer.threshold.astype(float), np.abs(layer.bias.astype(float))
    error_v = np.zeros((len(v), layer.n_out))
    currents = [
        _current_errors(layer, s, values["beta" if s == 0 else "beta_2"], heard, own, i, unit)
        for s, i in enumerate(_currents(layer, k, reference))
    ]
    bound = np.empty_like(v)
    for t in range(v.shape[1]):
        before = np.abs(v[:, t - 1]) if t else np.zeros_like(v[:, 0])
        decayed = alpha * (before + error_v)
        error = alpha * error_v + (drift_alpha + unit) * decayed
        total = decayed + bias
        for magnitude, current_error in currents:
            error = error + current_error[:, t]
            total = total + magnitude[:, t] + current_error[:, t]
        error = error + (len(currents) + 1) * 1.01 * unit * total
        fallen = spikes[:, t] * theta
        error = error + 2.02 * unit * (fallen + np.abs(v[:, t]) + error)
        bound[:, t] = error_v = error
    return bound


def _currents(layer: Layer, k: int, reference: Recording) -> list[np.ndarray]:
    currents = [reference.i_syn[k]]  # type: ignore[index]
    if layer.synapses == 2:
        currents.append(reference.i_syn_2[k])  # type: ignore[index]
    return currents


def _decay_error(decay: np.ndarray, unit: float) -> np.ndarray:
    """Return the relative error of a decay exp(-x) computed as such: x and exp both rounded."""
    return (2 * np.abs(np.log(np.maximum(decay, 1e-300))) + 4) * unit


def _current_errors(
    layer: Layer,
    synapse: int,
    beta: np.ndarray,
    heard: np.ndarray,
    own: np.ndarray,
    current: np.ndarray,
    unit: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (samples, time, neurons) magnitude and error bound of a decayed synaptic current."""

    def weight(matrix: np.ndarray) -> np.ndarray:
        shaped = matrix.reshape(*matrix.shape[:2], -1)[:, :, synapse]
        return np.abs(shaped.astype(float))

    arriving = heard.astype(float) @ weight(layer.weight)
    terms = layer.n_in
    if layer.recurrent is not None:
        arriving = arriving + own.astype(float) @ weight(layer.recurrent)
        terms += layer.n_out
    sums = 1.01 * (terms + 2) * unit  # n u / (1 - n u) for any n that fits into memory
    error = np.zeros_like(current)
    last, before = np.zeros_like(current[:, 0]), np.zeros_like(current[:, 0])
    relative = _decay_error(beta, unit) + unit
    for t in range(current.shape[1]):
        total = before + arriving[:, t] + last
        here = last + sums * arriving[:, t] + 2.02 * unit * total
        error[:, t] = last = beta * here + relative * beta * (total + here)
        before = np.abs(current[:, t])
    return np.abs(current), error
