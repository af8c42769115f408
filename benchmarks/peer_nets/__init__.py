"""The same layered net of spiking neurons in several libraries, for benchmarks and tests.

Each net takes events (B, T, channels), starts from rest and returns the spikes (B, T, classes) of
its last layer. The membrane decays by exp(-1/10) a step; neurons with a synapse have a current
that decays by exp(-1/5). Weights come from one seed; a gain for each library makes up for how it
scales currents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

import torch

from neurosim.snn import LIF, fuse, reset_state

MEMBRANE, SYNAPSE = 10.0, 5.0
"""Time constants in steps; a step is 1 ms."""


class Kind(NamedTuple):
    """A library's layer of neurons."""

    library: str
    build: Callable[[int], torch.nn.Module]
    gain: float
    """Of the weights; 1 for neurons with a synapse and no normalisation."""
    order: str = "batch"
    """Axis that comes first in what the layers take: "batch", "time", or "step" by step; "fused":
    linear layers and neurons run as one."""


def kinds() -> dict[str, Kind]:
    """Return all kinds of layers, installed or not, by name."""
    return {
        "neurosim LIF, fused": Kind("neurosim", lambda n: _rockpool(LIF, n), 1.0, "fused"),
        "neurosim LIF": Kind("neurosim", lambda n: _rockpool(LIF, n), 1.0),
        "neurosim LIF, delta": Kind("neurosim", _delta, 5.0),
        "rockpool LIFTorch": Kind("rockpool", _lif_torch, 1.0),
        "snntorch Leaky": Kind("snntorch", _leaky, 5.0, "step"),
        "snntorch Synaptic": Kind("snntorch", _synaptic, 1.0, "step"),
        "spikingjelly LIFNode": Kind("spikingjelly", _lif_node, 5.0, "time"),
        "norse LIF": Kind("norse", _norse, 10.0, "time"),
        "sinabs LIF": Kind("sinabs", _sinabs, 1.0),
    }


def available(kind: Kind) -> bool:
    """Return whether the library of a kind is installed."""
    return find_spec(kind.library) is not None


class Layered(torch.nn.Module):
    """Linear layers and neurons in turn."""

    def __init__(self, layers: Sequence[torch.nn.Module], order: str):
        super().__init__()
        self.layers, self.order = torch.nn.Sequential(*layers), order
        if order == "fused":
            self.layers = fuse(self.layers)

    def forward(self, events: torch.Tensor) -> torch.Tensor:
        """Return the spikes (B, T, classes) that events (B, T, channels) cause from rest."""
        reset_state(self)
        if self.order == "fused":
            return self.layers(events)
        if self.order == "step":
            return torch.stack([self._through(x) for x in events.unbind(1)], 1)
        if self.order == "time":
            return self._through(events.transpose(0, 1)).transpose(0, 1)
        return self._through(events)

    def _through(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


def build(kind: Kind, sizes: Sequence[int], *, drive: float = 1.0, seed: int = 0) -> Layered:
    """Return a net of a kind.

    Args:
        kind: of `kinds`.
        sizes: channels, hidden neurons, classes.
        drive: factor on all weights.
        seed: of the weights.
    """
    generator = torch.Generator().manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        linear = torch.nn.Linear(n_in, n_out, bias=False)
        spread = torch.randn(n_out, n_in, generator=generator)
        weight = 0.2 / math.sqrt(n_in) * spread + 0.3 / n_in
        linear.weight = torch.nn.Parameter(drive * kind.gain * weight)
        layers += [linear, kind.build(n_out)]
    return Layered(layers, kind.order)


def neurons_alone(kind: Kind) -> Kind:
    """Return a kind without neurons: the linear layers alone."""
    return kind._replace(build=lambda n: torch.nn.Identity())


def _rockpool(module: Any, n: int, **settings: Any) -> torch.nn.Module:
    from rockpool.nn.modules.torch.lif_torch import PeriodicExponential
    from rockpool.parameters import Constant

    constants = {"tau_mem": 1e-3 * MEMBRANE, "bias": 0.0, "threshold": 1.0}
    if settings.get("synapse", True):
        constants["tau_syn"] = 1e-3 * SYNAPSE
    held = {name: Constant(torch.tensor(value)) for name, value in constants.items()}
    return module((n,), **held, spike_generation_fn=PeriodicExponential, dt=1e-3, **settings)


def _lif_torch(n: int) -> torch.nn.Module:
    from rockpool.nn.modules import LIFTorch

    return _rockpool(LIFTorch, n)


def _delta(n: int) -> torch.nn.Module:
    return _rockpool(LIF, n, synapse=False)


def _leaky(n: int) -> torch.nn.Module:
    import snntorch

    return snntorch.Leaky(beta=math.exp(-1 / MEMBRANE), init_hidden=True)


def _synaptic(n: int) -> torch.nn.Module:
    import snntorch

    return snntorch.Synaptic(
        alpha=math.exp(-1 / SYNAPSE), beta=math.exp(-1 / MEMBRANE), init_hidden=True
    )


def _lif_node(n: int) -> torch.nn.Module:
    from spikingjelly.activation_based import neuron, surrogate

    tau = 1 / (1 - math.exp(-1 / MEMBRANE))  # its decay is 1 - 1/tau
    return neuron.LIFNode(
        tau, decay_input=False, v_reset=None, step_mode="m", surrogate_function=surrogate.ATan()
    )


def _norse(n: int) -> torch.nn.Module:
    import norse.torch as norse

    # Time constants that give the same decays with its Euler steps.
    rate = [1e3 * (1 - math.exp(-1 / tau)) for tau in (SYNAPSE, MEMBRANE)]
    return norse.LIF(norse.LIFParameters(*(torch.tensor(value) for value in rate)))


def _sinabs(n: int) -> torch.nn.Module:
    import sinabs.layers

    return sinabs.layers.LIF(tau_mem=MEMBRANE, tau_syn=SYNAPSE, norm_input=False)
