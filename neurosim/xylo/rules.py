"""Design rules: what a specification must obey before a simulator or a chip may see it.

`normalise` turns the given values into integer arrays of the right shape; each rule then looks at
one thing and yields violations. XyloSim itself checks little of this: short arrays are read out of
bounds, a threshold of zero fires without end, weights wrap (measured with xylosim 0.1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.xylo import chips

if TYPE_CHECKING:
    from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Violation:
    """One broken rule."""

    rule: str
    where: str
    value: Any
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where} is {self.value}, allowed is {self.limit}: {self.remedy}"


class RuleError(InputError):
    """A specification breaks design rules; `violations` holds all of them."""

    def __init__(self, violations: list[Violation]) -> None:
        self.violations = violations
        shown = "; ".join(map(str, violations[:5]))
        more = f"; and {len(violations) - 5} more" if len(violations) > 5 else ""
        super().__init__(f"XyloSpec breaks {len(violations)} design rule(s): {shown}{more}")


# --- shapes -----------------------------------------------------------------------------------


def integers(name: str, value: Any) -> np.ndarray:
    """Return value as a read-only int64 array of its own; refuse what is not whole and finite."""
    try:
        array = np.array(value)
    except ValueError as error:
        raise InputError(f"{name} is ragged ({error}); give a rectangular array") from error
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} has dtype {array.dtype}; give integers")
    if array.dtype.kind == "f":
        _refuse(name, array, ~np.isfinite(array) | (array != np.floor(array)), "quantise first")
    _refuse(name, array, abs(array.astype(float)) > _LARGEST, "no register is that wide")
    array = array.astype(np.int64)
    array.flags.writeable = False
    return array


REGISTER_MAX = 32767
"""Largest value of a 16-bit register."""

_LARGEST = 2.0**31
"""Beyond this an integer is refused before it is read as one: a cast would wrap it."""


def _refuse(name: str, array: np.ndarray, odd: np.ndarray, remedy: str) -> None:
    """Name the first odd entry."""
    if odd.any():
        where = tuple(int(i) for i in np.argwhere(odd)[0])
        place = f"{name}{list(where)}" if where else name
        raise InputError(f"{place} is {array[where]}; give integers: {remedy}")


def normalise(values: dict[str, Any]) -> dict[str, Any]:
    """Return all fields of a XyloSpec as arrays of the right shape, defaults filled in.

    Raises:
        InputError: a shape does not fit; the first one is named.
    """
    out = dict(values)
    for part in ("in", "out"):
        if values[f"weights_{part}"] is None:
            raise InputError(f"weights_{part} is missing")
    w_in = _with_synapses("weights_in", integers("weights_in", values["weights_in"]))
    n_in, n_ien, n_syn = w_in.shape
    w_rec = values["weights_rec"]
    if w_rec is None:
        w_rec = np.zeros((n_ien, n_ien, n_syn), dtype=np.int64)
    w_rec = _with_synapses("weights_rec", integers("weights_rec", w_rec))
    w_out = integers("weights_out", values["weights_out"])
    if w_out.ndim != 2:
        raise InputError(f"weights_out has shape {w_out.shape}; it needs (OEN, Nout)")
    n_hidden, n_out = w_rec.shape[0], w_out.shape[1]
    if w_rec.shape != (n_hidden, n_hidden, n_syn):
        raise InputError(
            f"weights_rec has shape {w_rec.shape}; it must be square with the {n_syn} synapse(s) "
            f"of weights_in: (N, N, {n_syn})"
        )
    if min(n_in, n_ien, w_out.shape[0], n_out) == 0:
        raise InputError("a weight matrix is empty; every layer needs at least one neuron")
    if n_ien > n_hidden or w_out.shape[0] > n_hidden:
        raise InputError(
            f"weights_in reaches {n_ien} and weights_out leaves {w_out.shape[0]} hidden neurons, "
            f"but weights_rec has only {n_hidden}; give weights_rec for all of them"
        )
    out |= {"weights_in": w_in, "weights_rec": w_rec, "weights_out": w_out}
    for name in ("dash_mem", "dash_syn", "dash_syn_2", "threshold", "bias"):
        out[name] = _per_neuron(name, values[name], n_hidden)
    for name in ("dash_mem_out", "dash_syn_out", "threshold_out", "bias_out"):
        out[name] = _per_neuron(name, values[name], n_out)
    for name in ("weight_shift_in", "weight_shift_rec", "weight_shift_out"):
        shift = integers(name, values[name])
        if shift.ndim:
            raise InputError(f"{name} has shape {shift.shape}; it is one integer for the matrix")
        out[name] = int(shift)
    out["aliases"] = _aliases(values["aliases"], n_hidden)
    layers = np.atleast_1d(integers("layers", values["layers"] or 0))
    out["layers"] = tuple(layers.tolist()) if layers.any() else ()
    if layers.any() and (layers.sum() != n_hidden or layers.min() < 1):
        raise InputError(f"layers {values['layers']} do not add up to {n_hidden} hidden neurons")
    if not is_positive(values["dt"]):
        raise InputError(f"dt is {values['dt']!r}; it must be a positive time in seconds")
    out["dt"] = float(values["dt"])
    if not (values["chip"] is None or isinstance(values["chip"], str)):
        raise InputError(f"chip is {values['chip']!r}; give a chip's name or None")
    return out


def is_positive(value: Any) -> bool:
    """Return whether a value is a finite number above zero."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value)) and value > 0


