"""Small nets and specifications that fire, for tests."""

from __future__ import annotations

import itertools

import numpy as np

from neurosim.network import Layer, Network
from neurosim.xylo import XyloSpec

DT = 5e-3


def tau(shift, dt: float = DT) -> np.ndarray:
    """Time constant whose decay per step is 1 - 2^-shift."""
    return -dt / np.log1p(-(2.0 ** -np.asarray(shift, dtype=float)))


def network(rng: np.random.Generator, sizes=(6, 10, 8, 3), gain: float = 0.9) -> Network:
    """A feed-forward net with mixed decays; hidden up to 31 spikes a step, output 1."""
    layers = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        layers.append(
            Layer(
                weight=rng.normal(0.1, gain, (n_in, n_out)) / np.sqrt(n_in),
                tau_mem=tau(rng.integers(2, 5, n_out)),
                tau_syn=tau(rng.integers(2, 5, n_out)),
                threshold=np.ones(n_out),
                bias=np.zeros(n_out),
                max_spikes=1 if k == len(sizes) - 2 else 31,
            )
        )
    return Network(tuple(layers), dt=DT)


def dyadic(
    rng: np.random.Generator, bits: int, synapses: int = 1, recurrent: bool = False
) -> Network:
    """Weights, thresholds and biases are multiples of 2^-bits and all decays are 1/2.

    After T steps values are multiples of 2^-(bits + T): with a few steps nothing is ever rounded,
    neither in float64 (bits = 8, T = 12) nor in float32 (bits = 4, T = 8), as long as values stay
    below 2^12, which the tests assert.
    """
    sizes = (5, 12, 8, 4)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):

        def grid(low: float, high: float, *shape: int) -> np.ndarray:
            return rng.integers(low * 2**bits, high * 2**bits, shape) / 2.0**bits

        extra = (synapses,) if synapses > 1 else ()
        layers.append(
            Layer(
                weight=grid(-1, 2, n_in, n_out, *extra),
                recurrent=grid(-0.25, 0.25, n_out, n_out, *extra) if recurrent else None,
                tau_mem=np.full(n_out, 1e-3 / np.log(2)),
                tau_syn=np.full((n_out, *extra), 1e-3 / np.log(2)),
                threshold=grid(0.5, 2, n_out),
                bias=grid(-0.125, 0.125, n_out),
                max_spikes=int(rng.choice([1, 3, 31])),
            )
        )
    return Network(tuple(layers), dt=1e-3)


def events(rng: np.random.Generator, shape=(5, 60, 6), rate: float = 0.3) -> np.ndarray:
    """Poisson event counts."""
    return rng.poisson(rate, shape).astype(np.uint8)


def spec(rng: np.random.Generator, **changes) -> XyloSpec:
    """A recurrent specification with biases and aliases: 4 inputs, 12 hidden, 3 out."""
    n = 12
    values = {
        "weights_in": rng.integers(-40, 90, (4, 8, 1)),
        "weights_rec": rng.integers(-50, 50, (n, n, 1)),
        "weights_out": rng.integers(-40, 90, (6, 3)),
        "dash_mem": rng.integers(1, 6, n),
        "dash_syn": rng.integers(1, 6, n),
        "dash_mem_out": [2, 3, 4],
        "dash_syn_out": [4, 3, 2],
        "threshold": rng.integers(200, 900, n),
        "threshold_out": [300, 400, 500],
        "bias": rng.integers(-5, 20, n),
        "aliases": [[3]] + [[]] * (n - 2) + [[2]],
        "weight_shift_in": 1,
    }
    return XyloSpec(**{**values, **changes})


def undecided(samples: int = 12) -> tuple[XyloSpec, np.ndarray]:
    """A specification and events on which evidence builds up: leads of 2 and 5 decide at other
    steps, and in some samples for another class.
    """
    rng = np.random.default_rng(1)
    net = spec(
        rng,
        threshold_out=[1500] * 3,
        weights_out=rng.integers(-40, 50, (6, 3)),
        chip="xylo-imu",
        dt=DT,
    )
    return net, events(rng, (samples, 80, 4)) * rng.integers(0, 2, (samples, 1, 4), dtype=np.uint8)
