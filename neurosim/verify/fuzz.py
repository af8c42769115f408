"""Draw random specifications with extreme registers and compare Brian2 with XyloSim on them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats.case import Case
from neurosim.verify.check import STATES, verify
from neurosim.verify.shrink import shrink
from neurosim.xylo import chips
from neurosim.xylo.rules import DASH_MAX, REGISTER_MAX, REGISTER_MIN, WEIGHT_SHIFT_MAX
from neurosim.xylo.spec import XyloSpec

BATCH = 200
"""Cases run in one process: XyloSim leaks about 1 MB a network, and may crash."""

LARGE = 0.05
"""Share of networks drawn with up to some hundred neurons instead of up to eight."""

EXTREME = 0.2
"""Share of arrays drawn from the two ends of their range."""


@dataclass
class Fuzz:
    """The result of a run over random cases."""

    seed: int
    cases: int = 0
    values: int = 0
    """Spikes and states compared."""
    spikes: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """Cases in which something rare was there, by its name."""
    failures: list[str] = field(default_factory=list)
    """Each disagreement in a sentence, with the file that replays it."""
    seconds: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether both simulators agreed on every value of every case."""
        return not self.failures

    def add(self, other: Fuzz) -> None:
        """Add the result of a batch."""
        for name in ("cases", "values", "spikes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.met.update(other.met)
        self.failures += other.failures

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**vars(self), "met": dict(self.met), "exact": self.exact}


