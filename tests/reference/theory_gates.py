"""Make theory_gates.json: surrogate gates and expected exceedances by mpmath quadrature.

python tests/reference/theory_gates.py        # about 1 minute
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 30


def surrogate(name, width, threshold):
    """The stated form of psi' at v, and the points where it is not smooth, up to v = 60."""
    w, theta = mp.mpf(width), mp.mpf(threshold)
    near = [theta - w, theta, theta + w]

    def periodic(v):
        n = max(1, mp.floor(v / theta + mp.mpf("0.5")))
        return mp.exp(-abs(v - n * theta) / w) / theta

    forms = {
        "gaussian": (lambda v: mp.npdf(v, theta, w), near),
        "laplace": (lambda v: mp.exp(-abs(v - theta) / w) / (2 * w), near),
        "triangular": (lambda v: max(0, 1 - abs(v - theta) / w) / w, near),
        "box": (lambda v: 1 / (2 * w) if abs(v - theta) < w else mp.mpf(0), near),
        "atan": (lambda v: w / (mp.pi * ((v - theta) ** 2 + w * w)), near),
        "sigmoid": (lambda v: mp.sech((v - theta) / (2 * w)) ** 2 / (4 * w), near),
        "periodic-exponential": (periodic, [k * theta / 2 for k in range(2, 120)]),
        "step-pwl": (lambda v: 1 / theta if v >= theta - w else mp.mpf(0), near),
    }
    return forms[name]


def average(function, kinks, mean, std):
    """E[function(mean + std xi)], cut at 12 std."""
    mu, s = mp.mpf(mean), mp.mpf(std)
    inside = {mu + s * k for k in range(-12, 13, 2)}
    inside |= {k for k in kinks if mu - 12 * s < k < mu + 12 * s}
    # a narrow surrogate needs marks of its own on a wide membrane
    marks = sorted(inside)
    return mp.quad(lambda v: function(v) * mp.npdf(v, mu, s), marks)


def gates(rng):
    names = ("gaussian", "laplace", "triangular", "box", "atan", "sigmoid")
    names += ("periodic-exponential", "step-pwl")
    rows = []
    for name in names:
        for _ in range(8):
            threshold, mean = 10 ** rng.uniform(-0.4, 0.4), rng.normal(0.5, 1)
            std, width = 10 ** rng.uniform(-1.3, 0.3), 10 ** rng.uniform(-1.3, 0.3)
            function, kinks = surrogate(name, width, threshold)
            if name not in ("periodic-exponential", "step-pwl"):
                w, theta = mp.mpf(width), mp.mpf(threshold)
                kinks = kinks + [theta + w * k for k in (-32, -8, -4, -2, 2, 4, 8, 32)]
            cell = [float(v) for v in (threshold, mean, std)]
            row = {"surrogate": name, "width": float(width), "cell": cell}
            rows.append({**row, "gate": float(average(function, kinks, mean, std))})
    return rows


def exceedances(rng):
    rows = []
    for low, high in [(1.0, 1.5), (1.0, 1.0001), (0.2, 3.0), *rng.uniform(0, 3, (8, 2))]:
        low, high = sorted((float(low), float(high)))
        mean, std = float(rng.normal(1, 1)), float(10 ** rng.uniform(-1.5, 0.5))
        marks = [low, *np.linspace(low, high, 12)[1:-1].tolist(), high]

        def exceed(theta, mean=mean, std=std):
            return mp.erfc((theta - mean) / (mp.sqrt(2) * std)) / 2

        value = mp.quad(exceed, [mp.mpf(m) for m in marks]) / (mp.mpf(high) - mp.mpf(low))
        rows.append({"law": [low, high], "cell": [mean, std], "exceedance": float(value)})
    return rows


if __name__ == "__main__":
    rng = np.random.default_rng(20260102)
    data = {"gates": gates(rng), "uniform": exceedances(rng)}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
