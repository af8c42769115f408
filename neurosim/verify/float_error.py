"""Tell differences that floats must have from those of another model.

Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM
2002, chapters 3 and 4, doi:10.1137/1.9780898718027): with unit roundoff u each operation is off by
at most u times its result, a sum of n products in any order by at most n u / (1 - n u) times the
sum of their magnitudes. So the bound asks nothing of the order in which a processor's libraries
add. Two engines with unit roundoffs u and w differ by no more than the bound at u + w, as long as
both have given the same spikes: once a rounded membrane has crossed its threshold in one engine
only, a feedback loop may amplify that without end. From there on each recording is judged by
itself: every step must be, within the error of one step, what the model makes of the recording's
own states and spikes of the step before. So no number of differing spikes passes unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neurosim.network import Layer, Network
from neurosim.recording import Recording
from neurosim.verify.compare import Divergence, Verdict, compare

UNIT = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}
"""Unit roundoff by type."""
UNDERFLOW = 16 * float(np.finfo(np.float32).tiny)
"""What a step may lose where values are too small for a relative error: 16 operations, each off by
no more than the smallest normal float32, whether it is rounded or flushed to zero."""


def judge(model: object, raster: np.ndarray, reference: Recording, other: Recording) -> Verdict:
    """Compare two recordings of a model; for a Network, say whether rounding explains the rest.

    In each sample every membrane must lie within the computed bound of the reference up to the
    first spikes that differ, and these must belong to membranes within the bound of a threshold.
    In what follows in that sample each recording must be a run of the model by itself, step by step
    (see `step_faults`).

    Args:
        model: what both ran; only a Network is run in floats.
        raster: (samples, time, channels) event counts.
        reference: one engine's recording; states are needed to judge.
        other: another engine's.

    Returns:
        Kind `identical`, `rounding`, or `diverged` with the first value that no rounding explains.

    Raises:
        InputError: populations or shapes differ.
    """
    verdict = compare(reference, other)
    states = (reference.v_mem, reference.i_syn, other.v_mem, other.i_syn)
    if verdict.exact or not isinstance(model, Network) or any(s is None for s in states):
        return verdict
    return _explained(model, raster, reference, other, verdict)


def _explained(
    network: Network, raster: np.ndarray, reference: Recording, other: Recording, verdict: Verdict
) -> Verdict:
    equal = [a == b for a, b in zip(reference.spikes, other.spikes, strict=True)]
    parting = _first_steps(equal)
    steps = np.arange(reference.steps)
    before = steps < parting[:, None]
    # At the step of the parting a layer is judged where those before it still agree.
    judged = steps <= parting[:, None]
    unit = sum(UNIT[_states(r, "v_mem")[0].dtype] for r in (reference, other))
    worst = 0.0
    far: list[Divergence] = []
    parted: list[Divergence] = []
    for k, bound in enumerate(bounds(network, raster, reference, unit)):
        mine, theirs = (_states(r, "v_mem")[k].astype(float) for r in (reference, other))
        same = judged[:, :, None] & equal[k]
        off = np.where(same, np.abs(mine - theirs), 0.0)
        worst = max(worst, float(np.max(off / bound)))
        differs = judged[:, :, None] & ~equal[k]
        possible = _possible(network.layers[k], mine, reference.spikes[k], bound, other.spikes[k])
        far += _places(reference, other, k, ~(off <= bound) | (differs & ~possible))
        parted += _places(reference, other, k, differs)
        judged &= before | equal[k].all(axis=2)
    later = steps >= parting[:, None]
    for recording in (reference, other):
        far += step_faults(network, raster, recording, later)
    first = min(far, key=_moment, default=None)
    return replace(
        verdict,
        kind="rounding" if first is None else "diverged",
        first=first,
        parted=min(parted, key=_moment, default=None),
        rounding=worst,
    )


def _states(recording: Recording, name: str) -> tuple[np.ndarray, ...]:
    arrays: tuple[np.ndarray, ...] | None = getattr(recording, name)
    assert arrays is not None  # `judge` has looked
    return arrays


def _first_steps(equal: list[np.ndarray]) -> np.ndarray:
    """Return (samples,) the first step at which any spike differs, the number of steps if none."""
    differs = np.any([~mask.all(axis=2) for mask in equal], axis=0)
    first: np.ndarray = np.where(differs.any(axis=1), differs.argmax(axis=1), differs.shape[1])
    return first


def _possible(
    layer: Layer, v_mem: np.ndarray, spikes: np.ndarray, bound: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Return where a count of spikes is one that a membrane within the bound may give."""
    theta = layer.threshold.astype(float)
    height = v_mem + spikes.astype(float) * theta  # before the reset
    low, high = (
        np.clip(np.floor((height + shift) / theta), 0, layer.max_spikes)
        for shift in (-bound, bound)
    )
    between: np.ndarray = (low <= count) & (count <= high)
    return between


