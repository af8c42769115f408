"""Vogels and Abbott's networks, with currents (CUBA) and with conductances (COBA).

Vogels and Abbott, Signal propagation and logic gating in networks of integrate-and-fire neurons,
J Neurosci 25:10786, 2005, doi:10.1523/JNEUROSCI.3508-05.2005, in the form of benchmarks 1 and 2 of
Brette et al., Simulation of networks of spiking neurons, J Comput Neurosci 23:349, 2007,
doi:10.1007/s10827-007-0038-6. Both keep firing without input from outside.
"""

from __future__ import annotations

from typing import Any

from neurosim.circuits.circuit import Circuit
from neurosim.circuits.rules import fixed_probability
from neurosim.errors import InputError

HEARD = 80
"""Neurons that a neuron hears on average: 2 % of 4,000 (Brette et al., appendix B)."""
CELLS = {"theta_0": -50.0, "V_r": -60.0, "tau_ref": 5.0, "tau_e": 5.0, "tau_i": 10.0}
"""mV and ms, of both networks."""
CUBA_PSP_MV = {"E": 1.62, "I": -9.0}
"""Jumps of the synaptic potentials: 27 % of 60 mV and 4.5 times 20 mV, over the leak of 10 nS."""
COBA_NS = {"E": 6.0, "I": 67.0}
"""Jumps of the conductances."""


def cuba(n: int = 4000, *, dt: float = 1e-4, seed: int | None = None) -> Circuit:
    """Return the network with synaptic currents: populations "E" (four fifths) and "I".

    Rest lies 1 mV above threshold, so that the network starts by itself, and inhibition keeps it in
    the asynchronous irregular regime, near 5 spikes per second.

    Args:
        n: neurons; each hears 80 on average, whatever n.
        dt: time step in seconds; spikes arrive in the step after that in which they occur.
        seed: of connections and initial potentials.

    Raises:
        InputError: n is no whole number of 80 or more.
    """
    from scipy.stats import uniform

    reset, theta = CELLS["V_r"] * 1e-3, CELLS["theta_0"] * 1e-3
    return _network(
        n,
        dt,
        seed,
        model="lif-two-exponentials",
        parameters={**CELLS, "E_L": -49.0, "tau": 20.0},
        initial={"v": uniform(reset, theta - reset)},
        weights={name: mv * 1e-3 for name, mv in CUBA_PSP_MV.items()},
    )


def coba(n: int = 4000, *, dt: float = 1e-4, seed: int | None = None) -> Circuit:
    """Return the network with synaptic conductances: populations "E" (four fifths) and "I".

    Rest lies 10 mV below threshold: activity, kindled by the conductances at the start, sustains
    itself, irregular and at some 10 to 30 spikes per second.

    Args:
        n: neurons; each hears 80 on average, whatever n.
        dt: time step in seconds.
        seed: of connections and initial values.

    Raises:
        InputError: n is no whole number of 80 or more.
    """
    from scipy.stats import norm

    return _network(
        n,
        dt,
        seed,
        model="lif-conductance",
        parameters={**CELLS, "E_L": -60.0, "C": 200.0, "g_L": 10.0, "E_e": 0.0, "E_i": -80.0},
        initial={
            "v": norm(-65e-3, 5e-3),
            "g_e": norm(40e-9, 15e-9),
            "g_i": norm(200e-9, 120e-9),
        },
        weights={name: ns * 1e-9 for name, ns in COBA_NS.items()},
    )


def _network(
    n: int, dt: float, seed: int | None, *, weights: dict[str, float], **settings: Any
) -> Circuit:
    if isinstance(n, bool) or int(n) != n or n < HEARD:
        raise InputError(f"n is {n}; it is a whole number >= {HEARD}")
    circuit = Circuit(dt=dt, seed=seed)
    model, excitatory = settings.pop("model"), round(0.8 * n)
    sizes = {"E": excitatory, "I": n - excitatory}
    cells = {
        name: circuit.population(model, size, name=name, **settings) for name, size in sizes.items()
    }
    for source, event in (("E", "excite"), ("I", "inhibit")):
        for target in cells.values():
            rule = fixed_probability(HEARD / n)
            circuit.project(
                cells[source], target, rule, weight=weights[source], delay=dt, event=event
            )
    return circuit
