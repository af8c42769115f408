"""The Brian2 engine: declared equations in, a Recording out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from neurosim.engines import check_raster, check_record
from neurosim.engines.brian2 import targets
from neurosim.errors import InputError
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Brian2Engine:
    """Runs a XyloSpec in integer arithmetic as Brian2 generates it from `neurosim.equations.xylo`.

    With a C++ compiler the generated code becomes a library, built once and kept on disk; it takes
    any sizes, weights, thresholds and inputs. A warm run does not import Brian2. Without a compiler
    plain Brian2 objects run with numpy, to the same result.
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
            model: a XyloSpec.
            raster: event counts (samples, time, channels), 0..255; `lag` empty steps follow.
            record: variables to record; spikes always are.
            seed: without effect, nothing here is random.

        Raises:
            InputError: the model, the raster or a name of `record` is not what is needed.
            UnavailableError: Brian2 or the compiler fails.
        """
        spec = _spec(model)
        asked = _variables(check_record(record), spec)
        raster = check_raster(raster, spec.channels)
        return self._run(spec, raster, asked)

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

    def _run(self, spec: XyloSpec, raster: np.ndarray, asked: tuple[str, ...]) -> Recording:
        steps = raster.shape[1] + spec.lag
        target = targets.choose(self.target)
        if target == "library":
            from neurosim.engines.brian2.xylo_run import Model

            records = Model(spec).run(raster, steps, asked, self.threads)
        else:
            from neurosim.engines.brian2 import xylo_objects

            records = xylo_objects.run(spec, raster, steps, asked, target)
        return _recording(spec, records, asked, target)


TARGETS = ("auto", "library", "numpy", "cython")


def _spec(model: object) -> XyloSpec:
    if not isinstance(model, XyloSpec):
        raise InputError(f"engine brian2 runs a XyloSpec, not a {type(model).__name__}")
    return model


def _variables(record: tuple[str, ...], spec: XyloSpec) -> tuple[str, ...]:
    """Return what to record: the current of a second synapse comes with that of the first."""
    two = spec.synapses == 2 and "i_syn" in record
    return tuple(dict.fromkeys((*(n for n in record if n != "i_syn_2"), *(["i_syn_2"] * two))))


def _recording(
    spec: XyloSpec, records: dict[str, dict[str, np.ndarray]], asked: tuple[str, ...], target: str
) -> Recording:
    """Gather arrays by variable; output neurons have no second synapse: its current is zero."""
    variables: dict[str, Any] = {
        name: tuple(
            arrays[name] if name in arrays else np.zeros_like(arrays["v_mem"])
            for arrays in records.values()
        )
        for name in asked
    }
    provenance = {
        "engine": "brian2",
        "target": target,
        "brian2": version("brian2"),
        "model": spec.digest(),
    }
    return Recording(**variables, dt=spec.dt, populations=tuple(records), provenance=provenance)
