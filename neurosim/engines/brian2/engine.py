"""The Brian2 engine: declared equations in, a Recording out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from neurosim.engines.brian2 import cache, targets
from neurosim.engines.engine import Engine, Records
from neurosim.errors import InputError, UnavailableError
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec


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
        targets.checked(self.target)
        if self.threads < 1:
            raise InputError(f"threads is {self.threads}; at least one is needed")

    def stream(
        self,
        model: object,
        rasters: np.ndarray | Iterable[np.ndarray],
        *,
        record: Sequence[str] = ("spikes",),
        samples: int = 64,
    ) -> Iterator[Recording]:
        """Run a raster of any length some samples at a time.

        Args:
            model: as for `run`.
            rasters: one, for example a memory map, or an iterable of them that need not fit in
                memory together.
            record: as for `run`.
            samples: at most this many at once.

        Yields:
            A Recording of each `samples` samples in turn; memory does not grow with their number.
        """
        for raster in _pieces(rasters, samples):
            yield self.run(model, raster, record=record)

    def counts(
        self,
        model: XyloSpec | Network,
        rasters: np.ndarray | Iterable[np.ndarray],
        *,
        samples: int = 256,
    ) -> np.ndarray:
        """Return the spikes of each output neuron, for rasters whose recordings would not fit.

        Args:
            model: as for `run`.
            rasters: as for `stream`; those of an iterable may differ in length.
            samples: at most this many at once.

        Returns:
            (samples, outputs) int64: the sums over time of the last population's spikes. Memory
            beside them does not grow with the number of samples.
        """
        totals = [self._counts(model, raster) for raster in _pieces(rasters, samples)]
        if not totals:
            raise InputError("rasters hold no sample: nothing to run")
        return np.concatenate(totals)

    def _counts(self, model: XyloSpec | Network, raster: np.ndarray) -> np.ndarray:
        if isinstance(model, XyloSpec) and targets.choose(self.target) == "library":
            from neurosim.engines.brian2 import xylo_run

            spikes = xylo_run.output_spikes(model, self._events(model, raster), self.threads)
        else:
            spikes = self.run(model, raster).spikes[-1]
        return np.asarray(spikes.sum(axis=1, dtype=np.int64))

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


def _pieces(rasters: np.ndarray | Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """Cut one or several rasters into pieces of at most so many samples."""
    if samples < 1:
        raise InputError(f"samples is {samples}; a chunk holds at least one")
    one = hasattr(rasters, "shape")
    for raster in cast("Iterable[np.ndarray]", (rasters,) if one else rasters):
        for first in range(0, len(raster), samples):
            yield raster[first : first + samples]
