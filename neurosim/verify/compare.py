"""Compare two recordings value by value and name the first place where they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.recording import Recording

CAUSAL_ORDER = ("i_syn", "i_syn_2", "v_mem", "spikes")
"""Within a step a wrong current makes a wrong membrane, and that a wrong spike."""


@dataclass(frozen=True)
class Divergence:
    """The first value that differs: first sample, earliest step, cause before effect."""

    sample: int
    step: int
    population: str
    neuron: int
    variable: str
    values: tuple[float, float]
    """The value of each recording, in their order."""
    alone: str = ""
    """An engine whose recording is judged by itself: `values` are then what the model makes of its
    own step before, and what it recorded."""

    def __str__(self) -> str:
        a, b = self.values
        place = f"sample {self.sample}, step {self.step}, {self.population} neuron {self.neuron}: "
        if self.alone:
            return (
                place + f"{self.variable} of {self.alone} is {b:g}, its own last step makes {a:g}"
            )
        return place + f"{self.variable} is {a:g} against {b:g}"


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison."""

    kind: str
    """`identical`; `rounding`: values differ, no farther than floats may; or `diverged`."""
    compared: dict[str, int]
    """Values compared, by variable."""
    differing: dict[str, int]
    """Values that differ, by variable."""
    spikes: int
    """Spikes in the first recording: an agreement of silent nets proves nothing."""
    first: Divergence | None = None
    """The first value that differs and that no rounding explains."""
    rounding: float | None = None
    """Largest membrane difference, in parts of what rounding may cause; None where not computed."""
    parted: Divergence | None = None
    """The first spikes that differ where rounding was judged; once the spikes of a sample have
    parted, each recording is judged by itself."""

    @property
    def passed(self) -> bool:
        """Whether every compared value is equal, or differs by no more than rounding may cause."""
        return self.kind != "diverged"

    @property
    def exact(self) -> bool:
        """Whether every compared value is equal."""
        return self.kind == "identical"

    @property
    def differing_spikes(self) -> int:
        """Number of (sample, step, neuron) with another count of spikes."""
        return self.differing.get("spikes", 0)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def compare(a: Recording, b: Recording) -> Verdict:
    """Compare all variables that both recordings hold, bit for bit.

    Raises:
        InputError: populations or shapes differ, so that values cannot be paired.
    """
    shapes = [[s.shape for s in r.spikes] for r in (a, b)]
    if shapes[0] != shapes[1]:
        raise InputError(f"recordings of shapes {shapes[0]} and {shapes[1]} cannot be compared")
    common = [v for v in CAUSAL_ORDER if getattr(a, v) is not None and getattr(b, v) is not None]
    masks = {v: [x != y for x, y in zip(getattr(a, v), getattr(b, v), strict=True)] for v in common}
    differing = {v: sum(int(np.count_nonzero(m)) for m in masks[v]) for v in common}
    compared = {v: sum(m.size for m in masks[v]) for v in common}
    first = _first(a, b, masks) if any(differing.values()) else None
    return Verdict(
        kind="diverged" if first else "identical",
        compared=compared,
        differing=differing,
        spikes=sum(int(s.sum(dtype=np.int64)) for s in a.spikes),
        first=first,
    )


def merge(verdicts: Sequence[Verdict], first_samples: Sequence[int]) -> Verdict:
    """Join the verdicts of chunks of samples, each with the number of its first sample."""

    def total(name: str) -> dict[str, int]:
        keys = getattr(verdicts[0], name)
        return {v: sum(getattr(verdict, name)[v] for verdict in verdicts) for v in keys}

    def earliest(name: str) -> Divergence | None:
        places = [
            replace(place, sample=place.sample + start)
            for verdict, start in zip(verdicts, first_samples, strict=True)
            if (place := getattr(verdict, name))
        ]
        return min(places, key=lambda d: (d.sample, d.step), default=None)

    kinds = {verdict.kind for verdict in verdicts}
    parts = [verdict.rounding for verdict in verdicts if verdict.rounding is not None]
    return Verdict(
        kind=next(kind for kind in ("diverged", "rounding", "identical") if kind in kinds),
        rounding=max(parts, default=None),
        compared=total("compared"),
        differing=total("differing"),
        spikes=sum(v.spikes for v in verdicts),
        first=earliest("first"),
        parted=earliest("parted"),
    )


def _first(a: Recording, b: Recording, masks: dict[str, list[np.ndarray]]) -> Divergence:
    """Find the first difference by (sample, step, causal order, population, neuron)."""
    places = []
    for order, (variable, arrays) in enumerate(masks.items()):
        for k, mask in enumerate(arrays):
            flat = mask.reshape(-1)
            if not flat.any():
                continue
            sample, step, neuron = (int(i) for i in np.unravel_index(flat.argmax(), mask.shape))
            places.append((sample, step, order, k, neuron, variable))
    sample, step, _, k, neuron, variable = min(places)
    values = tuple(float(getattr(r, variable)[k][sample, step, neuron]) for r in (a, b))
    return Divergence(sample, step, a.populations[k], neuron, variable, (values[0], values[1]))
