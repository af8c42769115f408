"""AHSAR: thresholds of layers regulated by a reaction-diffusion of their log rates.

One unit stands for a layer. It senses the layer's rate with a moving average, reacts to how far
its log rate lies from the mean of all units, relaxes to a baseline, shares its state with its
neighbours by diffusion, and scales the thresholds of its layer within bounds. A tick is the time
between two updates; gains are per tick.

The published update is `homeostat-map` with a time step of one tick, except that its moving average
starts at `floor_rate` where AHSAR's starts at the first batch's rate; `homeostat` is its limit for
small steps. Units hear each other through the links below.

AHSAR states its slow gain in words only: up where progress stalls at high energy, down where there
is progress at low energy, in small multiplicative steps. `global-gain` is the controller that is
meant here by these words. Energy counts as high or low against its own trend, by the logarithm of
their ratio, so that twice and half the trend push alike. The share of full progress blends between
the two rules: with a sharp switch at `stall` noise of the validation loss would throw the gain from
one rule to the other.

The parameters below are those of the trainer's controller too (`neurosim.homeostat`), which takes
its defaults and bounds from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.equations.declaration import Declaration, Parameter

_REFERENCE = (
    "Chen, Chen, Hu, Kong, Wu, Yu, Plug-and-play homeostatic spark (AHSAR: adaptive homeostatic "
    "spiking activity regulation), section 4: rate sensing, reaction-diffusion, actuator and "
    "global gain; values of its constants and the equation of the gain are ours, none is given"
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
    "kappa": Parameter(1.0, "1", "sensitivity of the actuator", 1e-6),
    "windup": Parameter(
        2.0, "1", "bound on kappa*abs(c - c_0): at 2 the actuator is at 96 %", 1e-6
    ),
}

HOMEOSTAT = Declaration(
    name="homeostat",
    meaning="A unit of the AHSAR homeostat in continuous time.",
    equations=_UNIT
    + """
        dsensed/dt = momentum*(rate - sensed)/tick : 1
        dc/dt = push*int(kappa*abs(c - c_0) < windup or push*(c - c_0) < 0)/tick : 1
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
        "act": "c = clip(c + dt/tick*push, c_0 - windup/kappa, c_0 + windup/kappa)",
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
        activity : 1   # energy, smoothed
        usual : 1      # trend of the energy
        last_loss : 1
        epochs : 1     # how many there were
    """,
    parameters={
        "loss": Parameter(1.0, "1", "validation loss of the epoch", 0, varies=True),
        "energy": Parameter(0.1, "1", "mean rate of the epoch", 0, varies=True),
        "momentum": Parameter(0.3, "1", "weight of the newest epoch in progress and energy", 0, 1),
        "trend": Parameter(0.1, "1", "weight of the newest epoch in the trend of the energy", 0, 1),
        "stall": Parameter(0.01, "1", "relative fall of the loss that is full progress", 1e-9),
        "rate": Parameter(0.5, "1", "change of the log gain at e times the usual energy", 0),
        "trust": Parameter(0.05, "1", "largest change of the log gain in an epoch", 0),
        "epsilon": Parameter(1e-12, "1", "smallest loss and energy that are divided by", 1e-300),
    },
    step={
        # Averages begin with their first value.
        "epoch": """
            last_loss = last_loss + int(epochs == 0)*(loss - last_loss)
            fall = (last_loss - loss)/clip(last_loss, epsilon, inf)
            progress = progress + clip(momentum, int(epochs <= 1), 1)*(fall - progress)
            activity = activity + clip(momentum, int(epochs == 0), 1)*(energy - activity)
            usual = usual + clip(trend, int(epochs == 0), 1)*(energy - usual)
            excess = log(clip(activity, epsilon, inf)/clip(usual, epsilon, inf))
            going = clip(progress/stall, 0, 1)
            push = rate*((1 - going)*clip(excess, 0, inf) + going*clip(excess, -inf, 0))
            gain = gain*exp(clip(push, -trust, trust))
            last_loss = loss
            epochs = epochs + 1
        """
    },
    initial={"gain": "1"},
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
