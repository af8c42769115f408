"""A page for a model or rule: its answer to a step of input, its f-I curve, its threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim import equations
from neurosim.drawing import BLACK, BLUE, ORANGE, SKY, style
from neurosim.equations import Declaration
from neurosim.equations.catalogue import partners

INPUTS = {
    "lif": 0.6,
    "lif-exponential": 0.6,
    "lif-conductance": 0.6,
    "adaptive-lif": 1.0,
    "voltage-adaptive-lif": 0.8,
    "qif": 0.4,
    "eif": 0.6,
    "adex": 2.0,
    "izhikevich": 0.4,
    "hodgkin-huxley": 1.0,
    "lif-map": 0.5,
    "lif-map-two-synapses": 0.5,
    "lif-flow": 0.05,
    "nir-neuron": 0.5,
    "loihi": 3000.0,
    "noisy-lif": -35.0,
    "noisy-lif-euler": -35.0,
    "xylo": 600.0,
    "xylo-two-synapses": 600.0,
}
"""The largest input of the f-I curve: of `I`, of `mu`, or the weight of an event each step."""

_STEP_AT = 0.5
"""Height of the step, as a share of the largest input."""
_POINTS = 33
_SEED = 1
_TRIALS = 10
_SHOWN = {"volt": (1e3, " (mV)"), "amp": (1e9, " (nA)"), "hertz": (1.0, " (1/s)")}
_LABELS = {"p": "M-current gate"}


def compute(name: str) -> dict[str, Any]:
    """Simulate what the page shows.

    Args:
        name: of a neuron, or of a rule, which is shown on the first neuron that takes it; the
            homeostat is shown on a chain of five units.

    Raises:
        InputError: no declaration has that name.
    """
    model = equations.get(name)
    if name.startswith("homeostat") and not model.fills:
        return _homeostat(name)
    if name == "global-gain":
        return _global_gain()
    neuron = equations.get(partners(model)[0]) if model.fills else model
    shown = neuron + model if model.fills else model
    slow = bool(model.fills) and "homeostatic" in name
    dt = _time_step(neuron)
    seconds = (8.0 if slow else 0.4) if dt < 1e-3 else 0.4
    before, after = 0.1 * seconds, 0.8 * seconds
    time = np.arange(1, round(seconds / dt) + 1) * dt
    course = ((time > before) & (time <= after)).astype(float)
    top, rest = INPUTS[neuron.name], _rest(neuron)
    step = rest + course * _STEP_AT * (top - rest)
    threshold = _moving(shown, model if model.fills else None)
    trace = _run(shown, step[:, None], dt, record=(_potential(shown), *filter(None, [threshold])))
    inputs = np.linspace(rest, top, _POINTS)
    curves = {shown.name: _rates(shown, inputs, dt)}
    if model.fills:
        curves[neuron.name] = _rates(neuron, inputs, dt)
    unit = _input_unit(neuron)
    return {
        "kind": "neuron",
        "title": shown.name,
        "meaning": model.meaning,
        "time": time,
        "input": step,
        "input_unit": unit,
        "potential": trace.traces[_potential(shown)][:, 0],
        "potential_unit": trace.units[_potential(shown)],
        "threshold": trace.traces[threshold][:, 0] if threshold else None,
        "threshold_name": threshold,
        "threshold_unit": trace.units.get(threshold, "1") if threshold else "1",
        "spikes": trace.spike_times,
        "inputs": inputs,
        "curves": curves,
    }


def _time_step(neuron: Declaration) -> float:
    if neuron.name == "hodgkin-huxley":
        return 2e-5
    return 1e-3 if neuron.is_map and not neuron.name.startswith("noisy") else 1e-4


def _rest(neuron: Declaration) -> float:
    return neuron.parameters["E_L"].default if "mu" in neuron.parameters else 0.0


def _input_unit(neuron: Declaration) -> str:
    if "receive" in neuron.events and neuron.name.startswith("xylo"):
        return "weight of an event a step"
    name = next(n for n in ("I", "mu") if n in neuron.parameters)
    unit = neuron.parameters[name].unit
    return f"{name} ({unit})" if unit != "1" else name


def _potential(model: Declaration) -> str:
    return "v" if "v" in model.variables else "v_mem"


def _moving(shown: Declaration, rule: Declaration | None) -> str:
    """Return the variable that shows what moves: the rule's own, else the threshold; or nothing."""
    if rule is not None and rule.fills != "threshold":
        return rule.variables[0]
    known = shown.all_variables
    order = ("threshold_scale", "theta") if rule is not None else ("theta", "p")
    return next((name for name in order if name in known), "")


def _run(model: Declaration, course: np.ndarray, dt: float, **options: Any) -> Any:
    """Simulate one neuron for each column of a course (steps, n) of inputs."""
    from neurosim.engines.brian2 import Spikes, simulate

    steps, n = course.shape
    options = {"n": n, "duration": steps * dt, "dt": dt, "seed": _SEED, **options}
    if model.name.startswith("xylo"):
        # The registers of a middling neuron; one event a step carries the input as its weight.
        registers = {"dash_mem": 4, "dash_syn": 2, "threshold": 2000}
        ends = np.flatnonzero(course[:, 0] > 0) if n == 1 else np.arange(steps)
        counts = np.zeros((steps, 1), dtype=np.uint8)
        counts[ends] = 1
        weights = np.round(course.max(axis=0))[None]
        inputs = {"receive": Spikes(counts, weights)}
        return simulate(model, parameters=registers, inputs=inputs, **options)
    name = next(n for n in ("I", "mu") if n in model.parameters)
    return simulate(model, inputs={name: course}, **options)


