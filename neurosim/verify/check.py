"""Run a model in several engines and compare what they say."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.raster import check_raster
from neurosim.verify.compare import Verdict, merge
from neurosim.verify.float_error import judge

CHUNK = 64
"""Samples compared at a time: memory stays flat however many there are."""

STATES = ("spikes", "v_mem", "i_syn")


@dataclass(frozen=True)
class Report:
    """The verdict on each engine against the first."""

    engines: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    """Of the second engine against the first, the third against the first, and so on."""
    samples: int
    steps: int
    provenance: tuple[dict[str, Any], ...]
    """How each engine made its recording."""

    @property
    def exact(self) -> bool:
        """Whether all engines agree on every value."""
        return all(verdict.exact for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether all engines agree, up to what rounding explains."""
        return all(verdict.passed for verdict in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "exact": self.exact,
            "passed": self.passed,
            "engines": list(self.engines),
            "samples": self.samples,
            "steps": self.steps,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "provenance": [dict(p) for p in self.provenance],
        }

    def save(self, path: Any) -> Any:
        """Write the report as a self-contained HTML page."""
        from neurosim.verify.page import verification_page

        return verification_page({"model": self}, path)


def verify(
    model: object,
    raster: np.ndarray,
    engines: Sequence[str] = ("brian2", "xylosim"),
    *,
    record: Sequence[str] = STATES,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run a model on a raster in several engines and compare every value of every step.

    Integers must be equal. For a Network whose first engine is brian2, float64, differences that
    rounding explains make the verdict `rounding` (see `neurosim.verify.float_error`).

    Args:
        model: a XyloSpec, or a Network for float engines.
        raster: (samples, time, channels) event counts.
        engines: names of at least two engines; all are compared with the first.
        record: variables compared; the engines must offer them.
        seed: passed to every engine.
        workers: processes that share the chunks of samples; all cores when left out.
        progress: called with the number of samples done since the last call.

    Raises:
        InputError: fewer than two engines, or the model or the raster is refused.
    """
    if isinstance(engines, str) or len(engines) < 2:
        raise InputError(f"engines is {engines!r}; name at least two to compare")
    if len(set(engines)) < len(engines):
        raise InputError(f"engines is {engines!r}; an engine always agrees with itself")
    for name in engines:
        registry.get(name)
    record = registry.check_record(record)
    raster = np.asarray(raster)
    if raster.ndim != 3:
        check_raster(raster, channels=0)
    starts = list(range(0, max(len(raster), 1), CHUNK))
    parts = [raster[start : start + CHUNK] for start in starts]
    jobs = [(model, part, tuple(engines), tuple(record), seed) for part in parts]
    results = []
    for part, result in zip(parts, _run_chunks(jobs, workers), strict=True):
        results.append(result)
        if progress:
            progress(len(part))
    verdicts = [merge(column, starts) for column in zip(*(r[0] for r in results), strict=True)]
    _, provenance, steps = results[0]
    return Report(tuple(engines), tuple(verdicts), len(raster), steps, provenance)


_Result = tuple[list[Verdict], tuple[dict[str, Any], ...], int]


def _run_chunks(jobs: list[tuple], workers: int | None) -> Iterator[_Result]:
    """Yield the results in order, several at a time."""
    if len(jobs) == 1 or workers == 1:
        yield from (_run_chunk(*job) for job in jobs)
        return
    model, part, *rest = jobs[0]
    _run_chunk(model, part[:1, :2], *rest)  # what must be compiled is compiled once, here
    pool = Parallel(n_jobs=workers or -1, return_as="generator")
    yield from pool(delayed(_run_quietly)(*job) for job in jobs)


def _run_quietly(*job: Any) -> _Result:
    """Run in a worker; what there is to warn of, the first run has warned of already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _run_chunk(*job)


def _run_chunk(
    model: object,
    part: np.ndarray,
    engines: tuple[str, ...],
    record: tuple[str, ...],
    seed: int | None,
) -> _Result:
    recordings = [registry.get(e).run(model, part, record=record, seed=seed) for e in engines]
    for engine, recording in zip(engines, recordings, strict=True):
        missing = [name for name in record if getattr(recording, name) is None]
        if missing:
            raise InputError(f"engine {engine} did not record {missing[0]}; compare others")
    verdicts = [judge(model, part, recordings[0], other) for other in recordings[1:]]
    return verdicts, tuple(dict(r.provenance) for r in recordings), recordings[0].steps
