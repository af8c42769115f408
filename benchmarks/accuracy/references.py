"""Rows of the accuracy table: the theory against references of 30 to 40 digits."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import simpson

from neurosim.analysis import homeostasis
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.firing_rate import cv, log_gradient, log_siegert, siegert, transfer
from neurosim.analysis.networks.effective_jacobian import passage
from neurosim.analysis.passage import first_passage, latency
from neurosim.analysis.thresholds.random_threshold import (
    Uniform,
    critical_reset_distance,
    expected_exceedance,
)
from neurosim.analysis.thresholds.stationary import SURROGATES, Sigmoid, gate
from neurosim.network import Layer, Network

REFERENCE = Path(__file__).resolve().parents[2] / "tests" / "reference"
NAMES = ("mean", "std", "threshold", "reset", "tau", "refractory")
LOOPS = 5000
"""Random controllers for the stability predicate."""

Row = tuple[str, str, float, str]
"""Quantity, target, worst error, where."""


def load(name: str) -> Any:
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


def cells(rows: list[dict]) -> dict[str, np.ndarray]:
    return dict(zip(NAMES, np.array([row["cell"] for row in rows]).T, strict=True))


def worst(quantity: str, target: str, errors: Any, places: Sequence[object]) -> Row:
    errors = np.abs(np.asarray(errors, dtype=float))
    errors = errors.reshape(len(places), -1).max(1)
    k = int(np.argmax(errors))  # NaN counts as worst
    return quantity, target, float(errors[k]), str(places[k])


def rates() -> list[Row]:
    data = load("theory_rates")
    rows = data["rates"]
    y = [f"y = {(r['cell'][2] - r['cell'][0]) / r['cell'][1] / 2**0.5:.4g}" for r in rows]
    log_errors = log_siegert(**cells(rows)) - [r["log_rate"] for r in rows]
    slopes = np.stack(log_gradient(**cells(rows)), axis=1)
    table = [
        worst("Siegert rate", "1e-12", siegert(**cells(rows)) / [r["rate"] for r in rows] - 1, y),
        worst("its logarithm (absolute)", "1e-12", log_errors, y),
        worst("d ln nu/d(theta, mu, s)", "1e-11", slopes / [r["slopes"] for r in rows] - 1, y),
    ]
    rows = data["cv"]
    places = [f"mean {r['cell'][0]:.3g}" for r in rows]
    table.append(worst("CV", "1e-10", cv(**cells(rows)) / [r["cv"] for r in rows] - 1, places))
    rows = data["transfer"]
    exact = np.array([complex(*r["transfer"]) for r in rows])
    response = transfer([r["frequency"] for r in rows], **cells(rows))
    places = [f"{r['frequency']:g} Hz" for r in rows]
    return [*table, worst("transfer function", "", np.abs(response / exact - 1), places)]


def gates() -> list[Row]:
    data = load("theory_gates")
    rows = data["gates"]

    def form(row: dict) -> Any:
        name, width = row["surrogate"], row["width"]
        return Sigmoid(1 / width) if name == "sigmoid" else SURROGATES[name](width)

    errors = [gate(*r["cell"], form(r)) - r["gate"] for r in rows]
    table = [worst("gate G (absolute)", "1e-12", errors, [r["surrogate"] for r in rows])]
    rows = data["uniform"]
    errors = [expected_exceedance(Uniform(*r["law"]), *r["cell"]) - r["exceedance"] for r in rows]
    places = [f"U({r['law'][0]:.3g}, {r['law'][1]:.3g})" for r in rows]
    return [*table, worst("expected exceedance (absolute)", "1e-12", errors, places)]


def passages() -> list[Row]:
    data = load("theory_passage")
    density, survival, moving, moments, mass, places = [], [], [], [], [], []
    for row in data["laws"]:
        b, times = row["threshold"], row["times"]
        cell = (b, 0.0, 1.0, 1.0, row["start"])
        peak = max(row["density"])
        density.append(first_passage.density(times, *cell) - row["density"])
        survival.append(first_passage.survival(times, *cell) - row["survival"])
        follow = (lambda t, b=b: b + 0 * t, *cell[1:])
        moving.append((first_passage.density(times, *follow) - row["density"]) / peak)
        density[-1] /= peak
        ours = [first_passage.moments(k, *cell) for k in (1, 2, 3)]
        moments.append(np.array(ours) / row["moments"] - 1)
        mass.append(passed_or_not(cell) - 1)
        places.append(f"{row['start']:g} to {b:g} std")
    errors, names = [], []
    for row in data["decisions"]:
        for (n, k), mean in zip(row["groups"], row["means"], strict=True):
            group = {"neurons": n, "needed": k}
            time = latency.mean_time(row["threshold"], 0.0, 1.0, 1.0, row["start"], **group)
            errors.append(time / mean - 1)
            names.append(f"{k} of {n}")
    return [
        worst("first-passage density / peak", "1e-8", density, places),
        worst("the same, moving threshold", "1e-8", moving, places),
        worst("first-passage survival", "1e-8", survival, places),
        worst("its mass", "1e-6", mass, places),
        worst("first-passage moments", "", moments, places),
        worst("mean decision time", "1e-6", errors, names),
    ]


def passed_or_not(cell: tuple) -> float:
    """Return the density's integral up to the 0.999 quantile plus what is left there."""
    marks = first_passage.quantile([0.01, 0.2, 0.6, 0.999], *cell)
    total = first_passage.survival(marks[-1], *cell)
    for start, end in itertools.pairwise([0.0, *marks]):
        grid = np.linspace(start, end, 4001)
        total += simpson(first_passage.density(grid, *cell), x=grid)
    return float(total)


