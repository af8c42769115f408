"""A study's nets are trained once, and used only for the samples that they were trained on."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim.run import Run
from neurosim.studies import trained
from neurosim.training import config, loop
from neurosim.workflows.caches import NETS_VARIABLE
from tests import nets
from tests.training.small import small_dataset


@pytest.fixture
def trainings(tmp_path, monkeypatch, rng):
    """Training stood in for by saving a net; the list holds the data of each training."""
    done = []

    def train(settings, *, folder, dataset, resume, progress):
        done.append(dataset.train_sha256)
        provenance = {"train_sha256": dataset.train_sha256}
        settings = settings.model_dump(mode="json")
        return Run(folder, nets.network(rng), settings, {}, ({"epoch": 1.0},), provenance).save()

    monkeypatch.setenv(NETS_VARIABLE, str(tmp_path / "nets"))
    monkeypatch.setattr(loop, "train", train)
    return done


def test_a_net_is_trained_once_for_its_samples(trainings, rng):
    dataset = small_dataset(rng)
    other = replace(dataset, train=dataset.train.select(np.arange(90)))
    settings = config.load("fixed", seed=0)
    for samples in (dataset, dataset, other, other):
        run = trained.kept(settings, samples, {"data": "the same name"})
        assert run.provenance["train_sha256"] == samples.train_sha256
    assert trainings == [dataset.train_sha256, other.train_sha256]


def test_a_damaged_net_is_named_and_trained_anew(trainings, rng, tmp_path):
    dataset, settings = small_dataset(rng), config.load("fixed", seed=0)
    run = trained.kept(settings, dataset, {})
    path = run.folder / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.warns(UserWarning, match=r"network\.safetensors: damaged or changed"):
        again = trained.kept(settings, dataset, {})
    assert len(trainings) == 2
    assert Run.load(again.folder).network.digest() == again.network.digest()
