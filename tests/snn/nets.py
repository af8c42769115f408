"""Layers and nets for the tests of training: random arguments, a small deep net, one run."""

import warnings

import numpy as np
import torch
from hypothesis import strategies as st
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFTorch, LinearTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential, StepPWL

from neurosim.homeostat import Homeostat
from neurosim.snn import reset_state


def on_grid(weights):
    """Round recurrent weights to multiples of 2^-10.

    Sums of spike counts times such weights are exact in float32, so that the order in which a
    processor's libraries add cannot move a spike.
    """
    return (weights * 1024).round() / 1024


@st.composite
def layers(draw, recurrent=False, neurons=(2, 40), most_samples=5):
    """Draw arguments of a LIF layer, its leaks, an input and a gradient by its spikes.

    Samples of a single neuron lie in memory otherwise, and kernels are compiled for that anew,
    which takes half a minute.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, synapses = draw(st.integers(*neurons)), draw(st.integers(1, 2))
    samples, steps = draw(st.integers(1, most_samples)), draw(st.integers(1, 30))
    mode = draw(st.sampled_from(["taus", "decays", "bitshifts"]))
    shared = draw(st.booleans())
    shape, per_synapse = ((), ()) if shared else ((n,), (n, synapses))

    def uniform(low, high, shape):
        return torch.tensor(rng.uniform(low, high, shape), dtype=torch.float32)

    membrane, synapse, low, high = {
        "taus": ("tau_mem", "tau_syn", 2e-3, 3e-2),
        "decays": ("alpha", "beta", 0.5, 0.95),
        "bitshifts": ("dash_mem", "dash_syn", 1, 5),
    }[mode]
    leaks = {membrane: uniform(low, high, shape), synapse: uniform(low, high, per_synapse)}
    arguments = {
        "shape": (n * synapses, n),
        "leak_mode": mode,
        "bias": uniform(-0.1, 0.1, shape),
        "threshold": uniform(0.5, 2.0, shape),
        "spike_generation_fn": draw(st.sampled_from([PeriodicExponential, StepPWL])),
        "max_spikes_per_dt": draw(st.sampled_from([1.0, 2.0, 31.0, 2.0**16])),
        "learning_window": draw(st.sampled_from([0.3, 0.5])),
        "has_rec": recurrent,
    }
    if recurrent:
        arguments["w_rec"] = on_grid(uniform(-0.3, 0.3, (n, n * synapses)) / n**0.5)
    x = uniform(-0.3, 1.0, (samples, steps, n * synapses)) * float(rng.uniform(0.2, 2.0))
    return arguments, leaks, x, uniform(-1, 1, (samples, steps, n))


def build(kind, arguments, leaks, **extra):
    """Build a layer; leaks are set afterwards, for LIFTorch takes no arrays of them."""
    module = kind(**arguments, **extra)
    for name, value in leaks.items():
        setattr(module, name, torch.nn.Parameter(value.clone()))
    return module


def run(module, x, gradient, record=False):
    """Return spikes, state, record and the gradients by input and parameters."""
    x = x.clone().requires_grad_()
    spikes, state, recorded = module(x, record=record)
    loss = (spikes * gradient).sum()
    if record:
        loss = loss + (recorded["vmem"] * gradient.cos()).sum() + recorded["isyn"].square().sum()
    loss.backward()
    gradients = {name: p.grad for name, p in torch.nn.Module.named_parameters(module)}
    return spikes.detach(), state, recorded, x.grad, gradients


def deep(kind, **extra):
    """Build 15-48-48-6 with random weights; its neurons fire at moderate rates on `raster`."""
    torch.manual_seed(1)
    arguments = {
        "tau_mem": torch.tensor(0.01),
        "tau_syn": torch.tensor(0.005),
        "spike_generation_fn": PeriodicExponential,
        "max_spikes_per_dt": 31.0,
        **extra,
    }
    modules = []
    for n_in, n_out in ((15, 48), (48, 48), (48, 6)):
        weight = torch.randn(n_in, n_out) * 0.2 / n_in**0.5 + 0.3 / n_in
        modules += [LinearTorch((n_in, n_out), weight=weight), kind((n_out,), **arguments)]
    return Sequential(*modules)


def raster(samples=8, steps=60, rate=0.25):
    """Draw events (samples, steps, 15)."""
    generator = torch.Generator().manual_seed(2)
    return (torch.rand(samples, steps, 15, generator=generator) < rate).float()


def spiking(net):
    """Return the spiking layers of a net."""
    return [m for m in torch.nn.Module.modules(net) if isinstance(m, LIFTorch)]


def attach(net, **settings):
    """Attach a homeostat; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Homeostat.attach(net, **settings)


def respond(net, events):
    """Return the output spikes of a net that starts from rest."""
    reset_state(net)
    return net(events)[0]


def weight_gradients(net, events):
    """Return the output spikes and the gradients by the weights of a `deep` net."""
    out, _, _ = net(events)
    (out.mean(1) @ torch.linspace(-1, 1, 6)).sum().backward()
    return out.detach(), [net[k].weight.grad for k in (0, 2, 4)]


def assert_close(ours, theirs, tolerance, name=""):
    """Assert that no value is further off than `tolerance` times the largest of theirs."""
    scale = theirs.abs().max().item()
    # The smallest normal float32: below it the fast path has zeros.
    assert (ours - theirs).abs().max().item() <= tolerance * scale + 1.2e-38, name
