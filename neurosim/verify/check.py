"""Run a model in several engines and compare their recordings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from joblib import delayed

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.formats import nets
from neurosim.network import Network
from neurosim.processes import pool
from neurosim.raster import as_samples
from neurosim.recording import variables_of
from neurosim.verify import decisions
from neurosim.verify.compare import Divergence, Verdict, merge
from neurosim.verify.decisions import Agreement
from neurosim.verify.float_error import judge
from neurosim.verify.report import Report
from neurosim.xylo.spec import XyloSpec

ALONE = 64
"""Samples up to which one process is enough: others take longer to start."""

FIRST = 4
"""Samples compared before all others, for an early verdict."""

CHUNK = 16
"""Samples compared at a time: memory stays flat however many there are."""

STATES = ("spikes", "v_mem", "i_syn")


def default_engines(model: object) -> tuple[str, str]:
    """Return the reference and the engine that a model is compared in where none is named.

    Raises:
        InputError: no engine runs such a model.
    """
    if isinstance(model, XyloSpec):
        return ("brian2", "xylosim")
    if isinstance(model, Network):
        return ("brian2", "torch")
    from neurosim.formats.nir import Graph

    if isinstance(model, Graph):
        return ("nir", "nir-numpy")
    kind = type(model).__name__
    raise InputError(f"a XyloSpec, a Network or a NIR graph can be compared, got {kind}")


def refuse_guesses(model: object) -> None:
    """Refuse a NIR graph whose source or reset nobody states: all engines would share the guess.

    Raises:
        InputError: it is one.
    """
    if assumed := getattr(model, "assumed", ""):
        raise InputError(f"{assumed}; or compare with spikes of the source itself (--expected)")


def verify(
    model: object,
    raster: np.ndarray,
    engines: Sequence[str] | None = None,
    *,
    record: Sequence[str] = STATES,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    so_far: Callable[[Report], None] | None = None,
    samples: int | None = None,
) -> Report:
    """Run a model on a raster in several engines and compare every value of every step.

    Integers must be equal. For a Network, differences that rounding explains make the verdict
    `rounding` (see `neurosim.verify.float_error`), where states are compared.

    Args:
        model: a XyloSpec, a Network, a NIR graph, or any other form of a net, see
            `neurosim.formats.nets`: integers where there are any, else floats. A NIR file that
            needs a time step, source or reset comes as `nets.one(path, dt=..., source=...)`.
        raster: (samples, time, channels) event counts.
        engines: names of at least two engines; all are compared with the first. When left out,
            brian2 and xylosim for a XyloSpec, brian2 and torch for a Network, nir and nir-numpy
            for a NIR graph.
        record: variables compared; the engines must offer them.
        seed: passed to every engine.
        workers: processes that share the chunks of samples; all cores when left out.
        progress: called with the number of samples done since the last call.
        so_far: called as often, with the report on the samples done; the first one, on FIRST
            samples, comes before the others start.
        samples: compare only so many, drawn at random (by `seed`, or 0); all when left out. What
            their agreement says about all others is the report's `differ_at_most`.

    Raises:
        InputError: fewer than two engines, the model or the raster is refused, or a NIR graph
            whose source or reset nobody states: all engines would share the guess; or workers or
            samples is below 1.
    """
    net = nets.one(model)
    model = model if model is net.graph else net.model  # a graph that was read stays one
    refuse_guesses(model)
    if engines is None:
        engines = default_engines(model)
    if isinstance(engines, str) or len(engines) < 2:
        raise InputError(f"engines is {engines!r}; name at least two to compare")
    if len(set(engines)) < len(engines):
        raise InputError(f"engines is {engines!r}; an engine always agrees with itself")
    chosen = [registry.get(name) for name in engines]
    record = variables_of(record)
    raster = as_samples(raster)
    everything = len(raster)
    drawn = _drawn(everything, samples, seed)
    raster = raster if drawn is None else raster[drawn]
    starts = [0, *range(FIRST, len(raster), CHUNK)]
    parts = [raster[a:b] for a, b in pairwise([*starts, len(raster)])]
    run = partial(_run_chunk, model, chosen, record, seed)

    def report(results: Sequence[_Result]) -> Report:
        before = starts[: len(results)]
        columns = zip(*(result.verdicts for result in results), strict=True)
        verdicts = [merge(column, before) for column in columns]
        decided = zip(*(result.decisions for result in results), strict=True)
        agreements = [decisions.merge(column, before) for column in decided]
        if drawn is not None:
            verdicts = [_renumbered(verdict, drawn) for verdict in verdicts]
            agreements = [_of_all(agreement, drawn) for agreement in agreements]
        done = min([*starts, len(raster)][len(results)], len(raster))
        return Report(
            tuple(engines),
            tuple(verdicts),
            done,
            results[0].steps,
            results[0].provenance,
            decisions=tuple(agreements),
            drawn_from=None if drawn is None else everything,
        )

    results: list[_Result] = []
    for part, result in zip(parts, _run_chunks(run, parts, workers), strict=True):
        results.append(result)
        if progress:
            progress(len(part))
        if so_far:
            so_far(report(results))
    return report(results)


def _drawn(everything: int, samples: int | None, seed: int | None) -> np.ndarray | None:
    """Return which samples are compared, in order; None for all of them."""
    if samples is None:
        return None
    if samples < 1:
        raise InputError(f"samples is {samples}; give 1 or more, or None for all")
    if samples >= everything:
        return None
    rng = np.random.default_rng(0 if seed is None else seed)
    return np.sort(rng.choice(everything, samples, replace=False))


def _renumbered(verdict: Verdict, drawn: np.ndarray) -> Verdict:
    """Return a verdict whose places name samples by their number among all."""

    def of_all(place: Divergence | None) -> Divergence | None:
        return place and replace(place, sample=int(drawn[place.sample]))

    return replace(verdict, first=of_all(verdict.first), parted=of_all(verdict.parted))


def _of_all(agreement: Agreement, drawn: np.ndarray) -> Agreement:
    """Return an agreement that names a sample by its number among all."""
    first = agreement.first
    return agreement if first is None else replace(agreement, first=int(drawn[first]))


class _Result(NamedTuple):
    """What the engines made of a chunk of samples."""

    verdicts: list[Verdict]
    decisions: list[Agreement]
    provenance: tuple[dict[str, Any], ...]
    steps: int


def _run_chunks(
    run: Callable[[np.ndarray], _Result], parts: list[np.ndarray], workers: int | None
) -> Iterator[_Result]:
    """Yield the results of the parts in order, several at a time after the first.

    What must be compiled is compiled once, with the first part, here.
    """
    parallel = pool(workers)
    yield run(parts[0])
    if workers == 1 or sum(map(len, parts)) <= ALONE:
        yield from map(run, parts[1:])
    else:
        yield from parallel(delayed(_quietly)(run, part) for part in parts[1:])


def _quietly(run: Callable[[np.ndarray], _Result], part: np.ndarray) -> _Result:
    """Run in a worker; the first run has given all warnings already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run(part)