def _with_synapses(name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2):
        raise InputError(f"{name} has shape {array.shape}; it needs (from, to, synapses), 1 or 2")
    return array


def _per_neuron(name: str, value: Any, n: int) -> np.ndarray:
    if value is None:
        if name.startswith("threshold"):
            raise InputError(f"{name} is missing; a neuron without threshold fires without end")
        value = np.zeros(n, dtype=np.int64)
    array = integers(name, value)
    if array.shape != (n,):
        raise InputError(f"{name} has shape {array.shape}; it needs one value for {n} neurons")
    return array


def _aliases(value: Any, n: int) -> tuple[tuple[int, ...], ...]:
    if value is None:
        return ((),) * n
    try:
        value = [list(targets) for targets in value]
    except TypeError:
        raise InputError(f"aliases is {value!r}; give a list of targets for each neuron") from None
    if len(value) != n:
        raise InputError(f"aliases has {len(value)} entries; it needs one list for {n} neurons")
    if any(np.ndim(target) for targets in value for target in targets):
        raise InputError("aliases holds nested lists; give a flat list of targets for each neuron")
    return tuple(
        tuple(int(i) for i in integers("aliases", list(a))) if len(a) else () for a in value
    )


# --- rules ------------------------------------------------------------------------------------


def _outside(
    spec: XyloSpec, names: tuple[str, ...], low: int, high: int, remedy: str
) -> Iterator[Violation]:
    """Yield the first entry of each array that leaves low..high."""
    for name in names:
        array = np.asarray(getattr(spec, name))
        bad = np.argwhere((array < low) | (array > high))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            more = f" ({len(bad)} such entries)" if len(bad) > 1 else ""
            where = f"{name}{list(index) if index else ''}"
            yield Violation(name, where, f"{array[index]}{more}", f"{low}..{high}", remedy)


def weights_fit_8_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Weights are signed bytes."""
    names = ("weights_in", "weights_rec", "weights_out")
    yield from _outside(spec, names, -128, 127, "quantise with a smaller scale")


def thresholds_are_positive(spec: XyloSpec) -> Iterator[Violation]:
    """A threshold of zero or below fires without end; the register has 16 bits."""
    names = ("threshold", "threshold_out")
    yield from _outside(
        spec, names, 1, REGISTER_MAX, "scale the neuron's weights and threshold together"
    )


def biases_fit_16_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Biases are signed 16-bit words."""
    yield from _outside(spec, ("bias", "bias_out"), -32768, 32767, "quantise with a smaller scale")


