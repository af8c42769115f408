"""Between rockpool's torch modules and Network, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from neurosim import outside
from neurosim.errors import InputError
from neurosim.formats import rockpool_json
from neurosim.network import Layer, Network
from neurosim.snn.lif import LIF
from neurosim.snn.rockpool_modules import (
    LIFBaseTorch,
    LIFTorch,
    LinearTorch,
    Module,
    PeriodicExponential,
    ResidualMixin,
    Sequential,
    SequentialMixin,
    SynNet,
    TimeStepDropout,
)
from neurosim.snn.synnet import Residuals

Named = tuple[str, Any]
"""Path and module; torch types the attributes of a module too widely to be of use."""


def network_from_module(module: torch.nn.Module | Module) -> Network:
    """Read a Sequential of linear and LIF modules in turn, or a SynNet; sequentials may be nested.

    LinearTorch (n_in, n_out * n_syn) and torch.nn.Linear (its transpose) feed LIFTorch, LIF or
    LIFBitshiftTorch, which may have recurrent weights and any leak mode. Time constants are those
    of the decays that the module computes with: tau = -dt / ln(decay). State, surrogate and
    `threshold_scale` are no part of a Network. Modules of numpy and jax (Linear and LIF, LinearJax
    and LIFJax) are read by their names, as rockpool numbers them.

    Raises:
        InputError: the module holds something that a Network cannot say; it is named.
    """
    if not isinstance(module, torch.nn.Module):
        with outside.reading(
            type(module).__name__, "rockpool Sequential of linear and LIF modules"
        ):
            values = _parameters(module)
            whole = values if module.modules() else {f"0_{type(module).__name__}": values}
            return rockpool_json.network_of(whole)
    modules = list(_flat("", module))
    if not modules or len(modules) % 2:
        raise InputError(
            f"{type(module).__name__} holds {len(modules)} modules; a Network needs pairs of a "
            "linear and a LIF module"
        )
    pairs = list(zip(modules[::2], modules[1::2], strict=True))
    layers = tuple(_layer(linear, neurons) for linear, neurons in pairs)
    steps = {float(neurons.dt) for _, (_, neurons) in pairs}
    if len(steps) > 1:
        raise InputError(f"LIF modules have different time steps dt {sorted(steps)}; use one")
    return Network(layers, dt=steps.pop())


def module_from_network(network: Network, dtype: torch.dtype = torch.float32) -> Sequential:
    """Return a rockpool Sequential of LinearTorch and LIF; all parameters can be trained.

    Args:
        network: the layers; arrays are copied.
        dtype: torch.float32 or torch.float64.
    """
    modules = []
    for layer in network.layers:
        n_in, n_out, synapses = layer.n_in, layer.n_out, layer.synapses
        linear = LinearTorch((n_in, n_out * synapses), has_bias=False).to(dtype)
        recurrent = layer.recurrent
        neurons = LIF(
            (n_out * synapses, n_out),
            has_rec=recurrent is not None,
            spike_generation_fn=PeriodicExponential,
            max_spikes_per_dt=float(layer.max_spikes),
            dt=network.dt,
        ).to(dtype)
        # Constructors cast to float32, so values are set afterwards.
        _set(linear.weight, layer.weight)
        _set(neurons.tau_mem, layer.tau_mem)
        _set(neurons.tau_syn, layer.tau_syn)
        _set(neurons.threshold, layer.threshold)
        _set(neurons.bias, layer.bias)
        if recurrent is not None:
            _set(neurons.w_rec, recurrent)
        modules += [linear, neurons]
    return Sequential(*modules)


def _parameters(module: Module) -> dict[str, Any]:
    """Return what a module of numpy or jax computes with: arrays and numbers by name."""
    if inner := module.modules():
        return {name: _parameters(child) for name, child in inner.items()}
    values = {**module.parameters(), **module.simulation_parameters()}
    return {n: v if np.isscalar(v) or callable(v) else np.asarray(v) for n, v in values.items()}


def _set(parameter: torch.nn.Parameter, value: np.ndarray) -> None:
    """Copy a value of the same size into a parameter."""
    source = torch.tensor(value, dtype=parameter.dtype)
    parameter.data = source.reshape(parameter.shape)


def _flat(name: str, module: torch.nn.Module) -> Iterator[Named]:
    """Yield the innermost modules of nested sequentials with their paths."""
    if isinstance(module, ResidualMixin):
        raise InputError(
            f"module {name} is a Residual, which a Network cannot say; "
            "neurosim.formats.rockpool.chain_of returns the network and its residuals apart"
        )
    if isinstance(module, SynNet):
        if module.output != "spikes":
            raise InputError(
                f"module {name or 'SynNet'} gives its readout's {module.output}; a Network gives "
                'spikes: build it with output="spikes"'
            )
        yield from _flat(f"{name}.seq" if name else "seq", module.seq)
    elif isinstance(module, TimeStepDropout):
        return  # which acts in training only
    elif isinstance(module, SequentialMixin | torch.nn.Sequential):
        for key, child in torch.nn.Module.named_children(module):
            yield from _flat(f"{name}.{key}" if name else key, child)
    else:
        yield name or type(module).__name__, module


def _layer(linear: Named, neurons: Named) -> Layer:
    """Return the layer of one linear and one LIF module."""
    name, module = neurons
    _check_linear(*linear)
    if not isinstance(module, LIFTorch) or type(module).forward not in (
        LIF.forward,
        LIFTorch.forward,
    ):
        raise InputError(
            f"module {name} is {_kind(module)} where a Network needs LIF, LIFTorch or "
            "LIFBitshiftTorch after each linear module"
        )
    if float(module.noise_std):
        raise InputError(
            f"module {name} has noise_std {float(module.noise_std):g}; a Network is "
            "deterministic: set noise_std to 0"
        )
    if not getattr(module, "synapse", True):
        raise InputError(
            f"module {name} has delta synapses, which a Network does not describe; train with "
            "synapse=True"
        )
    n, synapses = module.size_out, module.n_synapses
    per_synapse = (n,) if synapses == 1 else (n, synapses)
    recurrent = None
    if module._has_rec:
        recurrent = _array(module.w_rec).reshape((n, *per_synapse))
    max_spikes: Any = float(module.max_spikes_per_dt)  # a fraction is the Layer's to refuse
    tau_syn = _tau(name, module, "beta", "tau_syn")
    return Layer(
        weight=_weight(*linear, n, synapses),
        tau_mem=np.broadcast_to(_tau(name, module, "alpha", "tau_mem"), (n,)),
        tau_syn=np.broadcast_to(tau_syn, (n, synapses)).reshape(per_synapse),
        threshold=np.broadcast_to(_array(module.threshold), (n,)),
        bias=np.broadcast_to(_array(module.bias), (n,)),
        recurrent=recurrent,
        max_spikes=max_spikes,
    )


def _check_linear(name: str, module: torch.nn.Module) -> None:
    """Refuse what is not linear, and a bias, which acts on currents and not on membranes."""
    if not isinstance(module, LinearTorch | torch.nn.Linear):
        raise InputError(
            f"module {name} is {_kind(module)} where a Network needs LinearTorch or "
            "torch.nn.Linear before each LIF module"
        )
    if module.bias is not None:
        raise InputError(
            f"module {name} has a bias, which would enter the synaptic currents; build it with "
            "has_bias=False and give the neurons a bias instead"
        )


def _weight(name: str, module: Any, n: int, synapses: int) -> np.ndarray:
    """Return the weight of a linear module as (n_in, n) or (n_in, n, synapses)."""
    weight = _array(module.weight)
    if isinstance(module, torch.nn.Linear):
        weight = weight.T
    if weight.shape[1] != n * synapses:
        raise InputError(
            f"module {name} has {weight.shape[1]} outputs; the LIF module after it reads "
            f"{n} neurons x {synapses} synapses"
        )
    return weight.reshape(len(weight), n) if synapses == 1 else weight.reshape(-1, n, synapses)


def _tau(name: str, module: LIFTorch, decay: str, tau: str) -> np.ndarray:
    """Return time constants in seconds: the parameter itself, or those that give the decay."""
    if module.leak_mode == "taus" and not isinstance(getattr(type(module), decay, None), property):
        return _array(getattr(module, tau))
    decays = _array(getattr(module, decay))
    if not ((decays > 0) & (decays < 1)).all():
        raise InputError(
            f"{decay} of module {name} holds {decays.min():g}..{decays.max():g}; "
            "a decay lies between 0 and 1"
        )
    time_constants: np.ndarray = -module.dt / np.log(decays.astype(np.float64))
    return time_constants.astype(decays.dtype)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """Return a copy of a tensor's values."""
    return tensor.detach().cpu().numpy().copy()