def fuzz(
    count: int,
    seed: int = 0,
    *,
    folder: str | Path = "runs/fuzz",
    workers: int = 1,
    progress: Callable[[Fuzz], None] | None = None,
) -> Fuzz:
    """Compare every spike and state of Brian2 and XyloSim on random cases of all chips.

    Case i depends on (seed, i) alone. Batches run in processes of their own, so that neither a
    leak nor a crash of XyloSim ends the run.

    Args:
        count: number of cases.
        seed: of the cases.
        folder: where each failing case is saved, made as small as it gets; `neurosim verify FILE`
            runs it again.
        workers: batches at a time.
        progress: called after each batch with the result so far.

    Raises:
        InputError: count or workers is no positive number, or the seed is negative.
    """
    if count < 1 or seed < 0:
        raise InputError(f"fuzz: count {count} and seed {seed}; give at least one case, seed >= 0")
    if workers < 1:
        raise InputError(f"fuzz: workers is {workers}; give 1 or more")
    total, start = Fuzz(seed), time.monotonic()
    jobs = [(seed, first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
    with ThreadPoolExecutor(workers) as pool:
        for batch in pool.map(lambda job: _apart(job[0], job[1], job[2], Path(folder)), jobs):
            total.add(batch)
            total.seconds = round(time.monotonic() - start, 1)
            if progress:
                progress(total)
    return total


def draw(seed: int, index: int) -> Case:
    """Return the case of that number."""
    rng = np.random.default_rng([seed, index])
    spec = draw_spec(rng)
    return Case(spec, draw_raster(rng, spec.channels), origin=f"fuzz seed {seed}, case {index}")


def draw_spec(rng: np.random.Generator, large_share: float = LARGE) -> XyloSpec:
    """Return a network for one of the chips with any legal registers, the extreme ones often."""
    chip = list(chips.CHIPS.values())[rng.integers(len(chips.CHIPS))]
    large = rng.random() < large_share
    limits = [chip.inputs, chip.hidden, chip.outputs]
    most = np.minimum([chip.inputs, 120, chip.outputs] if large else [6, 8, 4], limits)
    channels, hidden, outputs = rng.integers(1, most, endpoint=True).tolist()
    into, feeding = np.minimum(
        rng.integers(1, hidden + 1, 2), [chip.input_neurons, chip.output_neurons]
    ).tolist()
    synapses = int(rng.integers(1, chip.synapses, endpoint=True))
    scale = rng.choice([3, 30, 128])

    def weights(*shape: int, most: float = 1.0) -> np.ndarray:
        extreme = rng.random() < EXTREME
        dense = rng.choice([-128, 127], shape) if extreme else rng.integers(-scale, scale, shape)
        sparse: np.ndarray = dense * (rng.random(shape) < rng.choice([0.3 * most, most]))
        return sparse

    def registers(low: int, high: int, n: int) -> np.ndarray:
        if rng.random() < EXTREME:
            return rng.choice([low, high], n)
        return rng.integers(low, rng.integers(low, high, endpoint=True), n, endpoint=True)

    def bias(n: int) -> np.ndarray:
        if rng.random() < 0.5 * EXTREME:
            return rng.choice([REGISTER_MIN, REGISTER_MAX], n)
        size = rng.choice([0, 0, 5, 300, 32768])
        return rng.integers(-size, size, n) if size else np.zeros(n, int)

    def threshold(n: int) -> np.ndarray:
        if rng.random() < 0.5 * EXTREME:
            return rng.choice([1, REGISTER_MAX], n)
        return np.floor(2 ** rng.uniform(0, rng.choice([6, 12, 15]), n)).astype(int)

    targets = rng.integers(0, hidden, hidden)
    aliased = rng.random(hidden) < rng.choice([0, 0.3, 0.8])
    return XyloSpec(
        weights_in=weights(channels, into, synapses),
        weights_rec=_pruned(weights(hidden, hidden, synapses, most=0.12 if large else 1.0), chip),
        weights_out=weights(feeding, outputs),
        dash_mem=registers(0, DASH_MAX, hidden),
        dash_mem_out=registers(0, DASH_MAX, outputs),
        dash_syn=registers(0, DASH_MAX, hidden),
        dash_syn_2=registers(0, DASH_MAX, hidden),
        dash_syn_out=registers(0, DASH_MAX, outputs),
        threshold=threshold(hidden),
        threshold_out=threshold(outputs),
        bias=bias(hidden),
        bias_out=bias(outputs),
        weight_shift_in=int(rng.integers(0, WEIGHT_SHIFT_MAX + 1)),
        weight_shift_rec=int(rng.integers(0, WEIGHT_SHIFT_MAX + 1)),
        weight_shift_out=int(rng.integers(0, WEIGHT_SHIFT_MAX + 1)),
        aliases=tuple((int(t),) if a else () for t, a in zip(targets, aliased, strict=True)),
        chip=chip.name,
    )


def _pruned(weights: np.ndarray, chip: chips.Chip) -> np.ndarray:
    """Return recurrent weights (N, N, synapses) cut down to the fan-out and memory of a chip."""
    there = weights.any(axis=2)
    within = there & (np.cumsum(there, axis=1) <= chip.fanout)
    within &= np.cumsum(within).reshape(within.shape) <= chip.connections
    kept: np.ndarray = weights * within[:, :, None]
    return kept


def draw_raster(rng: np.random.Generator, channels: int) -> np.ndarray:
    """Return two samples of up to 25 steps, sparse or busy, up to 255 events in a step."""
    shape = (2, rng.integers(1, 25), channels)
    busy = rng.random(shape) < rng.choice([0.1, 0.5, 1.0])
    counts: np.ndarray = rng.integers(0, rng.choice([2, 16, 256]), shape) * busy
    return counts.astype(np.uint8)


def _apart(seed: int, first: int, last: int, folder: Path) -> Fuzz:
    """Run cases first..last - 1 in a process of their own; narrow down what crashes it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_batch, seed, first, last, folder).result()
        except BrokenProcessPool:
            pass
    if last - first == 1:
        case = draw(seed, first)
        path = case.save(folder / f"crash-{seed}-{first}.safetensors")
        return Fuzz(seed, 1, failures=[f"{case.origin}: the process crashed; see {path}"])
    middle = (first + last) // 2
    result = _apart(seed, first, middle, folder)
    result.add(_apart(seed, middle, last, folder))
    return result


def _batch(seed: int, first: int, last: int, folder: Path) -> Fuzz:
    result = Fuzz(seed)
    for index in range(first, last):
        case = draw(seed, index)
        report = verify(case.spec, case.raster, record=STATES, workers=1)
        verdict = report.verdicts[0]
        result.cases += 1
        result.values += sum(verdict.compared.values())
        result.spikes += verdict.spikes
        result.met.update(_rarities(case.spec, verdict.spikes))
        if not verdict.exact:
            small = shrink(case, _disagree)
            path = small.save(folder / f"case-{seed}-{index}.safetensors")
            result.failures.append(
                f"{case.origin}: {verdict.first}; replay: neurosim verify {path}"
            )
    return result


def _disagree(case: Case) -> bool:
    return not verify(case.spec, case.raster, record=STATES, workers=1).exact


def _rarities(spec: XyloSpec, spikes: int) -> Iterator[str]:
    """Name what is special about a case."""
    yield f"chip {spec.chip}"
    targets = [(k, t) for k, aliases in enumerate(spec.aliases) for t in aliases]
    for name, there in (
        ("two synapses", spec.synapses == 2),
        ("bias", spec.has_bias),
        ("recurrent weights", bool(spec.weights_rec.any())),
        ("alias to a later neuron", any(t > k for k, t in targets)),
        ("alias to an earlier neuron", any(t < k for k, t in targets)),
        ("alias to itself", any(t == k for k, t in targets)),
        ("dash 0", bool((spec.dash_mem == 0).any() or (spec.dash_syn == 0).any())),
        ("dash 15", bool((spec.dash_mem == DASH_MAX).any() or (spec.dash_syn == DASH_MAX).any())),
        ("weight -128", bool((spec.weights_in == -128).any() or (spec.weights_rec == -128).any())),
        ("spikes", spikes > 0),
    ):
        if there:
            yield name
