"""Make theory_layers.json: membranes, Jacobians, homeostat and convexity by mpmath.

Moments of a free membrane by summing its impulse response, spectral norms by singular values in 30
digits, the homeostat's spectral radius and feedback from its map written tick by tick in layer
space, the critical reset distance from the second and third derivative of Siegert's rate.

    python tests/reference/theory_layers.py        # 1 minute
"""

import itertools
import json
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 30


def numbers(array):
    return [[mp.mpf(float(v)) for v in row] for row in array]


def membranes(rng):
    """Mean and std of one neuron with two synapses per input, Poisson and binary inputs."""
    rows = []
    for decay, fades in ((0.9, (0.8, 0.5)), (0.97, (0.97, 0.3)), (0.5, (0.95, 0.6))):
        weight, rate = rng.normal(0.05, 0.2, (3, 2)), rng.uniform(0.05, 0.9, 3)
        a, b = mp.mpf(decay), [mp.mpf(f) for f in fades]
        w = numbers(weight)
        mean, poisson, binary = mp.mpf(0), mp.mpf(0), mp.mpf(0)
        for i, r in enumerate(rate):
            kernel, current, v = [], [w[i][0], w[i][1]], mp.mpf(0)
            for _ in range(2500):
                current = [c * f for c, f in zip(current, b, strict=True)]
                v = v * a + sum(current)
                kernel.append(v)
            p = mp.mpf(float(r))
            mean += p * mp.fsum(kernel)
            power = mp.fsum(x * x for x in kernel)
            poisson += p * power
            binary += (p * (1 - p) if p < 0.5 else mp.mpf("0.25")) * power
        stds = [float(mp.sqrt(poisson)), float(mp.sqrt(binary))]
        cell = {"decay": decay, "fades": fades, "weight": weight.tolist(), "rate": rate.tolist()}
        rows.append({**cell, "mean": float(mean), "stds": stds})
    return rows


def jacobians(rng):
    """Spectral norms of diag(G) W of three layers and of their product."""
    sizes = (5, 7, 6, 4)
    weights = [rng.normal(0, 1, (m, n)) for m, n in itertools.pairwise(sizes)]
    gates = [10 ** rng.uniform(-3, 0, n) for n in sizes[1:]]
    product, norms, logs = None, [], []
    for weight, gate in zip(weights, gates, strict=True):
        jacobian = mp.diag([mp.mpf(float(g)) for g in gate]) * mp.matrix(numbers(weight.T))
        product = jacobian if product is None else jacobian * product
        norms.append(float(max(mp.svd_r(jacobian, compute_uv=False))))
        logs.append(float(mp.log(max(mp.svd_r(product, compute_uv=False)))))
    return {
        "weights": [w.tolist() for w in weights],
        "gates": [g.tolist() for g in gates],
        "norms": norms,
        "log_product": logs,
    }


def loop_map(loop):
    """The map of (ln r~, c) over one optimisation step at c = 0, and the response to c."""
    size = loop["layers"]
    beta, gamma, diffusion, alpha, kappa, m = (
        mp.mpf(loop[k]) for k in ("beta", "gamma", "D", "alpha", "kappa", "m_r")
    )
    identity, average = mp.eye(size), mp.ones(size, size) / size
    chain = mp.eye(size)
    for row in range(1, size):
        for k in range(size):
            chain[row, k] += mp.mpf(loop["coupling"][row]) * chain[row - 1, k]
    falls = chain * mp.diag([mp.mpf(a) * alpha * kappa for a in loop["sensitivity"]])
    lap = mp.zeros(size, size)
    for row in range(size - 1):
        lap[row, row] += 1
        lap[row + 1, row + 1] += 1
        lap[row, row + 1] -= 1
        lap[row + 1, row] -= 1
    tick = (1 - gamma) * identity - diffusion * lap
    sensed = [(1 - m) * identity, -m * falls]
    used = sensed if loop["fresh"] else [identity, mp.zeros(size, size)]
    state = [mp.zeros(size, size), identity]
    for _ in range(loop["ticks"]):
        state = [tick * s + beta * (identity - average) * u for s, u in zip(state, used)]  # noqa: B905
    full = mp.zeros(2 * size, 2 * size)
    for i in range(size):
        for j in range(size):
            full[i, j], full[i, size + j] = sensed[0][i, j], sensed[1][i, j]
            full[size + i, j], full[size + i, size + j] = state[0][i, j], state[1][i, j]
    return full, (identity - average) * falls


def loops(rng):
    rows = []
    for _ in range(16):
        size = int(rng.integers(2, 6))
        loop = {
            "layers": size,
            "beta": float(10 ** rng.uniform(-2, 1)),
            "gamma": float(rng.uniform(0.01, 1.5)),
            "D": float(rng.uniform(0, 0.4)),
            "alpha": float(rng.uniform(0.1, 0.9)),
            "kappa": float(rng.uniform(0.3, 3)),
            "m_r": float(rng.uniform(0.05, 1)),
            "ticks": int(rng.integers(1, 5)),
            "fresh": bool(rng.integers(2)),
            "sensitivity": rng.uniform(0.5, 3, size).tolist(),
            "coupling": [0.0, *rng.uniform(0, 2.5, size - 1).tolist()],
        }
        full, response = loop_map(loop)
        radius = max(abs(v) for v in mp.eig(full, left=False, right=False))
        # one eigenvalue of the centred response is 0: the mean's
        values = sorted(mp.eig(response, left=False, right=False), key=abs)[1:]
        feedback = 1 if min(mp.re(v) for v in values) < 0 else -1
        rows.append({"loop": loop, "radius": float(radius), "feedback": feedback})
    return rows


def critical_distances():
    """Where the second and the third derivative of the rate vanish together, over std.

    With e = erfcx(-y) and I the integral from the reset, nu'' = 0 is (I + dead) e' = 2 e^2; its
    derivative along y is then 4 e (e + y e') = 3 e'^2.
    """

    def e(y):
        return mp.exp(y * y) * mp.erfc(-y)

    def slope(y):
        return 2 / mp.sqrt(mp.pi) + 2 * y * e(y)

    def turning(y):
        return 4 * e(y) * (e(y) + y * slope(y)) - 3 * slope(y) ** 2

    def area(bottom, y):
        return mp.quad(e, mp.linspace(bottom, y, 5))

    rows = []
    y = mp.findroot(turning, (0, 0.5), solver="anderson")
    for dead in (0.0, 0.1, 0.5):
        wait = mp.mpf(dead) / mp.sqrt(mp.pi)
        needed = 2 * e(y) ** 2 / slope(y) - wait

        def missing(bottom, needed=needed):
            return area(bottom, y) - needed

        bottom = mp.findroot(missing, (-12, -1), solver="anderson")

        def rate(y, wait=wait, bottom=bottom):
            return 1 / (wait + area(bottom, y))

        assert abs(mp.diff(rate, y, 2)) < 1e-12
        rows.append({"refractory": dead, "distance": float(-mp.sqrt(2) * bottom)})
    return rows


if __name__ == "__main__":
    rng = np.random.default_rng(20260103)
    data = {
        "membranes": membranes(rng),
        "jacobians": jacobians(rng),
        "loops": loops(rng),
        "critical": critical_distances(),
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
