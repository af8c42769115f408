"""Where libraries keep the threshold of a spiking layer, how its spikes are seen, how it rests.

| library | threshold | spikes |
| --- | --- | --- |
| neurosim (LIF, Spiking) | `threshold_scale` is written | `mean_rate`, computed by the call |
| rockpool (LIFTorch) | `threshold` | what the call returns |
| snnTorch | `threshold`; calls are single steps | first of what the call returns, over its grade |
| SpikingJelly | `v_threshold`, counted from `v_reset`; one step or all | what the call returns |
| Norse | `v_th` in `p`, counted from `v_leak`; cells or whole series | first of what is returned |
| sinabs | `spike_threshold`, `b0` of adaptive ones | `firing_rate`, computed by the call |

Layers are recognised by the names of their classes and of those they derive from: a library need
not be installed, and is imported by nobody but the net itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch

Scale = float | torch.Tensor
Hook = TypeVar("Hook", bound=Callable[..., None])


def reads_rate(hook: Hook) -> Hook:
    """Mark a forward hook that reads the `mean_rate` of its layer and nothing it is passed.

    Fused nets, which have no input of their neurons to pass on, call such hooks with none.
    """
    vars(hook)["reads_rate"] = True
    return hook


class Adapter(NamedTuple):
    """How to handle the spiking layers of a library."""

    library: str
    classes: tuple[str, ...]
    """Names of the classes that spike; what derives from them counts too."""
    scaled: Callable[[Any, Scale], tuple[str, Any]] | None
    """The attribute that holds the threshold of a layer, and what it is with a scaled threshold.

    None where the layer has a `threshold_scale` to write to."""
    rate: Callable[[Any, Any], torch.Tensor]
    """Mean spikes per neuron and step of a call, from the layer and what it returned."""
    reset: Callable[[Any], None]
    """Put a layer to rest."""
    spiking: Callable[[Any], bool] | None = None
    """Whether a layer of these classes spikes at all; None: all do.

    Functions have names, so that what holds an adapter can be pickled."""


def adapter_of(module: torch.nn.Module) -> Adapter | None:
    """Return the adapter of a spiking layer, or None for what is none."""
    for kind in type(module).__mro__:
        library = kind.__module__.partition(".")[0]
        for adapter in ADAPTERS:
            if library == adapter.library and kind.__name__ in adapter.classes:
                return adapter if adapter.spiking is None or adapter.spiking(module) else None
    return None


def _mean(layer: Any, output: Any) -> torch.Tensor:
    spikes = output[0] if isinstance(output, tuple) else output
    return spikes.detach().mean()


def _computed(layer: Any, output: Any) -> torch.Tensor:
    return layer.mean_rate


def _kept(layer: Any, output: Any) -> torch.Tensor:
    return layer.firing_rate.detach()


def _ungraded(layer: Any, output: Any) -> torch.Tensor:
    """Return snnTorch's rate: its spikes may be weighted by a factor."""
    rate = _mean(layer, output)
    factor = getattr(layer, "graded_spikes_factor", None)
    return rate if factor is None else rate / factor.detach().mean()


def _from_rest(threshold: Any, rest: Any, scale: Scale) -> Any:
    """Return a threshold whose distance from rest is scaled, which is what rates answer to."""
    return rest + (threshold - rest) * scale


def _threshold(layer: Any, scale: Scale) -> tuple[str, Any]:
    return "threshold", layer.threshold * scale


def _spikingjelly(layer: Any, scale: Scale) -> tuple[str, Any]:
    return "v_threshold", _from_rest(layer.v_threshold, layer.v_reset or 0.0, scale)


def _norse(layer: Any, scale: Scale) -> tuple[str, Any]:
    p = layer.p
    inner = p.lif if hasattr(p, "lif") else p
    rest = getattr(inner, "v_leak", 0.0)
    inner = inner._replace(v_th=_from_rest(inner.v_th, rest, scale))
    return "p", p._replace(lif=inner) if hasattr(p, "lif") else inner


def _norse_spikes(layer: Any) -> bool:
    p = getattr(layer, "p", None)
    return all(hasattr(getattr(p, "lif", p), name) for name in ("v_th", "_replace"))


def _sinabs(layer: Any, scale: Scale) -> tuple[str, Any]:
    name = "b0" if hasattr(layer, "b0") else "spike_threshold"
    return name, getattr(layer, name) * scale


def _sinabs_spikes(layer: Any) -> bool:
    return layer.does_spike and layer.spike_threshold is not None


def _reset_snntorch(layer: Any) -> None:
    if hasattr(layer, "reset_mem"):  # parallel layers keep nothing
        layer.reset_mem()


def _reset_rockpool(layer: Any) -> None:
    layer.reset_state()


def _reset_spikingjelly(layer: Any) -> None:
    layer.reset()


def _reset_sinabs(layer: Any) -> None:
    layer.reset_states()


def _nothing(layer: Any) -> None:
    """Leave a layer that keeps no state between calls."""


ADAPTERS = (
    Adapter("neurosim", ("Spiking",), None, _computed, _nothing),
    Adapter("neurosim", ("LIF",), None, _computed, _reset_rockpool),
    Adapter(
        "rockpool",
        ("LIFBaseTorch",),
        _threshold,
        _mean,
        _reset_rockpool,
    ),
    Adapter(
        "snntorch",
        ("SpikingNeuron", "LeakyParallel", "LeakyKernel"),
        _threshold,
        _ungraded,
        _reset_snntorch,
    ),
    Adapter(
        "spikingjelly",
        ("BaseNode", "SimpleBaseNode"),
        _spikingjelly,
        _mean,
        _reset_spikingjelly,
    ),
    Adapter(
        "norse",
        ("SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell"),
        _norse,
        _mean,
        _nothing,
        _norse_spikes,
    ),
    Adapter(
        "sinabs",
        ("StatefulLayer",),
        _sinabs,
        _kept,
        _reset_sinabs,
        _sinabs_spikes,
    ),
)
"""The first that fits a class, from the most derived of its bases on, is taken."""


def reset_state(net: torch.nn.Module) -> None:
    """Put a net to rest: its spiking layers, whatever their library, and all rockpool modules."""
    for module in torch.nn.Module.modules(net):
        adapter = adapter_of(module)
        if adapter is not None:
            adapter.reset(module)
        elif _of_rockpool(module) and not any(torch.nn.Module.children(module)):
            _reset_rockpool(module)  # such as ExpSynTorch, which keeps its current


def _of_rockpool(module: Any) -> bool:
    return any(kind.__name__ == "TorchModule" for kind in type(module).__mro__)
