"""SynNet-style stacks: synapses of many time constants, and residual connections."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.indices import whole
from neurosim.snn.layered import (
    HIDDEN_MAX_SPIKES,
    OUTPUT_MAX_SPIKES,
    constant_neurons,
    time_constant,
)
from neurosim.snn.rockpool_modules import LinearTorch, Residual, Sequential

Residuals = tuple[tuple[int, int], ...]

ACTIVE = 8 / np.sqrt(3)
"""Eight times the deviation of the weights of rockpool's SynNet, which leave it silent."""
LONGEST_SHIFT = 15


def synnet(
    channels: int,
    classes: int,
    *,
    hidden: Sequence[int] = (24, 24, 24),
    time_constants: Sequence[int] | int = (2, 4, 8),
    tau_syn: float = 2e-3,
    tau_mem: float = 2e-3,
    dt: float = 1e-3,
    residuals: Sequence[tuple[int, int]] = (),
    weight_gain: float = ACTIVE,
    seed: int = 0,
) -> Sequential:
    """Return a stack of linear and LIF modules with log-spaced synaptic time constants.

    The n synaptic time constants of a layer are tau_syn, 2 tau_syn, 4 tau_syn, ..., spread evenly
    over its neurons, so that deep layers see a longer past. All are rounded to decays 1 - 2^-k,
    exact on the chip. A weight onto a synapse with decay beta is normal with deviation
    weight_gain (1 - beta) / sqrt(n_in): all time constants then drive alike. How active deep
    layers are depends on the input; `initial_rates.set_rates` evens them out.

    A residual (a, b) adds the spikes of hidden layer a to those that layer b sends on. It is a
    rockpool `Residual` around layers a + 1 to b; a Xylo does it by aliases:
    `ns.xylo.deploy(*chain_of(net)...)`, see `neurosim.formats.rockpool.chain_of`.

    Source of the architecture: Bos & Muir, Sub-mW neuromorphic SNN audio processing applications
    with Rockpool and Xylo, arXiv 2208.12991.

    Args:
        channels: input channels.
        classes: output neurons.
        hidden: neurons of each hidden layer.
        time_constants: how many a layer has, one number for all or one for each.
        tau_syn: shortest synaptic time constant in seconds, that of the output too.
        tau_mem: membrane time constant of all neurons in seconds.
        dt: time step in seconds.
        residuals: (source, target) hidden layers of equal size; they may follow but not overlap
            each other.
        weight_gain: see above.
        seed: of the weights.

    Raises:
        InputError: sizes, time constants or residual connections do not fit.
    """
    if not min(tau_syn, tau_mem) > dt > 0:
        raise InputError(f"tau_syn {tau_syn} and tau_mem {tau_mem} s must be longer than dt {dt} s")
    shifts = [
        *_synaptic_shifts(hidden, time_constants, tau_syn, dt),
        np.full(classes, _shift(tau_syn, dt)),
    ]
    pairs = _check_residuals(residuals, hidden)
    rng = np.random.default_rng(seed)
    layers = []
    for k, (n_in, n_out) in enumerate(pairwise((channels, *hidden, classes))):
        deviation = weight_gain * 2.0 ** -shifts[k] / np.sqrt(n_in)
        weight = torch.tensor(rng.normal(0, deviation, (n_in, n_out)), dtype=torch.float32)
        most = HIDDEN_MAX_SPIKES if k < len(hidden) else OUTPUT_MAX_SPIKES
        linear = LinearTorch((n_in, n_out), weight=weight, has_bias=False)
        tau = time_constant(np.full(n_out, _shift(tau_mem, dt)), dt), time_constant(shifts[k], dt)
        layers.append([linear, constant_neurons(*tau, dt, most)])
    return Sequential(*_with_residuals(layers, pairs))


def _synaptic_shifts(
    hidden: Sequence[int], time_constants: Sequence[int] | int, tau_syn: float, dt: float
) -> list[np.ndarray]:
    """Return k of the decays 1 - 2^-k of each hidden layer's synapses."""
    counts = [time_constants] * len(hidden) if isinstance(time_constants, int) else time_constants
    if not hidden or len(counts) != len(hidden) or min(*hidden, *counts) < 1:
        raise InputError(
            f"hidden is {tuple(hidden)}, time_constants {time_constants}; give each hidden layer "
            "neurons and a number of time constants"
        )
    shifts = [
        _shift(tau_syn, dt) + np.arange(n) % count for n, count in zip(hidden, counts, strict=True)
    ]
    if max(s.max() for s in shifts) > LONGEST_SHIFT:
        raise InputError(
            f"time_constants {time_constants} reach {tau_syn * 2 ** (max(counts) - 1):g} s; "
            f"decays go to 1 - 2^-{LONGEST_SHIFT}, {dt * 2**LONGEST_SHIFT:g} s"
        )
    return shifts


def _check_residuals(residuals: Sequence[tuple[int, int]], hidden: Sequence[int]) -> Residuals:
    """Return the residual connections in order; refuse those that do not fit."""
    pairs = tuple(sorted((whole("residuals", a), whole("residuals", b)) for a, b in residuals))
    for a, b in pairs:
        if not 0 <= a < b < len(hidden):
            raise InputError(
                f"residual {a} -> {b}: give two of the hidden layers 0..{len(hidden) - 1}, the "
                "earlier first"
            )
        if hidden[a] != hidden[b]:
            raise InputError(
                f"residual {a} -> {b}: layers have {hidden[a]} and {hidden[b]} neurons; make equal"
            )
    for (a, b), (c, d) in pairwise(pairs):
        if c < b:
            raise InputError(f"residuals {a} -> {b} and {c} -> {d} overlap; let one follow another")
    return pairs


def _with_residuals(layers: list[list[Any]], residuals: Residuals) -> list[Any]:
    """Return the modules in a row, those inside a residual connection as one Residual."""
    modules: list[Any] = []
    ends = dict(residuals)
    k = 0
    while k < len(layers):
        end = ends.get(k - 1)
        if end is None:
            modules += layers[k]
            k += 1
            continue
        inner = [module for layer in layers[k : end + 1] for module in layer]
        modules.append(Residual(*inner))
        k = end + 1
    return modules


def _shift(tau: float, dt: float) -> int:
    """Return k, at least 1, of the decay 1 - 2^-k that is nearest to a time constant's."""
    return max(1, round(-np.log2(-np.expm1(-dt / tau))))
