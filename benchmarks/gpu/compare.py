"""Models on a GPU against the same models on the processor, spike by spike.

    python benchmarks/gpu/compare.py OUT.jsonl [--target T] [--reference R] [--jobs N]
                                     [--budget SECONDS] [--only NAME ...]

Each case is a process of its own, so that a build that fails or hangs stops no other. Without
random numbers spikes must be identical; `rounding` says that traces agree to 1e-9 of their range up
to the first spike that differs: exp, log and pow of a GPU round other than those of a processor.
With random numbers the mean count of spikes must agree, |z| < 4, and the seed must matter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ledger import Ledger

from neurosim import XyloSpec, equations
from neurosim.engines.brian2 import Spikes, graphs, homeostasis, simulate
from neurosim.verify import verify

N, MANY, SEED = 50, 1000, 5
"""Neurons, where nothing is random and where counts are compared in distribution."""
ROUNDING = 1e-9
"""Of a trace's range."""
Z = 4.0

DRIVE = {
    "lif": 0.6, "lif-exponential": 0.6, "lif-two-exponentials": 0.6,
    "lif-conductance": 0.6, "adaptive-lif": 1.8,
    "voltage-adaptive-lif": 1.8, "qif": 0.8, "eif": 1.2, "adex": 6.0, "izhikevich": 1.0,
    "hodgkin-huxley": 2.0, "lif-map": 1.0, "lif-map-two-synapses": 1.0, "lif-flow": 0.2,
    "nir-neuron": 1.0, "loihi": 3000.0,
}  # fmt: skip
"""Strong enough that every neuron fires under every rule: the input runs from 0 to this."""

SMALLEST = ("lif", "noisy-lif", "net-xylo", "homeostat-map")
"""Enough to try the script without a card."""


# --- neurons --------------------------------------------------------------------------------------


def populations() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return the model and the options of each case: sixteen drawn up by hand, then all others."""
    rng = np.random.default_rng(7)
    get = equations.get
    counts = (rng.random((2000, 8)) < 0.02).astype(int)
    course = 0.3 + 0.3 * np.sin(np.arange(2000) / 200)
    fine = {"duration": 0.2, "dt": 1e-4}
    coarse = {"duration": 0.2, "dt": 1e-3}

    def driven(low: float, high: float, **options: Any) -> dict[str, Any]:
        current = np.linspace(low, high, N) if high > low else low
        return {**fine, "parameters": {"I": current}, **options}

    def received(low: float, high: float, whole: bool = True) -> dict[str, Spikes]:
        weights = rng.uniform(low, high, (8, N))
        return {"receive": Spikes(counts[:200] * 3, np.round(weights) if whole else weights)}

    per_spike = get("lif") + get("stochastic-threshold-per-spike")
    cases: dict[str, tuple[Any, dict[str, Any]]] = {
        "lif": (get("lif"), driven(0.1, 1.0)),
        "events-lif": (
            get("lif"),
            {
                **fine,
                "parameters": {"I": 0.15},
                "inputs": {"receive": Spikes(counts, rng.uniform(0.5, 4, (8, N)))},
            },
        ),
        "noisy-lif": (get("noisy-lif"), fine),
        "xylo": (
            get("xylo"),
            {**coarse, "parameters": {"dash_mem": 3, "dash_syn": 3}, "inputs": received(-20, 300)},
        ),
        "xylo, saturating": (
            get("xylo"),
            {
                **coarse,
                "parameters": {"dash_mem": 3, "dash_syn": 3},
                "inputs": received(-9000, 9000),
            },
        ),
        "lif-course": (get("lif"), {**fine, "inputs": {"I": course[:, None]}}),
        "izhikevich": (get("izhikevich"), driven(0.05, 0.5)),
        "hodgkin-huxley": (
            get("hodgkin-huxley"),
            driven(0.1, 1.5, duration=0.05, dt=1e-5),
        ),
        "adex": (get("adex"), driven(0.6, 1.5)),
        "lif + adapting-threshold": (get("lif") + get("adapting-threshold"), driven(0.1, 1.0)),
        "lif + escape-noise": (get("lif") + get("escape-noise"), driven(0.3, 0.3)),
        "lif + stochastic-threshold-per-spike": (per_spike, driven(0.4, 0.4)),
        "lif-map": (get("lif-map"), {**coarse, "inputs": received(0, 1, whole=False)}),
        "loihi": (get("loihi"), {**coarse, "inputs": received(0, 3000)}),
    }
    return {**cases, **declared(set(cases))}


def declared(taken: set[str]) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return a case for each neuron that has none yet, and for each rule, on a neuron it fits."""
    models = equations.declarations()
    neurons = [m for m in models.values() if not m.fills and m.threshold]
    rules = [m for m in models.values() if m.fills]
    chosen = {m.name: m for m in neurons if m.name not in taken and "xylo" not in m.name}
    for number, rule in enumerate(rules):
        fitting = [neuron for neuron in neurons if not neuron.misfit(rule)]
        model = fitting[number % len(fitting)] + rule
        if model.name not in taken:
            chosen[model.name] = model
    cases = {}
    for name, model in chosen.items():
        neuron = name.split(" + ")[0]
        dt = 2e-5 if neuron == "hodgkin-huxley" else 1e-4
        n = MANY if is_random(model) else N
        drive = {"I": np.linspace(0, DRIVE[neuron], n)} if neuron in DRIVE else {"mu": -40.0}
        if "step-noise" in name:
            drive["std_step"] = 300.0  # the default is nothing beside integers
        cases[name] = (model, {"duration": 1000 * dt, "dt": dt, "parameters": drive})
    return cases


