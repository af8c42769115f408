"""One layer of the chip's neurons on its own, for choosing scales: fast, and nearly the chip.

Given the events it receives a layer is simulated in the chip's arithmetic (leaks by shift, 16-bit
saturation, most spikes a step), but for one thing: a step's inputs are summed before they are
added, where the chip saturates after each. Engines are the judge of what a net does; this only
ranks candidates.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LOW, HIGH = -32768, 32767


@njit(cache=True)
def _leak(value: int, shift: int) -> int:
    """Return value >> shift, at least one unit towards zero."""
    leak = value >> shift
    if leak == 0:
        leak = 1 if value > 0 else (-1 if value < 0 else 0)
    return leak


@njit(cache=True)
def _saturate(value: int) -> int:
    return min(max(value, LOW), HIGH)


@njit(cache=True)
def spike_counts(
    inputs: np.ndarray,
    dash_mem: np.ndarray,
    dash_syn: np.ndarray,
    threshold: np.ndarray,
    bias: np.ndarray,
    max_spikes: int,
) -> np.ndarray:
    """Return the spikes of every neuron in every sample, (samples, neurons).

    Args:
        inputs: (samples, time, neurons, synapses) weighted events, shifts applied.
        dash_mem: (neurons,) membrane decay shift.
        dash_syn: (neurons, synapses) synaptic decay shift.
        threshold: (neurons,).
        bias: (neurons,).
        max_spikes: most spikes of a neuron in a step.
    """
    samples, steps, neurons, synapses = inputs.shape
    counts = np.zeros((samples, neurons), np.int64)
    for sample in range(samples):
        v_mem = np.zeros(neurons, np.int64)
        i_syn = np.zeros((neurons, synapses), np.int64)
        for t in range(steps):
            for j in range(neurons):
                total = -_leak(v_mem[j], dash_mem[j])
                for s in range(synapses):
                    current = _saturate(i_syn[j, s] + int(inputs[sample, t, j, s]))
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