def decays_fit_4_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Decay shifts are 4-bit registers."""
    names = ("dash_mem", "dash_mem_out", "dash_syn", "dash_syn_2", "dash_syn_out")
    yield from _outside(spec, names, 0, 15, "choose a time constant between dt and 32768 dt")


def weight_shifts_fit(spec: XyloSpec) -> Iterator[Violation]:
    """A weight shifted by more than 8 leaves 16 bits."""
    names = ("weight_shift_in", "weight_shift_rec", "weight_shift_out")
    yield from _outside(spec, names, 0, 8, "use a smaller shift and larger weights")


def aliases_are_single_and_in_range(spec: XyloSpec) -> Iterator[Violation]:
    """A neuron has at most one alias, another hidden neuron or itself."""
    for neuron, targets in enumerate(spec.aliases):
        where = f"aliases[{neuron}]"
        if len(targets) > 1:
            yield Violation("alias", where, targets, "one target", "keep one target per neuron")
        for target in targets:
            if not 0 <= target < spec.hidden:
                limit = f"0..{spec.hidden - 1}"
                yield Violation("alias", where, target, limit, "name a hidden neuron of this net")


def sizes_fit_the_chip(spec: XyloSpec) -> Iterator[Violation]:
    """Channels, neurons and synapses lie within the chip's numbers."""
    chip = chips.get(spec.chip or "")
    for what, value, limit in (
        ("input channels", spec.channels, chip.inputs),
        ("hidden neurons", spec.hidden, chip.hidden),
        ("output neurons", spec.outputs, chip.outputs),
        ("synapses per neuron", spec.synapses, chip.synapses),
        ("neurons that see the input", spec.weights_in.shape[1], chip.input_neurons),
        ("neurons that feed the output", spec.weights_out.shape[0], chip.output_neurons),
    ):
        if value > limit:
            remedy = f"use {value - limit} fewer, or a larger chip than {chip.name}"
            yield Violation(what, f"number of {what}", value, f"at most {limit}", remedy)


def fanout_fits_the_chip(spec: XyloSpec) -> Iterator[Violation]:
    """Recurrent connections of one neuron, and of all, lie within the chip's memory."""
    chip = chips.get(spec.chip or "")
    weights = spec.weights_rec
    fanout = np.count_nonzero(weights, axis=(1, 2))
    for neuron in np.flatnonzero(fanout > chip.fanout)[:1]:
        where = f"fan-out of hidden neuron {neuron}"
        remedy = f"prune {fanout[neuron] - chip.fanout} of its weights"
        yield Violation("fan-out", where, fanout[neuron], f"at most {chip.fanout}", remedy)
    total, limit = int(fanout.sum()), chip.recurrent_weights
    if limit is not None and total > limit:
        remedy = f"prune {total - limit} weights"
        yield Violation("memory", "number of recurrent weights", total, f"at most {limit}", remedy)


RULES: list[Callable[[XyloSpec], Iterator[Violation]]] = [
    weights_fit_8_bit,
    thresholds_are_positive,
    biases_fit_16_bit,
    decays_fit_4_bit,
    weight_shifts_fit,
    aliases_are_single_and_in_range,
]
"""Rules of all chips, checked for every specification."""

CHIP_RULES: list[Callable[[XyloSpec], Iterator[Violation]]] = [
    sizes_fit_the_chip,
    fanout_fits_the_chip,
]
"""Rules that need to know the chip."""


def enforce(spec: XyloSpec) -> None:
    """Check all rules.

    Raises:
        RuleError: with every violation found.
    """
    checked = RULES + (CHIP_RULES if spec.chip is not None else [])
    violations = [violation for rule in checked for violation in rule(spec)]
    if violations:
        raise RuleError(violations)