def _rates(model: Declaration, inputs: np.ndarray, dt: float) -> np.ndarray:
    """Return (inputs,) spikes per second; of a random neuron the mean over some."""
    seconds = 4.0 if "homeostatic" in model.name else 1.0
    trials = _TRIALS if "rand" in model.code or "xi" in model.code else 1
    course = np.broadcast_to(np.repeat(inputs, trials), (round(seconds / dt), trials * len(inputs)))
    rates = _run(model, course, dt).rate(0.3 * seconds)
    return rates.reshape(len(inputs), trials).mean(axis=1)


def _homeostat(name: str) -> dict[str, Any]:
    """Five layers on a chain: the third becomes ten times as active for a while."""
    from neurosim.engines.brian2 import graphs, homeostasis

    form = "map" if name.endswith("map") else "flow"
    dt, seconds = (10e-3, 4.0) if form == "map" else (1e-3, 4.0)
    steps = round(seconds / dt)
    rates = np.full((steps, 5), 0.05)
    rates[steps // 8 : steps // 2, 2] = 0.5
    run = homeostasis.respond(rates, graphs.chain(5), dt=dt, form=form)
    return {
        "kind": "homeostat",
        "title": name,
        "meaning": equations.get(name).meaning,
        "time": run.time,
        "traces": {"sensed rate": run.sensed, "state c": run.c, "threshold scale": run.scale},
    }


def _global_gain() -> dict[str, Any]:
    """Thirty epochs: the loss falls, then stalls, while the energy rises."""
    from neurosim.engines.brian2 import simulate

    epochs = 40
    loss = np.concatenate((0.9 ** np.arange(20), np.full(20, 0.9**19)))
    energy = np.concatenate((np.linspace(0.3, 0.1, 20), np.linspace(0.1, 0.3, 20)))
    run = simulate(
        "global-gain",
        duration=epochs,
        dt=1.0,
        inputs={"loss": loss[:, None], "energy": energy[:, None]},
        record=("gain",),
    )
    return {
        "kind": "homeostat",
        "title": "global-gain",
        "meaning": equations.get("global-gain").meaning,
        "time": run.time,
        "traces": {
            "validation loss": loss[:, None],
            "energy": energy[:, None],
            "gain": run.traces["gain"],
        },
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the page."""
    with style():
        if arrays["kind"] == "homeostat":
            return _draw_homeostat(arrays)
        return _draw_neuron(arrays)


def _draw_neuron(arrays: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    figure.suptitle(f"{arrays['title']}: {arrays['meaning']}", fontsize=9, wrap=True)
    grid = figure.add_gridspec(3, 2, width_ratios=(1.7, 1), height_ratios=(2.2, 1, 0.7))
    response, threshold, drive = (figure.add_subplot(grid[k, 0]) for k in range(3))
    curve = figure.add_subplot(grid[:, 1])
    scale, unit = _SHOWN.get(arrays["potential_unit"], (1.0, ""))
    time = arrays["time"]
    response.plot(time, scale * arrays["potential"], color=BLUE, lw=0.8)
    top = response.get_ylim()[1]
    response.plot(arrays["spikes"], np.full(len(arrays["spikes"]), top), "|", color=BLACK, ms=6)
    response.set_ylabel(f"potential{unit}")
    response.set_title("Response to a step of input; ticks are spikes", loc="left")
    if arrays["threshold"] is not None:
        name = arrays["threshold_name"]
        factor, unit = _SHOWN.get(arrays["threshold_unit"], (1.0, ""))
        threshold.plot(time, factor * arrays["threshold"], color=ORANGE, lw=0.9)
        threshold.set_ylabel(f"{_LABELS.get(name, name.replace('_', ' '))}{unit}")
    else:
        threshold.annotate("threshold: a constant parameter", (0.5, 0.5), ha="center",
                           va="center", xycoords="axes fraction", fontsize=8)  # fmt: skip
        threshold.set_yticks([])
    drive.plot(time, arrays["input"], color=BLACK, lw=0.9)
    drive.set_ylabel("input")
    drive.set_xlabel("time (s)")
    for panel in (response, threshold):
        panel.tick_params(labelbottom=False)
    colours = (BLUE, SKY)
    for (name, rates), colour in zip(arrays["curves"].items(), colours, strict=False):
        curve.plot(arrays["inputs"], rates, color=colour, label=name)
    if len(arrays["curves"]) > 1:
        curve.legend(fontsize=7)
    curve.set_title("f-I curve", loc="left")
    curve.set_xlabel(arrays["input_unit"])
    curve.set_ylabel("rate (1/s)")
    return figure


def _draw_homeostat(arrays: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    figure.suptitle(f"{arrays['title']}: {arrays['meaning']}", fontsize=9, wrap=True)
    panels = figure.subplots(1, len(arrays["traces"]))
    for panel, (name, values) in zip(panels, arrays["traces"].items(), strict=True):
        for k in range(values.shape[1]):
            colour = BLUE if values.shape[1] == 1 else (ORANGE if k == 2 else SKY)
            panel.plot(arrays["time"], values[:, k], color=colour, lw=1.0)
        panel.set_title(name, loc="left")
        panel.set_xlabel("epoch" if arrays["title"] == "global-gain" else "time (s)")
    return figure
