"""Linear layers and LIF neurons as one: the same modules and results, products through events."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurosim.errors import InputError
from neurosim.snn.kernels import layer as kernels
from neurosim.snn.kernels.events import DIGITS, Spikes, pack
from neurosim.snn.lif import LIF, STATES
from neurosim.snn.rockpool_modules import LinearTorch, TorchSequential

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def fuse(net: torch.nn.Module) -> Any:
    """Return a net that runs each linear layer and the LIF neurons behind it as one.

    It is made of the modules of `net` themselves: parameters, state, buffers and `state_dict` are
    shared, whichever of the two is trained, and `deepcopy`, files and converters see what they saw.
    Spikes are those of the net but for rounding: sums of weights are added up in another order.
    What the fused kernels cannot do runs as in `net`, module by module: other modules, recurrence,
    noise, two synapses a neuron, trained constants of neurons, `exact` gradients, recording, hooks,
    devices other than the CPU.

    Between fused layers no raster of spikes exists. A fused rockpool net therefore returns outputs
    of inner modules only when asked to record.

    Args:
        net: a Sequential of torch or rockpool, of torch's Linear, rockpool's LinearTorch and LIF
            among whatever else.

    Raises:
        InputError: it is of another kind, which might do more than call its modules in turn.
    """
    kinds = {torch.nn.Sequential: _Fused, TorchSequential: _FusedRockpool}
    if isinstance(net, _Fused | _FusedRockpool):
        return net
    if type(net) not in kinds:
        raise InputError(
            f"net is {type(net).__name__}; fuse takes a Sequential of torch or rockpool"
        )
    fused = copy.copy(net)
    object.__setattr__(fused, "__class__", kinds[type(net)])
    return fused


class _Fused(torch.nn.Sequential):
    """A torch Sequential that runs pairs of modules as one."""

    def forward(self, input: Any) -> Any:
        """Return what the modules make of the input in turn."""
        return run(list(self), input).output


class _FusedRockpool(TorchSequential):
    """A rockpool Sequential that runs pairs of modules as one."""

    def evolve(self, input_data: Any, record: bool = False) -> tuple[Any, Any, Any]:
        """Return output, states by module, and with `record` what rockpool's Sequential records."""
        if record:
            return super().evolve(input_data, record=True)
        modules = dict(torch.nn.Module.named_children(self))
        output = run(list(modules.values()), input_data).output
        return output, {name: _state(module) for name, module in modules.items()}, {}


class Run(NamedTuple):
    """What a chain of modules gave."""

    output: Tensor
    spikes: list[Tensor]
    """(B, T, N) of every LIF layer; zeros without memory of their own where nobody wanted them."""
    means: list[Tensor]
    """Spikes per neuron and step () of every LIF layer, with their graph."""
    counts: list[float]
    """Spikes of every LIF layer."""
    recorded: dict[str, Tensor]
    """What the last module recorded."""


def run(modules: Sequence[Any], x: Tensor, *, rasters: bool = False, record: bool = False) -> Run:
    """Run modules in turn, each linear layer together with the neurons behind it where that fits.

    Args:
        modules: of a Sequential.
        x: (B, T, channels) input.
        rasters: return the spikes of all neurons, with their graph.
        record: have the last module record.
    """
    end = len(modules) - (1 if record else 0)
    if len(set(map(id, modules))) < len(modules):
        end = 0  # a module that comes twice goes on from its own state, which is not known ahead
    pairs = [k + 1 < end and _fit(*pair) for k, pair in enumerate(pairwise(modules))]
    pairs += [False, False]

    def settings_of(k: int, width: int | None = None) -> kernels.Layer | None:
        return _settings(value, width, *modules[k : k + 2]) if pairs[k] else None

    value, bits, k = x, None, 0
    spikes: list[Tensor] = []
    means: list[Tensor] = []
    counts: list[float] = []
    recorded: dict[str, Tensor] = {}
    settings = settings_of(0)
    while k < len(modules):
        if settings is None:
            neurons, bits, recorded = modules[k], None, {}
            value = (
                neurons(value, record=True) if record and k + 1 == len(modules) else neurons(value)
            )
            if isinstance(value, tuple):
                value, recorded = value[0], value[2]
            if isinstance(neurons, LIF):
                spikes.append(value)
                means.append(value.mean())
                counts.append(float(value.detach().sum()))
            k += 1
            settings = settings_of(k)
            continue
        value = value if value.ndim == 3 else value.unsqueeze(0)
        chain = [settings]
        while True:  # as many layers as can be one chain
            neurons = modules[k + 2 * len(chain) - 1]
            settings = settings_of(k + 2 * len(chain), neurons.size_out)
            if (
                settings is None
                or rasters
                or not kernels.inside(neurons.size_out, settings.vmem.size)
            ):
                break
            chain.append(settings)
        layers = [modules[n : n + 2] for n in range(k, k + 2 * len(chain), 2)]
        wanted = rasters or settings is None
        entering = pack(value) if bits is None else bits
        value, of_chain = _together(layers, value, entering, chain, wanted)
        bits, k = chain[-1].spikes, k + 2 * len(chain)
        shape = value.shape[:2]
        spikes += [value.new_zeros(()).expand(*shape, n.vmem.size) for n in chain[:-1]] + [value]
        means += of_chain
        counts += [layer.count for layer in chain]
    return Run(value, spikes, means, counts, recorded)


