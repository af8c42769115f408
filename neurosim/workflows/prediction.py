"""What a run's net says of new recordings, window by window, as a whole or as they come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neurosim import engines, outside, store
from neurosim.data import FrontEnd, recording_files
from neurosim.data.imu import RATE_HZ
from neurosim.data.recording_columns import NONE
from neurosim.data.recording_units import divisors_of
from neurosim.data.resample_stream import resample_stream
from neurosim.data.windows import HOP, LEAD_IN, STEPS, cut_stream, lead_in, saturate
from neurosim.errors import InputError
from neurosim.readout import SILENT, Rule, decisions
from neurosim.run import Run, spec_file
from neurosim.training.config import LOGIT_SCALES
from neurosim.workflows.run_data import reading_of
from neurosim.xylo.spec import XyloSpec

_PIECE_S = 60.0
"""A whole recording is encoded in pieces of this length, which bounds the memory."""


class Prediction(NamedTuple):
    """Of one window."""

    start_s: float
    """Of the window, from the start of the recording, or of the file that holds it."""
    label: str | None
    """None where no output neuron spiked."""
    confidence: float
    """Softmax of the evidence, as the net was trained with it; 1 / classes without a spike."""
    spikes: int
    """Of all neurons of the net, up to the decision."""
    decided_s: float
    """From the window's start to the decision: the window's length without a rule that ends it."""


def predict(
    run: Run | str | Path,
    signal: np.ndarray,
    *,
    rate: float | None = None,
    chip: str | None = None,
    lead: int | None = None,
) -> list[Prediction]:
    """Return what a net says of a recording, a row a window.

    Args:
        run: trained on recordings, or its folder.
        signal: (time, 3) acceleration in the units of the recordings that the run was trained on.
        rate: samples a second; those of the run's recordings when None.
        chip: run the integer net that was deployed for it; the float net when None.
        lead: decide when the first class is so many output spikes ahead of the second; by default
            as the net was deployed for the chip, and at the window's end without one.

    Raises:
        InputError: it is no run of recordings, the signal has another shape or is not finite, or
            nothing was deployed for the chip.
    """
    signal = np.asarray(signal)
    if signal.ndim != 2:
        raise InputError(f"signal has shape {signal.shape}; give (time, 3)")
    decider = _Decider(Run.load(run), rate, chip, lead)
    piece = max(1, round(_PIECE_S * decider.rate_hz))
    pieces = (signal[at : at + piece] for at in range(0, len(signal), piece))
    return list(decider.predictions(pieces))


def predict_stream(
    run: Run | str | Path,
    chunks: Iterable[np.ndarray],
    *,
    rate: float | None = None,
    chip: str | None = None,
    lead: int | None = None,
) -> Iterator[Prediction]:
    """Yield the rows of `predict` as samples come, to the bit.

    A row comes when its window is complete, and 10 samples after where the rate is not 200 Hz: so
    far the resampling filter looks ahead. What is kept from chunk to chunk are the filters' states
    and a window, however long the recording.

    Args:
        run: as for `predict`, like `rate`, `chip` and `lead`.
        chunks: (samples, 3) that follow one another, any number of samples each; need not end.

    Raises:
        InputError: as `predict`.
    """
    yield from _Decider(Run.load(run), rate, chip, lead).predictions(chunks)


def predict_file(
    run: Run | str | Path,
    path: str | Path,
    *,
    chip: str | None = None,
    lead: int | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Return what a net says of recordings in files, a row a window.

    They are read as those that the run was trained on, and cut at gaps and where the person
    changes, but not at labels.

    Args:
        run: trained on recordings, or its folder.
        path: a file or a folder, see `data.read_recordings`.
        chip: as for `predict`, like `lead`.
        options: of `data.read_recordings` but the label, where these files differ.

    Returns:
        Rows of `recording`, from 0, `person` where a column says it, and `Prediction`'s fields.

    Raises:
        InputError: as `predict` and `data.read_recordings`, or no recording is as long as a window.
    """
    run = Run.load(run)
    said = {**_as_trained(run), **{k: v for k, v in options.items() if v is not None}}
    stretches, names, reading = recording_files.read_stretches(path, labelled=False, **said)
    decider = _Decider(run, reading.rate_hz, chip, lead, units="g")
    rows = []
    for k, stretch in enumerate(stretches):
        who = {"person": names["person"][stretch.person]} if reading.person is not None else {}
        for row in decider.predictions([stretch.signal]):
            start = round(stretch.start_s + row.start_s, 6)
            rows.append({"recording": k, **who, **row._replace(start_s=start)._asdict()})
    if not rows:
        longest = max(len(s.signal) for s in stretches) / reading.rate_hz
        raise InputError(
            f"{path}: the longest recording lasts {longest:.3g} s, a window of this run "
            f"{decider.steps / RATE_HZ:g} s; give longer ones"
        )
    return rows


