"""XyloSpec: the integer description of a chip configuration."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.readout import AT_END, Rule
from neurosim.xylo import rules
from neurosim.xylo.fields import normalise

ARRAYS = (
    "weights_in",
    "weights_rec",
    "weights_out",
    "dash_mem",
    "dash_mem_out",
    "dash_syn",
    "dash_syn_2",
    "dash_syn_out",
    "threshold",
    "threshold_out",
    "bias",
    "bias_out",
)
SCALARS = ("weight_shift_in", "weight_shift_rec", "weight_shift_out", "dt", "chip")


@dataclass(frozen=True, eq=False)
class XyloSpec(Frozen):
    """An integer network for Xylo: rockpool's specification keys, checked at construction.

    Inputs are Nin channels, the first IEN of N hidden neurons see them, the last OEN hidden
    neurons feed Nout output neurons. All arrays are integers, read-only, int64 in memory.

    Raises:
        InputError: an array is missing, has the wrong shape or holds no integers.
        RuleError: design rules are broken; all of them are named at once.
    """

    weights_in: np.ndarray
    """(Nin, IEN, synapses), 8 bit; (Nin, IEN) is read as one synapse."""
    weights_out: np.ndarray
    """(OEN, Nout), 8 bit."""
    weights_rec: np.ndarray = None  # type: ignore[assignment]
    """(N, N, synapses), 8 bit, from row to column; zero when left out, and then N = IEN."""
    dash_mem: np.ndarray = None  # type: ignore[assignment]
    """(N,) membrane decay shift: v decays by v >> dash each step, 0..15."""
    dash_mem_out: np.ndarray = None  # type: ignore[assignment]
    dash_syn: np.ndarray = None  # type: ignore[assignment]
    """(N,) synaptic decay shift of the first synapse; 0 wipes a current before it acts."""
    dash_syn_2: np.ndarray = None  # type: ignore[assignment]
    dash_syn_out: np.ndarray = None  # type: ignore[assignment]
    threshold: np.ndarray = None  # type: ignore[assignment]
    """(N,) firing threshold, 1..32767."""
    threshold_out: np.ndarray = None  # type: ignore[assignment]
    bias: np.ndarray = None  # type: ignore[assignment]
    """(N,) added to the membrane each step, 16 bit."""
    bias_out: np.ndarray = None  # type: ignore[assignment]
    weight_shift_in: int = 0
    """Left shift of the input weights, 0..8."""
    weight_shift_rec: int = 0
    weight_shift_out: int = 0
    aliases: tuple[tuple[int, ...], ...] = None  # type: ignore[assignment]
    """(N) hidden ids that also receive the spikes of a neuron; at most one each."""
    dt: float = 1e-3
    """Time step in seconds."""
    chip: str | None = None
    """Name of the chip whose limits hold; None checks only what all chips share."""
    layers: tuple[int, ...] = ()
    """Sizes of the hidden layers in id order, where the spec was mapped from a layered net."""
    relays: tuple[int, ...] = ()
    """Hidden ids that only delay spikes (see `residuals`): the threshold register skips them."""
    front_end: Mapping[str, Any] | None = None
    """Settings of the sensor's front end whose events the net reads: deployed with it."""
    decision: Rule = AT_END
    """When the microcontroller beside the chip decides by the output spikes: deployed with it."""
    mapped_graph: InitVar[Any] = None
    """Ignored: rockpool's mapper puts its graph beside the arrays."""

    def __new__(cls, *_: Any, **keys: Any) -> XyloSpec:
        """Refuse a misspelt field before it is silently left at its default."""
        known = [f.name for f in fields(cls)]
        for key in keys:
            if key not in known and key != "mapped_graph":
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise InputError(f"XyloSpec has no field {key!r}; {hint}")
        return super().__new__(cls)

    def __post_init__(self, mapped_graph: Any) -> None:
        values = normalise({f.name: getattr(self, f.name) for f in fields(self)})
        for name, value in values.items():
            object.__setattr__(self, name, value)
        rules.enforce(self)

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return int(self.weights_in.shape[0])

    @property
    def hidden(self) -> int:
        """Number of hidden neurons."""
        return len(self.threshold)

    @property
    def outputs(self) -> int:
        """Number of output neurons."""
        return int(self.weights_out.shape[1])

    @property
    def synapses(self) -> int:
        """Synapses per hidden neuron: 1 or 2."""
        return int(self.weights_in.shape[2])

    @property
    def shape(self) -> dict[str, int]:
        """The numbers that a chip limits, by name."""
        return {
            "channels": self.channels,
            "hidden": self.hidden,
            "outputs": self.outputs,
            "synapses": self.synapses,
            "input_neurons": int(self.weights_in.shape[1]),
            "output_neurons": int(self.weights_out.shape[0]),
        }

    @property
    def lag(self) -> int:
        """Steps by which the output lags the layered float net: one for each hidden layer.

        Engines append that many empty steps to a raster, so that its last events reach the output.
        Zero for a spec that was not mapped from a layered net.
        """
        return len(self.layers)

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of what engines record: hidden neurons in the order of their ids, and outputs."""
        return ("hidden", "output")

    @property
    def has_bias(self) -> bool:
        """Whether any bias is set: the chip then adds biases in all neurons, with saturation."""
        return bool(np.any(self.bias) or np.any(self.bias_out))

    def specification(self) -> dict[str, Any]:
        """Return rockpool's specification in fresh arrays, for `XyloSim.from_specification`."""
        spec: dict[str, Any] = {name: getattr(self, name).copy() for name in ARRAYS}
        spec |= {name: getattr(self, name) for name in SCALARS if name != "chip"}
        return {**spec, "aliases": [list(a) for a in self.aliases]}

    def with_threshold(self, scale: float, *, readout: bool = False) -> XyloSpec:
        """Return the spec with its threshold registers rewritten: ASPEN's runtime knob.

        Args:
            scale: factor on the thresholds of the hidden neurons, rounded half up to the register.
            readout: scale the output neurons as well; ASPEN varies the hidden layers only.

        Raises:
            InputError: the scale is not positive, or a threshold leaves its register, 1..32767.
        """
        from neurosim.xylo.register import ThresholdRegister

        return ThresholdRegister(self, readout=readout).apply(scale)

    def on_chip(self, chip: str | None) -> XyloSpec:
        """Return the specification for a chip, whose limits it must keep.

        Raises:
            InputError: no chip has that name, or (RuleError) the net does not fit it.
        """
        return replace(self, chip=chip)

    def parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return its arrays, and all else as JSON values: what a file holds of it."""
        tensors = {name: getattr(self, name).astype(np.int32) for name in ARRAYS}
        names = (*SCALARS, "aliases", "layers", "relays", "front_end")
        decision = {"decision": self.decision.to_dict()} if self.decision.early else {}
        return tensors, {**{name: getattr(self, name) for name in names}, **decision}

    @classmethod
    def from_parts(cls, tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> XyloSpec:
        """Return the specification of `parts`; all design rules are checked again.

        Raises:
            InputError: a value is refused.
            KeyError, TypeError: a part is missing or odd (see `outside.reading`).
        """
        aliases = tuple(tuple(a) for a in header["aliases"])
        keys: dict[str, Any] = {**tensors, **{name: header[name] for name in SCALARS}}
        keys |= {name: tuple(header.get(name, ())) for name in ("layers", "relays")}
        keys |= {name: header.get(name) for name in ("front_end", "decision")}
        return cls(**keys, aliases=aliases)

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file with a JSON header, whole or not at all."""
        return store.save(path, "xylo-spec", *self.parts())

    @classmethod
    def load(cls, path: str | Path) -> XyloSpec:
        """Read what `save` wrote; all design rules are checked again.

        Raises:
            InputError: the file is missing, damaged or no specification.
        """
        tensors, header = store.load(path, "xylo-spec")
        with outside.reading(path, "specification"):
            return cls.from_parts(tensors, header)

    def digest(self) -> str:
        """Return a hash of everything that determines the dynamics."""
        state = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            state.update(f"{name}{array.shape}".encode() + array.astype("<i8").tobytes())
        scalars = [getattr(self, name) for name in SCALARS if name != "chip"]
        state.update(repr((scalars, self.aliases, self.layers)).encode())
        return state.hexdigest()[:16]