def _places(
    reference: Recording, other: Recording, k: int, mask: np.ndarray
) -> Iterator[Divergence]:
    """Yield the first place of a mask (samples, time, neurons) in each sample, with its values."""
    for sample in np.flatnonzero(mask.any(axis=(1, 2))):
        step, neuron = np.unravel_index(mask[sample].argmax(), mask.shape[1:])
        at = (sample, step, neuron)
        same = reference.spikes[k][at] == other.spikes[k][at]
        variable = "v_mem" if same else "spikes"
        a, b = (float(getattr(r, variable)[k][at]) for r in (reference, other))
        name = reference.populations[k]
        yield Divergence(int(sample), int(step), name, int(neuron), variable, (a, b))


def step_faults(
    network: Network, raster: np.ndarray, recording: Recording, judged: np.ndarray
) -> Iterator[Divergence]:
    """Yield where a recording is not what the model makes of its own step before.

    Each step is computed anew, in float64, from the recorded states and spikes of the step before:
    the error of one step, of both computations, bounds how far it may be off.

    Args:
        network: what was run.
        raster: (samples, time, channels) event counts.
        recording: with v_mem and i_syn.
        judged: (samples, time) which steps.
    """
    rows: np.ndarray = np.any(judged, axis=1)
    if not rows.any():
        return
    unit = UNIT[_states(recording, "v_mem")[0].dtype] + UNIT[np.dtype(np.float64)]
    events: np.ndarray = np.asarray(raster)
    for k, layer in enumerate(network.layers):
        spikes, mask = recording.spikes[k][rows], judged[rows][:, :, None]
        v = _states(recording, "v_mem")[k][rows].astype(float)
        currents = [i[rows] for i in _currents(layer, k, recording)]
        alpha, beta = layer.decays(network.dt)
        height = alpha * _before(v) + layer.bias.astype(float)
        error = (_decay_error(alpha, unit) + unit) * alpha * np.abs(_before(v))
        total = alpha * np.abs(_before(v)) + np.abs(layer.bias.astype(float))
        for s, current in enumerate(currents):
            makes, off = _one_step(layer, s, beta[:, s], events[rows], spikes, current, unit)
            wrong: np.ndarray = np.logical_and(mask, ~(np.abs(makes - current) <= off))
            yield from _odd(recording, k, rows, wrong, ("i_syn", "i_syn_2")[s], makes, current)
            height, error, total = height + current, error + off, total + np.abs(current) + off
        error = error + (len(currents) + 2) * 1.01 * unit * total
        fallen = spikes.astype(float) * layer.threshold.astype(float)
        error = error + 2.02 * unit * (fallen + np.abs(v) + error) + UNDERFLOW
        expected = height - fallen
        odd: np.ndarray = np.logical_and(mask, ~(np.abs(expected - v) <= error))
        yield from _odd(recording, k, rows, odd, "v_mem", expected, v)
        none = np.zeros_like(spikes)
        wrong = np.logical_and(mask, ~_possible(layer, height, none, error, spikes))
        fires = np.clip(np.floor(height / layer.threshold), 0, layer.max_spikes)
        yield from _odd(recording, k, rows, wrong, "spikes", fires, spikes)
        events = recording.spikes[k]


def _before(series: np.ndarray) -> np.ndarray:
    """Return a series (samples, time, neurons) a step late: zero at first."""
    late = np.roll(series, 1, axis=1)
    late[:, 0] = 0
    return late


