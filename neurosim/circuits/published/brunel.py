"""Brunel's sparse network of excitatory and inhibitory neurons with instantaneous synapses.

Brunel, Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons,
J Comput Neurosci 8:183, 2000, doi:10.1023/A:1008925309027.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim import equations
from neurosim.circuits.circuit import Circuit
from neurosim.circuits.rules import fixed_in_degree
from neurosim.engines.brian2.plan import positive
from neurosim.equations import Declaration
from neurosim.errors import InputError

THRESHOLD_MV, RESET_MV, REFRACTORY_MS = 20.0, 10.0, 2.0
"""Above rest; of both models (section 2)."""


@dataclass(frozen=True)
class BrunelCells:
    """One of the two populations: what its neurons are and hear (section 2); both in model A."""

    g: float = 5.0
    """Relative strength of inhibition: an inhibitory spike lowers the potential by g times psp."""
    eta: float = 2.0
    """External rate over the rate that takes the mean potential to threshold alone."""
    psp_mV: float = 0.1
    """Jump of the potential at an excitatory spike."""
    tau_ms: float = 20.0
    """Membrane time constant."""
    excitatory_delay_ms: float = 1.5
    """Of spikes from excitatory neurons."""
    inhibitory_delay_ms: float = 1.5

    def external_rate_hz(self) -> float:
        """Return the rate of all external spikes that a neuron hears: eta theta / (psp tau)."""
        return self.eta * THRESHOLD_MV / (self.psp_mV * self.tau_ms * 1e-3)


def brunel(
    order: int = 2500,
    *,
    g: float = 5.0,
    eta: float = 2.0,
    psp_mV: float = 0.1,
    delay_ms: float = 1.5,
    model: str = "A",
    excitatory: BrunelCells | None = None,
    inhibitory: BrunelCells | None = None,
    connected: float = 0.1,
    threshold_mV: Any = THRESHOLD_MV,
    rule: Declaration | str | None = None,
    rule_parameters: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    dt: float = 1e-4,
    seed: int | None = None,
) -> Circuit:
    """Return Brunel's network: populations "E" and "I", fixed in-degree, Poisson input.

    The regimes of figure 8 (order 2500): (g, eta) = (3, 2) synchronous regular, (6, 4) fast
    oscillation, (5, 2) asynchronous irregular, (4.5, 0.9) slow oscillation.

    Args:
        order: a quarter of the excitatory neurons, and all inhibitory ones.
        g: of model A, as `BrunelCells.g`; so are eta, psp_mV and delay_ms.
        eta: relative external rate.
        psp_mV: jump at an excitatory spike.
        delay_ms: of all synapses.
        model: "A", in which both populations are alike, or "B", in which `excitatory` and
            `inhibitory` say what differs: strengths, external rates, time constants, delays.
        excitatory: of model B.
        inhibitory: of model B.
        connected: share of each population that a neuron hears (epsilon).
        threshold_mV: of all neurons, or a law from which each draws its own and keeps it.
        rule: a threshold rule, such as "stochastic-threshold-per-spike", whose scale multiplies the
            threshold.
        rule_parameters: of the rule, values by name.
        initial: further initial values, such as the rule's, as for `Circuit.population`.
        dt: time step in seconds; the delay is a multiple.
        seed: of connections, initial potentials and input.

    Raises:
        InputError: order, model or a parameter of the rule is invalid, model A is given
            populations, or the rule fits no lif.
    """
    order = positive("order", order)
    if model == "A" and excitatory is None and inhibitory is None:
        excitatory = inhibitory = BrunelCells(g, eta, psp_mV, 20.0, delay_ms, delay_ms)
    if model not in ("A", "B") or excitatory is None or inhibitory is None:
        raise InputError(
            f"model is {model!r}; it is 'A' with g and eta, or 'B' with excitatory=BrunelCells(...)"
            " and inhibitory=BrunelCells(...)"
        )
    from scipy.stats import uniform

    circuit = Circuit(dt=dt, seed=seed)
    neuron = equations.get("lif")
    if rule is not None:
        neuron += equations.get(rule) if isinstance(rule, str) else rule
    common = {
        "E_L": 0.0,
        "V_r": RESET_MV,
        "tau_ref": REFRACTORY_MS,
        "theta_0": threshold_mV,
        **(rule_parameters or {}),
    }
    # Potentials start anywhere between rest and threshold.
    initial = {"v": uniform(0.0, THRESHOLD_MV * 1e-3), **(initial or {})}
    cells = {
        name: circuit.population(
            neuron, n, name=name, parameters={**common, "tau": own.tau_ms}, initial=initial
        )
        for name, n, own in (("E", 4 * order, excitatory), ("I", order, inhibitory))
    }
    for name, own in (("E", excitatory), ("I", inhibitory)):
        jump = own.psp_mV * 1e-3
        for source, weight, delay in (
            ("E", jump, own.excitatory_delay_ms),
            ("I", -own.g * jump, own.inhibitory_delay_ms),
        ):
            hears = fixed_in_degree(round(connected * cells[source].n))
            circuit.project(cells[source], cells[name], hears, weight=weight, delay=delay * 1e-3)
        circuit.poisson(cells[name], rate=own.external_rate_hz(), weight=jump)
    return circuit
