"""One layer of the chip's neurons on its own, for choosing scales: fast, and exact.

Given the events it receives a layer is simulated in the chip's arithmetic: leaks by shift, 16-bit
saturation after every addition of a presynaptic neuron's events, in the order of their ids, most
spikes a step. That order only matters where a partial sum can leave 16 bits; elsewhere the sums of
all positive and of all negative inputs, which come from two matrix products, tell that it cannot.
"""

from __future__ import annotations

import numpy as np

from neurosim.compiled import compiled
from neurosim.xylo.rules import REGISTER_MAX as HIGH
from neurosim.xylo.rules import REGISTER_MIN as LOW


def spike_counts(
    events: np.ndarray,
    weight: np.ndarray,
    dash_mem: np.ndarray,
    dash_syn: np.ndarray,
    threshold: np.ndarray,
    bias: np.ndarray,
    max_spikes: int,
) -> np.ndarray:
    """Return the spikes of every neuron in every sample, (samples, neurons).

    Args:
        events: (samples, time, n_in) counts, in the order in which the chip adds them.
        weight: (n_in, neurons, synapses) integers, shifts applied.
        dash_mem: (neurons,) membrane decay shift.
        dash_syn: (neurons, synapses) synaptic decay shift.
        threshold: (neurons,).
        bias: (neurons,).
        max_spikes: most spikes of a neuron in a step.
    """
    rising = np.tensordot(events, np.maximum(weight, 0).astype(float), axes=1)
    falling = np.tensordot(events, np.minimum(weight, 0).astype(float), axes=1)
    by_neuron = np.ascontiguousarray(np.moveaxis(weight, 0, 2))
    spikes: np.ndarray = _simulate(
        events.astype(np.int64),
        by_neuron,
        rising,
        falling,
        dash_mem,
        dash_syn,
        threshold,
        bias,
        max_spikes,
    )
    return spikes


@compiled
def _leak(value: int, shift: int) -> int:
    """Return value >> shift, at least one unit towards zero."""
    leak = value >> shift
    if leak == 0:
        leak = 1 if value > 0 else (-1 if value < 0 else 0)
    return leak


@compiled
def _saturate(value: int) -> int:
    return min(max(value, LOW), HIGH)


@compiled
def _received(current: int, active: np.ndarray, events: np.ndarray, weight: np.ndarray) -> int:
    """Return a current after the events of a step, each addition saturated."""
    for i in active:
        current = _saturate(current + events[i] * weight[i])
    return current


@compiled
def _simulate(
    events: np.ndarray,
    weight: np.ndarray,
    rising: np.ndarray,
    falling: np.ndarray,
    dash_mem: np.ndarray,
    dash_syn: np.ndarray,
    threshold: np.ndarray,
    bias: np.ndarray,
    max_spikes: int,
) -> np.ndarray:
    samples, steps, neurons, synapses = rising.shape
    counts = np.zeros((samples, neurons), np.int64)
    for sample in range(samples):
        v_mem = np.zeros(neurons, np.int64)
        i_syn = np.zeros((neurons, synapses), np.int64)
        for t in range(steps):
            active = np.flatnonzero(events[sample, t])
            for j in range(neurons):
                total = -_leak(v_mem[j], dash_mem[j])
                if total > HIGH:  # -(-32768) does not fit 16 bits, and wraps
                    total = LOW
                for s in range(synapses):
                    current = i_syn[j, s]
                    up, down = rising[sample, t, j, s], falling[sample, t, j, s]
                    if current + up <= HIGH and current + down >= LOW:
                        current += int(up) + int(down)
                    else:
                        current = _received(current, active, events[sample, t], weight[j, s])
                    current -= _leak(current, dash_syn[j, s])
                    i_syn[j, s] = current
                    total += current
                v = _saturate(v_mem[j] + _saturate(_saturate(total) + bias[j]))
                if v >= threshold[j]:
                    fired = min(v // threshold[j], max_spikes)
                    v -= fired * threshold[j]
                    counts[sample, j] += fired
                v_mem[j] = v
    return counts