def _run_chunk(
    model: object,
    engines: list[registry.Engine],
    record: tuple[str, ...],
    seed: int | None,
    part: np.ndarray,
) -> _Result:
    recordings = [engine.run(model, part, record=record, seed=seed) for engine in engines]
    first, *others = recordings
    rule = decisions.rule_of(model)
    return _Result(
        [judge(model, part, first, other) for other in others],
        [] if rule is None else [decisions.agree(rule, first, other) for other in others],
        tuple(dict(r.provenance) for r in recordings),
        first.steps,
    )


# --- for other people's test suites --------------------------------------------------------------


def assert_equivalent(
    model: Any,
    raster: np.ndarray,
    engines: Sequence[str] | None = None,
    *,
    rounding: bool = True,
    spikes: int = 1,
    record: Sequence[str] = STATES,
) -> Report:
    """Assert that engines agree on every spike and state of a model, for use in pytest.

    Args:
        model: a net in any form, see `neurosim.formats.nets`.
        raster: (samples, time, channels) event counts.
        engines: names, as for `verify`.
        rounding: let floats differ where the computed error bound explains it.
        spikes: least number of spikes; fewer prove nothing and fail.
        record: variables compared.

    Returns:
        The report.

    Raises:
        AssertionError: with the first value that differs, or the number of spikes.
        InputError: the model or the raster is refused.
    """
    __tracebackhide__ = True  # pytest shows the caller's line
    report = verify(model, raster, engines, record=record, workers=1)
    for name, verdict in zip(report.engines[1:], report.verdicts, strict=True):
        pair = f"{report.engines[0]} and {name}"
        if verdict.spikes < spikes:
            raise AssertionError(
                f"{pair} agree on {verdict.spikes} spikes, at least {spikes} are needed to prove "
                "anything: use a raster that drives the net"
            )
        if not verdict.passed:
            raise AssertionError(f"{pair} differ: {verdict.first}")
        if not (rounding or verdict.exact):
            raise AssertionError(
                f"{pair} differ by rounding in {sum(verdict.differing.values())} values"
            )
    return report
