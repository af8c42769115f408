"""Time constants as the chip has them: a state decays by state >> k each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo.rules import DASH_MAX

MOVED = 0.1
"""Relative change of a time constant from which on it is warned of."""


@dataclass(frozen=True)
class TimeConstant:
    """What becomes of one time constant of a layer."""

    layer: int
    name: str
    """tau_mem or tau_syn."""
    neurons: int
    """Neurons of the layer that have it (synapses, for tau_syn of two)."""
    requested: float
    """In seconds, in the network."""
    actual: float
    """In seconds, on the chip; 0 where the state does not outlast a step."""
    shift: int

    @property
    def change(self) -> float:
        """Relative difference of the time constant."""
        return self.actual / self.requested - 1.0


def decay_shift(tau: np.ndarray, dt: float) -> np.ndarray:
    """Return the shift k whose decay 1 - 2^-k is nearest exp(-dt/tau), in the 4-bit register.

    k = round(-log2(1 - exp(-dt/tau))); rockpool's mapper takes log2(tau/dt) instead, which gives 0,
    a current wiped at every step, for tau below sqrt(2) dt.

    Args:
        tau: time constants in seconds, of any shape.
        dt: time step in seconds.
    """
    exact = -np.log2(-np.expm1(-dt / np.asarray(tau, dtype=float)))
    shift: np.ndarray = np.clip(np.rint(exact), 0, DASH_MAX).astype(np.int64)
    return shift


def shift_tau(shift: np.ndarray, dt: float) -> np.ndarray:
    """Return the time constants [s] of shifts k of any shape: exp(-dt/tau) = 1 - 2^-k; 0 at 0."""
    with np.errstate(divide="ignore"):
        tau: np.ndarray = -dt / np.log1p(-(2.0 ** -np.asarray(shift, dtype=float)))
    return tau


def time_constants(network: Network) -> list[TimeConstant]:
    """Return every different time constant of every layer, and what the chip makes of it."""
    return [
        row
        for k, layer in enumerate(network.layers)
        for name in ("tau_mem", "tau_syn")
        for row in _of_layer(k, layer, name, network.dt)
    ]


def _of_layer(k: int, layer: Layer, name: str, dt: float) -> Iterator[TimeConstant]:
    values, counts = np.unique(getattr(layer, name), return_counts=True)
    shifts = decay_shift(values, dt)
    for tau, count, shift, actual in zip(
        values, counts, shifts, shift_tau(shifts, dt), strict=True
    ):
        yield TimeConstant(k, name, int(count), float(tau), abs(float(actual)), int(shift))


def check_decays(network: Network) -> list[str]:
    """Refuse currents that the chip would wipe; return a warning for each leak that is too slow.

    Raises:
        InputError: a synaptic time constant is too short to outlast a step.
    """
    warnings: list[str] = []
    for k, layer in enumerate(network.layers):
        for name in ("tau_mem", "tau_syn"):
            warnings += _check(k, layer, name, network.dt)
    return [*warnings, *_moved(network)]


def _moved(network: Network) -> Iterator[str]:
    """Say which time constant changes most, where that is much and no clipped register tells."""
    rows = [row for row in time_constants(network) if row.shift < DASH_MAX]
    worst = max(rows, key=lambda row: abs(row.change), default=None)
    if worst is not None and abs(worst.change) > MOVED:
        yield (
            f"time constants become bit shifts: layer {worst.layer}'s {worst.name} of "
            f"{1e3 * worst.requested:.4g} ms becomes {1e3 * worst.actual:.4g} ms "
            f"({worst.change:+.0%}), the largest change; xylo.plan lists all; train with "
            "exp(-dt/tau) = 1 - 2^-k, or fine-tune"
        )


def _check(k: int, layer: Layer, name: str, dt: float) -> Iterator[str]:
    tau = getattr(layer, name).reshape(layer.n_out, -1)
    shift = decay_shift(tau, dt)
    if name == "tau_syn" and (shift == 0).any():
        neuron = int(np.argwhere(shift == 0)[0, 0])
        raise InputError(
            f"layer {k}, neuron {neuron}: tau_syn is {tau[neuron].min():.3g} s at dt {dt:g} s; "
            f"the chip would empty the current each step: use at least {0.82 * dt:.3g} s"
        )
    slowest = float(shift_tau(np.array(DASH_MAX), dt))
    if (tau > 1.5 * slowest).any():
        neuron = int(np.argwhere(tau > 1.5 * slowest)[0, 0])
        yield (
            f"layer {k}, neuron {neuron}: {name} {tau[neuron].max():.3g} s becomes "
            f"{slowest:.3g} s, the slowest leak of the chip at this dt"
        )
