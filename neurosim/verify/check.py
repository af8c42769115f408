"""Run a model in several engines and compare what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.verify.compare import Verdict, compare, merge

CHUNK = 128
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

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "exact": self.exact,
            "engines": list(self.engines),
            "samples": self.samples,
            "steps": self.steps,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "provenance": [dict(p) for p in self.provenance],
        }

    def save(self, path: Any) -> Any:
        """Write the report as a self-contained HTML page."""
        from neurosim.report import verification_page

        return verification_page(self, path)


def verify(
    model: object,
    raster: np.ndarray,
    engines: Sequence[str] = ("brian2", "xylosim"),
    *,
    record: Sequence[str] = STATES,
    seed: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run a model on a raster in several engines and compare every value of every step.

    Args:
        model: a XyloSpec, or a Network for float engines.
        raster: (samples, time, channels) event counts.
        engines: names of at least two engines; all are compared with the first.
        record: variables compared; the engines must offer them.
        seed: passed to every engine.
        progress: called with the number of samples done since the last call.

    Raises:
        InputError: fewer than two engines, or the model or the raster is refused.
    """
    if isinstance(engines, str) or len(engines) < 2:
        raise InputError(f"engines is {engines!r}; name at least two to compare")
    raster = np.asarray(raster)
    runners = [registry.get(name) for name in engines]
    chunks: list[list[Verdict]] = [[] for _ in runners[1:]]
    starts = list(range(0, max(len(raster), 1), CHUNK))
    provenance: list[dict[str, Any]] = []
    steps = 0
    for start in starts:
        part = raster[start : start + CHUNK]
        recordings = [e.run(model, part, record=record, seed=seed) for e in runners]
        for k, other in enumerate(recordings[1:]):
            chunks[k].append(compare(recordings[0], other))
        provenance = [dict(r.provenance) for r in recordings]
        steps = recordings[0].steps
        if progress:
            progress(len(part))
    verdicts = tuple(merge(verdicts, starts) for verdicts in chunks)
    return Report(tuple(engines), verdicts, len(raster), steps, tuple(provenance))