def is_random(model: Any) -> bool:
    """Return whether a model draws random numbers."""
    return bool(re.search(r"\b(xi(_\w+)?|randn?|poisson)\b", model.code))


def population(name: str, target: str, reference: str) -> dict[str, Any]:
    """Compare a population of neurons."""
    model, options = populations()[name]
    # Traces of many neurons take long: brian2cuda keeps an array on the card for each of them.
    names = () if is_random(model) else ("v", "v_mem", "threshold_scale")
    variables = [v for v in names if v in model.all_variables]

    n = MANY if is_random(model) else N

    def run(target: str, seed: int = SEED) -> Any:
        return simulate(model, n=n, seed=seed, target=target, record=variables, **options)

    start = time.perf_counter()
    here = run(target)
    built = time.perf_counter() - start
    start = time.perf_counter()
    again = run(target)
    warm = time.perf_counter() - start
    result: dict[str, Any] = {"n": n, "built_s": round(built, 1), "warm_s": round(warm, 2)}
    there = run(reference)
    ours, theirs = in_order(here), in_order(there)
    result |= {"spikes": ours.shape[1], "spikes_reference": theirs.shape[1]}
    result["repeats"] = np.array_equal(ours, in_order(again)) and all(
        np.array_equal(here.traces[v], again.traces[v]) for v in variables
    )
    if is_random(model):
        result |= in_distribution(here, there)
        result["seed_matters"] = not np.array_equal(in_order(run(target, SEED + 1)), ours)
        result["ok"] = result["ok"] and result["seed_matters"]
    else:
        result |= to_the_spike(here, there)
    result["ok"] = result["ok"] and result["repeats"]
    return result


def in_order(run: Any) -> np.ndarray:
    """Return (2, spikes) steps and neurons, sorted."""
    pairs = np.stack([run.spike_steps, run.spike_neurons])
    return pairs[:, np.lexsort(pairs[::-1])]


def to_the_spike(here: Any, there: Any) -> dict[str, Any]:
    """Compare spikes, and traces up to the first that differs."""
    sets = [set(map(tuple, in_order(run).T.tolist())) for run in (here, there)]
    differing = sorted(sets[0] ^ sets[1])
    end = differing[0][0] if differing else here.steps
    errors = {}
    for name, trace in here.traces.items():
        other = there.traces[name]
        spread = np.abs(other).max() or 1.0
        errors[name] = float(np.abs(trace[:end] - other[:end]).max(initial=0) / spread)
    worst = max(errors.values(), default=0.0)
    verdict = "identical" if not differing else "rounding" if worst < ROUNDING else "diverged"
    result = {"verdict": verdict, "error": worst, "ok": verdict != "diverged" and len(sets[1]) > 0}
    if differing:
        result |= {"differing": len(differing), "first": differing[0]}
    return result


