"""The cycle model against its published worst case, and the shape of the power estimate."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from neurosim.energy import cycles, price
from neurosim.xylo import XyloSpec
from tests import nets


def dense_demo_net() -> XyloSpec:
    """15-48-48-48-6 with every weight set."""
    rec = np.zeros((144, 144), int)
    rec[:48, 48:96] = rec[48:96, 96:] = 1
    return XyloSpec(
        weights_in=np.ones((15, 48)),
        weights_rec=rec,
        weights_out=np.ones((48, 6)),
        threshold=[9] * 144,
        threshold_out=[9] * 6,
        chip="xylo-imu",
        dt=5e-3,
    )


def rockpools_model():
    """Rockpool's cycles_model; it needs samna for type annotations alone."""
    path = Path(importlib.util.find_spec("rockpool").origin).parent
    path = path / "devices/xylo/syns63300/power_cycles_model.py"
    spec = importlib.util.spec_from_file_location("power_cycles_model", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "samna", MagicMock())
        spec.loader.exec_module(module)
    return module.cycles_model


@pytest.mark.parametrize("aliases", [[[]] * 12, [[3]] + [[]] * 10 + [[2]], [[5]] * 12])
@pytest.mark.parametrize("bins", [(1.0, 1.0), (0.0, 0.0), (0.3, 0.05)])
def test_cycles_equal_rockpools_model(rng, aliases, bins):
    spec = nets.spec(rng, aliases=aliases)
    neurons = [SimpleNamespace(alias_target=a[0] if a else None) for a in aliases]
    config = SimpleNamespace(
        input=SimpleNamespace(weights=spec.weights_in[:, :, 0]),
        hidden=SimpleNamespace(weights=spec.weights_rec[:, :, 0], neurons=neurons),
        readout=SimpleNamespace(weights=spec.weights_out),
    )
    assert cycles.per_step(spec, *bins) == pytest.approx(
        rockpools_model()(config, *bins), rel=1e-12
    )


def test_the_clock_finishes_the_worst_step_with_a_margin():
    spec = dense_demo_net()
    assert cycles.clock_hz(spec) == pytest.approx(1.2 * cycles.per_step(spec) / 5e-3)
    assert 9e6 < cycles.clock_hz(spec) < 10e6


def test_power_lies_between_the_anchors_and_grows_with_activity():
    spec = dense_demo_net()
    at = [price.estimate(spec, price.Activity(p, p, 0.0)).total_w for p in (0.0, 0.1, 0.2)]
    assert 188e-6 < at[0] < at[1] < at[2] < 201e-6
