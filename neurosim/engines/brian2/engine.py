"""The Brian2 engine: declared equations in, a Recording out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.engines import check_record
from neurosim.engines.brian2 import cache, targets
from neurosim.errors import InputError, UnavailableError
from neurosim.network import Network
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec

TARGETS = ("auto", "library", "numpy", "cython")


@dataclass(frozen=True)
class Brian2Engine:
    """Runs a XyloSpec in integers and a Network in float64, as Brian2 generates the arithmetic.

    The neurons are those of `neurosim.equations.xylo` and `neurosim.equations.lif_map`. With a C++
    compiler the generated code becomes a library, built once and kept on disk; it takes any sizes,
    weights, thresholds and inputs, so that a sweep is a row of warm runs. A warm run does not
    import Brian2. Without a compiler plain Brian2 objects run a XyloSpec with numpy, to the same
    result.
    """

    name: str = "brian2"
    target: str = "auto"
    """"library", or "numpy" or "cython" for plain Brian2 objects; "auto" needs no compiler."""
    threads: int = 1
    """Samples run at once; they change nothing in the result."""

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise InputError(f"target {self.target!r} is not known; choose from {TARGETS}")
        if self.threads < 1:
            raise InputError(f"threads is {self.threads}; at least one is needed")

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
    ) -> Recording:
        """Run all samples of a raster, each from a zero state.

        Args:
            model: a XyloSpec or a Network.
            raster: event counts (samples, time, channels), 0..255; for a XyloSpec, `lag` empty
                steps follow.
            record: variables to record; spikes always are.
            seed: without effect, nothing here is random.

        Raises:
            InputError: the model, the raster or a name of `record` is not what is needed.
            UnavailableError: Brian2 or the compiler fails.
        """
        if isinstance(model, Network):
            return self._run_network(model, raster, check_record(record))
        if not isinstance(model, XyloSpec):
            kind = type(model).__name__
            raise InputError(f"engine brian2 runs a XyloSpec or a Network, not a {kind}")
        asked = _variables(check_record(record), model.synapses)
        return self._run_spec(model, check_raster(raster, model.channels), asked)

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

    def _run_spec(self, spec: XyloSpec, raster: np.ndarray, asked: tuple[str, ...]) -> Recording:
        steps = raster.shape[1] + spec.lag
        target = targets.choose(self.target)
        if target == "library":
            from neurosim.engines.brian2.xylo_run import Model

            records = Model(spec).run(raster, steps, asked, self.threads)
        else:
            from neurosim.engines.brian2 import xylo_objects

            records = xylo_objects.run(spec, raster, steps, asked, target)
        names = tuple(records)
        return _recording(list(records.values()), asked, spec, names, target)

    def _run_network(
        self, network: Network, raster: np.ndarray, record: tuple[str, ...]
    ) -> Recording:
        from neurosim.engines.brian2 import layers_run

        if targets.choose(self.target) != "library":
            raise UnavailableError(
                "a Network runs in the generated library only: install a C++ compiler and leave "
                "the target at 'auto', or use the engine 'torch'"
            )
        raster = check_raster(raster, network.shape[0])
        asked = _variables(record, max(layer.synapses for layer in network.layers))
        records = layers_run.run(network, raster, asked)
        return _recording(records, asked, network, (), "library")


def _variables(record: tuple[str, ...], synapses: int) -> tuple[str, ...]:
    """Return what to record: the current of a second synapse comes with that of the first."""
    names = [name for name in record if name != "i_syn_2"]
    return (*names, "i_syn_2") if synapses == 2 and "i_syn" in names else tuple(names)


def _recording(
    records: Sequence[dict[str, np.ndarray]],
    asked: tuple[str, ...],
    model: XyloSpec | Network,
    populations: tuple[str, ...],
    target: str,
) -> Recording:
    """Gather arrays by variable; a population without second synapse has no current in it."""
    variables: dict[str, Any] = {
        name: tuple(
            arrays[name] if name in arrays else np.zeros_like(arrays["i_syn"]) for arrays in records
        )
        for name in asked
    }
    provenance = {
        "engine": "brian2",
        "target": target,
        "brian2": cache.brian2_version(),
        "model": model.digest(),
    }
    return Recording(**variables, dt=model.dt, populations=populations, provenance=provenance)
