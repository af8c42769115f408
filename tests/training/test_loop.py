"""The training loop, its settings and its runs, on a small problem that a small net can learn."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from neurosim import provenance, readout
from neurosim.data import FrontEnd
from neurosim.data.dataset import Dataset
from neurosim.errors import InputError
from neurosim.readout import Rule
from neurosim.run import Run
from neurosim.snn.lif import LIF
from neurosim.training import config, loop, losses, trained_module
from neurosim.training.evaluation import evaluate
from neurosim.training.faults import ActivityWarning, NonFiniteLossError, Watch
from neurosim.training.imu_task import Events, ImuTask, build, forward
from neurosim.training.thresholds import ThresholdSampler, hidden, scaled
from tests.training.small import CHANNELS, CLASSES, SMALL, small_dataset

METRICS = {
    "epoch",
    "loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "validation_balanced_accuracy",
    "spikes_per_neuron_and_step",
}


@pytest.fixture
def dataset(rng):
    return small_dataset(rng)


@pytest.fixture
def train(dataset, tmp_path):
    def run(source="aspen", name="run", **changes):
        return loop.train(source, folder=tmp_path / name, dataset=dataset, **(SMALL | changes))

    return run


def weights(run):
    return [layer.weight for layer in run.network.layers]


def test_the_same_seed_gives_the_same_weights_to_the_last_bit(train):
    first, again, other = train(name="first"), train(name="again"), train(name="other", seed=1)
    assert first.metrics == again.metrics
    for a, b, c in zip(weights(first), weights(again), weights(other), strict=True):
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)


@pytest.mark.parametrize("preset", ["fixed", "aspen"])
def test_early_evidence_pays_where_it_is_trained_for(train, dataset, preset):
    """A net trained on running counts decides sooner than one trained on those of the window."""
    steps, right = {}, {}
    for loss in ("counts", "early"):
        run = train(preset, name=loss, loss=loss, epochs=16)
        output = forward(trained_module(run), torch.tensor(dataset.test.raster).float())[0]
        decided = readout.decisions(output.detach().numpy().astype(np.uint8), Rule(lead=4))
        right[loss] = float(np.mean(decided[0] == dataset.test.labels))
        steps[loss] = float(decided[1].mean())
    assert min(right.values()) > 0.9
    assert steps["early"] < steps["counts"] - 1  # of some 12


def test_gradients_of_the_early_loss_are_float64s_at_a_random_threshold(dataset):
    """The fused float32 kernels against module by module in float64, where spikes are the same."""
    settings = config.load("aspen", **(SMALL | {"weight_gain": 3.0}), loss="early")
    events, labels = dataset.train.raster[:16], torch.tensor(dataset.train.labels[:16])
    found = {}
    for dtype in (torch.float32, torch.float64):
        net = torch.nn.Module.to(build(settings, CHANNELS, CLASSES, dataset.front_end.dt), dtype)
        neurons = hidden(net)
        with scaled(neurons, [np.float64(1.37)] * len(neurons)):
            if dtype == torch.float32:
                output, _ = forward(net, torch.tensor(events).to(dtype))
            else:
                output = torch.tensor(events).to(dtype)
                for module in net.modules().values():
                    output = module(output)[0]
        losses.on_running_counts(output, labels, per_spike=settings.logit_scale).backward()
        gradients = [p.grad.double() for p in net.parameters().astorch() if p.grad is not None]
        found[dtype] = output.detach().double(), gradients
    (spikes, rough), (same, exact) = found.values()
    assert torch.equal(spikes, same)
    assert spikes.sum() > 100
    assert len(exact) == 3
    for a, b in zip(rough, exact, strict=True):
        # Sums of some hundred float32 products along 60 steps.
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()))


def test_it_learns_and_reports_every_epoch(train):
    seen = []
    run = train(on_epoch=seen.append)
    assert tuple(seen) == run.metrics
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3, 4, 5, 6]
    assert all(row.keys() == METRICS for row in run.metrics)
    first, last = run.metrics[0], run.metrics[-1]
    assert last["loss"] < first["loss"]
    assert last["validation_accuracy"] > 0.8  # chance is 1/3
    assert 0 < last["spikes_per_neuron_and_step"] < 5


def test_a_run_comes_back_from_its_folder_and_can_be_repeated(train):
    run = train("fixed", epochs=2)
    loaded = Run.load(run.folder)
    assert loaded.config == run.config == json.loads((run.folder / "config.json").read_text())
    assert loaded.config.keys() == config.TrainConfig.model_fields.keys()
    assert loaded.metrics == run.metrics
    assert FrontEnd.from_dict(loaded.front_end) == FrontEnd(scale=0.5)
    repeated = train(config.TrainConfig(**loaded.config), name="repeated", epochs=2)
    for saved, trained, again in zip(*map(weights, (loaded, run, repeated)), strict=True):
        assert np.array_equal(saved, trained)
        assert np.array_equal(trained, again)
    said = json.loads((run.folder / "provenance.json").read_text())
    assert said["repeatable"] == provenance.EXACTLY
    assert said.items() >= provenance.processor().items()
    assert said["versions"] == provenance.versions()


def test_what_adds_in_no_fixed_order_is_repeated_in_distribution_only(monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    here = provenance.processor()
    assert len(here["processor"]) > 2
    assert here["MKL_CBWR"] == "COMPATIBLE"
    for device, processes in (("cuda:0", 1), ("cpu", 2)):
        assert provenance.repeatable(device, processes) == provenance.STATISTICALLY
    assert provenance.repeatable("cpu", 1) == provenance.EXACTLY


@pytest.mark.parametrize("name", ["network.safetensors", "config.json", "metrics.csv"])
def test_a_run_that_lacks_a_file_is_refused_by_name(train, name):
    run = train(epochs=1)
    (run.folder / name).unlink()
    with pytest.raises(InputError, match=name):
        Run.load(run.folder)


def test_the_spike_penalty_lowers_activity(train):
    free, taxed = train(spike_penalty=0.0), train(name="taxed", spike_penalty=1.0)
    active = [run.metrics[-1]["spikes_per_neuron_and_step"] for run in (free, taxed)]
    assert 0 < active[1] < 0.8 * active[0]


def test_a_loss_that_is_no_number_stops_training(train, monkeypatch):
    def diverged(logits, labels, **options):
        return logits.sum() * torch.nan

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", diverged)
    with pytest.raises(
        NonFiniteLossError, match=r"epoch 1, batch 1 of 3.*learning_rate from 0\.01"
    ):
        train()


def test_training_on_nothing_is_refused(dataset):
    nothing = dataset.train.select(np.zeros(len(dataset.train), bool))
    empty = Dataset(
        nothing,
        dataset.validation,
        dataset.test,
        dataset.front_end,
        dataset.classes,
        dataset.split,
    )
    with pytest.raises(InputError, match="train is empty"):
        loop.train("fixed", dataset=empty)


def test_the_threshold_scale_acts_on_hidden_layers_only(dataset):
    net = build(config.load("fixed", **SMALL), CHANNELS, CLASSES, dataset.front_end.dt)
    events = torch.tensor(dataset.test.raster.astype(np.float32))
    with torch.no_grad():
        output, layers = forward(net, events)
        with scaled(hidden(net), [1.5, 1.5]):
            neurons = [m for m in net.modules().values() if isinstance(m, LIF)]
            assert [m.threshold_scale for m in neurons] == [1.5, 1.5, 1.0]
            _, fewer = forward(net, events)
        restored, _ = forward(net, events)
    assert 0 < fewer[0].sum() < layers[0].sum()
    assert torch.equal(output, restored)
    assert output.any()


def test_the_accuracy_of_no_samples_is_no_number(dataset):
    task = ImuTask(config.load("fixed", **SMALL), dataset, torch.device("cpu"))
    task.parts["test"] = Events(dataset.test.raster[:0], dataset.test.labels[:0])
    assert np.isnan(evaluate(task, "test")).all()


def test_evaluation_does_not_depend_on_what_ran_before(dataset):
    task = ImuTask(config.load("fixed", **SMALL), dataset, torch.device("cpu"))
    first = evaluate(task, "validation")
    task.net(torch.ones(1, 20, task.net.size_in))
    assert evaluate(task, "validation") == first


def test_the_preset_draws_as_the_loop_always_did(train, monkeypatch):
    """One uniform number before each batch's augmentation, set in all hidden layers."""
    ours = train()

    @contextmanager
    def drawn(sampler, net, samples, steps, rng, epoch, share):
        scale = float(rng.uniform(*sampler.threshold))
        for layer in hidden(net):
            layer.threshold_scale = scale
        yield [scale]
        for layer in hidden(net):
            layer.threshold_scale = 1.0

    monkeypatch.setattr(ThresholdSampler, "drawn", drawn)
    monkeypatch.setattr(Watch, "see", lambda *_: None)
    for a, b in zip(weights(ours), weights(train(name="before")), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("when", ["sample", "step"])
def test_it_learns_with_a_threshold_of_its_own_for_every_neuron(train, when):
    run = train(threshold_per="neuron", threshold_when=when, threshold_levels=3, threshold_widen=3)
    assert run.metrics[-1]["validation_accuracy"] > 0.8  # chance is 1/3
    assert Run.load(run.folder).config["threshold_when"] == when


def test_a_layer_that_thresholds_silence_is_named(train):
    with pytest.warns(ActivityWarning) as caught:
        train(threshold=(1e5, 2e5), epochs=1)
    said = [str(warning.message) for warning in caught]
    assert [message[:40] for message in said] == [
        "epoch 1: layer 0 has no spikes at thresh",
        "epoch 1: layer 1 has no spikes at thresh",
        "epoch 1: the readout answers 0 for all s",
    ]


@pytest.mark.parametrize("loss", ["rates", "membrane"])
def test_it_learns_by_what_else_the_readout_says(train, loss):
    run = train("fixed", loss=loss)
    assert run.config["logit_scale"] == config.LOGIT_SCALES[loss]
    assert run.metrics[-1]["loss"] < 0.8 * run.metrics[0]["loss"]
    assert run.metrics[-1]["validation_accuracy"] > 0.5  # chance is 1/3


def test_the_losses_of_the_loop_are_those_of_the_library(dataset):
    """The logits of a batch, against the functions that state them."""
    labels = torch.tensor(dataset.train.labels)
    for loss, stated in (("counts", losses.on_counts), ("rates", losses.on_rates)):
        settings = config.load("fixed", loss=loss, label_smoothing=0.0, **SMALL)
        task = ImuTask(settings, dataset, torch.device("cpu"))
        events = task.inputs("train", np.arange(96), slice(None), None)
        seen = task.forward(events, training=True).logits
        output, _ = forward(task.net, events)
        assert output.sum() > 10
        scale = {"per_spike" if loss == "counts" else "per_rate": settings.logit_scale}
        ours = torch.nn.functional.cross_entropy(seen, labels).detach()
        theirs = stated(output, labels, **scale).detach()
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)
    task = ImuTask(config.load("fixed", loss="membrane", **SMALL), dataset, torch.device("cpu"))
    seen = task.forward(events, training=True).logits
    for module in list(task.net.modules().values())[1::2]:
        module.reset_state()
    _, _, record = task.net(events, record=True)
    membrane = next(v["vmem"] for k, v in record.items() if k.startswith("5_"))
    ours = torch.nn.functional.cross_entropy(seen, labels).detach()
    stated = losses.on_membrane_maximum(membrane, labels, per_threshold=5.0).detach()
    assert float(ours) == pytest.approx(float(stated), rel=1e-6)


def test_the_saturation_penalty_spares_the_register(train, dataset):
    loud = {"weight_gain": 8.0, "spike_penalty": 0.0, "epochs": 4}
    most = []
    for price in (0.0, 1.0):
        run = train("fixed", name=f"{price}", saturation_penalty=price, **loud)
        events = torch.tensor(dataset.train.raster.astype(np.float32))
        _, layers = forward(trained_module(run), events)
        most.append(float((layers[0].detach() - 15).clamp(min=0).mean()))
    assert most[1] < 0.8 * most[0]
    assert most[0] > 0.01
