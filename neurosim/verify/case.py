"""A specification with the events that it is run on, in one file: what a failure replays from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import store
from neurosim.raster import check_raster
from neurosim.xylo.spec import ARRAYS, SCALARS, XyloSpec

KIND = "verify-case"


@dataclass(frozen=True, eq=False)
class Case:
    """A specification and a raster (samples, time, channels)."""

    spec: XyloSpec
    raster: np.ndarray
    origin: str = ""
    """Where it comes from."""

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file; `neurosim verify FILE` runs it."""
        tensors = {name: getattr(self.spec, name).astype(np.int32) for name in ARRAYS}
        names = (*SCALARS, "aliases", "layers", "relays")
        header = {name: getattr(self.spec, name) for name in names} | {"origin": self.origin}
        raster = np.asarray(self.raster, dtype=np.uint8)
        return store.save(path, KIND, {**tensors, "raster": raster}, header)

    @classmethod
    def load(cls, path: str | Path) -> Case:
        """Read what `save` wrote; the specification's design rules are checked again.

        Raises:
            InputError: the file is missing, damaged or no case.
        """
        tensors, header = store.load(path, KIND)
        with store.reading(path):
            raster = tensors.pop("raster")
            keys: dict[str, Any] = {**tensors, **{name: header[name] for name in SCALARS}}
            aliases = tuple(tuple(a) for a in header["aliases"])
            keys |= {name: tuple(header.get(name, ())) for name in ("layers", "relays")}
            spec = XyloSpec(**keys, aliases=aliases)
            raster = check_raster(raster, spec.channels)
            return cls(spec, raster, str(header["origin"]))
