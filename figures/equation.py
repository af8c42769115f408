"""A page for a model or rule: its answer to a step of input, its f-I curve, its threshold."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim import equations
from neurosim.drawing import BLACK, BLUE, ORANGE, SKY, style
from neurosim.engines.brian2 import Spikes, curves, simulate
from neurosim.equations import Declaration
from neurosim.equations.catalogue import partners
from neurosim.errors import InputError

INPUTS = {
    "lif": 0.6,
    "lif-exponential": 0.6,
    "lif-two-exponentials": 0.6,
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
_SECONDS, _SETTLING = 5.0, 1.0
"""What the f-I curve is counted in, and what passes before."""
_BRISK = 80.0
"""Spikes per second at the end of an f-I curve whose range is not known."""
_SHOWN = {"volt": (1e3, " (mV)"), "amp": (1e9, " (nA)"), "hertz": (1.0, " (1/s)")}
_LABELS = {"p": "M-current gate"}


def compute(name: str | Declaration) -> dict[str, Any]:
    """Simulate what the page shows.

    Args:
        name: of a neuron, or of a rule, which is shown on the first neuron that takes it; the
            homeostat is shown on a chain of five units. Or a declaration of your own.

    Raises:
        InputError: no declaration has that name, or yours has no input that may change in time.
    """
    model = equations.get(name) if isinstance(name, str) else name
    if model.name in ("homeostat", "homeostat-map"):
        return _homeostat(model.name)
    if model.name == "global-gain":
        return _global_gain()
    neuron = _neuron_for(model) if model.fills else model
    shown = neuron + model if model.fills else model
    slow = bool(model.fills) and "homeostatic" in model.name
    dt = _time_step(neuron)
    seconds = (8.0 if slow else 0.4) if dt < 1e-3 else 0.4
    before, after = 0.1 * seconds, 0.8 * seconds
    time = np.arange(1, round(seconds / dt) + 1) * dt
    course = ((time > before) & (time <= after)).astype(float)
    rest = _rest(neuron)
    top = INPUTS[neuron.name] if neuron.name in INPUTS else _largest_input(neuron, dt)
    share = _STEP_AT if neuron.name in INPUTS else 0.8
    step = rest + course * share * (top - rest)
    threshold = _moving(shown, model if model.fills else None)
    potential = _potential(shown)
    trace = _run(shown, step[:, None], dt, record=(potential, *filter(None, [threshold])))
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
        "potential": trace.traces[potential][:, 0],
        "potential_unit": trace.units[potential],
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


def _neuron_for(rule: Declaration) -> Declaration:
    """Return the first neuron that takes a rule."""
    names = partners(rule)
    if not names:
        raise InputError(f"{rule.name} fits no neuron of the catalogue; draw neuron + rule")
    return equations.get(names[0])


def _rest(neuron: Declaration) -> float:
    """Return the input of a neuron at rest."""
    if _is_counted(neuron) or curves.default_input(neuron) != "mu":
        return 0.0
    return neuron.parameters["E_L" if "E_L" in neuron.parameters else "mu"].default


def _largest_input(neuron: Declaration, dt: float) -> float:
    """Return an input at which a neuron fires some ten times a second, for the f-I curve's end."""
    tried = np.geomspace(1e-3, 1e4, 57)
    rates = curves.f_i_curve(neuron, tried, duration=1.0, start=0.2, dt=dt, seed=_SEED).rates
    brisk = np.flatnonzero(rates >= _BRISK)
    return float(tried[brisk[0] if brisk.size else int(np.argmax(rates))])


def _is_counted(neuron: Declaration) -> bool:
    """Return whether a neuron hears nothing but events: an integer neuron of a chip."""
    return "receive" in neuron.events and neuron.name.startswith("xylo")


def _input_unit(neuron: Declaration) -> str:
    if _is_counted(neuron):
        return "weight of an event a step"
    name = curves.default_input(neuron)
    unit = neuron.parameters[name].unit
    return f"{name} ({unit})" if unit != "1" else name


def _potential(model: Declaration) -> str:
    usual = (name for name in ("v", "v_mem") if name in model.variables)
    return next(usual, model.variables[0])


def _moving(shown: Declaration, rule: Declaration | None) -> str:
    """Return the variable that shows what moves: the rule's own, else the threshold; or nothing."""
    if rule is not None and rule.fills != "threshold":
        return rule.variables[0]
    known = shown.all_variables
    order = ("threshold_scale", "theta") if rule is not None else ("theta", "p")
    return next((name for name in order if name in known), "")


def _run(model: Declaration, course: np.ndarray, dt: float, **options: Any) -> Any:
    """Simulate one neuron for each column of a course (steps, n) of inputs."""
    steps, n = course.shape
    options = {"n": n, "duration": steps * dt, "dt": dt, "seed": _SEED, **options}
    if _is_counted(model):
        # The registers of a middling neuron; one event a step carries the input as its weight.
        registers = {"dash_mem": 4, "dash_syn": 2, "threshold": 2000}
        ends = np.flatnonzero(course[:, 0] > 0) if n == 1 else np.arange(steps)
        counts = np.zeros((steps, 1), dtype=np.uint8)
        counts[ends] = 1
        weights = np.round(course.max(axis=0))[None]
        inputs = {"receive": Spikes(counts, weights)}
        return simulate(model, parameters=registers, inputs=inputs, **options)
    return simulate(model, inputs={curves.default_input(model): course}, **options)


def _rates(model: Declaration, inputs: np.ndarray, dt: float) -> np.ndarray:
    """Return (inputs,) spikes per second; of a random neuron the mean over some."""
    if _is_counted(model):
        steps = round(_SECONDS / dt)
        return _run(model, np.broadcast_to(inputs, (steps, len(inputs))), dt).rate(_SETTLING)
    return curves.f_i_curve(
        model, inputs, duration=_SECONDS, start=_SETTLING, dt=dt, seed=_SEED
    ).rates


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


def draw(arrays: dict[str, Any], figure: Figure | None = None) -> Figure:
    """Draw the page, in a figure of the caller's if there is one."""
    with style():
        figure = figure or Figure()
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        if arrays["kind"] == "homeostat":
            return _draw_homeostat(arrays, figure)
        return _draw_neuron(arrays, figure)


def _title(arrays: dict[str, Any]) -> str:
    return textwrap.fill(f"{arrays['title']}: {arrays['meaning']}".rstrip(": "), 120)


def _draw_neuron(arrays: dict[str, Any], figure: Figure) -> Figure:
    figure.set_size_inches(9.6, 4.4)
    figure.suptitle(_title(arrays), fontsize=9)
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


def _draw_homeostat(arrays: dict[str, Any], figure: Figure) -> Figure:
    figure.set_size_inches(9.6, 3.2)
    figure.suptitle(_title(arrays), fontsize=9)
    panels = figure.subplots(1, len(arrays["traces"]))
    for panel, (name, values) in zip(panels, arrays["traces"].items(), strict=True):
        for k in range(values.shape[1]):
            colour = BLUE if values.shape[1] == 1 else (ORANGE if k == 2 else SKY)
            panel.plot(arrays["time"], values[:, k], color=colour, lw=1.0)
        panel.set_title(name, loc="left")
        panel.set_xlabel("epoch" if arrays["title"] == "global-gain" else "time (s)")
    return figure
