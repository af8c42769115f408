"""The epochs of a training run: batches, thresholds, homeostat, optimiser, and what they count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError, shown
from neurosim.training import faults, losses
from neurosim.training.checkpoint import Request, Saver
from neurosim.training.config import TrainConfig
from neurosim.training.evaluation import evaluate
from neurosim.training.faults import NonFiniteLossError
from neurosim.training.machine import Group
from neurosim.training.optimisers import optimiser, schedule
from neurosim.training.tasks import Pass, Task
from neurosim.training.thresholds import Draw, ThresholdSampler, all_factors, homeostat_for

Epoch = dict[str, float]
"""Metrics of an epoch."""
Sums = list[float]
"""Loss, hits, spikes, and neurons times steps, of the samples so far."""


class Trainer:
    """A run in the making. All that its future depends on is in `state_dict`.

    Args:
        task: samples and net.
        settings: of the run.
        group: the processes that train together; this one alone when left out.

    Raises:
        InputError: there are fewer samples than processes.
    """

    def __init__(self, task: Task, settings: TrainConfig, group: Group | None = None):
        self.task, self.settings, self.group = task, settings, group or Group()
        self.labels = task.labels("train")
        size = self.group.size
        self.batches = -(-len(self.labels) // (settings.batch_size * size))
        if len(self.labels) < size * self.batches:
            raise InputError(f"{len(self.labels)} samples are too few for {size} processes")
        self.class_weights = losses.class_weights(self.labels, settings)
        self.rng, self.sampler = np.random.default_rng(settings.seed), ThresholdSampler.of(settings)
        self.parameters = task.parameters()
        self.optimiser = optimiser(self.parameters, settings)
        self.schedule = schedule(self.optimiser, settings, self.batches)
        self.homeostat = homeostat_for(task, settings, settings.batch_size * size)
        self.metrics: list[Epoch] = []
        self.best: dict[str, Any] = {}
        """Weights and scales of the epoch with the lowest validation loss, where runs may stop."""
        self.order: np.ndarray | None
        """In which samples come in this epoch, and how many batches of it are done."""
        self.done: int
        self.sums: Sums
        self.watch: faults.Watch
        self._start_epoch()

    # --- running ------------------------------------------------------------------------------

    def epochs(
        self,
        saver: Saver | None = None,
        request: Request | None = None,
        on_batch: Callable[[int, int, Sums], None] | None = None,
    ) -> Iterator[Epoch]:
        """Train to the end, yielding the metrics of each epoch.

        Args:
            saver: writes the state now and then, and when somebody asks to stop.
            request: whether somebody does.
            on_batch: called after each batch with the epoch, its batches so far and their sums.

        Raises:
            KeyboardInterrupt: somebody asked to stop; the state is saved.
            NonFiniteLossError: training diverged.
        """
        while not self.finished():
            if self.order is None:
                self.order = self.rng.permutation(len(self.labels))
            batches = np.array_split(self.order, self.batches)
            while self.done < self.batches:
                stop = self._batch(batches[self.done], request is not None and request.made)
                if on_batch is not None:
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
        batch = (task.net, len(chosen), task.steps, self.rng, self.epoch, share)
        with self.sampler.drawn(*batch) as draws:
            inputs = task.inputs("train", chosen, share, self.rng)
            try:
                result = task.forward(inputs, training=True)
            except InputError:  # layers refuse numbers that are not finite
                where = self._not_finite_in_pass(inputs)
                if where is None:
                    raise
                raise self._diverged("the forward pass failed", where, draws) from None
        loss = self._loss(result, labels)
        hits = int((result.logits.argmax(1) == labels).sum())
        own = [loss.item() * len(labels), hits, *result.spikes, *result.places, float(stop)]
        lost, all_hits, *counts, stopped = self.group.add(own, loss.device)
        spikes, places = counts[: len(task.layers)], counts[len(task.layers) :]
        if not np.isfinite(lost):
            where = self._not_finite_in_pass(inputs)
            where = where or "all layers are finite, their readout's loss is not"
            raise self._diverged(f"loss is {lost / len(chosen)}", where, draws)
        factors = all_factors(draws, self.homeostat)
        alone = self.group.size == 1
        self._learn(loss if alone else loss * (len(labels) / len(chosen)), draws)
        if self.homeostat is not None:
            self.homeostat.step(np.divide(spikes, places).tolist())
        new = (lost, all_hits, sum(spikes), sum(places))
        self.sums = [a + b for a, b in zip(self.sums, new, strict=True)]
        self.watch.see(spikes, factors, result.logits.argmax(1).tolist(), labels.tolist())
        self.done += 1
        return stopped > 0

    def _loss(self, result: Pass, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy and the price of the hidden layers' spikes."""
        judged = result.logits if result.running is None else result.running
        weights = self.class_weights
        if weights is not None:  # of classes that no training sample has, too
            lacking = judged.shape[-1] - len(weights)
            weights = torch.nn.functional.pad(weights, (0, lacking), value=1.0)
        error = losses.on_logits(
            judged, labels, weight=weights, label_smoothing=self.settings.label_smoothing
        )
        return error if result.price is None else error + result.price

    def _learn(self, loss: torch.Tensor, draws: Sequence[Draw]) -> None:
        """Follow the gradient by one step."""
        self.optimiser.zero_grad()
        loss.backward()
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        self.group.add_gradients(gradients)
        norm = torch.nn.utils.get_total_norm(gradients)
        if not bool(torch.isfinite(norm)):
            where = faults.not_finite_in_gradients(self.task.net)
            raise self._diverged("a gradient is not finite", where, draws)
        if self.settings.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.settings.clip, norm)
        self.optimiser.step()
        self.schedule.step()

    def _not_finite_in_pass(self, inputs: torch.Tensor) -> str | None:
        def run(samples: torch.Tensor) -> Pass:
            return self.task.forward(samples, training=True)

        return faults.not_finite_in_pass(self.task.net, inputs, run)

    def _diverged(self, what: str, where: str, draws: Sequence[Draw]) -> NonFiniteLossError:
        scale = np.mean(all_factors(draws, self.homeostat)[0])
        return NonFiniteLossError(
            f"{what} in epoch {self.epoch}, batch {self.done + 1} of {self.batches}, "
            f"threshold scale {scale:.3f}: {where}; lower learning_rate from "
            f"{self.settings.learning_rate} or set clip"
        )

    def _end_epoch(self) -> Epoch:
        """Evaluate, adapt the homeostat's gain, count the epoch."""
        if self.group.rank == 0:
            self.watch.warn(self.epoch)
        self.group.average_buffers(self.task.net)
        loss, hits, spikes, places = self.sums
        samples = len(self.labels)
        with nullcontext() if self.homeostat is None else self.homeostat.evaluating():
            validation = evaluate(self.task, "validation", self.group)
        row = {
            "epoch": self.epoch,
            "loss": loss / samples,
            "train_accuracy": hits / samples,
            "validation_loss": validation.loss,
            "validation_accuracy": validation.accuracy,
            "validation_balanced_accuracy": validation.balanced,
            "spikes_per_neuron_and_step": spikes / places,
        }
        judged = row["loss"] if np.isnan(validation.loss) else validation.loss
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
        self.watch = faults.Watch(self.task.layers)
        self.order, self.done = None, 0

    # --- stopping and going on ------------------------------------------------------------------

    def _save(self, saver: Saver | None, stop: bool) -> None:
        if saver is not None and self.group.rank == 0 and (stop or saver.due()):
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
        self._check_progress()

    def _check_progress(self) -> None:
        """Refuse a place in the run that none has.

        Raises:
            InputError: with what is odd.
        """
        numbers = [*self.sums, *(value for row in self.metrics for value in row.values())]
        if len(self.sums) != 4 or not all(isinstance(n, int | float) for n in numbers):
            raise InputError("its sums and metrics are no numbers")
        if not isinstance(self.done, int) or not 0 <= self.done <= self.batches:
            raise InputError(f"{shown(self.done)} batches of {self.batches} are done")
        if self.best and self.best.keys() != {"loss", "epoch", "net", "scales"}:
            raise InputError(f"its best epoch has {shown(', '.join(map(str, self.best)))}")
