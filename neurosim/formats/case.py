"""A specification with the events that it is run on, in one file: what a failure replays from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import outside, store
from neurosim.frozen import Frozen
from neurosim.raster import check_raster
from neurosim.xylo.spec import XyloSpec

KIND = "verify-case"


@dataclass(frozen=True, eq=False)
class Case(Frozen):
    """A specification and a raster (samples, time, channels)."""

    spec: XyloSpec
    raster: np.ndarray
    origin: str = ""
    """Where it comes from."""

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file; `neurosim verify FILE` runs it."""
        tensors, header = self.spec.parts()
        raster = np.asarray(self.raster, dtype=np.uint8)
        return store.save(
            path, KIND, {**tensors, "raster": raster}, {**header, "origin": self.origin}
        )

    @classmethod
    def load(cls, path: str | Path) -> Case:
        """Read what `save` wrote; the specification's design rules are checked again.

        Raises:
            InputError: the file is missing, damaged or no case.
        """
        tensors, header = store.load(path, KIND)
        with outside.reading(path, "saved case"):
            raster = tensors.pop("raster")
            spec = XyloSpec.from_parts(tensors, header)
            return cls(spec, check_raster(raster, spec.channels), str(header["origin"]))
