"""AHSAR's homeostat as a loop: layers' rates, thresholds that follow them, and the state between.

One optimisation step (AHSAR, section 4), for layers l = 1..L in a chain with Laplacian Lap:

    r_l     = rate of layer l at threshold scale s_l                    (one forward pass)
    r~_l   <- (1 - m_r) r~_l + m_r r_l                                  (4.1)
    c_l    <- c_l + beta (ln r~_l - mean(ln r~)) - gamma (c_l - c0) - D (Lap c)_l
              repeated for `ticks` ticks with r~ held                   (4.2)
    s_l     = s_base (1 + alpha tanh(kappa c_l))

Tests hold this to the declared equations (`neurosim.equations.homeostasis`) and to the controller
that trains nets. The rates answer as power laws around the open loop
(all s_l = s_base (1 + alpha tanh(kappa c0))):

    ln r_l = ln r_l^open - a_l ln(s_l/s_open) + b_l (ln r_{l-1} - ln r_{l-1}^open),

with sensitivity a_l = -d ln r_l/d ln threshold_l and coupling b_l = d ln r_l/d ln r_{l-1}.
Populations that hear each other have a matrix of couplings, J_lm = d ln r_l/d ln r_m, and

    ln r = ln r^open - (I - J)^-1 diag(a) ln(s/s_open),

the rates of a recurrent network that settles within a step. The chain has b below J's diagonal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.errors import InputError

Plant = Callable[[FloatArray], FloatArray]
"""Threshold scales (L,) -> natural logarithms of the layers' rates (L,)."""


@dataclass(frozen=True)
class Loop:
    """The controller's gains and how the layers answer; symbols as in AHSAR, section 4."""

    beta: float
    """Reaction gain per tick."""
    gamma: float
    """Relaxation towards c0 per tick."""
    D: float
    """Diffusion between neighbouring layers per tick."""
    layers: int
    """Number of controlled layers, L."""
    alpha: float = 0.5
    """Largest relative change of a threshold, below 1."""
    kappa: float = 1.0
    """Slope of the actuator in c."""
    m_r: float = 1.0
    """Weight of a new rate in its moving average; 1 is no average."""
    s_base: float = 1.0
    """Threshold scale at c = 0."""
    ticks: int = 1
    """Ticks in an optimisation step, with the rates held."""
    sensitivity: float | tuple[float, ...] = 1.0
    """a, of all layers or of each."""
    coupling: float | tuple[float, ...] | tuple[tuple[float, ...], ...] = 0.0
    """b, of all layers or of each; the first layer's is not used: its input is not controlled. Or
    J, (L, L), of populations that hear each other; their rates are stable by themselves where the
    eigenvalues of J have real parts below 1."""
    centring: float = 1.0
    """Share of the mean log rate that is subtracted: 1 in AHSAR, 0 holds each layer by itself."""
    reference: float = 0.0
    """Log rate that takes the place of the mean where centring is below 1."""
    c0: float = 0.0
    """Baseline state."""
    fresh: bool = True
    """Whether the moving average takes in this step's rate before it is used."""

    def __post_init__(self) -> None:
        for name in ("layers", "ticks"):
            if getattr(self, name) != int(getattr(self, name)) or getattr(self, name) < 1:
                raise InputError(f"Loop.{name} is {getattr(self, name)}; it is a whole number >= 1")
        if not 0 < self.m_r <= 1:
            raise InputError(f"Loop.m_r is {self.m_r}; it lies in (0, 1]")
        if not 0 <= self.alpha < 1:
            raise InputError(
                f"Loop.alpha is {self.alpha}; it lies in [0, 1) to keep scales positive"
            )
        if not self.s_base > 0:
            raise InputError(f"Loop.s_base is {self.s_base}; it is positive")
        for name in ("sensitivity", "coupling"):
            value = np.asarray(getattr(self, name), dtype=float)
            matrix = value.shape == (self.layers,) * 2 and name == "coupling"
            if value.shape not in ((), (self.layers,)) and not matrix:
                raise InputError(
                    f"Loop.{name} has shape {value.shape}; give a number or {self.layers} of them"
                )
            if matrix and not _settles(value):
                raise InputError(
                    "Loop.coupling: the rates run away by themselves; its eigenvalues need real "
                    "parts below 1"
                )
            object.__setattr__(self, name, hashable(value))

    @property
    def a(self) -> FloatArray:
        """Sensitivity of each layer, (L,)."""
        return np.broadcast_to(np.asarray(self.sensitivity, dtype=np.float64), self.layers)

    @property
    def J(self) -> FloatArray:
        """Coupling of each layer (row) to the rate of each (column), (L, L)."""
        coupling = np.asarray(self.coupling, dtype=np.float64)
        if coupling.ndim == 2:
            return coupling
        return np.diag(np.broadcast_to(coupling, self.layers)[1:], -1)

    @property
    def b(self) -> FloatArray:
        """Coupling of each layer to all rates that it reads, (L,); 0 for the first of a chain."""
        return np.asarray(self.J.sum(1))

    def scale(self, c: FloatArray) -> FloatArray:
        """Return the threshold scales s at the states c."""
        return self.s_base * (1 + self.alpha * np.tanh(self.kappa * c))

    def actuator(self, c: FloatArray) -> FloatArray:
        """Return d ln s/dc at the states c."""
        turn = np.tanh(self.kappa * c)
        return self.alpha * self.kappa * (1 - turn**2) / (1 + self.alpha * turn)

    def reaction(self, log_rates: FloatArray) -> FloatArray:
        """Return what a tick adds to the states for the smoothed log rates, (L,)."""
        mean = self.centring * log_rates.mean() + (1 - self.centring) * self.reference
        return np.asarray(self.beta * (log_rates - mean))

    def plant(self, log_rates: FloatArray) -> Plant:
        """Return the power-law answer of layers whose open-loop log rates are given, (L,)."""
        response = propagation(self.J) * self.a
        reference = np.log(self.scale(np.full(self.layers, self.c0)))
        return lambda scale: log_rates - response @ (np.log(scale) - reference)


