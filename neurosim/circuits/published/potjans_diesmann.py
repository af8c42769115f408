"""The cortical microcircuit: four layers of excitatory and inhibitory neurons below 1 mm^2.

Potjans and Diesmann, The cell-type specific cortical microcircuit: relating structure and activity
in a full-scale spiking network model, Cereb Cortex 24:785, 2014, doi:10.1093/cercor/bhs358; initial
potentials and rates at full scale as in the reference implementation for NEST (van Albada et al.,
Front Neurosci 12:291, 2018, doi:10.3389/fnins.2018.00291).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuits.circuit import Circuit
from neurosim.circuits.rules import fixed_total_number
from neurosim.errors import InputError

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
"""Neurons (table 5)."""
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
"""(targets, sources) that a pair has at least one synapse (table 5)."""
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
"""Synapses from outside on a neuron (table 5)."""
EXTERNAL_HZ = 8.0
"""Rate of each."""
RATES_HZ = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
"""Mean rates at full scale, of the reference implementation."""
START_MV = np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43])
START_STD_MV = np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48])
"""Initial potentials near those of the running network (reference implementation)."""
CAPACITANCE_PF, TAU_MS, TAU_SYN_MS = 250.0, 10.0, 0.5
CELLS = {"E_L": -65.0, "theta_0": -50.0, "V_r": -65.0, "tau_ref": 2.0}
"""mV and ms (table 5)."""
PSP_MV, INHIBITION, WEIGHT_STD = 0.15, -4.0, 0.1
"""Peak of an excitatory postsynaptic potential, factor of an inhibitory one, relative spread."""
DELAY_MS = {"E": (1.5, 0.75), "I": (0.75, 0.375)}
"""Mean and standard deviation by the source."""


@dataclass(frozen=True)
class RedrawnNormal:
    """A normal law whose values outside of (low, high) are drawn again: a law for a projection."""

    mean: float
    std: float
    low: float = -np.inf
    high: float = np.inf

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Return (size,) values."""
        values = random_state.normal(self.mean, self.std, size)
        while (outside := np.nonzero(~((values > self.low) & (values < self.high)))[0]).size:
            values[outside] = random_state.normal(self.mean, self.std, outside.size)
        return values


def microcircuit(scale: float = 0.1, *, dt: float = 1e-4, seed: int | None = None) -> Circuit:
    """Return the microcircuit: populations "L23E", "L23I", ... "L6I".

    With fewer neurons each hears fewer, by the same factor; weights grow by the root of that
    factor, which keeps the variance of the input, and a constant current puts back the mean that is
    then missing (van Albada et al., PLoS Comput Biol 11:e1004490, 2015, section 2.3).

    Args:
        scale: share of the neurons and of what each hears, in 0..1; 1 has 77,169 neurons and 299
            million synapses.
        dt: time step in seconds.
        seed: of connections, weights, delays, potentials and input.

    Raises:
        InputError: scale is not in 0..1, or so small that a population is empty.
    """
    if not 0 < scale <= 1 or (np.rint(SIZES * scale) < 1).any():
        raise InputError(f"scale is {scale}; it lies above 0.0005 and is at most 1")
    circuit = Circuit(dt=dt, seed=seed)
    weight_pa, currents = weights_pa(), missing_current_pa(scale)
    cells = []
    for k, name in enumerate(POPULATIONS):
        cells.append(
            circuit.population(
                "lif-exponential",
                int(np.rint(SIZES[k] * scale)),
                name=name,
                parameters={
                    **CELLS,
                    "tau": TAU_MS,
                    "tau_syn": TAU_SYN_MS,
                    "R": 1e3 * TAU_MS / CAPACITANCE_PF,
                    "I": currents[k] * 1e-3,
                },
                initial={"v": RedrawnNormal(START_MV[k] * 1e-3, START_STD_MV[k] * 1e-3)},
            )
        )
    numbers = synapses()
    for target, source in np.argwhere(numbers > 0):
        circuit.project(
            cells[source],
            cells[target],
            fixed_total_number(round(numbers[target, source] * scale**2)),
            weight=_weight(weight_pa[target, source] / np.sqrt(scale)),
            delay=_delay(POPULATIONS[source][-1], dt),
        )
    external = psc_pa(PSP_MV) / np.sqrt(scale) * 1e-12
    for k, population in enumerate(cells):
        circuit.poisson(population, rate=EXTERNAL_HZ * EXTERNAL[k] * scale, weight=external)
    return circuit


def psc_pa(psp_mv: float) -> float:
    """Return the jump of the synaptic current [pA] whose potential has this peak [mV]."""
    ratio = TAU_MS / TAU_SYN_MS
    peak = ratio ** (-TAU_SYN_MS / (TAU_MS - TAU_SYN_MS)) - ratio ** (
        -TAU_MS / (TAU_MS - TAU_SYN_MS)
    )
    return psp_mv * CAPACITANCE_PF * (TAU_MS - TAU_SYN_MS) / (TAU_MS * TAU_SYN_MS * peak)


def weights_pa() -> np.ndarray:
    """Return (targets, sources) mean jumps of the synaptic current at full scale [pA].

    Synapses from excitatory neurons of layer 4 to those of layer 2/3 are twice as strong.
    """
    signs = np.where([name.endswith("E") for name in POPULATIONS], 1.0, INHIBITION)
    weights = psc_pa(PSP_MV) * np.tile(signs, (len(POPULATIONS), 1))
    weights[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= 2
    return weights


def synapses() -> np.ndarray:
    """Return (targets, sources) numbers of synapses at full scale (eq. 1)."""
    pairs = np.outer(SIZES, SIZES).astype(float)
    return np.log1p(-PROBABILITIES) / np.log1p(-1 / pairs)


def missing_current_pa(scale: float) -> np.ndarray:
    """Return (populations,) the mean current that a scaled network lacks [pA]."""
    degree = synapses() / SIZES[:, None]
    recurrent = (weights_pa() * degree) @ RATES_HZ
    external = psc_pa(PSP_MV) * EXTERNAL * EXTERNAL_HZ
    missing: np.ndarray = TAU_SYN_MS * 1e-3 * (1 - np.sqrt(scale)) * (recurrent + external)
    return missing


def _weight(mean_pa: float) -> Any:
    """Return the law of a projection's weights [A]: none has the other sign."""
    mean = mean_pa * 1e-12
    bounds = {"low": 0.0} if mean > 0 else {"high": 0.0}
    return RedrawnNormal(mean, abs(WEIGHT_STD * mean), **bounds)


def _delay(kind: str, dt: float) -> Any:
    """Return the law of a projection's delays [s]: a step at least."""
    mean, std = DELAY_MS[kind]
    return RedrawnNormal(mean * 1e-3, std * 1e-3, low=dt / 2)
