"""Engines run a model on a raster and return a Recording; all have the same face.

`get(name).run(model, raster, record=("spikes",), seed=None)`: the model is a `Network` or a
`XyloSpec`, the raster (samples, time, channels) holds event counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

import numpy as np

from neurosim.errors import InputError
from neurosim.recording import VARIABLES, Recording

_MODULES = {
    "board": "neurosim.engines.board",
    "brian2": "neurosim.engines.brian2",
    "liftorch": "neurosim.engines.liftorch",
    "torch": "neurosim.engines.torch",
    "xylosim": "neurosim.engines.xylosim",
}


class Engine(Protocol):
    """What every engine offers."""

    name: str

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
    ) -> Recording:
        """Run all samples of a raster from a zero state and return what was asked to record.

        Args:
            model: a Network or XyloSpec, whichever the engine runs.
            raster: (samples, time, channels) event counts.
            record: some of "spikes", "v_mem", "i_syn".
            seed: of what is random, if anything is.

        Raises:
            InputError: the engine does not run such a model, or the raster does not fit it.
        """
        ...


def names() -> tuple[str, ...]:
    """Names of all engines."""
    return tuple(_MODULES)


def get(name: str) -> Engine:
    """Return the engine of that name; its simulator is imported now.

    Raises:
        InputError: no engine has that name.
        UnavailableError: its simulator is not installed.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise InputError(f"engine {name!r} is not known; choose one of {', '.join(_MODULES)}")
    engine: Engine = import_module(_MODULES[name]).ENGINE
    return engine


def check_record(record: Sequence[str]) -> tuple[str, ...]:
    """Return the asked variables, spikes always among them; refuse unknown names."""
    if isinstance(record, str):
        record = (record,)
    if not isinstance(record, Sequence):
        raise InputError(f"record is {record!r}; give names among {VARIABLES}")
    unknown = [name for name in record if name not in VARIABLES]
    if unknown:
        raise InputError(f"record: {unknown[0]!r} cannot be recorded; choose from {VARIABLES}")
    return tuple(name for name in VARIABLES if name == "spikes" or name in record)
