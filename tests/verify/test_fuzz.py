"""Random cases: what is drawn, that failures shrink, are saved and replay; many in the slow run."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats.case import Case
from neurosim.verify import fuzz as fuzzing
from neurosim.verify.fuzz import Fuzz, draw, fuzz
from neurosim.verify.shrink import shrink
from neurosim.xylo import RuleError
from tests import nets

RARE = (
    "chip xylo-audio-2",
    "chip xylo-audio-3",
    "chip xylo-imu",
    "two synapses",
    "bias",
    "recurrent weights",
    "alias to a later neuron",
    "alias to an earlier neuron",
    "dash 0",
    "dash 15",
    "weight -128",
    "spikes",
)


def test_a_batch_agrees_and_meets_everything_rare(tmp_path) -> None:
    found = fuzz(150, seed=11, folder=tmp_path)
    assert found.exact, found.failures
    assert found.cases == 150
    assert found.spikes > 20_000
    for name in RARE:
        assert found.met[name] >= 15, (name, found.met)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_thousand_cases_agree(tmp_path) -> None:
    seen: list[int] = []
    found = fuzz(1000, seed=12, folder=tmp_path, progress=lambda f: seen.append(f.cases))
    assert found.exact, found.failures
    assert found.cases == seen[-1] == 1000
    assert found.spikes > 200_000


def test_cases_depend_on_seed_and_number_alone() -> None:
    one, same, other = draw(3, 5), draw(3, 5), draw(3, 6)
    assert one.spec.digest() == same.spec.digest() != other.spec.digest()
    np.testing.assert_array_equal(one.raster, same.raster)


def test_a_disagreement_is_shrunk_saved_and_replays(tmp_path, monkeypatch) -> None:
    """Brian2 with one synaptic decay wrong: the case that is left is tiny and still disagrees."""
    honest = engines.get("brian2")

    class Wrong:
        name = "brian2"

        def run(self, model, raster, **settings):
            off = replace(model, dash_syn=np.minimum(model.dash_syn + 1, 15))
            return honest.run(off, raster, **settings)

    vendor = engines.get("xylosim")
    monkeypatch.setattr(engines, "get", lambda name: Wrong() if name == "brian2" else vendor)
    found: Fuzz = fuzzing._batch(1, 0, 3, tmp_path)
    assert found.failures
    assert "replay: neurosim verify" in found.failures[0]
    case = Case.load(next(iter(sorted(tmp_path.iterdir()))))
    assert fuzzing._disagree(case)
    assert case.spec.hidden == case.spec.channels == len(case.raster) == 1
    assert np.count_nonzero(case.raster) == 1
    monkeypatch.undo()
    assert not fuzzing._disagree(case)


def test_shrinking_keeps_what_a_failure_needs() -> None:
    """The failure: output spikes where hidden neurons alias each other."""

    def fails(case: Case) -> bool:
        aliased = any(case.spec.aliases)
        return aliased and bool(engines.get("brian2").run(case.spec, case.raster).spikes[1].any())

    case = next(c for c in (draw(4, k) for k in range(50)) if fails(c) and c.spec.hidden > 4)
    small = shrink(case, fails)
    assert fails(small)
    assert small.spec.hidden <= 2
    assert sum(len(a) for a in small.spec.aliases) == 1
    assert small.spec.outputs == 1


def test_a_case_comes_back_from_its_file(tmp_path) -> None:
    case = draw(5, 0)
    back = Case.load(case.save(tmp_path / "case.safetensors"))
    assert back.spec.digest() == case.spec.digest()
    assert back.origin == "fuzz seed 5, case 0"
    np.testing.assert_array_equal(back.raster, case.raster)


def test_a_crash_of_the_process_is_narrowed_down(tmp_path, monkeypatch) -> None:
    """Stand-in for a crash: the pool breaks whenever case 2 is in the batch."""
    from concurrent.futures.process import BrokenProcessPool

    class Pool:
        def __init__(self, *_, **__): ...

        def __enter__(self):
            return self

        def __exit__(self, *_): ...

        def submit(self, function, *arguments):
            self.arguments = arguments
            return self

        def result(self):
            seed, first, last, _ = self.arguments
            if first <= 2 < last:
                raise BrokenProcessPool
            return Fuzz(seed, last - first)

    monkeypatch.setattr(fuzzing, "ProcessPoolExecutor", Pool)
    found = fuzz(5, seed=0, folder=tmp_path)
    assert found.cases == 5
    assert len(found.failures) == 1
    assert "case 2: the process crashed" in found.failures[0]
    assert Case.load(tmp_path / "crash-0-2.safetensors").spec.digest() == draw(0, 2).spec.digest()


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (5, -1)])
def test_odd_counts_are_refused(count: int, seed: int) -> None:
    with pytest.raises(InputError, match="at least one case"):
        fuzz(count, seed)


def test_broken_rules_arrive_whole_from_another_process(rng) -> None:
    with pytest.raises(RuleError) as caught:
        nets.spec(rng, dash_mem=np.full(12, 16))
    back = pickle.loads(pickle.dumps(caught.value))
    assert str(back) == str(caught.value)
    assert back.violations == caught.value.violations