def in_distribution(here: Any, there: Any) -> dict[str, Any]:
    """Compare the counts of spikes of the same neurons with other random numbers."""
    counts = [run.counts() for run in (here, there)]
    difference = counts[0] - counts[1]  # neuron by neuron: their inputs differ
    spread = difference.std(ddof=1) / np.sqrt(here.n)
    z = float(difference.mean() / spread) if spread > 0 else 0.0
    return {
        "verdict": "statistical",
        "mean": float(counts[0].mean()),
        "mean_reference": float(counts[1].mean()),
        "z": round(z, 2),
        "ok": bool(abs(z) < Z and counts[0].sum() > 0),
    }


# --- networks and units ---------------------------------------------------------------------------


def xylo_net(synapses: int = 1, weight: int = 1) -> tuple[XyloSpec, np.ndarray]:
    """Return a recurrent net with aliases, and a raster that drives it."""
    rng = np.random.default_rng(3)
    n = 12
    more = {"dash_syn_2": rng.integers(1, 6, n)} if synapses == 2 else {}
    spec = XyloSpec(
        weights_in=rng.integers(-40, 90, (4, 8, synapses)),
        weights_rec=rng.integers(-50, 50, (n, n, synapses)),
        weights_out=rng.integers(-40, 90, (6, 3)),
        dash_mem=rng.integers(1, 6, n),
        dash_syn=rng.integers(1, 6, n),
        dash_mem_out=[2, 3, 4],
        dash_syn_out=[4, 3, 2],
        threshold=rng.integers(200, 900, n) * weight,
        threshold_out=[300, 400, 500],
        bias=rng.integers(-5, 20, n),
        aliases=[[3]] + [[]] * (n - 2) + [[2]],
        weight_shift_in=1 if weight == 1 else 7,
        weight_shift_rec=0 if weight == 1 else 6,
        **more,
    )
    return spec, rng.poisson(0.5, (4, 60, 4)).astype(np.uint8)


def integer_net(target: str, synapses: int = 1, weight: int = 1) -> dict[str, Any]:
    """Compare every state of the integer net, as the library and as objects on the target."""
    names = {"cuda_standalone": "brian2-cuda"}
    spec, raster = xylo_net(synapses, weight)
    if target in names:
        report = verify(spec, raster, engines=("brian2", names[target]))
        (verdict,) = report.verdicts
        spikes, ok = verdict.spikes, verdict.exact
    else:
        from neurosim import engines

        runs = [
            engines.get("brian2", **options).run(spec, raster, record=("spikes", "v_mem"))
            for options in ({}, {"target": target})
        ]
        spikes = sum(int(s.sum()) for s in runs[0].spikes)
        ok = all(
            np.array_equal(a, b)
            for name in ("spikes", "v_mem")
            for a, b in zip(*(getattr(run, name) for run in runs), strict=True)
        )
    word = "identical" if ok else "diverged"
    return {"verdict": word, "spikes": spikes, "error": 0.0, "ok": bool(ok and spikes > 20)}


def units(target: str, form: str) -> dict[str, Any]:
    """Compare units of the homeostat on given rates."""
    rates = np.random.default_rng(1).uniform(0, 0.3, (40, 5))
    runs = [
        homeostasis.respond(rates, graphs.chain(5), dt=0.01, form=form, target=name)
        for name in (target, "numpy")
    ]
    return traces_of(runs, ("sensed", "c", "scale"))


def layers(target: str, form: str) -> dict[str, Any]:
    """Compare layers whose thresholds the homeostat sets."""
    runs = [
        homeostasis.regulate(
            3, 20, graphs.chain(3), duration=0.3, form=form, target=name, seed=1,
            neuron_parameters={"I": np.array([0.3, 0.5, 0.8])},
        )
        for name in (target, "numpy")
    ]  # fmt: skip
    result = traces_of(runs, ("sensed", "c", "scale"))
    counts = [run.counts.tolist() for run in runs]
    same = counts[0] == counts[1] and min(counts[1]) > 0
    return {**result, "counts": counts[0], "counts_reference": counts[1],
            "ok": result["ok"] and same}  # fmt: skip


