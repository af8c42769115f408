"""Make theory_passage.json: laws of first passages and of decisions by mpmath.

Densities and survivals by inverting the Laplace transform (parabolic cylinder functions, Talbot's
contour), moments by finite differences of it at 0; the package solves a Volterra equation. Mean
decision times of the k-th of n neurons by quadrature of a binomial sum over those survivals.

    python tests/reference/theory_passage.py        # 2 minutes
"""

import itertools
import json
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 40

CELLS = [  # threshold and start in units of std from the mean, tau = 1
    (1.0, -1.0),
    (0.0, -1.5),
    (-1.0, -3.0),
    (-3.0, -8.0),
    (2.5, 0.0),
    (0.5, -0.5),
    (0.5, 0.15),
    (2.0, 1.6),
    (-2.0, -2.35),
]
TIMES = (0.1, 0.3, 1.0, 3.0)
DECISIONS = [  # threshold and start as above, neurons and spikes needed
    (0.4, -2.0, ((1, 1), (10, 1), (48, 1), (48, 12), (5, 5))),
    (-1.5, -4.0, ((1, 1), (48, 1), (48, 12), (5, 5))),
]
MARKS = (0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.2, 1.6, 2.2, 3, 4, 6, 9, 14, 22, 36, 60)


def transform(k, start, end):
    """E[exp(-k T)] = psi_k(start) / psi_k(end)."""
    ratio = mp.pcfd(-k, -start) / mp.pcfd(-k, -end)
    return mp.exp((start**2 - end**2) / 4) * ratio


def density(t, start, end):
    return mp.invertlaplace(lambda k: transform(k, start, end), t, method="talbot", degree=40)


def survival(t, start, end):
    def image(k):
        return (1 - transform(k, start, end)) / k

    return mp.invertlaplace(image, t, method="talbot", degree=40)


def decisions(start, end, groups):
    """Mean decision times: int P(fewer than k of n have passed by t) dt on Gauss nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    total = dict.fromkeys(groups, mp.mpf(0))
    for a, b in itertools.pairwise(MARKS):
        for x, w in zip(nodes, weights, strict=True):
            t = mp.mpf(a) + mp.mpf(b - a) * (1 + mp.mpf(x)) / 2
            left = survival(t, start, end)
            for n, k in groups:
                waits = mp.fsum(
                    mp.binomial(n, j) * (1 - left) ** j * left ** (n - j) for j in range(k)
                )
                total[n, k] += mp.mpf(b - a) * mp.mpf(w) / 2 * waits
    return [float(total[group]) for group in groups]


def moment(order, start, end):
    with mp.workdps(80):
        h = mp.mpf(10) ** -12
        values = [transform(j * h, start, end) for j in range(-3, 4)]
        stencils = {
            1: [-1, 9, -45, 0, 45, -9, 1],
            2: [2, -27, 270, -490, 270, -27, 2],
            3: [1, -8, 13, 0, -13, 8, -1],
        }
        scale = {1: 60, 2: 180, 3: 8}[order]
        total = sum(w * v for w, v in zip(stencils[order], values, strict=True))
        return (-1) ** order * total / (scale * h**order)


if __name__ == "__main__":
    rows = []
    for end, start in CELLS:
        a, b = mp.mpf(start), mp.mpf(end)
        rows.append(
            {
                "threshold": end,
                "start": start,
                "times": TIMES,
                "density": [float(density(mp.mpf(t), a, b)) for t in TIMES],
                "survival": [float(survival(mp.mpf(t), a, b)) for t in TIMES],
                "moments": [float(moment(order, a, b)) for order in (1, 2, 3)],
            }
        )
    means = []
    for end, start, groups in DECISIONS:
        times = decisions(mp.mpf(start), mp.mpf(end), groups)
        alone = float(moment(1, mp.mpf(start), mp.mpf(end)))
        assert abs(times[0] / alone - 1) < 1e-9  # the quadrature is good enough
        means.append({"threshold": end, "start": start, "groups": groups, "means": times})
    path = Path(__file__).with_suffix(".json")
    data = {"laws": rows, "decisions": means}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
