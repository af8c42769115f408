"""A new chip is one row of `chips.CHIPS`: nothing else has to know of it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import neurosim as ns
from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import samna, xylo_json
from neurosim.verify import fuzz
from neurosim.verify.ladder import climb
from neurosim.xylo import RuleError, chips, deploy, plan
from neurosim.xylo.chips import Chip, Kit, Samna
from tests import nets
from tests.engines import fake_samna

ROW = Chip(
    name="xylo-tiny",
    part="syns00000",
    inputs=8,
    hidden=60,
    outputs=4,
    synapses=2,
    input_neurons=20,
    output_neurons=16,
    fanout=18,
    connections=400,
    samna=Samna(
        module="xyloAudio3",
        hidden="hidden",
        neuron="HiddenNeuron",
        readout_from_all=True,
        fields={"debug": {"ram_access_enable": False}},
    ),
    kit=Kit(
        device="XyloAudio3TestBoard",
        power_nets={"io": "Io"},
        power_module="xyloAudio3",
        steps_ahead=0,
        monitor="list",
    ),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> Chip:
    monkeypatch.setitem(chips.CHIPS, ROW.name, ROW)
    return ROW


def test_nets_are_deployed_within_its_limits(rng) -> None:
    network, raster = nets.network(rng, (6, 14, 10, 3)), nets.events(rng)
    made = plan(network, "xylo-tiny", calibration=raster)
    assert made.spec.chip == "xylo-tiny"
    usage = {row.what: (row.used, row.limit) for row in made.usage}
    assert usage["hidden neurons"] == (24, 60)
    assert usage["recurrent connections"][1] == 400
    assert made.spec.on_chip("xylo-imu").chip == "xylo-imu"
    for sizes, message in (
        ((9, 14, 10, 3), "input channels.* is 9, allowed is at most 8"),
        ((6, 21, 10, 3), "see the input is 21, allowed is at most 20"),
        ((6, 14, 20, 3), "feed the output is 20, allowed is at most 16"),
        ((6, 14, 10, 5), "output neurons is 5, allowed is at most 4"),
        ((6, 8, 19, 10, 3), "fan-out of layer 0"),
        ((6, 20, 17, 12, 3), "recurrent connections is 5.., allowed is at most 400"),
    ):
        with pytest.raises(RuleError, match=message):
            deploy(
                nets.network(rng, sizes),
                "xylo-tiny",
                calibration=nets.events(rng, (2, 20, sizes[0])),
            )


def test_engines_verify_what_is_deployed_on_it(rng) -> None:
    network, raster = nets.network(rng, (6, 14, 10, 3)), nets.events(rng)
    spec = deploy(network, "xylo-tiny", calibration=raster)
    report = ns.verify(spec, raster, workers=1)
    assert report.exact
    assert report.verdicts[0].spikes > 100
    ladder = climb(network, raster, chip="xylo-tiny", calibration=raster, rungs=(4, 5))
    assert [rung.kind for rung in ladder.rungs] == ["measured", "identical"]
    assert ladder.provenance["chip"] == "xylo-tiny"


def test_random_cases_are_drawn_for_it_and_agree(monkeypatch) -> None:
    monkeypatch.setattr(chips, "CHIPS", {ROW.name: ROW})
    cases = [fuzz.draw(5, k) for k in range(40)]
    assert {case.spec.chip for case in cases} == {"xylo-tiny"}
    large = [fuzz.draw_spec(np.random.default_rng(k), large_share=1.0) for k in range(15)]
    assert max(spec.hidden for spec in large) > 30
    # Without the limits of the row these would reach further: it is kept because it is read.
    assert max(int(np.count_nonzero(s.weights_rec.any(axis=2), axis=1).max()) for s in large) <= 18
    spikes = 0
    for case in cases[:15]:
        report = ns.verify(case.spec, case.raster, workers=1)
        assert report.exact
        spikes += report.verdicts[0].spikes
    assert spikes > 500


def test_the_vendors_objects_and_board_follow_the_row(rng, monkeypatch, tmp_path) -> None:
    spec = nets.spec(rng, chip="xylo-tiny")
    values = samna.configuration(spec)
    assert values["synapse2_enable"] is False
    assert len(values["readout"]["weights"]) == spec.hidden
    assert samna.from_configuration(values, "xylo-tiny").chip == "xylo-tiny"
    path = xylo_json.save_json(spec, tmp_path / "spec.json")
    assert json.loads(path.read_text())["neurosim"]["chip"] == "xylo-tiny"
    assert xylo_json.load_json(path).digest() == spec.digest()
    monkeypatch.setitem(sys.modules, "samna", fake_samna.build("XyloAudio3TestBoard"))
    raster = nets.events(rng, (2, 25, 4), rate=1.0)
    board, simulator = (engines.get(name).run(spec, raster) for name in ("board", "xylosim"))
    assert simulator.spikes[0].any()
    for a, b in zip(board.spikes, simulator.spikes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_chip_that_is_not_there_is_refused(rng) -> None:
    with pytest.raises(InputError, match=r"'xylo-huge' is not known; .*xylo-tiny"):
        nets.spec(rng, chip="xylo-huge")
