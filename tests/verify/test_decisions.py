"""Engines decide for the same class after the same step, and it is told where they do not."""

import json
from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim import engines, readout
from neurosim.readout import Rule
from neurosim.verify import decisions, ladder
from tests import nets


@pytest.fixture(scope="module")
def deployed():
    spec, raster = nets.undecided()
    return replace(spec, decision=Rule(lead=2)), raster


def test_integer_engines_decide_alike(deployed):
    spec, raster = deployed
    report = ns.verify(spec, raster, workers=1)
    steps = readout.decision_step(engines.get("xylosim").run(spec, raster).spikes[1], Rule(lead=2))
    (found,) = report.decisions
    assert (found.rule, found.samples, found.exact) == ("lead 2", 12, True)
    assert found.used == pytest.approx(steps.mean() / 80)
    assert json.loads(json.dumps(report.to_dict()))["decisions"][0]["other_step"] == 0
    assert "the same class at the same step in all 12 samples" in report.decided


def test_a_rule_on_the_window_is_shown_too(deployed):
    spec, raster = deployed
    (found,) = ns.verify(replace(spec, decision=Rule()), raster[:2], workers=1).decisions
    assert (found.rule, found.used, found.exact) == ("the window's end", 1.0, True)


def test_other_decisions_are_counted_and_placed(deployed, monkeypatch):
    spec, raster = deployed
    honest = engines.get

    class Late:
        name = "xylosim"

        def run(self, model, raster, **settings):
            return honest("xylosim").run(model.with_threshold(1.2), raster, **settings)

    monkeypatch.setattr(engines, "get", lambda name: Late() if name == "xylosim" else honest(name))
    own, other = (
        honest("xylosim").run(each, raster).spikes[1] for each in (spec, spec.with_threshold(1.2))
    )
    (classes, steps), (theirs, late) = (
        readout.decisions(spikes, Rule(lead=2)) for spikes in (own, other)
    )
    assert (late != steps).any()
    (found,) = ns.verify(spec, raster, workers=1).decisions  # in chunks of 4 and 8
    assert found.other_step == np.count_nonzero(late != steps)
    assert found.other_class == np.count_nonzero(theirs != classes)
    assert found.first == np.flatnonzero((late != steps) | (theirs != classes))[0]
    assert f"another step in {found.other_step} of 12 samples" in str(found)
    drawn = ns.verify(spec, raster, workers=1, samples=3, seed=2).decisions[0]
    chosen = np.sort(np.random.default_rng(2).choice(12, 3, replace=False))
    differ = chosen[(late != steps)[chosen] | (theirs != classes)[chosen]]
    assert drawn.first == (differ[0] if len(differ) else None)


def test_chunks_are_joined():
    def part(first, samples=2, used=0.5):
        return decisions.Agreement("lead 2", samples, 0, int(first is not None), used, first)

    whole = decisions.merge([part(None), part(1), part(0, 6, 0.25)], [0, 2, 4])
    assert (whole.first, whole.samples, whole.other_step) == (3, 10, 2)
    assert whole.used == pytest.approx(0.35)


def test_the_ladder_shows_the_decisions_of_floats_and_integers(rng):
    net = nets.network(rng, (6, 20, 20, 3))
    raster = nets.events(rng, (6, 60, 6))
    spec = replace(ns.deploy(net, calibration=raster), decision=Rule(lead=2))
    climbed = ladder.climb(net, raster, spec=spec, rungs=(4, 5))
    gap, exact = climbed.rungs
    assert "decisions at lead 2" in gap.says
    row = next(row for row in gap.numbers["by_scale"] if row["scale"] == 1.0)
    own = engines.get("brian2").run(net, raster).spikes[-1]
    assert row["decisions"]["used"] == pytest.approx(
        readout.decision_step(own, Rule(lead=2)).mean() / 60
    )
    assert "the same class at the same step in all 6 samples" in exact.says
    assert exact.numbers["decisions"][0]["rule"] == "lead 2"
