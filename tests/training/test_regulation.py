"""The homeostat in a run: what its settings mean, what it leaves behind, and when it warns."""

import numpy as np
import pytest
import torch

from neurosim.data.images import image_set
from neurosim.homeostat.gains import HomeostatWarning
from neurosim.run import Run
from neurosim.snn import spiking
from neurosim.training import config, loop, tasks
from neurosim.training.evaluation import evaluate
from neurosim.training.faults import ActivityWarning
from neurosim.training.thresholds import homeostat_for
from tests.training.small import SMALL, small_dataset

CPU = torch.device("cpu")


@pytest.fixture
def dataset(rng):
    return small_dataset(rng)


def attached(dataset, **changes):
    settings = config.load("ahsar-imu", **(SMALL | changes))
    task = tasks.task_for(settings, dataset, CPU)
    return homeostat_for(task, settings, batch=32)


def test_the_settings_reach_the_homeostat(dataset):
    whole = attached(dataset).control.loop
    assert min(whole.gamma, whole.D) > 0
    assert whole.centring == 1
    assert attached(dataset, relaxation=False).control.loop.gamma == 0
    assert attached(dataset, diffusion=False).control.loop.D == 0
    assert attached(dataset, global_gain=False).gain is None
    held = attached(dataset, common_mode=True, target_rate=0.07)
    assert (held.control.loop.centring, held._target) == (0, 0.07)
    assert attached(dataset, homeostat=False) is None


def test_ticks_are_batches_steps_or_layers(dataset):
    for ticks, count, write in (("batch", 1, "end"), ("step", 60, "step"), ("block", 2, "block")):
        homeostat = attached(dataset, homeostat_ticks=ticks)
        assert (homeostat.control.loop.ticks, homeostat.write) == (count, write)


def test_blocks_of_an_image_net_are_its_stages(rng, tmp_path):
    images = rng.random((60, 1, 8, 8), dtype=np.float32)
    few = image_set("few", images, np.arange(60) % 3, ("a", "b", "c"))
    for ticks, states in (("block", 3), ("step", 5)):
        run = loop.train(
            "ahsar-digits-rate",
            folder=tmp_path,
            dataset=few,
            epochs=1,
            batch_size=16,
            homeostat_ticks=ticks,
        )
        assert run.homeostat["c"].shape == (3, states)  # small-vgg: five layers in three stages
        assert run.homeostat["rate"].min() > 0.01
        scales = run.weights["threshold_scales"]
        assert scales.shape == (5,)
        assert (scales[0] == scales[1]) == (ticks == "block")


def test_the_network_of_a_run_has_the_thresholds_that_were_validated(dataset, tmp_path):
    run = loop.train("ahsar-imu", folder=tmp_path, dataset=dataset, global_gain=False, **SMALL)
    history = Run.load(tmp_path).homeostat
    assert history["scale"].shape == (3 * SMALL["epochs"], 2)
    evaluated = np.ones(2)
    for scale in history["scale"]:  # AHSAR, section 5.1: an average of momentum 0.1
        evaluated = 0.9 * evaluated + 0.1 * scale
    thresholds = [layer.threshold[0] for layer in run.network.layers]
    assert thresholds == pytest.approx([*evaluated, 1.0], rel=1e-6)
    assert np.abs(np.log(evaluated)).max() > 0.01
    task = tasks.task_for(config.TrainConfig(**run.config), dataset, CPU)
    task.net = tasks.trained_module(run)
    loss, accuracy, _ = evaluate(task, "validation")
    assert accuracy == run.metrics[-1]["validation_accuracy"] > 0.5
    assert loss == pytest.approx(run.metrics[-1]["validation_loss"], rel=1e-6)


def test_positive_feedback_is_said_when_training_starts(dataset, monkeypatch, tmp_path):
    """Layers that hand on three times their change: centring feeds what it should fight."""
    from neurosim.analysis.homeostasis import Coupling
    from neurosim.homeostat import homeostat

    monkeypatch.setattr(
        homeostat, "measured_response", lambda *_, **__: Coupling(np.ones(2), np.array([0.0, 3.0]))
    )
    with pytest.warns(HomeostatWarning, match="feeds disagreements.*common_mode=True"):
        loop.train("ahsar-imu", folder=tmp_path, dataset=dataset, **(SMALL | {"epochs": 1}))
    attached(dataset, common_mode=True)  # the cure: no warning, or pytest would show it


def test_a_layer_of_an_image_net_that_falls_silent_is_named(rng, tmp_path):
    images = rng.random((60, 1, 8, 8), dtype=np.float32)
    few = image_set("few", images, np.arange(60) % 3, ("a", "b", "c"))
    settings = {"net": "mlp", "epochs": 1, "homeostat": False, "threshold": (1e6, 1e6)}
    with pytest.warns(ActivityWarning) as caught:
        loop.train("ahsar-digits", folder=tmp_path, dataset=few, **settings)
    said = " ".join(str(warning.message) for warning in caught)
    task = tasks.task_for(config.load("ahsar-digits", **settings), few, CPU)
    assert len(task.layers) == len(spiking.layers(task.net)) == 2
    for name in task.layers:
        assert f"layer {name} has no spikes at threshold scale 1e+06" in said
