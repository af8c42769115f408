"""A training step of rockpool's LIFJax, compiled by jax: no module of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np


def step_of(
    weights: Sequence[np.ndarray], events: np.ndarray, labels: np.ndarray
) -> Callable[[], float]:
    """Return a step: forward, backward and Adam on the weights; it gives the spikes back.

    Args:
        weights: (inputs, neurons) of each linear layer.
        events: (B, T, channels).
        labels: (B,).
    """
    import jax
    from jax.example_libraries import optimizers
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFJax, LinearJax
    from rockpool.parameters import Constant

    widths = [weights[0].shape[0], *(weight.shape[1] for weight in weights)]
    constants = {"tau_mem": 1e-2, "tau_syn": 5e-3, "bias": 0.0, "threshold": 1.0}
    modules = []
    for shape, weight in zip(pairwise(widths), weights, strict=True):
        held = {name: Constant(value) for name, value in constants.items()}
        linear = LinearJax(shape, weight=jax.numpy.asarray(weight), has_bias=False)
        modules += [linear, LIFJax((shape[1],), **held, dt=1e-3)]
    net = Sequential(*modules)
    x, y = jax.numpy.asarray(events), jax.numpy.asarray(labels)
    start, update, values = optimizers.adam(1e-6)

    def loss(parameters, x, y):
        out, _, _ = net.set_attributes(parameters)(x)
        chosen = jax.nn.log_softmax(out.mean(1))[jax.numpy.arange(len(y)), y]
        return -chosen.mean(), out.mean()

    @jax.jit
    def advance(number, state, x, y):
        (_, spikes), gradients = jax.value_and_grad(loss, has_aux=True)(values(state), x, y)
        return update(number, gradients, state), spikes

    state, number = start(net.parameters()), 0

    def step() -> float:
        nonlocal state, number
        state, spikes = advance(number, state, x, y)
        number += 1
        return float(spikes)

    return step
