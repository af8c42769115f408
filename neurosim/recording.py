"""Recording: the one result that every engine returns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError, shown
from neurosim.frozen import Frozen

if TYPE_CHECKING:
    import xarray as xr

Arrays = tuple[np.ndarray, ...]

VARIABLES = ("spikes", "v_mem", "i_syn", "i_syn_2")
"""What can be recorded. `i_syn_2`, the second synapse, comes with `i_syn` where a net has one."""

SCALING = {"_FillValue", "scale_factor", "add_offset", "missing_value"}
"""Attributes that give numbers another meaning (CF conventions); xarray writes NaN as a filler."""


def variables_of(record: Sequence[str], synapses: int = 1) -> tuple[str, ...]:
    """Return the variables that a run records: spikes always, and currents of all synapses.

    Args:
        record: requested names; `i_syn_2` requests the currents as `i_syn` does.
        synapses: of a neuron of the model.

    Raises:
        InputError: a name is unknown, or currents of more than two synapses are requested.
    """
    if isinstance(record, str):
        record = (record,)
    if not isinstance(record, Sequence):
        raise InputError(f"record is {record!r}; give names among {VARIABLES}")
    unknown = [name for name in record if name not in VARIABLES]
    if unknown:
        raise InputError(f"record: {unknown[0]!r} cannot be recorded; choose from {VARIABLES}")
    currents = "i_syn" in record or "i_syn_2" in record
    if currents and synapses > 2:
        raise InputError(f"record: a layer has {synapses} synapses; a Recording holds at most 2")
    states = ("v_mem",) if "v_mem" in record else ()
    return ("spikes", *states, *(VARIABLES[2 : 2 + synapses] if currents else ()))


@dataclass(frozen=True, eq=False)
class Recording(Frozen):
    """What a population of neurons did, step by step.

    Each variable is a tuple with one array per population (the layers of a `Network`; hidden and
    output for a `XyloSpec`) of shape (samples, time, neurons), or None where it was not recorded.
    Values are those at the end of a step: after decay, input, spike and reset. Integer engines
    give integers (spikes uint8, states int16), so that equality means equality. Arrays are copied
    and read-only.
    """

    spikes: Arrays
    v_mem: Arrays | None = None
    i_syn: Arrays | None = None
    i_syn_2: Arrays | None = None
    dt: float = 1e-3
    """Length of a time step in seconds."""
    populations: tuple[str, ...] = ()
    """A name for each population; defaults to their numbers."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Who made it: engine, versions, seed, hash of the model. JSON values only."""

    def __post_init__(self) -> None:
        """Check all fields.

        Raises:
            InputError: one is not what an engine records.
        """
        if not self.populations:
            object.__setattr__(self, "populations", tuple(map(str, range(len(self.spikes)))))
        names = self.populations
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise InputError(f"Recording.populations are {shown(names)}; each needs its own name")
        if not (isinstance(self.dt, float | int | np.number) and 0 < self.dt < np.inf):
            raise InputError(f"Recording.dt is {shown(self.dt)}; it is a positive time in seconds")
        if not isinstance(self.provenance, Mapping):
            raise InputError(f"Recording.provenance is {shown(self.provenance)}; give a mapping")
        for name in VARIABLES:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))
                self._check(name)
        super().__post_init__()

    def _check(self, name: str) -> None:
        """Check the arrays of one variable."""
        arrays = getattr(self, name)
        shapes, expected = ([np.shape(a) for a in b] for b in (arrays, self.spikes))
        if shapes != expected or any(len(s) != 3 for s in shapes) or len(shapes) < 1:
            raise InputError(
                f"Recording.{name}: shapes {shapes} do not fit spikes {expected}; every "
                "population needs an array (samples, time, neurons)"
            )
        if len(self.populations) != len(arrays):
            raise InputError(
                f"Recording.populations names {len(self.populations)}, {name} has {len(arrays)}"
            )
        for population, array in zip(self.populations, arrays, strict=True):
            if np.asarray(array).dtype.kind not in "biuf":
                raise InputError(f"Recording.{name} of {shown(population)} holds {array.dtype}")
            if name == "spikes" and not _are_counts(array):
                raise InputError(f"Recording.spikes of {shown(population)}: give counts from 0")

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.spikes[0].shape[0])

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return int(self.spikes[0].shape[1])

    def to_xarray(self) -> xr.Dataset:
        """Return a Dataset of variables like `spikes_hidden` (sample, time, hidden); time in s."""
        import xarray as xr

        time = ("time", np.arange(self.steps) * self.dt, {"units": "s"})
        variables = {
            f"{name}_{population}": (("sample", "time", population), array)
            for name in VARIABLES
            if (arrays := getattr(self, name)) is not None
            for population, array in zip(self.populations, arrays, strict=True)
        }
        attributes = {
            "dt": self.dt,
            "populations": json.dumps(self.populations),
            "provenance": json.dumps(dict(self.provenance)),
        }
        return xr.Dataset(variables, coords={"time": time}, attrs=attributes)

    def save(self, path: str | Path) -> Path:
        """Write a NetCDF file, whole or not at all.

        Its attribute `sha256` is a digest of all arrays and of the attributes dt, populations and
        provenance (`store.content`), which `load` compares.
        """
        from neurosim import hdf5

        dataset = self.to_xarray()
        dataset.attrs["sha256"] = _digest(dataset.variables, dataset.attrs)
        return hdf5.write_dataset(path, dataset, zlib=True, complevel=1)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote.

        Raises:
            InputError: the file is damaged, was changed since it was written, or is not a
                recording; arrays that lie in other files are not read.

        Warns:
            UncheckedWarning: it holds no digest, as files of earlier versions.
        """
        from neurosim import hdf5, outside, store

        contents = hdf5.read(path, "recording")
        with outside.reading(path, "recording"):
            head = contents.attributes[""]
            populations = tuple(json.loads(head["populations"]))
            for place, attributes in contents.attributes.items():
                for name in SCALING & set(attributes):
                    if name != "_FillValue" or not np.isnan(attributes[name]).all():
                        raise InputError(f"{place} has the attribute {name}: it is no recording")
            variables: dict[str, Any] = {}
            for name in VARIABLES:
                arrays = [contents.values.get(f"{name}_{p}") for p in populations]
                if any(array is not None for array in arrays):
                    variables[name] = tuple(arrays)
                for array in arrays if name in variables else ():
                    # Engines refuse what is not finite: a file that holds it is damaged.
                    if array is None or array.dtype.kind != "f" or np.isfinite(array).all():
                        continue
                    raise InputError(f"{name} holds a value that is not finite")
            if (written := head.get("sha256")) is None:
                store.note_unchecked(path)
            elif written != _digest(contents.values, head):
                raise InputError(
                    "damaged, or changed since it was written; make it anew, or take its attribute "
                    "sha256 out to believe the change"
                )
            return cls(
                **variables,
                dt=float(np.asarray(head["dt"]).item()),
                populations=populations,
                provenance=json.loads(head["provenance"]),
            )


def _are_counts(array: np.ndarray) -> bool:
    """Return whether no value is negative or without end; unsigned types need no look."""
    if array.dtype.kind in "bu" or not array.size:
        return True
    return bool(0 <= array.min() <= array.max() < np.inf)


def _digest(arrays: Mapping[Any, Any], attributes: Mapping[Any, Any]) -> str:
    """Return the digest of a recording's file: of its time and variables, and of its attributes."""
    from neurosim import store

    starts = tuple(f"{name}_" for name in VARIABLES)
    values = {n: np.asarray(a) for n, a in arrays.items() if n == "time" or n.startswith(starts)}
    # A truth value is stored as a byte.
    stored = {n: a.view(np.int8) if a.dtype == bool else a for n, a in values.items()}
    head = {name: attributes[name] for name in ("populations", "provenance")}
    return store.content(stored, head | {"dt": float(np.asarray(attributes["dt"]).item())})
