"""How a source steps and resets the neurons that NIR states as differential equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import lambertw

from neurosim.errors import InputError
from neurosim.network import decay

MANY = 65536
"""Most spikes in a step where a source knows no limit."""


RESETS = ("value", "value-late", "subtract", "subtract-late")


@dataclass(frozen=True)
class Convention:
    """What a NIR file does not say about the simulation that it comes from."""

    source: str
    scheme: str
    """`euler`; `exponential`, exact for input that is constant in a step; or `liftorch`,
    rockpool's order: input, decay of both, then the current into the membrane at full weight."""
    reset: str
    """`value`, to v_reset; `subtract`, the threshold; `subtract-late`, the threshold one step
    later, after the leak; `value-late`, to v_reset one step later, whatever arrives in it."""
    at_threshold: bool
    """Whether a membrane fires at its threshold, or only above."""
    dt: float | None = None
    """Step in the unit of the file's time constants; None where it must be given."""
    max_spikes: int = 1
    start: str = "zero"
    """Where membranes start: at `zero`, at `reset`, or at `rest`: v_leak, v_reset without leak."""
    jump: bool = False
    """Whether input moves a current at once by its own size, whatever w_in says, and the membrane
    of a neuron without leak by r, whatever dt is."""
    resets: tuple[str, ...] = ()
    """All resets that its neurons may have, where its files do not say which."""
    note: str = ""

    def __post_init__(self) -> None:
        for name, allowed in (
            ("scheme", ("euler", "exponential", "liftorch")),
            ("reset", RESETS),
            ("start", ("zero", "reset", "rest")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"NIR convention: {name} is {getattr(self, name)!r}; choose from {allowed}"
                )
        if self.dt is not None and not (np.isfinite(self.dt) and self.dt > 0):
            raise InputError(f"NIR convention: dt is {self.dt}; it must be a positive time")
        if not (self.max_spikes >= 1 and int(self.max_spikes) == self.max_spikes):
            raise InputError(f"NIR convention: max_spikes is {self.max_spikes}; give 1 or more")


CONVENTIONS = {
    c.source: c
    for c in (
        Convention("nir", "euler", "value", False, note="as NIR's text, in Euler steps"),
        Convention("neurosim", "liftorch", "subtract", True, max_spikes=31),
        Convention(
            "rockpool",
            "liftorch",
            "subtract",
            True,
            max_spikes=MANY,
            note="bias, recurrent weights and max_spikes are lost by its export",
        ),
        Convention(
            "snntorch",
            "euler",
            "subtract-late",
            False,
            dt=1e-4,
            resets=RESETS,
            note="reset_mechanism zero is a value, reset_delay a late one",
        ),
        Convention(
            "norse",
            "euler",
            "value",
            False,
            dt=1e-6,
            start="rest",
            jump=True,
            resets=("value", "subtract"),
            note="its export multiplies time constants by its dt of 1 ms: here dt is 1 ms * 1 ms",
        ),
        Convention(
            "sinabs",
            "exponential",
            "subtract",
            True,
            dt=1.0,
            max_spikes=MANY,
            resets=("subtract", "value"),
            note="time constants are in steps",
        ),
        Convention("spikingjelly", "euler", "value", True, dt=1e-4, start="reset"),
    )
}
"""By source, as measured with snnTorch 1.0, Norse 1.1, sinabs 3.1, SpikingJelly 2.0 and rockpool
3.1; `nir` where the source is not known."""


def rockpool_dt(tau: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return the dt that rockpool's export hides in r = tau/dt exp(-dt/tau), of each neuron.

    With x = dt/tau this is x exp(x) = 1/r, which Lambert's function solves. Rockpool's own import
    takes tau/(1 + r) instead, some 4 % less.
    """
    tau, r = np.asarray(tau, dtype=float), np.asarray(r, dtype=float)
    step: np.ndarray = tau * lambertw(1.0 / r).real
    return step


def rockpool_step(nodes: Mapping[str, Any]) -> float:
    """Return the time step of a file that rockpool wrote, from r of its neurons.

    Rockpool 3.1 writes r = tau/dt exp(-dt/tau) for LIFTorch (CubaLIF), LIFNeuronTorch (LIF) and
    ExpSynTorch (LI). Euler's gain r dt/tau is then exp(-dt/tau): right for ExpSynTorch alone, as
    the neurons add their input at full weight. Read as rockpool's, r gives dt and nothing else.

    Raises:
        InputError: no neuron tells, or they tell different steps, as those of others do.
    """
    steps = np.concatenate(
        [
            rockpool_dt(*np.broadcast_arrays(*(_flat(kind, n, getattr(node, n)) for n in names)))
            for node in nodes.values()
            if (kind := type(node).__name__) in _ROCKPOOL
            for names in [(_ROCKPOOL[kind], "r")]
        ]
        or [np.array([])]
    )
    if not steps.size:
        raise InputError("none of its nodes tells the time step of rockpool: give dt (--dt)")
    dt = float(np.median(steps))
    if not (np.isfinite(steps).all() and np.allclose(steps, dt, rtol=1e-3, atol=0)):
        raise InputError(
            f"r of its neurons means time steps from {steps.min():.4g} to {steps.max():.4g} where "
            "rockpool wrote it: give the one it has (--dt), or another source"
        )
    rounded = float(f"{dt:.5g}")  # float32 keeps 7 digits
    return rounded if np.isclose(dt, rounded, rtol=1e-6, atol=0) else dt


_ROCKPOOL = {"CubaLIF": "tau_mem", "LIF": "tau", "LI": "tau"}
"""By kind of node that rockpool writes, the time constant that belongs to r."""


def parameters(
    node: Any, convention: Convention, dt: float, max_spikes: int | None = None
) -> dict[str, np.ndarray]:
    """Return the parameters of `nir-neuron` for a NIR node, flat (neurons,), float64.

    Args:
        node: a LIF, CubaLIF, IF, LI, CubaLI or I node of nir.
        convention: how to step it.
        dt: the step.
        max_spikes: most spikes of a step, if not the convention's.

    Raises:
        InputError: a time constant is too short for the scheme, or a parameter is odd.
    """
    kind = type(node).__name__
    values = {n: _flat(kind, n, getattr(node, n)) for n in PARAMETERS if hasattr(node, n)}
    n, most = len(values["r"]), convention.max_spikes if max_spikes is None else max_spikes
    alpha, gain, drive = _membrane(kind, values, convention, dt)
    beta, w_in = np.zeros(n), np.ones(n)
    if "tau_syn" in values:
        beta, w_in = _current(kind, values, convention, dt)
    spiking = "v_threshold" in values
    threshold = values.get("v_threshold", np.full(n, 1e300))
    if spiking and (threshold == 0).any():
        raise InputError(f"{kind}: v_threshold holds 0; no spike count follows from that")
    if spiking and most > 1 and (threshold < 0).any():
        raise InputError(f"{kind}: v_threshold is negative; several spikes a step need one above 0")
    reset, fall = values.get("v_reset", np.zeros(n)), np.ones(n)
    if convention.reset == "subtract-late":
        if (alpha == 0).any():
            raise InputError(f"{kind}: a membrane that forgets all in a step has no late reset")
        fall = 1.0 / alpha  # what a later leak takes back
    return {
        "alpha": alpha,
        "beta": beta,
        "w_in": w_in,
        "gain": gain,
        "drive": drive,
        "theta_0": threshold,
        "at_threshold": np.full(n, float(convention.at_threshold)),
        "subtract": np.full(n, float(convention.reset.startswith("subtract"))),
        "late": np.full(n, float(convention.reset == "value-late")),
        "fall": fall,
        "V_r": reset,
        "V_0": {"zero": np.zeros(n), "reset": reset, "rest": values.get("v_leak", reset)}[
            convention.start
        ],
        "max_spikes": np.full(n, float(most)),
    }


PARAMETERS = ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")
"""Of nir's neurons."""


def numbers(name: str, value: Any) -> np.ndarray:
    """Return what a node states as float64, the same array where it is that.

    Raises:
        InputError: it is no array of real numbers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {array.dtype}; give real numbers")
    return array.astype(np.float64, copy=False)


def _flat(kind: str, name: str, value: Any) -> np.ndarray:
    array = numbers(f"{kind}.{name}", value).reshape(-1)
    if not np.isfinite(array).all():
        raise InputError(f"{kind}.{name} holds {array[~np.isfinite(array)][0]}; give finite values")
    if name.startswith("tau") and (array <= 0).any():
        raise InputError(f"{kind}.{name} holds {array.min()}; a time constant is above 0")
    return array


def _membrane(
    kind: str, values: dict[str, np.ndarray], convention: Convention, dt: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return decay, gain of the current, and what leaks in, of a step."""
    r, zero = values["r"], np.zeros_like(values["r"])
    tau = values.get("tau", values.get("tau_mem"))
    if tau is None:  # IF and I: no leak
        return np.ones_like(r), r if convention.jump else r * dt, zero
    leak = values.get("v_leak", zero)
    if convention.scheme == "euler":
        share = dt / tau
        _check_step(kind, tau, dt)
        return 1 - share, r * share, leak * share
    alpha = decay(tau, dt)
    if convention.scheme == "exponential":
        return alpha, r * (1 - alpha), leak * (1 - alpha)
    if convention.source == "rockpool":  # LI is ExpSynTorch, which decays what it received
        return alpha, alpha if kind == "LI" else np.ones_like(r), zero
    return alpha, r * dt / tau, leak * dt / tau


def _current(
    kind: str, values: dict[str, np.ndarray], convention: Convention, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return decay and gain of the input of a synaptic current, of a step."""
    tau, w_in = values["tau_syn"], values["w_in"]
    if convention.scheme == "euler":
        _check_step(kind, tau, dt)
        beta = 1 - dt / tau
        return beta, np.ones_like(w_in) if convention.jump else w_in * dt / tau
    beta = decay(tau, dt)
    if convention.scheme == "exponential":
        return beta, np.ones_like(w_in) if convention.jump else w_in * (1 - beta)
    share = np.ones_like(w_in) if convention.source == "rockpool" else w_in * dt / tau
    return beta, beta * share


def _check_step(kind: str, tau: np.ndarray, dt: float) -> None:
    if (tau < dt).any():
        raise InputError(
            f"{kind}: a time constant of {tau.min():.3g} is below the step {dt:.3g}, where Euler's "
            "rule swings: give a smaller dt"
        )