def check_out(path: Path | None) -> None:
    """Refuse a file of rows that `write` cannot write, before any work.

    Raises:
        InputError: its name ends neither in .csv nor in .json.
    """
    if path is not None and path.suffix not in (".csv", ".json"):
        raise InputError(f"{path}: rows are written as .csv or .json; give a name that ends so")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write the rows of `predict_file` as .csv or .json, whole or not at all."""
    check_out(path)
    if path.suffix == ".json":
        store.write_text(path, json.dumps(rows, indent=1))
        return path
    return store.write_table(path, rows, digits=6)


class _Decider:
    """A run's encoder and net.

    Args:
        run: of recordings.
        rate_hz: of what comes; the run's when None.
        chip: whose integer net decides; the float net when None.
        lead: of the decision, see `predict`.
        units: of what comes; the run's when None.
    """

    def __init__(
        self,
        run: Run,
        rate_hz: float | None,
        chip: str | None,
        lead: int | None,
        units: str | None = None,
    ):
        network = run.layered
        if "scale" not in run.front_end:
            raise InputError(f"{run.folder}: was not trained on recordings; give a run that was")
        with outside.reading(run.folder / "data.json", "description of windows"):
            data = run.data or {"classes": [str(k) for k in range(network.shape[-1])]}
            self.classes = tuple(map(str, data["classes"]))
            self.steps, self.hop = int(data.get("steps", STEPS)), int(data.get("hop", HOP))
            self.rate_hz = float(rate_hz if rate_hz is not None else data.get("rate_hz", RATE_HZ))
        self.front_end = FrontEnd.from_dict(run.front_end)
        reading = reading_of(run)
        self.divisors = divisors_of(units or (reading.units if reading is not None else "g"))[:3]
        self.loss = run.config.get("loss", "counts")
        self.logit_scale = run.config.get("logit_scale", LOGIT_SCALES["counts"])
        self.rule = Rule(lead=lead)
        self.model: Any
        if chip is None:
            self.model, self.engine = network, engines.get("torch")
            if self.loss == "membrane" and lead is not None:
                raise InputError(f"lead {lead}: this net decides by membranes; leave it out")
            return
        path = run.folder / spec_file(chip)
        if not path.is_file():
            raise InputError(f"{path}: no such file; neurosim deploy {run.folder} --chip {chip}")
        self.model, self.engine = XyloSpec.load(path), engines.get("brian2")
        if lead is None:
            self.rule = self.model.decision
        if self.loss == "membrane":
            self.loss, self.logit_scale = "counts", LOGIT_SCALES["counts"]

    def predictions(self, chunks: Iterable[np.ndarray]) -> Iterator[Prediction]:
        """Yield a row for each window of chunks that follow one another."""
        events = self.front_end.stream(self._with_lead_in(chunks))
        windows = cut_stream(_without(events, LEAD_IN), self.steps, self.hop)
        number = 0
        for raster in windows:
            for window in raster:
                yield self._decided(window[None], number * self.hop / RATE_HZ)
                number += 1

    def _with_lead_in(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield accelerations at 200 Hz in g, after 4 s of the first."""
        first = True
        for chunk in resample_stream(map(self._in_g, chunks), self.rate_hz):
            signal = saturate(chunk, self.front_end)
            if len(signal):
                yield lead_in(signal) if first else signal
                first = False

    def _in_g(self, chunk: np.ndarray) -> np.ndarray:
        chunk = np.asarray(chunk, np.float32)  # as recordings are kept
        if chunk.ndim != 2 or chunk.shape[1] < 3 or not np.isfinite(chunk).all():
            what = f"has shape {chunk.shape}" if chunk.ndim != 2 else "holds a value not finite"
            raise InputError(f"signal {what}; give (samples, 3) finite numbers")
        return chunk[:, :3] / np.array(self.divisors, np.float32)

    def _decided(self, raster: np.ndarray, start_s: float) -> Prediction:
        """Run one window: alone, since float sums may depend on what runs beside it."""
        membrane = self.loss == "membrane"
        record = ("spikes", "v_mem") if membrane else ("spikes",)
        recording = self.engine.run(self.model, raster, record=record)
        decided, step = (int(found[0]) for found in decisions(recording.spikes[-1], self.rule))
        evidence = recording.spikes[-1][0, :step].sum(axis=0, dtype=np.int64).astype(np.float64)
        if recording.v_mem is not None:
            evidence = recording.v_mem[-1][0].max(axis=0).astype(np.float64)
            decided = int(evidence.argmax())
        elif self.loss == "rates":
            evidence /= raster.shape[1]
        logits = self.logit_scale * evidence
        odds = np.exp(logits - logits.max())
        return Prediction(
            start_s,
            None if decided == SILENT else self.classes[decided],
            float((odds / odds.sum()).max()),
            sum(int(layer[0, :step].sum(dtype=np.int64)) for layer in recording.spikes),
            min(step, raster.shape[1]) / RATE_HZ,
        )


def _without(chunks: Iterable[np.ndarray], steps: int) -> Iterator[np.ndarray]:
    """Yield chunks without so many steps at their beginning."""
    for chunk in chunks:
        yield chunk[steps:]
        steps = max(0, steps - len(chunk))


def _as_trained(run: Run) -> dict[str, Any]:
    """Return the options by which the run's recordings were read, where they were a user's."""
    reading = reading_of(run)
    options: dict[str, Any] = dict.fromkeys(("rate", "units", "columns", "person", "time"))
    options["label"] = NONE
    if reading is not None:
        options |= {"units": reading.units, "rate": reading.rate_hz}
        if reading.path:
            options |= {"columns": reading.columns, "time": reading.time or NONE}
    return options
