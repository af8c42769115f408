"""Make theory_passage.json: first-passage densities and moments by mpmath.

Densities by inverting the Laplace transform (parabolic cylinder functions, Talbot's contour),
moments by finite differences of it at 0; the package solves a Volterra equation.

    python tests/reference/theory_passage.py        # 10 seconds
"""

import json
from pathlib import Path

import mpmath as mp

mp.mp.dps = 40

CELLS = [  # threshold and start in units of std from the mean, tau = 1
    (1.0, -1.0),
    (0.0, -1.5),
    (-1.0, -3.0),
    (-3.0, -8.0),
    (2.5, 0.0),
    (0.5, -0.5),
]
TIMES = (0.1, 0.3, 1.0, 3.0)


def transform(k, start, end):
    """E[exp(-k T)] = psi_k(start) / psi_k(end)."""
    ratio = mp.pcfd(-k, -start) / mp.pcfd(-k, -end)
    return mp.exp((start**2 - end**2) / 4) * ratio


def density(t, start, end):
    return mp.invertlaplace(lambda k: transform(k, start, end), t, method="talbot", degree=40)


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
                "moments": [float(moment(order, a, b)) for order in (1, 2, 3)],
            }
        )
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