def _fit(linear: Any, neurons: Any) -> bool:
    """Return whether two modules can run as one, whatever they are given."""
    if type(linear) not in (torch.nn.Linear, LinearTorch) or type(neurons) is not LIF:
        return False
    hooks = _hooks(linear) + [h for h in _hooks(neurons) if not getattr(h, "reads_rate", False)]
    constants = torch.nn.Module.parameters(neurons)
    return (
        not hooks
        and not neurons._has_rec
        and not neurons.exact
        and neurons.n_synapses == 1
        and neurons._number("noise_std") == 0.0
        and neurons._held("max_spikes_per_dt").numel() == 1
        and 1 <= neurons._number("max_spikes_per_dt") < 2**DIGITS
        and not (torch.is_grad_enabled() and any(p.requires_grad for p in constants))
    )


def _settings(value: Any, width: int | None, linear: Any, neurons: LIF) -> kernels.Layer | None:
    """Return what the kernels need of neurons for an input, or None where they cannot do it.

    Args:
        value: the input, or what stands for one with its samples, steps and type.
        width: channels of the input, where it is not `value` itself.
        linear: the linear layer.
        neurons: those behind it.
    """
    weight = linear.weight
    inputs = weight.shape[0] if isinstance(linear, LinearTorch) else weight.shape[1]
    fits = (
        isinstance(value, Tensor)
        and value.ndim in (2, 3)
        and value.numel() > 0
        and (value.shape[-1] if width is None else width) == inputs
        and value.dtype == weight.dtype
        and value.dtype == torch.promote_types(value.dtype, neurons.threshold.dtype)
        and value.device.type == weight.device.type == "cpu"
    )
    return neurons.as_layer(value if value.ndim == 3 else value.unsqueeze(0)) if fits else None


def _together(
    layers: Sequence[Any], x: Tensor, bits: Spikes | None, chain: list[kernels.Layer], raster: bool
) -> tuple[Tensor, Sequence[Tensor]]:
    """Run linear layers, each with the neurons behind it, as one.

    Returns:
        The last one's spikes, and the mean () of each.
    """
    weights = [
        linear.weight if isinstance(linear, LinearTorch) else linear.weight.T
        for linear, _ in layers
    ]
    offsets = [linear.bias for linear, _ in layers]
    spikes, means = kernels.chain(x, bits, weights, offsets, chain, raster=raster)
    for (_, neurons), settings in zip(layers, chain, strict=True):
        neurons.end_layer(settings, spikes.dtype)
        for hook in _hooks(neurons):
            hook(neurons, (), spikes)
    return spikes, means.unbind()


def _hooks(module: Any) -> list[Any]:
    """Return the hooks of a module's calls."""
    held = vars(module)
    return [hook for name in HOOKS if held[name] for hook in held[name].values()]


def _state(module: Any) -> dict[str, Any]:
    """Return a module's state; of ours and of linear layers without rockpool's search for it."""
    if isinstance(module, LIF):
        return {name: module._held(name) for name in STATES}
    if isinstance(module, LinearTorch) or not hasattr(module, "state"):
        return {}
    state: dict[str, Any] = module.state()
    return state
