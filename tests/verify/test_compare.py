"""Comparison: what is identical, and where the first difference is."""

import dataclasses

import numpy as np
import pytest

import neurosim as ns
from neurosim import engines
from neurosim.errors import InputError
from neurosim.verify import check, compare
from neurosim.verify.compare import merge
from tests import nets

ALL = ("spikes", "v_mem", "i_syn")


@pytest.fixture
def recording(rng):
    made = engines.get("xylosim").run(nets.spec(rng), nets.events(rng, (4, 40, 4)), record=ALL)
    assert made.spikes[0].sum() > 50
    return made


def changed(recording, variable, population, index, by=1):
    arrays = [a.copy() for a in getattr(recording, variable)]
    arrays[population][index] += by
    return dataclasses.replace(recording, **{variable: tuple(arrays)})


def test_equal_recordings_are_identical(recording):
    verdict = compare(recording, recording)
    assert verdict.exact
    assert verdict.first is None
    assert verdict.compared["v_mem"] == 4 * 40 * 15
    assert verdict.spikes == sum(int(s.sum()) for s in recording.spikes)


@pytest.mark.parametrize("variable", ALL)
def test_a_single_changed_value_is_found(recording, variable):
    verdict = compare(recording, changed(recording, variable, 1, (2, 17, 1)))
    first = verdict.first
    assert verdict.kind == "diverged"
    assert (first.sample, first.step, first.population, first.neuron) == (2, 17, "output", 1)
    assert first.variable == variable
    assert first.values[1] - first.values[0] == 1
    assert verdict.differing[variable] == 1


def test_the_first_difference_is_the_earliest_cause(recording):
    other = changed(recording, "spikes", 0, (1, 5, 0))
    other = changed(other, "v_mem", 1, (1, 5, 0))
    other = changed(other, "i_syn", 0, (1, 9, 3))
    other = changed(other, "i_syn", 0, (3, 0, 3))
    first = compare(recording, other).first
    assert (first.sample, first.step, first.variable, first.population) == (1, 5, "v_mem", "output")


def test_chunks_merge_to_the_whole(recording):
    other = changed(recording, "v_mem", 0, (3, 2, 4))
    whole = compare(recording, other)

    def part(r, samples):
        return dataclasses.replace(r, **{v: tuple(a[samples] for a in getattr(r, v)) for v in ALL})

    halves = [slice(0, 2), slice(2, 4)]
    merged = merge([compare(part(recording, h), part(other, h)) for h in halves], [0, 2])
    assert merged == whole


def test_recordings_of_other_shapes_cannot_be_compared(recording, rng):
    other = engines.get("xylosim").run(nets.spec(rng), np.zeros((4, 39, 4), int))
    with pytest.raises(InputError, match="cannot be compared"):
        compare(recording, other)


def test_verify_needs_two_engines(rng):
    with pytest.raises(InputError, match="at least two"):
        ns.verify(nets.spec(rng), np.zeros((1, 5, 4), int), engines="xylosim")
    with pytest.raises(InputError, match="agrees with itself"):
        ns.verify(nets.spec(rng), np.zeros((1, 5, 4), int), engines=("xylosim", "xylosim"))
    with pytest.raises(InputError, match=r"raster has shape \(\)"):
        ns.verify(nets.spec(rng), 5)
    with pytest.raises(InputError, match="engine loihi runs a LoihiNet, got XyloSpec"):
        ns.verify(nets.spec(rng), np.zeros((1, 5, 4), int), engines=("xylosim", "loihi"))
    with pytest.raises(InputError, match="not known"):
        ns.verify(nets.spec(rng), np.zeros((1, 5, 4), int), engines=("xylosim", "loihi-2"))


def test_brian2_and_xylosim_agree_over_chunks_and_workers(rng, tmp_path):
    spec = nets.spec(rng)
    raster = nets.events(rng, (300, 20, 4))
    seen = []
    report = ns.verify(spec, raster, workers=2, progress=seen.append)
    assert report.exact
    assert sum(seen) == report.samples == 300
    assert report.verdicts[0].compared["i_syn"] == 300 * 20 * 15
    assert report.verdicts[0].spikes > 1000
    page = report.save(tmp_path / "report.html").read_text()
    assert "identical" in page
    assert "300" in page


def test_the_first_verdict_comes_before_the_others_start(rng):
    spec, raster = nets.spec(rng), nets.events(rng, (80, 20, 4))
    reports = []
    whole = ns.verify(spec, raster, workers=2, so_far=reports.append)
    assert reports[0].samples == check.FIRST
    assert reports[-1] == whole
    done = [report.samples for report in reports]
    assert done == sorted(set(done))
    assert whole == ns.verify(spec, raster, workers=1)
    # As one recording of each engine, which knows nothing of parts.
    runs = [engines.get(name).run(spec, raster, record=check.STATES) for name in whole.engines]
    assert whole.verdicts == (compare(*runs),)


def test_drawn_samples_say_how_many_of_all_may_differ(rng):
    spec, raster = nets.spec(rng), nets.events(rng, (40, 20, 4))
    report = ns.verify(spec, raster, samples=10)
    assert (report.samples, report.drawn_from) == (10, 40)
    # Exact: the share p at which 10 agreeing samples have probability 1/20; 3/N lies above it.
    exact = 1 - 0.05**0.1
    assert exact < report.differ_at_most == 0.3 < exact * 1.2
    assert "10 of 40 samples" in report.confidence
    assert "at most 30 %" in report.confidence
    assert report.to_dict()["differ_at_most"] == 0.3
    assert ns.verify(spec, raster, samples=2).differ_at_most == 1.0
    for everything in (None, 40, 100):
        whole = ns.verify(spec, raster, samples=everything)
        assert (whole.samples, whole.differ_at_most, whole.confidence) == (40, None, "")
    with pytest.raises(InputError, match="samples is 0"):
        ns.verify(spec, raster, samples=0)


def test_a_divergence_among_drawn_samples_has_its_number_among_all(rng, monkeypatch):
    spec, raster = nets.spec(rng), nets.events(rng, (40, 20, 4))
    honest = engines.get("xylosim")
    marked = raster[33].tobytes()

    class Wrong:
        name = "wrong"

        def run(self, model, events, *, record, seed):
            recording = honest.run(model, events, record=record)
            for sample, one in enumerate(events):
                if one.tobytes() == marked:
                    recording = changed(recording, "v_mem", 0, (sample, 3, 2))
            return recording

    monkeypatch.setattr(engines, "get", lambda name: honest if name == "xylosim" else Wrong())
    report = ns.verify(spec, raster, ("xylosim", "wrong"), samples=39, seed=1)
    assert report.verdicts[0].first.sample == 33
    assert report.differ_at_most is None


def test_a_divergence_is_reported(rng, monkeypatch):
    spec = nets.spec(rng)
    honest = engines.get("xylosim")

    class Wrong:
        name = "wrong"

        def run(self, model, raster, *, record, seed):
            return changed(honest.run(model, raster, record=record), "v_mem", 0, (1, 3, 2))

    monkeypatch.setattr(engines, "get", lambda name: Wrong() if name == "wrong" else honest)
    report = ns.verify(spec, nets.events(rng, (2, 20, 4)), engines=("xylosim", "wrong"))
    assert not report.exact
    assert "sample 1, step 3, hidden neuron 2: v_mem" in str(report.verdicts[0].first)