def _kind(module: torch.nn.Module) -> str:
    return getattr(module, "class_name", type(module).__name__)


def chain_of(net: torch.nn.Module) -> tuple[Network, Residuals]:
    """Return a net as a Network without its residual connections, and those by themselves.

        network, residuals = chain_of(net)
        spec = ns.xylo.deploy(network, chip="xylo-audio-3", residuals=residuals)

    Args:
        net: nested Sequential and Residual of linear and LIF modules.

    Raises:
        InputError: the net holds something that a Network cannot say.
    """
    modules: list[Any] = []
    residuals: list[tuple[int, int]] = []
    for module, source in _flat_with_residuals(net):
        if source is None:
            modules.append(module)
        else:
            residuals.append((_count(modules[:source]) - 1, _count(modules) - 1))
    return network_from_module(torch.nn.Sequential(*modules)), tuple(residuals)


def _flat_with_residuals(
    module: torch.nn.Module, count: list[int] | None = None
) -> Iterator[tuple[torch.nn.Module, int | None]]:
    """Yield innermost modules, and after those of a Residual how many modules stand before it."""
    count = [0] if count is None else count
    if not isinstance(module, SequentialMixin | torch.nn.Sequential):
        count[0] += 1
        yield module, None
        return
    before = count[0]
    for child in torch.nn.Module.children(module):
        yield from _flat_with_residuals(child, count)
    if isinstance(module, ResidualMixin):
        yield module, before


def _count(modules: Sequence[torch.nn.Module]) -> int:
    return sum(isinstance(module, LIFBaseTorch) for module in modules)
