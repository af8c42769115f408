"""Nets of rockpool modules that the Xylo IMU can run as they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from neurosim.snn.lif import LIF
from neurosim.snn.rockpool_modules import LinearTorch, PeriodicExponential, Sequential, parameters

HIDDEN_MAX_SPIKES, OUTPUT_MAX_SPIKES = 31, 1
"""Most spikes a step of the chip's hidden and output neurons."""


def layered(
    channels: int,
    classes: int,
    *,
    hidden: Sequence[int] = (48, 48, 48),
    decay_shifts: Sequence[int] = (2, 3, 4, 5),
    weight_gain: float = 0.3,
    dt: float,
    seed: int = 0,
) -> Sequential:
    """Return linear and LIF modules in turn, the same time constants in all hidden layers.

    A weight onto a synapse with decay beta is normal with deviation
    weight_gain (1 - beta) / sqrt(n_in): all time constants then drive alike.

    Args:
        channels: input channels.
        classes: output neurons.
        hidden: neurons of each hidden layer.
        decay_shifts: decays are 1 - 2^-k, exact on the chip; k cycles through these in each layer.
        weight_gain: see above.
        dt: time step in seconds.
        seed: of the weights.
    """
    rng = np.random.default_rng(seed)
    sizes = (channels, *hidden, classes)
    modules = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        last = k == len(sizes) - 2
        neurons = _with_shifts(np.array(decay_shifts), n_out, dt, last)
        leak = 1 - neurons.beta.detach().numpy().reshape(n_out)
        weight = rng.normal(0.0, weight_gain / np.sqrt(n_in), (n_in, n_out)) * leak
        modules.append(
            LinearTorch(
                (n_in, n_out), weight=torch.tensor(weight, dtype=torch.float32), has_bias=False
            )
        )
        modules.append(neurons)
    return Sequential(*modules)


def _with_shifts(shifts: np.ndarray, n: int, dt: float, last: bool) -> LIF:
    """Return a layer whose membrane and synaptic time constants run through all pairs of shifts."""
    k_mem = shifts[np.arange(n) % len(shifts)]
    k_syn = shifts[np.arange(n) // len(shifts) % len(shifts)]
    if last:  # the readout integrates over the longest time constants, alike for all classes
        k_mem = k_syn = np.full(n, max(shifts))
    most = OUTPUT_MAX_SPIKES if last else HIDDEN_MAX_SPIKES
    return constant_neurons(time_constant(k_mem, dt), time_constant(k_syn, dt), dt, most)


def constant_neurons(tau_mem: np.ndarray, tau_syn: np.ndarray, dt: float, max_spikes: int) -> LIF:
    """Return a layer in which nothing is trained: no bias, thresholds 1.

    Args:
        tau_mem: (n,) membrane time constants in seconds.
        tau_syn: (n,) synaptic ones.
        dt: time step in seconds.
        max_spikes: most spikes of a neuron in a step.
    """
    n = len(tau_mem)
    return LIF(
        (n, n),
        tau_mem=parameters.Constant(tau_mem),
        tau_syn=parameters.Constant(tau_syn[:, None]),
        bias=parameters.Constant(np.zeros(n)),
        threshold=parameters.Constant(np.ones(n)),
        spike_generation_fn=PeriodicExponential,
        max_spikes_per_dt=torch.tensor(float(max_spikes)),
        dt=dt,
    )


def time_constant(shift: np.ndarray, dt: float) -> np.ndarray:
    """Return tau in seconds with exp(-dt/tau) = 1 - 2^-shift, the decay of the chip's neurons."""
    return -dt / np.log1p(-(2.0 ** -np.asarray(shift, dtype=float)))
