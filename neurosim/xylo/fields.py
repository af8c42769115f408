"""The fields of a specification: integer arrays of the right shape, or a refusal that says where.

XyloSim checks none of this: short arrays are read out of bounds, floats are truncated, weights wrap
(measured with xylosim 0.1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.frozen import own, owned
from neurosim.readout import AT_END, Rule

HIDDEN_ARRAYS = ("dash_mem", "dash_syn", "dash_syn_2", "threshold", "bias")
OUTPUT_ARRAYS = ("dash_mem_out", "dash_syn_out", "threshold_out", "bias_out")
SHIFTS = ("weight_shift_in", "weight_shift_rec", "weight_shift_out")

LARGEST_NET = 4096
"""Channels or neurons of one kind: four times the largest chip; beyond it memory is the concern."""

_LARGEST = 2.0**31
"""Beyond this an integer is refused before it is read as one: a cast would wrap it."""


def integers(name: str, value: Any) -> np.ndarray:
    """Return value as a read-only int64 array of its own; refuse what is not whole and finite."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} is ragged ({error}); give a rectangular array") from error
    if max(array.shape, default=0) > LARGEST_NET:
        raise InputError(
            f"{name} has shape {array.shape}; at most {LARGEST_NET} neurons of a kind are taken "
            "(the largest chip has 1000): split the net"
        )
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} has dtype {array.dtype}; give integers")
    if array.dtype.kind == "f":
        _refuse(name, array, ~np.isfinite(array) | (array != np.floor(array)), "quantise first")
    _refuse(name, array, abs(array.astype(float)) > _LARGEST, "no register is that wide")
    return own(array.astype(np.int64, copy=False))


def _refuse(name: str, array: np.ndarray, odd: np.ndarray, remedy: str) -> None:
    """Name the first odd entry."""
    if odd.any():
        where = tuple(int(i) for i in np.argwhere(odd)[0])
        place = f"{name}{list(where)}" if where else name
        raise InputError(f"{place} is {array[where]}; give integers: {remedy}")


def is_positive(value: Any) -> bool:
    """Return whether a value is a finite number above zero."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value)) and value > 0


def normalise(values: dict[str, Any]) -> dict[str, Any]:
    """Return all fields of a XyloSpec as arrays of the right shape, defaults filled in.

    Raises:
        InputError: weight matrices that do not fit each other; or, all named at once, what does
            not fit the numbers of neurons that they give.
    """
    weights = _weights(values)
    n_hidden, n_out = weights["weights_rec"].shape[0], weights["weights_out"].shape[1]
    out = {**values, **weights}
    faults: list[str] = []

    def read(name: str, reader: Callable[..., Any], *arguments: Any) -> None:
        try:
            out[name] = reader(name, values[name], *arguments)
        except InputError as error:
            faults.append(str(error))

    for name in HIDDEN_ARRAYS:
        read(name, _per_neuron, n_hidden)
    for name in OUTPUT_ARRAYS:
        read(name, _per_neuron, n_out)
    for name in SHIFTS:
        read(name, _one)
    read("aliases", _aliases, n_hidden)
    read("layers", _layers, n_hidden)
    read("relays", _relays, n_hidden)
    read("dt", _dt)
    read("chip", _chip)
    read("front_end", _front_end)
    read("decision", _decision)
    if faults:
        raise InputError("; ".join(faults))
    return out


def _weights(values: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the three matrices, the recurrent one zero where it is left out."""
    for part in ("in", "out"):
        if values[f"weights_{part}"] is None:
            raise InputError(f"weights_{part} is missing")
    w_in = _with_synapses("weights_in", integers("weights_in", values["weights_in"]))
    w_out = integers("weights_out", values["weights_out"])
    if w_out.ndim != 2:
        raise InputError(f"weights_out has shape {w_out.shape}; it needs (OEN, Nout)")
    _, n_ien, n_syn = w_in.shape
    _check_some("weights_in", w_in.shape[:2])
    _check_some("weights_out", w_out.shape)
    w_rec = values["weights_rec"]
    if w_rec is None:
        w_rec = np.zeros((n_ien, n_ien, n_syn), dtype=np.int64)
    w_rec = _with_synapses("weights_rec", integers("weights_rec", w_rec))
    n_hidden = w_rec.shape[0]
    if w_rec.shape != (n_hidden, n_hidden, n_syn):
        raise InputError(
            f"weights_rec has shape {w_rec.shape}; it must be square with the {n_syn} synapse(s) "
            f"of weights_in: (N, N, {n_syn})"
        )
    _check_some("weights_rec", w_rec.shape[:2])
    if n_ien > n_hidden or w_out.shape[0] > n_hidden:
        raise InputError(
            f"weights_in reaches {n_ien} and weights_out leaves {w_out.shape[0]} hidden neurons, "
            f"but weights_rec has only {n_hidden}; give weights_rec for all of them"
        )
    return {"weights_in": w_in, "weights_rec": w_rec, "weights_out": w_out}


def _check_some(name: str, shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise InputError(f"{name} is empty {shape}; every layer needs at least one neuron")


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


def _one(name: str, value: Any) -> int:
    array = integers(name, value)
    if array.ndim:
        raise InputError(f"{name} has shape {array.shape}; it is one integer for the matrix")
    return int(array)


def _aliases(name: str, value: Any, n: int) -> tuple[tuple[int, ...], ...]:
    if value is None:
        return ((),) * n
    try:
        value = [list(targets) for targets in value]
    except TypeError:
        raise InputError(f"{name} is {value!r}; give a list of targets for each neuron") from None
    if len(value) != n:
        raise InputError(f"{name} has {len(value)} entries; it needs one list for {n} neurons")
    if any(np.ndim(target) for targets in value for target in targets):
        raise InputError(f"{name} holds nested lists; give a flat list of targets for each neuron")
    return tuple(tuple(int(i) for i in integers(name, list(a))) if len(a) else () for a in value)


def _layers(name: str, value: Any, n: int) -> tuple[int, ...]:
    if value is None or (np.ndim(value) == 1 and len(value) == 0):
        return ()
    sizes = integers(name, value)
    if sizes.ndim != 1 or sizes.sum() != n or sizes.min() < 1:
        raise InputError(f"{name} {value} do not add up to {n} hidden neurons")
    return tuple(sizes.tolist())


def _relays(name: str, value: Any, n: int) -> tuple[int, ...]:
    if value is None or (np.ndim(value) == 1 and len(value) == 0):
        return ()
    ids = integers(name, value)
    if ids.ndim != 1 or ids.min() < 0 or ids.max() >= n or len(set(ids.tolist())) < ids.size:
        raise InputError(f"{name} {value}: give different hidden ids in 0..{n - 1}")
    return tuple(ids.tolist())


def _dt(name: str, value: Any) -> float:
    if not is_positive(value):
        raise InputError(f"{name} is {value!r}; it must be a positive time in seconds")
    return float(value)


def _chip(name: str, value: Any) -> str | None:
    if not (value is None or isinstance(value, str)):
        raise InputError(f"{name} is {value!r:.80}; give a chip's name or None")
    return value


def _front_end(name: str, value: Any) -> Mapping[str, Any] | None:
    if not (value is None or isinstance(value, Mapping)):
        raise InputError(f"{name} is {value!r:.80}; give the front end's settings or None")
    settings: Mapping[str, Any] | None = None if value is None else owned(dict(value))
    return settings


def _decision(name: str, value: Any) -> Rule:
    if value is None or isinstance(value, Rule):
        return value or AT_END
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {value!r:.80}; give a rule of neurosim.readout or None")
    return Rule.from_dict(value)
