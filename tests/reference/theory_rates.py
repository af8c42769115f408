"""Make theory_rates.json: Siegert's rate, its derivatives, CV and transfer function by mpmath.

Formulas here are not those of the package: the rate by direct quadrature of exp(u^2) erfc(-u),
derivatives by finite differences at 80 digits, the CV from the second derivative of the passage
time's Laplace transform, the transfer function from parabolic cylinder functions.

    python tests/reference/theory_rates.py        # about 5 minutes
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 40
ROOT_PI = mp.sqrt(mp.pi)


def integral(lower, upper):
    """Quadrature of erfcx(-u) on pieces that shrink towards the upper limit."""
    marks = {lower, upper}
    if lower < 0:
        x = lower
        while x < min(upper, 0):
            marks.add(x)
            x += max(abs(x) / 3, mp.mpf("0.25"))
    if upper > 0:
        for k in range(9):
            marks.add(upper - mp.mpf(2) ** k / (8 * (1 + upper)))
        marks.add(mp.mpf(0))
    marks = sorted(m for m in marks if lower <= m <= upper)
    return mp.quad(lambda u: mp.exp(u * u) * mp.erfc(-u), marks)


def log_rate(mean, std, threshold, reset, tau, refractory):
    scale = mp.sqrt(2) * std
    area = integral((reset - mean) / scale, (threshold - mean) / scale)
    return -mp.log(refractory + tau * ROOT_PI * area)


def psi(k, y):
    """Increasing solution of psi'' = 2 y psi' + 2 k psi."""
    return mp.exp(y * y / 2) * mp.pcfd(-k, -mp.sqrt(2) * y)


def slope(k, y):
    """d psi / dy = sqrt(2) k exp(y^2/2) D_{-k-1}(-sqrt(2) y)."""
    return mp.sqrt(2) * k * mp.exp(y * y / 2) * mp.pcfd(-k - 1, -mp.sqrt(2) * y)


def numbers(*values):
    return [mp.mpf(float(v)) for v in values]


def rates(rng):
    """Cells over y_threshold in [-1e4, 20], noise-driven, mean-driven and in between."""
    rows = []
    tops = [*(-(10.0 ** rng.uniform(-1, 4, 24))), *rng.uniform(0, 20, 16), *rng.uniform(-3, 3, 16)]
    for top in tops:
        std, reset, tau = rng.uniform(0.05, 2), rng.normal(), 10 ** rng.uniform(-3, -1)
        width = 10 ** rng.uniform(-1.5, 1.5) * std
        threshold = reset + width
        mean = threshold - top * np.sqrt(2) * std
        refractory = rng.choice([0.0, 0.1 * tau])
        cell = [float(v) for v in (mean, std, threshold, reset, tau, refractory)]
        exact = numbers(*cell)
        with mp.workdps(80):
            h = mp.mpf(10) ** -25
            slopes = []
            for i in (2, 0, 1):
                up, down = list(exact), list(exact)
                up[i] += h * exact[1]
                down[i] -= h * exact[1]
                slopes.append(float((log_rate(*up) - log_rate(*down)) / (2 * h * exact[1])))
            rows.append({"cell": cell, "log_rate": float(log_rate(*exact)), "slopes": slopes})
        # the rate itself, where a float can hold it
        rows[-1]["rate"] = float(mp.exp(log_rate(*exact)))
    return rows


def variations(rng):
    rows = []
    for top in [-30.0, -8.0, *rng.uniform(-4, 4, 8), 5.5]:
        width = 10 ** rng.uniform(-1, 0.8)
        cell = [-top * np.sqrt(2), 1.0, 0.0, -width * np.sqrt(2), 1.0, rng.choice([0.0, 0.2])]
        mean, std, threshold, reset, _, dead = numbers(*cell)
        bottom, end = (reset - mean) / (std * mp.sqrt(2)), (threshold - mean) / (std * mp.sqrt(2))
        with mp.workdps(60):
            size = mp.mpf(10) ** -18 * mp.exp(-(max(end, 0) ** 2))  # well below 1/period
            ends = [psi(k, bottom) / psi(k, end) for k in (-size, size)]
            period = (ends[0] - ends[1]) / (2 * size)
            second = (ends[0] - 2 + ends[1]) / size**2
            value = mp.sqrt(second - period**2) / (period + dead)
        rows.append({"cell": [float(v) for v in cell], "cv": float(value)})
    return rows


def responses():
    rows = []
    for mean, std in ((0.5, 0.3), (1.5, 0.2), (-0.5, 0.6), (1.0, 0.1)):
        for frequency in (0.01, 1.0, 30.0, 300.0):
            cell = [mean, std, 1.0, 0.0, 0.02, 0.002]
            mu, s, theta, reset, tau, dead = numbers(*cell)
            f = mp.mpf(frequency)
            k = 2j * mp.pi * f * tau
            bottom, top = ((v - mu) / (s * mp.sqrt(2)) for v in (reset, theta))
            rate = mp.exp(log_rate(mu, s, theta, reset, tau, dead))
            gap = psi(k, top) - psi(k, bottom) * mp.exp(-2j * mp.pi * f * dead)
            value = rate / (mp.sqrt(2) * s * (1 + k)) * (slope(k, top) - slope(k, bottom)) / gap
            rows.append(
                {
                    "cell": cell,
                    "frequency": frequency,
                    "transfer": [float(value.real), float(value.imag)],
                }
            )
    return rows


if __name__ == "__main__":
    rng = np.random.default_rng(20260101)
    data = {"rates": rates(rng), "cv": variations(rng), "transfer": responses()}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
