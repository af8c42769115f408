"""A SynNet as the net of a run: it fires from the start, is trained, saved and deployed."""

import numpy as np
import pytest
import torch

from neurosim import engines
from neurosim.run import Run
from neurosim.training import config, loop
from neurosim.training.imu_task import ImuTask, forward
from neurosim.xylo import deploy
from tests.training.small import SMALL, small_dataset

SETTINGS = {key: value for key, value in SMALL.items() if key != "weight_gain"} | {"net": "synnet"}


@pytest.fixture
def dataset(rng):
    return small_dataset(rng)


def test_its_weights_let_every_layer_fire_before_training(dataset):
    settings = config.load("fixed", **(SETTINGS | {"hidden": (24, 24, 24)}))
    assert settings.weight_gain == config.WEIGHT_GAINS["synnet"]
    assert config.load("fixed", **SETTINGS, weight_gain=1.5).weight_gain == 1.5
    task = ImuTask(settings, dataset, torch.device("cpu"))
    with torch.no_grad():
        _, layers = forward(task.net, torch.tensor(dataset.train.raster.astype(np.float32)))
    assert all(0.01 < float(spikes.mean()) < 5 for spikes in layers)


def test_a_run_comes_back_and_can_be_deployed(dataset, tmp_path):
    run = loop.train("aspen", folder=tmp_path, dataset=dataset, **(SETTINGS | {"epochs": 1}))
    again = Run.load(tmp_path)
    assert again.config["net"] == "synnet"
    assert config.load(tmp_path).architecture == "synnet"
    assert again.network.digest() == run.network.digest()
    start = ImuTask(config.load(tmp_path), dataset, torch.device("cpu")).results(None)["network"]
    assert not np.array_equal(start.layers[0].weight, run.network.layers[0].weight)

    spec = deploy(run.network, calibration=dataset.train.raster)
    first, second = spec.layers
    assert spec.dash_mem.tolist() == [1] * (first + second)
    assert spec.dash_syn.tolist() == [1 + k % 2 for k in range(first)] + [
        1 + k % 4 for k in range(second)
    ]
    hidden, output = engines.get("xylosim").run(spec, dataset.test.raster[:4]).spikes
    assert hidden.any()
    assert output.any()
