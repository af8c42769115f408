"""Network: the one description of a trained layered net that every float engine reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import outside
from neurosim.errors import InputError
from neurosim.frozen import Frozen, own

if TYPE_CHECKING:
    import torch

PARAMETERS = ("tau_mem", "tau_syn", "threshold", "bias")

THRESHOLD_SCALES = tuple(round(0.6 + 0.2 * k, 1) for k in range(10))
"""Runtime threshold scales of ASPEN's open-loop sweep (arXiv 2508.11689): 0.6 to 2.4."""


def decay(tau: np.ndarray, dt: float) -> np.ndarray:
    """Return exp(-dt/tau), what a step of dt leaves of a state, in the float type of tau.

    Args:
        tau: time constants in seconds, of any shape.
        dt: time step in seconds.
    """
    left: np.ndarray = np.exp(-dt / tau)
    return left


@dataclass(frozen=True, eq=False)
class Layer(Frozen):
    """One layer of leaky integrate-and-fire neurons with the weights that feed it.

    Step order (rockpool's LIFTorch): i_syn += input; v_mem and i_syn decay; v_mem += i_syn + bias;
    spikes = floor(v_mem / threshold), at most max_spikes; v_mem -= spikes * threshold.
    """

    weight: np.ndarray
    """(n_in, n_out) or (n_in, n_out, n_syn)."""
    tau_mem: np.ndarray
    """(n_out,) membrane time constant in seconds; a scalar is spread over the layer."""
    tau_syn: np.ndarray
    """(n_out,) or (n_out, n_syn) synaptic time constant in seconds."""
    threshold: np.ndarray
    """(n_out,) > 0."""
    bias: np.ndarray
    """(n_out,) added to v_mem each step."""
    recurrent: np.ndarray | None = None
    """(n_out, n_out) or (n_out, n_out, n_syn) from row to column, acting one step later."""
    max_spikes: int = 31
    """Most spikes of one neuron in one step."""

    def __post_init__(self) -> None:
        weight = _array("weight", self.weight)
        if weight.ndim not in (2, 3) or 0 in weight.shape:
            raise InputError(
                f"Layer.weight has shape {weight.shape}; it needs (n_in, n_out[, n_syn])"
            )
        n_out, synapses = weight.shape[1], weight.shape[2:]
        values: dict[str, Any] = {"weight": weight}
        for name in PARAMETERS:
            array = _array(name, getattr(self, name))
            shape = (n_out, *synapses) if name == "tau_syn" else (n_out,)
            try:
                whole = array.shape == shape
                values[name] = array if whole else own(np.broadcast_to(array, shape).copy())
            except ValueError:
                raise InputError(
                    f"Layer.{name} has shape {array.shape}; it needs a number or shape {shape}"
                ) from None
        for name in ("tau_mem", "tau_syn", "threshold"):
            if (values[name] <= 0).any():
                low = values[name].min()
                raise InputError(f"Layer.{name} holds {low}; it must be positive everywhere")
        if self.recurrent is not None:
            values["recurrent"] = _array("recurrent", self.recurrent)
            if values["recurrent"].shape != (n_out, n_out, *synapses):
                raise InputError(
                    f"Layer.recurrent has shape {values['recurrent'].shape}; it needs "
                    f"{(n_out, n_out, *synapses)}"
                )
        most = self.max_spikes
        if not isinstance(most, int | float | np.number) or not (most >= 1 and most % 1 == 0):
            raise InputError(f"Layer.max_spikes is {most!r}; it is a whole number >= 1")
        values["max_spikes"] = int(self.max_spikes)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def n_in(self) -> int:
        """Number of presynaptic channels."""
        return int(self.weight.shape[0])

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[1])

    @property
    def synapses(self) -> int:
        """Synapses per neuron, each with its own time constant."""
        return int(self.weight.shape[2]) if self.weight.ndim == 3 else 1

    def decays(self, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """Return what a step of dt [s] leaves of membranes (n_out,) and currents (n_out, n_syn).

        In float64, whatever the precision of the time constants.
        """
        tau_syn = self.tau_syn.astype(float).reshape(self.n_out, -1)
        return decay(self.tau_mem.astype(float), dt), decay(tau_syn, dt)


@dataclass(frozen=True, eq=False)
class Network(Frozen):
    """Layers of spiking neurons, one feeding the next, with one time step."""

    layers: tuple[Layer, ...]
    dt: float
    """Time step in seconds."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise InputError(f"Network.layers is {self.layers!r:.80}; give at least one Layer")
        number = isinstance(self.dt, int | float | np.number)
        if not (number and np.isfinite(self.dt) and self.dt > 0):
            raise InputError(f"Network.dt is {self.dt!r}; it must be a positive time in seconds")
        for k, (before, after) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if before.n_out != after.n_in:
                raise InputError(
                    f"layer {k} has {before.n_out} neurons, layer {k + 1} reads {after.n_in}"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, then the neurons of each layer."""
        return (self.channels, *(layer.n_out for layer in self.layers))

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return self.layers[0].n_in

    @property
    def synapses(self) -> int:
        """Synapses per neuron of the layer that has most."""
        return max(layer.synapses for layer in self.layers)

    @property
    def lag(self) -> int:
        """Steps by which the output lags the input: none, layers run in the same step."""
        return 0

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the layers: their numbers."""
        return tuple(map(str, range(len(self.layers))))

    def with_threshold(self, scale: float | Sequence[float] = 1.0) -> Network:
        """Return the network with scaled thresholds; weights are shared, not copied.

        Args:
            scale: one positive factor for all layers but the last, whose spikes are the readout
                (ASPEN's runtime knob), or one factor for each layer; a single layer is scaled.

        Raises:
            InputError: a factor is not positive, or their number does not fit.
        """
        try:
            scales = np.asarray(scale, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"threshold scale is {scale!r}; it must be positive") from None
        if scales.ndim > 1 or (scales.ndim == 1 and len(scales) != len(self.layers)):
            raise InputError(f"threshold scale {scale} does not fit {len(self.layers)} layers")
        if not (np.isfinite(scales) & (scales > 0)).all():
            raise InputError(f"threshold scale is {scale}; it must be positive")
        hidden = max(len(self.layers) - 1, 1)
        factors = (
            scales if scales.ndim else np.append(np.full(hidden, scales), 1.0)[: len(self.layers)]
        )
        layers = (
            replace(layer, threshold=layer.threshold * f)
            for layer, f in zip(self.layers, factors, strict=True)
        )
        return replace(self, layers=tuple(layers))

    def digest(self) -> str:
        """Return a hash of all parameters."""
        state = hashlib.sha256()
        for name, array in self.tensors().items():
            state.update(f"{name}{array.shape}{array.dtype}".encode() + array.tobytes())
        state.update(repr((self.dt, [layer.max_spikes for layer in self.layers])).encode())
        return state.hexdigest()[:16]

    def tensors(self) -> dict[str, np.ndarray]:
        """Return all arrays by name, like `0.weight`."""
        return {
            f"{k}.{name}": np.ascontiguousarray(array)
            for k, layer in enumerate(self.layers)
            for name in ("weight", *PARAMETERS, "recurrent")
            if (array := getattr(layer, name)) is not None
        }

    def save(self, path: str | Path) -> Path:
        """Write a safetensors file with a JSON header, whole or not at all."""
        from neurosim import store

        layers = [{"max_spikes": layer.max_spikes} for layer in self.layers]
        return store.save(path, "network", self.tensors(), {"dt": self.dt, "layers": layers})

    @classmethod
    def load(cls, path: str | Path, *, note: bool = True) -> Network:
        """Read what `save` wrote; `note=False` leaves the warning to the caller.

        Raises:
            InputError: the file is missing, damaged or no network.

        Warns:
            UncheckedWarning: it holds no digest, as files of earlier versions.
        """
        from neurosim import store

        tensors, header = store.load(path, "network", note=note)
        with outside.reading(path, "network"):
            layers = []
            for k, extra in enumerate(header["layers"]):
                prefix = f"{k}."
                arrays = {n[len(prefix) :]: a for n, a in tensors.items() if n.startswith(prefix)}
                layers.append(Layer(**arrays, max_spikes=extra["max_spikes"]))
            return cls(tuple(layers), dt=float(header["dt"]))

    @classmethod
    def from_nir(cls, path: str | Path, **options: Any) -> Network:
        """Read a NIR file; options are those of `neurosim.formats.nir.read`.

        Raises:
            InputError: the file holds what a Network cannot say.
        """
        network: Network = _format("nir").read(path, **options)
        return network

    def to_nir(self, path: str | Path) -> Path:
        """Write a NIR file, see `neurosim.formats.nir.write`.

        Raises:
            InputError: a layer has two synapses.
        """
        written: Path = _format("nir").write(self, path)
        return written

    @classmethod
    def from_rockpool(cls, module: torch.nn.Module) -> Network:
        """Read a rockpool Sequential of linear and LIF modules, weights and neurons in turn.

        Raises:
            InputError: the module holds something that a Network cannot say.
        """
        network: Network = _format("rockpool").network_from_module(module)
        return network

    def to_rockpool(self) -> torch.nn.Module:
        """Return a rockpool Sequential of linear and LIF modules, all of which can be trained."""
        module: torch.nn.Module = _format("rockpool").module_from_network(self)
        return module


def _format(name: str) -> ModuleType:
    """Return the module that reads and writes a format: it needs Network, so it loads when used."""
    return import_module(f"neurosim.formats.{name}")


def _array(name: str, value: Any) -> np.ndarray:
    """Return an array of its own, float32 or float64; what is neither becomes float64."""
    array = np.asarray(value)
    if array.dtype not in (np.float32, np.float64):
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(f"Layer.{name} has dtype {array.dtype}; give numbers") from None
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"Layer.{name}{list(where)} is {array[where]}; all values must be finite")
    return own(array)