def alone(target: str, name: str) -> dict[str, Any]:
    """Compare a declared unit that does not spike, on its own."""
    variables = ("gain", "activity") if name == "global-gain" else ("c", "scale")
    inputs = {}
    if name == "global-gain":
        inputs = {"loss": np.linspace(2, 1, 50)[:, None], "energy": np.full((50, 1), 0.2)}
    runs = [
        simulate(name, n=3, duration=0.05, dt=1e-3, record=variables, inputs=inputs, target=where)
        for where in (target, "numpy")
    ]
    return traces_of(runs, variables)


def traces_of(runs: list[Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Compare traces to rounding."""
    error = 0.0
    for name in names:
        ours, theirs = (
            np.asarray(run.traces[name] if hasattr(run, "traces") else getattr(run, name))
            for run in runs
        )
        error = max(error, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    verdict = "identical" if error == 0 else "rounding" if error < ROUNDING else "diverged"
    return {"verdict": verdict, "error": error, "ok": verdict != "diverged"}


NETS: dict[str, Callable[[str], dict[str, Any]]] = {
    "net-xylo": lambda target: integer_net(target),
    "net-xylo, two synapses": lambda target: integer_net(target, synapses=2),
    "net-xylo, saturating": lambda target: integer_net(target, weight=30),
    "units, map": lambda target: units(target, "map"),
    "units, flow": lambda target: units(target, "flow"),
    "layers, map": lambda target: layers(target, "map"),
    "layers, flow": lambda target: layers(target, "flow"),
    "homeostat": lambda target: alone(target, "homeostat"),
    "homeostat-map": lambda target: alone(target, "homeostat-map"),
    "global-gain": lambda target: alone(target, "global-gain"),
}


# --- all cases ------------------------------------------------------------------------------------


def one(name: str, target: str, reference: str) -> dict[str, Any]:
    """Run a case; what goes wrong is its result."""
    start = time.perf_counter()
    try:
        result = NETS[name](target) if name in NETS else population(name, target, reference)
    except Exception as error:
        trace = traceback.format_exc()[-1500:]
        reason = f"{type(error).__name__}: {error}"[:600]
        result = {"ok": False, "verdict": "failed", "error": reason, "trace": trace}
    return {**result, "seconds": round(time.perf_counter() - start, 1)}


def everything(names: list[str], arguments: argparse.Namespace) -> None:
    """Run all cases, some at a time, and write each as it ends."""
    ledger = Ledger(arguments.out)
    waiting = [name for name in names if not ledger.has("compare", name)]
    end, busy = time.monotonic() + arguments.budget, {}
    command = [sys.executable, __file__, str(arguments.out), "--target", arguments.target,
               "--reference", arguments.reference]  # fmt: skip
    while waiting or busy:
        over = time.monotonic() > end
        if over:
            waiting.clear()
        while waiting and len(busy) < arguments.jobs:
            name = waiting.pop(0)
            process = subprocess.Popen(
                [*command, "--one", name],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            busy[name] = process
        for name, process in list(busy.items()):
            if process.poll() is None and not over:
                continue
            if process.poll() is None:
                process.kill()
            text, _ = process.communicate()
            del busy[name]
            line = next((li[5:] for li in text.splitlines() if li.startswith("JSON ")), None)
            if line:
                ledger.add("compare", name, json.loads(line))
            elif not over:  # what was stopped is run the next time
                failure = {"ok": False, "verdict": "failed", "error": text[-600:]}
                ledger.add("compare", name, failure)
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--target", default="cuda_standalone")
    parser.add_argument("--reference", default="cpp_standalone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--one")
    arguments = parser.parse_args()
    if arguments.one:
        result = one(arguments.one, arguments.target, arguments.reference)
        print("JSON " + json.dumps(result), flush=True)
        return
    first = list(populations())
    names = arguments.only or [*first[:5], *NETS, *first[5:]]
    everything(list(SMALLEST) if arguments.smallest else names, arguments)


if __name__ == "__main__":
    main()
