"""The epochs of a training run: batches, thresholds, homeostat, optimiser, and what they count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.training import finite, optimisation, regulation
from neurosim.training.activity import Watch
from neurosim.training.checkpoint import Saver
from neurosim.training.config import TrainConfig
from neurosim.training.distributed import Group
from neurosim.training.interrupt import Request
from neurosim.training.tasks import Pass, Task
from neurosim.training.thresholds import Draw, ThresholdSampler, matched

Epoch = dict[str, float]
"""Metrics of an epoch."""
Sums = list[float]
"""Loss, hits, spikes, and neurons times steps, of the samples so far."""
EVALUATION_BATCH = 256


class Trainer:
    """A run in the making. All that its future depends on is in `state_dict`.

    Args:
        task: samples and net.
        settings: of the run.
        group: the processes that train together.
    """

    def __init__(self, task: Task, settings: TrainConfig, group: Group):
        self.task, self.settings, self.group = task, settings, group
        self.labels = task.labels("train")
        self.batches = -(-len(self.labels) // (settings.batch_size * group.size))
        if len(self.labels) < group.size * self.batches:
            raise InputError(f"{len(self.labels)} samples are too few for {group.size} processes")
        self.rng, self.sampler = np.random.default_rng(settings.seed), threshold_sampler(settings)
        self.parameters = task.parameters()
        self.optimiser = optimisation.optimiser(self.parameters, settings)
        self.schedule = optimisation.schedule(self.optimiser, settings, self.batches)
        self.homeostat = regulation.attach(task, settings, settings.batch_size * group.size)
        self.metrics: list[Epoch] = []
        self.best: dict[str, Any] = {}
        """Weights and scales of the epoch with the lowest validation loss, if that is wanted."""
        self.order: np.ndarray | None
        """In which samples come in this epoch, and how many batches of it are done."""
        self.done: int
        self.sums: Sums
        self.watch: Watch
        self._start_epoch()

    # --- running ------------------------------------------------------------------------------

    def epochs(
        self, saver: Saver, request: Request, on_batch: Callable[[int, int, Sums], None]
    ) -> Iterator[Epoch]:
        """Train to the end, yielding the metrics of each epoch.

        Args:
            saver: writes the state now and then, and when somebody asks to stop.
            request: whether somebody does.
            on_batch: called with epoch, batches done in it, and their sums.

        Raises:
            KeyboardInterrupt: somebody asked to stop; the state is saved.
            NonFiniteLossError: training diverged.
        """
        while not self.finished():
            if self.order is None:
                self.order = self.rng.permutation(len(self.labels))
            batches = np.array_split(self.order, self.batches)
            while self.done < self.batches:
                stop = self._batch(batches[self.done], request.made)
                on_batch(self.epoch, self.done, self.sums)
                self._save(saver, stop)
            row = self._end_epoch()
            self._save(saver, False)
            yield row

    @property
    def epoch(self) -> int:
        """The epoch that is being trained, from 1."""
        return len(self.metrics) + 1

    def finished(self) -> bool:
        """Whether all epochs are done, or the validation loss has long been lower."""
        patience = self.settings.patience
        waited = len(self.metrics) - self.best.get("epoch", len(self.metrics))
        return self.epoch > self.settings.epochs or (patience is not None and waited >= patience)

    def results(self) -> dict[str, Any]:
        """Return what a Run keeps of the net: the last epoch's, or with patience the best one's."""
        scales = None if self.homeostat is None else self.homeostat.evaluation_scales
        if self.best:
            torch.nn.Module.load_state_dict(self.task.net, self.best["net"])
            scales = None if self.best["scales"] is None else self.best["scales"].numpy()
        if self.homeostat is not None:
            self.homeostat.detach()
        return self.task.results(scales)

    def _batch(self, chosen: np.ndarray, stop: bool) -> bool:
        """Learn from a batch; return whether any process was asked to stop."""
        task, share = self.task, self.group.share(len(chosen))
        labels = self.labels[chosen[share]]
        drawn = (task.net, len(chosen), task.steps, self.rng, self.epoch, share)
        with self.sampler.drawn(*drawn) as draws:
            inputs = task.inputs("train", chosen, share, self.rng)
            try:
                result = task.forward(inputs, training=True)
            except InputError as error:  # layers refuse numbers that are not finite
                scales = regulation.total(draws, self.homeostat)
                raise finite.refused(self, scales, inputs) or error from None
        loss = self._loss(result, labels)
        hits = int((result.logits.argmax(1) == labels).sum())
        seen = [loss.item() * len(labels), hits, *result.spikes, *result.places, float(stop)]
        lost, hits_of_all, *counts, stopped = self.group.add(seen, loss.device)
        spikes, places = counts[: len(task.layers)], counts[len(task.layers) :]
        scales = regulation.total(draws, self.homeostat)
        if not np.isfinite(lost):
            raise finite.lost(self, lost / len(chosen), scales, inputs)
        self._learn(loss if self.group.size == 1 else loss * (len(labels) / len(chosen)), scales)
        if self.homeostat is not None:
            self.homeostat.step(np.divide(spikes, places).tolist())
        new = (lost, hits_of_all, sum(spikes), sum(places))
        self.sums = [a + b for a, b in zip(self.sums, new, strict=True)]
        self.watch.see(spikes, scales, result.logits.argmax(1).tolist(), labels.tolist())
        self.done += 1
        return stopped > 0

    def _loss(self, result: Pass, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy and the price of the hidden layers' spikes."""
        error = torch.nn.functional.cross_entropy(
            result.logits, labels, label_smoothing=self.settings.label_smoothing
        )
        return error if result.price is None else error + result.price

    def _learn(self, loss: torch.Tensor, scales: list[Draw]) -> None:
        """Follow the gradient by one step."""
        self.optimiser.zero_grad()
        loss.backward()
        gradients = optimisation.gradients(self.parameters)
        self.group.add_gradients(gradients)
        if not np.isfinite(optimisation.clip(gradients, self.settings.clip)):
            raise finite.steep(self, scales)
        self.optimiser.step()
        self.schedule.step()

    def _end_epoch(self) -> Epoch:
        """Evaluate, adapt the homeostat's gain, count the epoch."""
        if self.group.rank == 0:
            self.watch.warn(self.epoch)
        self.group.average_buffers(self.task.net)
        loss, hits, spikes, places = self.sums
        samples = len(self.labels)
        with regulation.evaluating(self.homeostat):
            validation_loss, accuracy = evaluate(self.task, "validation", self.group)
        row = {
            "epoch": self.epoch,
            "loss": loss / samples,
            "train_accuracy": hits / samples,
            "validation_loss": validation_loss,
            "validation_accuracy": accuracy,
            "spikes_per_neuron_and_step": spikes / places,
        }
        judged = row["loss"] if np.isnan(validation_loss) else validation_loss
        if self.homeostat is not None:
            self.homeostat.end_epoch(judged)
            row["gain"] = float(self.homeostat.global_gain)
        self._keep_best(judged)
        self.metrics.append(row)
        self._start_epoch()
        return row

    def _keep_best(self, loss: float) -> None:
        """Copy the weights of the best epoch, if training may stop early."""
        if self.settings.patience is None or loss >= self.best.get("loss", np.inf):
            return
        weights = torch.nn.Module.state_dict(self.task.net)
        scales = None if self.homeostat is None else self.homeostat.evaluation_scales
        self.best = {
            "loss": loss,
            "epoch": self.epoch,
            "net": {name: value.detach().clone() for name, value in weights.items()},
            "scales": None if scales is None else torch.tensor(scales),
        }

    def _start_epoch(self) -> None:
        self.sums = [0.0, 0, 0.0, 0]
        self.watch = Watch(self.task.layers)
        self.order, self.done = None, 0

    # --- stopping and going on ------------------------------------------------------------------

    def _save(self, saver: Saver, stop: bool) -> None:
        if self.group.rank == 0 and (stop or saver.due()):
            saver.save(self.state_dict)
        if stop:
            raise KeyboardInterrupt

    def state_dict(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on, and what identifies the run."""
        return {
            "config": self.settings.model_dump(mode="json"),
            "data": self.task.provenance(),
            "processes": self.group.size,
            "net": torch.nn.Module.state_dict(self.task.net),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "homeostat": None if self.homeostat is None else self.homeostat.state_dict(),
            "rng": self.rng.bit_generator.state,
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
            "order": self.order,
            "done": self.done,
            "sums": self.sums,
            "watch": self.watch.state_dict(),
            "metrics": self.metrics,
            "best": self.best,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            InputError: that run had other settings, samples or processes.
        """
        config = self.settings.model_dump(mode="json")
        for name, value in config.items():
            if state["config"].get(name) != value:
                was = state["config"].get(name)
                raise InputError(f"{name} was {was!r} in the interrupted run, and is now {value!r}")
        if state["data"] != self.task.provenance() or state["processes"] != self.group.size:
            raise InputError("the interrupted run had other samples or processes; start afresh")
        torch.nn.Module.load_state_dict(self.task.net, state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.homeostat is not None:
            self.homeostat.load_state_dict(state["homeostat"])
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"])
        if state["cuda_rng"]:
            torch.cuda.set_rng_state_all(state["cuda_rng"])
        self.order = None if state["order"] is None else state["order"].numpy()
        self.done, self.sums = state["done"], state["sums"]
        self.watch.load_state_dict(state["watch"])
        self.metrics, self.best = state["metrics"], state["best"]


def evaluate(task: Task, part: str, group: Group | None = None) -> tuple[float, float]:
    """Return cross-entropy and accuracy of a part; 0 samples give nan."""
    group, labels = group or Group(), task.labels(part)
    sums: list[float] = [0.0, 0.0]
    starts = range(0, len(labels), EVALUATION_BATCH)
    with torch.no_grad():
        for start in starts[group.rank :: group.size]:
            chosen = np.arange(start, min(start + EVALUATION_BATCH, len(labels)))
            inputs = task.inputs(part, chosen, slice(None), None)
            logits = task.forward(inputs, training=False).logits
            true = labels[start : start + EVALUATION_BATCH]
            sums[0] += float(torch.nn.functional.cross_entropy(logits, true, reduction="sum"))
            sums[1] += int((task.decide(logits) == true.cpu().numpy()).sum())
    lost, hits = group.add(sums, labels.device)
    samples = len(labels) or np.nan
    return lost / samples, hits / samples


def threshold_sampler(settings: TrainConfig) -> ThresholdSampler:
    """Return what draws the thresholds of a run."""
    law, levels = settings.threshold, settings.threshold_levels
    return ThresholdSampler(
        matched(law, levels) if levels is not None and settings.threshold_matched else law,
        levels=levels,
        per=settings.threshold_per,
        when=settings.threshold_when,
        registers=settings.threshold_register,
        widen=settings.threshold_widen,
    )
