"""Make theory_discrete.json: discrete-time rates by linear algebra in 40 digits.

Hard reset: mean first-passage time T(v) = 1 + int K T, an inhomogeneous equation, where the
package eliminates a Markov chain; multi-spike reset: null vector of the stationary equation.
Panels and orders differ from the package's.

    python tests/reference/theory_discrete.py        # about 15 minutes
"""

import itertools
import json
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def nodes(edges, order):
    points, _ = np.polynomial.legendre.leggauss(order)
    # polish to 40 digits by Newton's method on the Legendre polynomial
    x, w = [], []
    for guess in points:
        root = mp.findroot(lambda t: mp.legendre(order, t), mp.mpf(guess))
        slope = order * (root * mp.legendre(order, root) - mp.legendre(order - 1, root))
        slope /= root**2 - 1
        x.append(root)
        w.append(2 / ((1 - root**2) * slope**2))
    all_x, all_w = [], []
    for a, b in itertools.pairwise(edges):
        half = (b - a) / 2
        all_x += [a + half * (1 + t) for t in x]
        all_w += [half * t for t in w]
    return all_x, all_w


def edges_of(marks, length):
    out = []
    for a, b in itertools.pairwise(marks):
        count = int(mp.ceil((b - a) / length))
        out += [a + (b - a) * k / count for k in range(count)]
    return [*out, marks[-1]]


def hard(mean, std, threshold, decay, reset):
    mu, s, theta, a, v0 = (mp.mpf(v) for v in (mean, std, threshold, decay, reset))
    q = s * mp.sqrt(1 - a * a)
    low = min(mu, v0) - 10 * s
    x, w = nodes(edges_of([low, theta], 2 * q), 14)
    n = len(x)
    matrix = mp.matrix(n, n)
    for i in range(n):
        drift = mu + (x[i] - mu) * a
        for j in range(n):
            matrix[i, j] = -mp.npdf(x[j], drift, q) * w[j]
        matrix[i, i] += 1
    times = mp.lu_solve(matrix, mp.ones(n, 1))
    drift = mu + (v0 - mu) * a
    period = 1 + sum(mp.npdf(x[j], drift, q) * w[j] * times[j] for j in range(n))
    return 1 / period


def multi(mean, std, threshold, decay, most):
    mu, s, theta, a = (mp.mpf(v) for v in (mean, std, threshold, decay))
    q = s * mp.sqrt(1 - a * a)
    low = min(mu, mp.mpf(0)) - 10 * s
    x, w = nodes(edges_of([low, mp.mpf(0), theta], 2 * q), 14)
    n = len(x)
    matrix, spikes = mp.matrix(n, n), []
    for i in range(n):
        drift = mu + (x[i] - mu) * a
        for j in range(n):
            density = mp.npdf(x[j], drift, q)
            if x[j] >= 0:
                density += sum(mp.npdf(x[j] + k * theta, drift, q) for k in range(1, most + 1))
            matrix[j, i] = density * w[j]  # column: from
        spikes.append(sum(mp.ncdf((drift - k * theta) / q) for k in range(1, most + 1)))
        matrix[i, i] -= 1
    for i in range(n):
        matrix[0, i] = 1  # the total probability replaces one balance equation
    right = mp.matrix(n, 1)
    right[0] = 1
    mass = mp.lu_solve(matrix, right)
    return sum(mass[i] * spikes[i] for i in range(n))


CELLS = [
    (0.5, 0.5, 1.0, 0.9048374180359595),
    (1.5, 0.3, 1.0, 0.9048374180359595),
    (0.0, 0.2, 1.0, 0.9),
    (0.3, 0.4, 0.7, 0.36787944117144233),
    (2.0, 1.0, 1.0, 0.5),
    (-0.5, 0.25, 1.0, 0.8),
]

if __name__ == "__main__":
    rows = []
    for cell in CELLS:
        rows.append(
            {
                "cell": cell,
                "hard": mp.nstr(hard(*cell, 0.1), 20),
                "multi": mp.nstr(multi(*cell, 14), 20),
            }
        )
        print(rows[-1], flush=True)
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