def _one_step(
    layer: Layer,
    synapse: int,
    beta: np.ndarray,
    events: np.ndarray,
    spikes: np.ndarray,
    current: np.ndarray,
    unit: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a synaptic current computed from its value a step before, and how far it may be off.

    Arguments as for `_current_error`, but `spikes` are not late.
    """

    def of(matrix: np.ndarray) -> np.ndarray:
        weight: np.ndarray = matrix.reshape(*matrix.shape[:2], -1)[:, :, synapse].astype(float)
        return weight

    terms = layer.n_in
    signed = events.astype(float) @ of(layer.weight)
    size = events.astype(float) @ np.abs(of(layer.weight))
    if layer.recurrent is not None:
        own = _before(spikes).astype(float)
        signed, size = signed + own @ of(layer.recurrent), size + own @ np.abs(of(layer.recurrent))
        terms += layer.n_out
    here = 1.01 * (terms + 2) * unit * size + 2.02 * unit * (np.abs(_before(current)) + size)
    relative = _decay_error(beta, unit) + unit
    error = beta * here + relative * beta * (np.abs(_before(current)) + size + here) + UNDERFLOW
    return beta * (_before(current) + signed), error


def _odd(
    recording: Recording,
    k: int,
    rows: np.ndarray,
    wrong: np.ndarray,
    variable: str,
    expected: np.ndarray,
    recorded: np.ndarray,
) -> Iterator[Divergence]:
    """Yield the first wrong place of each sample, with the model's value and the recorded one."""
    engine = str(recording.provenance.get("engine", "a recording"))
    for row in np.flatnonzero(wrong.any(axis=(1, 2))):
        step, neuron = np.unravel_index(wrong[row].argmax(), wrong.shape[1:])
        at = (row, step, neuron)
        values = (float(expected[at]), float(recorded[at]))
        sample = int(np.flatnonzero(rows)[row])
        name = recording.populations[k]
        yield Divergence(sample, int(step), name, int(neuron), variable, values, alone=engine)


def _moment(place: Divergence) -> tuple[int, int]:
    return place.sample, place.step


def bounds(
    network: Network, raster: np.ndarray, reference: Recording, unit: float
) -> Iterator[np.ndarray]:
    """Yield for each layer (samples, time, neurons) a bound on the error of its membrane.

    It covers the membrane before and after the reset of each step, for an engine with unit
    roundoff `unit` that gave the same spikes up to there; for two engines, give the sum.

    Args:
        network: the layers.
        raster: (samples, time, channels) event counts.
        reference: a run with v_mem and i_syn, whose magnitudes the errors are relative to.
        unit: unit roundoff.
    """
    events: np.ndarray = np.asarray(raster)
    for k in range(len(network.layers)):
        yield _layer_bound(network, k, events, reference, unit)
        events = reference.spikes[k]


def _layer_bound(
    network: Network, k: int, events: np.ndarray, reference: Recording, unit: float
) -> np.ndarray:
    layer = network.layers[k]
    own = np.roll(reference.spikes[k], 1, axis=1)
    own[:, 0] = 0
    alpha, beta = layer.decays(network.dt)
    drift = _decay_error(alpha, unit)
    v = np.abs(_states(reference, "v_mem")[k].astype(float))
    fallen = reference.spikes[k].astype(float) * layer.threshold.astype(float)
    bias = np.abs(layer.bias.astype(float))
    currents = [
        (np.abs(i), _current_error(layer, s, beta[:, s], events, own, np.abs(i), unit))
        for s, i in enumerate(_currents(layer, k, reference))
    ]
    error = np.zeros((len(v), layer.n_out))
    bound: np.ndarray = np.empty_like(v)
    for t in range(v.shape[1]):
        before = v[:, t - 1] if t else np.zeros_like(v[:, 0])
        decayed = alpha * (before + error)
        error = alpha * error + (drift + unit) * decayed
        total = decayed + bias
        for magnitude, current_error in currents:
            error = error + current_error[:, t]
            total = total + magnitude[:, t] + current_error[:, t]
        # The additions of the currents and the bias, and the bias itself, rounded to the type.
        error = error + (len(currents) + 2) * 1.01 * unit * total
        # Threshold, product and difference of the reset.
        error = error + 2.02 * unit * (fallen[:, t] + v[:, t] + error) + UNDERFLOW
        bound[:, t] = error
    return bound


def _currents(layer: Layer, k: int, reference: Recording) -> list[np.ndarray]:
    """Return the currents (samples, time, neurons) of each synapse of a layer."""
    names = ("i_syn", "i_syn_2")[: layer.synapses]
    return [_states(reference, name)[k].astype(float) for name in names]


def _decay_error(decay: np.ndarray, unit: float) -> np.ndarray:
    """Return the relative error of a decay exp(-x), x = dt/tau.

    dt, tau and their quotient are rounded; exp is taken to be right to two units in the last place.
    """
    error: np.ndarray = (3 * np.abs(np.log(np.maximum(decay, 1e-300))) + 4) * unit
    return error


def _current_error(
    layer: Layer,
    synapse: int,
    beta: np.ndarray,
    events: np.ndarray,
    own: np.ndarray,
    current: np.ndarray,
    unit: float,
) -> np.ndarray:
    """Return (samples, time, neurons) an error bound of a decayed synaptic current.

    Args:
        layer: the layer.
        synapse: its number.
        beta: (neurons,) the current's decay.
        events: (samples, time, n_in) what arrives.
        own: (samples, time, neurons) the layer's own spikes, a step late.
        current: (samples, time, neurons) its magnitude in the reference.
        unit: unit roundoff.
    """

    def weight(matrix: np.ndarray) -> np.ndarray:
        shaped = matrix.reshape(*matrix.shape[:2], -1)[:, :, synapse]
        size: np.ndarray = np.abs(shaped.astype(float))
        return size

    arriving = events.astype(float) @ weight(layer.weight)
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
        error[:, t] = last = beta * here + relative * beta * (total + here) + UNDERFLOW
        before = current[:, t]
    return error