class Trajectory(NamedTuple):
    """What a run of the loop leaves, each array (steps, L)."""

    c: FloatArray
    """State before each step."""
    scale: FloatArray
    """Threshold scale of each step."""
    log_rate: FloatArray
    """ln r at that scale."""
    smoothed: FloatArray
    """ln r~ after the step."""


def trajectory(
    loop: Loop,
    log_rates: FloatArray,
    steps: int,
    *,
    plant: Plant | None = None,
    start: FloatArray | None = None,
    noise: float = 0.0,
    limit: float = np.inf,
    floor: float = 1e-9,
    seed: int | np.random.Generator | None = None,
) -> Trajectory:
    """Run the nonlinear loop.

    Args:
        loop: the gains.
        log_rates: open-loop log rates of the layers, (L,).
        steps: optimisation steps.
        plant: how log rates follow the scales; by default the power law of the module's text.
        start: states at the first step, (L,); c0 by default.
        noise: standard deviation of ln r from batch to batch.
        limit: bound on |c - c0| after every tick (anti-windup: the actuator saturates).
        floor: smallest average that is taken a logarithm of.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    rates_at = plant or loop.plant(np.asarray(log_rates, dtype=np.float64))
    c = np.full(loop.layers, loop.c0) if start is None else np.array(start, dtype=np.float64)
    average: FloatArray | None = None
    record = np.empty((4, steps, loop.layers))
    for step in range(steps):
        scale = loop.scale(c)
        log_rate = rates_at(scale) + noise * rng.standard_normal(loop.layers)
        rate = np.exp(log_rate)
        before = rate if average is None else average
        average = (1 - loop.m_r) * before + loop.m_r * rate
        record[:, step] = c, scale, log_rate, np.log(np.maximum(average, floor))
        used = average if loop.fresh else before
        c = advance(loop, c, np.log(np.maximum(used, floor)), limit)
    return Trajectory(*record)


def advance(loop: Loop, c: FloatArray, log_rates: FloatArray, limit: float = np.inf) -> FloatArray:
    """Return the states after the ticks of one step, with smoothed log rates (L,) held."""
    reaction = loop.reaction(log_rates)
    for _ in range(loop.ticks):
        c = c + reaction - loop.gamma * (c - loop.c0) - loop.D * (laplacian(loop.layers) @ c)
        c = np.clip(c, loop.c0 - limit, loop.c0 + limit)
    return c


def propagation(coupling: FloatArray) -> FloatArray:
    """Return (I - J)^-1, (L, L): what a relative change of one layer does to all in the end."""
    if np.triu(coupling).any():
        return np.asarray(np.linalg.inv(np.eye(len(coupling)) - coupling), np.float64)
    later = np.eye(len(coupling))  # layers that hear earlier ones only
    for row in range(1, len(coupling)):
        later[row] += coupling[row, :row] @ later[:row]
    return later


def _settles(coupling: FloatArray) -> bool:
    """Return whether rates that follow their inputs settle."""
    finite = np.isfinite(coupling).all()
    return bool(finite and np.linalg.eigvals(coupling).real.max() < 1)


def hashable(values: Numbers) -> Any:
    """Return a number, or tuples of numbers, as fields of `Loop` are kept."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        return float(array)
    return tuple(map(hashable, array)) if array.ndim > 1 else tuple(array.tolist())


@cache
def laplacian(layers: int) -> FloatArray:
    """Return the chain's Laplacian with free ends, (L, L)."""
    matrix = 2.0 * np.eye(layers) - np.eye(layers, k=1) - np.eye(layers, k=-1)
    matrix[0, 0] -= 1
    matrix[-1, -1] -= 1
    matrix.flags.writeable = False
    return matrix


@cache
def chain_modes(layers: int) -> tuple[FloatArray, FloatArray]:
    """Return the eigenvalues 4 sin^2(pi j/2L), (L,), and orthonormal modes (L, L) in columns."""
    j = np.arange(layers)
    values = 4 * np.sin(np.pi * j / (2 * layers)) ** 2
    modes = np.cos(np.pi * np.outer(j + 0.5, j) / layers)
    modes /= np.linalg.norm(modes, axis=0)
    values.flags.writeable = modes.flags.writeable = False
    return values, modes
