"""Make a failing case small: each cut after which it still fails is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.formats.case import Case
from neurosim.xylo.spec import ARRAYS, XyloSpec

ROUNDS = 20
"""Most times that `shrink` tries all its cuts."""


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return the smallest failing case that single cuts lead to.

    Samples, steps, neurons and channels are taken away, then weights, aliases and biases zeroed.

    Args:
        case: one that fails.
        fails: whether a case still does.
    """
    for _ in range(ROUNDS):
        before = case
        for cut in (_samples, _steps, _channels, _outputs, _hidden, _aliases, _zeros, _events):
            case = _while_failing(case, cut, fails)
        if case is before:
            break
    return case


Cut = Callable[[Case], Iterator[Case]]


def _while_failing(case: Case, cut: Cut, fails: Callable[[Case], bool]) -> Case:
    """Take a cut's first candidate that fails, again and again."""
    smaller: Case | None = case
    while smaller is not None:
        case = smaller
        smaller = next((candidate for candidate in cut(case) if fails(candidate)), None)
    return case


def _samples(case: Case) -> Iterator[Case]:
    if len(case.raster) > 1:
        yield from (replace(case, raster=case.raster[k : k + 1]) for k in range(len(case.raster)))


def _steps(case: Case) -> Iterator[Case]:
    steps = case.raster.shape[1]
    for keep in (steps // 2, steps - 1):
        if 0 < keep < steps:
            yield replace(case, raster=case.raster[:, :keep])
            yield replace(case, raster=case.raster[:, -keep:])


def _channels(case: Case) -> Iterator[Case]:
    if case.spec.channels > 1:
        for k in range(case.spec.channels):
            spec = replace(case.spec, weights_in=np.delete(case.spec.weights_in, k, axis=0))
            yield replace(case, spec=spec, raster=np.delete(case.raster, k, axis=2))


def _outputs(case: Case) -> Iterator[Case]:
    spec = case.spec
    if spec.outputs > 1:
        names = ("threshold_out", "bias_out", "dash_mem_out", "dash_syn_out")
        for k in range(spec.outputs):
            arrays: dict[str, Any] = {name: np.delete(getattr(spec, name), k) for name in names}
            arrays["weights_out"] = np.delete(spec.weights_out, k, axis=1)
            yield replace(case, spec=replace(spec, **arrays))


def _hidden(case: Case) -> Iterator[Case]:
    for k in range(case.spec.hidden):
        if case.spec.hidden > 1:
            yield replace(case, spec=_without(case.spec, k))


def _without(spec: XyloSpec, k: int) -> XyloSpec:
    """Return the network without hidden neuron k; the only one at an end hands on its weights."""
    into, feeding = spec.weights_in.shape[1], spec.weights_out.shape[0]
    unread = spec.hidden - feeding
    names = ("threshold", "bias", "dash_mem", "dash_syn", "dash_syn_2")
    arrays: dict[str, Any] = {name: np.delete(getattr(spec, name), k) for name in names}
    arrays["weights_rec"] = np.delete(np.delete(spec.weights_rec, k, axis=0), k, axis=1)
    if k < into and into > 1:
        arrays["weights_in"] = np.delete(spec.weights_in, k, axis=1)
    if k >= unread and feeding > 1:
        arrays["weights_out"] = np.delete(spec.weights_out, k - unread, axis=0)
    kept = [targets for n, targets in enumerate(spec.aliases) if n != k]
    arrays["aliases"] = tuple(tuple(t - (t > k) for t in targets if t != k) for targets in kept)
    return replace(spec, **arrays, layers=(), relays=())


def _aliases(case: Case) -> Iterator[Case]:
    for k, targets in enumerate(case.spec.aliases):
        if targets:
            fewer = (*case.spec.aliases[:k], (), *case.spec.aliases[k + 1 :])
            yield replace(case, spec=replace(case.spec, aliases=fewer))


def _zeros(case: Case) -> Iterator[Case]:
    """Zero whole arrays, then half of what is left of one, then single entries."""
    for name in ARRAYS:
        array = getattr(case.spec, name)
        used = np.flatnonzero(array)
        if name.startswith("threshold") or not len(used):
            continue
        for part in (used, used[::2], used[1::2], *used[:, None][:8]):
            if len(part):
                fewer = array.copy()
                fewer.reshape(-1)[part] = 0
                yield replace(case, spec=replace(case.spec, **{name: fewer}))


def _events(case: Case) -> Iterator[Case]:
    used = np.flatnonzero(case.raster)
    for part in (used[::2], used[1::2], *used[:, None][:8]):
        if len(part):
            fewer = case.raster.copy()
            fewer.reshape(-1)[part] = 0
            yield replace(case, raster=fewer)
