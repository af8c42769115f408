"""The assertion for other people's test suites."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import engines
from neurosim.formats.rockpool import module_from_network
from neurosim.verify import assert_equivalent
from tests import nets


def test_integers_and_floats_pass(rng) -> None:
    raster = nets.events(rng, (3, 30, 4))
    assert assert_equivalent(nets.spec(rng), raster).exact
    network = nets.network(rng)
    assert assert_equivalent(network, nets.events(rng)).engines == ("brian2", "torch")
    report = assert_equivalent(network, nets.events(rng), engines=("brian2", "liftorch"))
    assert report.verdicts[0].kind == "rounding"  # float64 against float32
    assert report.verdicts[0].rounding < 1


def test_a_rockpool_module_is_read_as_a_network(rng) -> None:
    module = module_from_network(nets.network(rng))
    report = assert_equivalent(module, nets.events(rng), engines=("liftorch", "torch"))
    assert report.passed
    assert report.verdicts[0].spikes > 100


def test_rounding_can_be_refused(rng) -> None:
    with pytest.raises(AssertionError, match="differ by rounding"):
        assert_equivalent(
            nets.network(rng), nets.events(rng), engines=("brian2", "liftorch"), rounding=False
        )


def test_silence_proves_nothing(rng) -> None:
    with pytest.raises(AssertionError, match="on 0 spikes"):
        assert_equivalent(nets.network(rng), np.zeros((1, 5, 6), int))


def test_a_difference_is_named(rng, monkeypatch) -> None:
    honest = engines.get("xylosim")

    class Wrong:
        name = "wrong"

        def run(self, model, raster, **settings):
            return honest.run(model.with_threshold(1.5), raster, **settings)

    monkeypatch.setattr(engines, "get", lambda name: Wrong() if name == "wrong" else honest)
    with pytest.raises(AssertionError, match="xylosim and wrong differ: sample 0, step"):
        assert_equivalent(
            nets.spec(rng), nets.events(rng, (2, 20, 4)), engines=("xylosim", "wrong")
        )