def discrete() -> list[Row]:
    rows = load("theory_discrete")
    places = [f"mean {r['cell'][0]:g}, std {r['cell'][1]:g}" for r in rows]
    table = []
    for reset, more in (("hard", {"reset_to": 0.1}), ("multi", {})):
        errors = []
        for row in rows:
            mean, std, theta, decay = row["cell"]
            rate = discrete_time.rate(mean, std, threshold=theta, decay=decay, reset=reset, **more)
            errors.append(rate / float(row[reset]) - 1)
        table.append(worst(f"discrete-time rate, {reset}", "1e-12", errors, places))
    return table


def layers() -> list[Row]:
    data = load("theory_layers")
    exact = data["jacobians"]
    passed = passage(jacobian_net(exact), [np.array(g) for g in exact["gates"]])
    norms = passed.norms / exact["norms"] - 1
    product = passed.log_product - exact["log_product"]
    radius, feedback = [], []
    for row in data["loops"]:
        loop = homeostasis.Loop(**{k: _plain(v) for k, v in row["loop"].items()})
        radius.append(homeostasis.spectral_radius(loop) / row["radius"] - 1)
        feedback.append(homeostasis.feedback_sign(loop) != row["feedback"])
    size = [f"{row['loop']['layers']} layers" for row in data["loops"]]
    rows = data["critical"]
    dead = [f"dead time {r['refractory']}" for r in rows]
    errors = [critical_reset_distance(r["refractory"]) / r["distance"] - 1 for r in rows]
    return [
        worst("Jacobian norms, product", "", np.stack([norms, product], 1), ["1", "2", "3"]),
        worst("homeostat's spectral radius", "", radius, size),
        worst("feedback sign, mismatches", "0", [sum(feedback)], [f"{len(size)} loops"]),
        worst("stability predicate, mismatches", "0", [mismatches()], [f"{LOOPS} loops"]),
        worst("critical reset distance", "", errors, dead),
    ]


def jacobian_net(data: dict) -> Network:
    weights = [np.array(w) for w in data["weights"]]
    return Network(tuple(Layer(w, 0.02, 0.01, 1.0, 0.0) for w in weights), dt=1e-3)


def mismatches() -> int:
    """Count equal layers of which Jury's conditions and the eigenvalues say different things."""
    rng = np.random.default_rng(3)
    count = 0
    for _ in range(LOOPS):
        loop = homeostasis.Loop(
            beta=float(10 ** rng.uniform(-2, 1.5)),
            gamma=float(rng.uniform(0.001, 2.5)),
            D=float(rng.uniform(0, 0.6)),
            layers=int(rng.integers(2, 9)),
            kappa=float(10 ** rng.uniform(-1, 0.7)),
            m_r=float(rng.uniform(0.02, 1)),
            ticks=int(rng.integers(1, 11)),
            fresh=bool(rng.integers(2)),
        )
        radius = homeostasis.spectral_radius(loop)
        near = abs(radius - 1) < 1e-9  # eigenvalues are not good enough to say
        count += not near and homeostasis.is_stable(loop) != (radius < 1)
    return count


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
