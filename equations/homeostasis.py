"""AHSAR: thresholds of layers regulated by a reaction-diffusion of their log rates.

One unit stands for a layer. It senses the layer's rate with a moving average, reacts to how far
its log rate lies from the mean of all units, relaxes to a baseline, shares its state with its
neighbours by diffusion, and scales the thresholds of its layer within bounds. A tick is the time
between two updates; gains are per tick.

The published update is `homeostat-map` with a time step of one tick; `homeostat` is its limit for
small steps. Units hear each other through the links below.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.equations.declaration import Declaration, Parameter

_REFERENCE = (
    "AHSAR (adaptive homeostatic spike-aware regulation of thresholds), section 4: rate sensing, "
    "reaction-diffusion, actuator and global gain; values of its constants are ours, none is given"
)

_UNIT = """
    rate : 1       # spikes of the layer per neuron and tick
    reference : 1  # mean of the log rates of all units
    spread : 1     # sum over neighbours of the difference to their state
    gain : 1       # global gain
    log_rate = log(clip(sensed, floor_rate, 1e9)) : 1
    scale = gain*s_base*(1 + alpha*tanh(kappa*c)) : 1
    push = beta*(log_rate - reference) - gamma*(c - c_0) - D*spread : 1
"""

_PARAMETERS = {
    "tick": Parameter(10.0, "ms", "time between two updates", 1e-6),
    "momentum": Parameter(0.1, "1", "weight of the newest rate in the moving average", 0, 1),
    "floor_rate": Parameter(1e-4, "1", "rate below which a layer counts as silent", 1e-12),
    "beta": Parameter(0.1, "1", "reaction gain", 0),
    "gamma": Parameter(0.05, "1", "relaxation gain", 0, 2),
    "c_0": Parameter(0.0, "1", "baseline state"),
    "D": Parameter(0.1, "1", "diffusion strength", 0),
    "s_base": Parameter(1.0, "1", "threshold scale at state 0", 1e-6),
    "alpha": Parameter(0.5, "1", "largest relative deviation of the scale", 0, 1),
    "kappa": Parameter(1.0, "1", "sensitivity of the actuator", 0),
    "c_max": Parameter(5.0, "1", "the state stops here: beyond, the actuator is saturated", 0),
}

HOMEOSTAT = Declaration(
    name="homeostat",
    meaning="A unit of the AHSAR homeostat in continuous time.",
    equations=_UNIT
    + """
        dsensed/dt = momentum*(rate - sensed)/tick : 1
        dc/dt = push*int(abs(c) < c_max or push*c < 0)/tick : 1
    """,
    parameters=_PARAMETERS,
    initial={"gain": "1", "c": "c_0", "sensed": "floor_rate"},
    methods=("rk4", "euler"),
    reference=_REFERENCE,
)

HOMEOSTAT_MAP = Declaration(
    name="homeostat-map",
    meaning="A unit of the AHSAR homeostat in discrete time; exact as published at dt = tick.",
    equations=_UNIT + "sensed : 1\nc : 1",
    parameters=_PARAMETERS,
    step={
        "sense": "sensed = sensed + momentum*dt/tick*(rate - sensed)",
        "act": "c = clip(c + dt/tick*push, -c_max, c_max)",
    },
    initial={"gain": "1", "c": "c_0", "sensed": "floor_rate"},
    reference=_REFERENCE,
)

GLOBAL_GAIN = Declaration(
    name="global-gain",
    meaning=(
        "The slow gain of AHSAR, one step an epoch: it rises while progress stalls at high energy "
        "and falls while there is progress at low energy."
    ),
    equations="""
        gain : 1
        progress : 1   # relative fall of the loss, smoothed
        trend : 1      # energy, smoothed
        last_loss : 1
    """,
    parameters={
        "loss": Parameter(1.0, "1", "validation loss of the epoch", 0, varies=True),
        "energy": Parameter(0.1, "1", "mean rate of the epoch", 0, varies=True),
        "memory": Parameter(0.3, "1", "weight of the newest epoch in the averages", 0, 1),
        "stall": Parameter(0.005, "1", "relative progress below which training has stalled"),
        "eta": Parameter(0.5, "1", "how strongly the gain answers", 0),
        "trust": Parameter(0.05, "1", "largest change of the log gain in an epoch", 0),
    },
    step={
        "epoch": """
            progress = progress + memory*((last_loss - loss)/clip(last_loss, 1e-9, 1e9) - progress)
            excess = energy/trend - 1
            up = int(progress < stall)*clip(excess, 0, 1e9)
            down = int(progress >= stall)*clip(-excess, 0, 1e9)
            gain = gain*exp(clip(eta*(up - down), -trust, trust))
            trend = trend + memory*(energy - trend)
            last_loss = loss
        """
    },
    initial={"gain": "1", "trend": "energy", "last_loss": "loss"},
    reference=_REFERENCE,
)


@dataclass(frozen=True)
class Link:
    """A kind of synapse between units, or between units and the neurons they regulate."""

    name: str
    meaning: str
    equations: str
    """Brian2 equations of the synapse."""
    on_pre: str | None = None
    """Abstract code run at a presynaptic spike."""


CENTRING = Link(
    "centring",
    "Every unit tells every unit its log rate; the mean is their reference.",
    "reference_post = log_rate_pre/N_pre : 1 (summed)",
)
DIFFUSION = Link(
    "diffusion",
    "Neighbours compare their states: the graph's Laplacian times the state.",
    "weight : 1 (constant)\nspread_post = weight*(c_post - c_pre) : 1 (summed)",
)
SENSING = Link(
    "sensing",
    "A neuron tells the unit of its layer of each spike.",
    "share : 1 (constant)  # 1 / neurons of the layer",
    on_pre="seen_post += share",
)
ACTUATION = Link(
    "actuation",
    "A unit sets the threshold scale of the neurons of its layer.",
    "threshold_scale_post = scale_pre : 1 (summed)",
)
LINKS = (CENTRING, DIFFUSION, SENSING, ACTUATION)
