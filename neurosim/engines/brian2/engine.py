"""The Brian2 engine: declared equations in, a Recording out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurosim.engines.brian2 import cache, targets
from neurosim.engines.engine import Engine, Records
from neurosim.errors import InputError, UnavailableError
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec

TARGETS = ("auto", "library", *targets.RUNTIME, "cpp_standalone", "cuda_standalone")


@dataclass(frozen=True)
class Brian2Engine(Engine):
    """Runs a XyloSpec in integers and a Network in float64, as Brian2 generates the arithmetic.

    The neurons are those of `neurosim.equations.xylo` and `neurosim.equations.lif_map`. With a C++
    compiler the generated code becomes a library, built once and kept on disk; it takes any sizes,
    weights, thresholds and inputs, so that a sweep is a row of warm runs. A warm run does not
    import Brian2. Without a compiler plain Brian2 objects run a XyloSpec with numpy, to the same
    result.
    """

    name: str = "brian2"
    models: ClassVar[tuple[type[Any], ...]] = (XyloSpec, Network)
    target: str = "auto"
    """"library"; or plain Brian2 objects, with "numpy" or "cython" in this process, or as a program
    built for each run, "cpp_standalone" or on a GPU "cuda_standalone"; "auto" needs no compiler."""
    threads: int = 1
    """Samples run at once; they change nothing in the result."""

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise InputError(f"target {self.target!r} is not known; choose from {TARGETS}")
        if self.threads < 1:
            raise InputError(f"threads is {self.threads}; at least one is needed")

    def stream(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        samples: int = 64,
    ) -> Iterator[Recording]:
        """Run a raster of any length, for example a memory map, some samples at a time.

        Yields:
            A Recording of each `samples` samples in turn; memory does not grow with their number.
        """
        if samples < 1:
            raise InputError(f"samples is {samples}; a chunk holds at least one")
        for first in range(0, len(raster), samples):
            yield self.run(model, raster[first : first + samples], record=record)

    def _run(
        self, model: XyloSpec | Network, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        target = targets.choose(self.target)
        provenance = {"target": target, "brian2": cache.brian2_version()}
        if isinstance(model, Network):
            if target != "library":
                raise UnavailableError(
                    "a Network runs in the generated library only: install a C++ compiler and "
                    "leave the target at 'auto', or use the engine 'torch'"
                )
            from neurosim.engines.brian2 import layers_run

            return layers_run.run(model, raster, variables), provenance
        if target == "library":
            from neurosim.engines.brian2 import xylo_run

            return xylo_run.run(model, raster, variables, self.threads), provenance
        from neurosim.engines.brian2 import xylo_objects

        return xylo_objects.run(model, raster, variables, target), provenance
