"""Thresholds drawn at random: two laws, and four occasions on which a new one is drawn."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

_BOUNDS = {
    "low": Parameter(1.0, "1", "smallest threshold scale", 1e-6),
    "high": Parameter(1.5, "1", "largest threshold scale", 1e-6),
}

_LAWS = {
    "stochastic": (
        "uniform between low and high",
        "threshold_scale = low + (high - low)*draw : 1",
        _BOUNDS,
    ),
    "discrete": (
        "one of equally likely levels, low and high among them",
        "threshold_scale = low + (high - low)*floor(draw*levels)/(levels - 1) : 1",
        _BOUNDS | {"levels": Parameter(5, "1", "number of levels", 2)},
    ),
}

_OCCASIONS = {
    "": ("once for all neurons in a trial", "draw : 1 (shared)", {}),
    "-per-neuron": ("once for each neuron in a trial: quenched", "draw : 1", {}),
    "-per-spike": ("for each neuron after each of its spikes", "draw : 1", {"reset": True}),
    "-per-step": ("for each neuron in each time step: annealed", "draw : 1", {"step": True}),
}

_REFERENCE = (
    "thresholds drawn in training: ASPEN (stochastic thresholds for spiking networks on Xylo); "
    "noise in the threshold: Gerstner et al., Neuronal Dynamics 2014, chapter 9, "
    "doi:10.1017/CBO9781107447615"
)


def _rule(law: str, occasion: str) -> Declaration:
    how, scale, parameters = _LAWS[law]
    when, draw, again = _OCCASIONS[occasion]
    return Declaration(
        name=f"{law}-threshold{occasion}",
        meaning=f"Threshold scale {how}, drawn {when}.",
        equations=f"{draw}\n{scale}",
        parameters=parameters,
        reset="draw = rand()" if "reset" in again else None,
        step={"draw": "draw = rand()"} if "step" in again else {},
        initial={"draw": "rand()"},
        fills="threshold",
        reference=_REFERENCE,
    )


RULES = tuple(_rule(law, occasion) for law in _LAWS for occasion in _OCCASIONS)
