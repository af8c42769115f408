"""Runs of image nets: presets, their files, evaluation, homeostat, and what is refused."""

import numpy as np
import pytest
import torch

from neurosim import data
from neurosim.data.images import image_set
from neurosim.errors import InputError
from neurosim.run import Run
from neurosim.snn import spiking
from neurosim.training import config, loop, tasks, trained_module
from neurosim.training.evaluation import evaluate
from neurosim.workflows.deployment import deploy_run
from neurosim.workflows.float_sweep import sweep
from tests.training.small import small_dataset

FAST = {"net": "mlp", "epochs": 3, "batch_size": 32, "steps": 4, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def few():
    digits = data.digits()
    return image_set("few", digits.images[:400], digits.labels[:400], digits.classes)


@pytest.mark.parametrize("preset", ["ahsar-digits", "ahsar-digits-events", "ahsar-digits-rate"])
def test_a_preset_learns_and_comes_back_from_its_folder(preset, few, tmp_path):
    run = loop.train(preset, folder=tmp_path, dataset=few, **FAST)
    first, last = run.metrics[0], run.metrics[-1]
    assert last["loss"] < 0.95 * first["loss"]
    assert last["train_accuracy"] > 0.3  # chance is 0.1
    assert 0.01 < last["spikes_per_neuron_and_step"] < 0.6
    loaded = Run.load(tmp_path)
    assert loaded.network is None
    assert loaded.config == run.config
    assert {k: v.tobytes() for k, v in loaded.weights.items()} == {
        k: v.tobytes() for k, v in run.weights.items()
    }
    assert loaded.homeostat["scale"].shape == (3 * 9, 2)
    assert np.ptp(loaded.homeostat["scale"]) > 1e-3
    # The module that is made of the files evaluates as the run did, at the homeostat's thresholds.
    task = tasks.task_for(config.TrainConfig(**run.config), few, torch.device("cpu"))
    task.net = trained_module(loaded)
    scales = [layer.threshold_scale for layer in spiking.layers(task.net)]
    assert scales == loaded.weights["threshold_scales"].tolist() != [1.0, 1.0]
    loss, accuracy, _ = evaluate(task, "validation")
    assert accuracy == last["validation_accuracy"]
    # The global gain moves the thresholds once more after the last evaluation.
    assert loss == pytest.approx(last["validation_loss"], rel=0.02)


def test_drawn_thresholds_of_every_kind_train_image_nets(few, tmp_path):
    for per, when in (("neuron", "sample"), ("layer", "step"), ("neuron", "batch")):
        run = loop.train(
            "ahsar-digits",
            folder=tmp_path,
            dataset=few,
            threshold=(0.8, 1.2),
            threshold_per=per,
            threshold_when=when,
            **(FAST | {"epochs": 1}),
        )
        assert run.metrics[0]["spikes_per_neuron_and_step"] > 0.01


def test_a_run_is_swept_on_its_own_test_images(tmp_path):
    run = loop.train("ahsar-digits", folder=tmp_path, **(FAST | {"epochs": 1}))
    thresholds = (0.9, 1.0)
    own = sweep(run, thresholds=thresholds)
    images, labels = data.digits().part("test")
    given = sweep(trained_module(run), images, labels, thresholds)
    assert np.array_equal(own.accuracy, given.accuracy)
    assert own.rates.min() > 0.01
    other = data.digits(seed=5)
    moved = loop.train(
        "ahsar-digits", folder=tmp_path / "moved", dataset=other, **(FAST | {"epochs": 1})
    )
    with pytest.raises(InputError, match="other training samples"):
        sweep(moved)


def test_a_data_set_of_the_other_kind_is_refused(few, rng):
    with pytest.raises(InputError, match="ImageSet; task 'imu' needs a Dataset of windows"):
        loop.train("fixed", dataset=few)
    with pytest.raises(InputError, match="Dataset; task 'digits' needs an ImageSet"):
        loop.train("ahsar-digits", dataset=small_dataset(rng))


def test_a_run_of_images_cannot_be_deployed(few, tmp_path):
    run = loop.train("ahsar-digits", folder=tmp_path, dataset=few, **(FAST | {"epochs": 1}))
    with pytest.raises(InputError, match=r"holds an image net \(mlp\), not layers of LIF neurons"):
        deploy_run(run.folder)
    assert (
        loop.train(
            "ahsar-digits", folder=tmp_path, dataset=few, resume=True, **(FAST | {"epochs": 1})
        ).metrics
        == run.metrics
    )
