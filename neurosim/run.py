"""Run: a folder with everything that a training run was made of and made."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError, shown
from neurosim.frozen import Frozen
from neurosim.network import Network
from neurosim.store import UncheckedWarning

NETWORK_FILE, SPEC_FILE = "network.safetensors", "spec.safetensors"
"""Of a run's float net, and of its integer net as earlier versions wrote it."""
PROVENANCE_FILE = "provenance.json"
"""Of a run, what is written last."""
FILES = (
    NETWORK_FILE,
    "weights.safetensors",
    "homeostat.safetensors",
    "config.json",
    "front_end.json",
    PROVENANCE_FILE,
    "metrics.csv",
    "data.json",
    "windows.safetensors",
    "confusion.json",
)
"""Of a run, those that have checksums."""
NO_CHECKSUMS = (
    "{folder}: has no checksums.json, as runs of version 0.1: whether a file was changed since it "
    "was written cannot be told"
)
SPEC_FILES = "spec*.safetensors"
"""Pattern of the names of a run's integer nets, one for each chip."""


_PREDICTION = "neurosim.workflows.prediction"
"""It stands on this module and loads when it is used: a run speaks for what can be done with it."""


def spec_file(chip: str) -> str:
    """Return the name of the file of a run's integer net for a chip."""
    return f"spec-{chip}.safetensors"


@dataclass(frozen=True)
class Run(Frozen):
    """A trained network, its settings, its history, and the folder that holds them as files."""

    folder: Path
    network: Network | None
    """Layers of LIF neurons; None for other nets, such as those for images."""
    config: dict[str, Any]
    """Settings of `neurosim.training.config.TrainConfig`."""
    front_end: dict[str, Any]
    """Settings of the encoder whose events the network reads; part of what is deployed."""
    metrics: tuple[dict[str, float], ...]
    """One row an epoch."""
    provenance: dict[str, Any]
    """Split, hash of the data, versions and threads: what else the numbers depend on."""
    weights: dict[str, np.ndarray] | None = None
    """All tensors of a net that is no Network; `training.trained_module` makes it of them."""
    data: dict[str, Any] | None = None
    """What `data.stored_windows.described` says of the windows: names, rate, split, how recordings
    were read; None for images and for runs of earlier versions."""
    confusion: dict[str, Any] | None = None
    """Of the validation and the test people, windows of each class (row) decided as which (column,
    the last for no decision), where the recordings are a user's own."""
    homeostat: dict[str, np.ndarray] | None = None
    """History of the homeostat, if there was one: see `training.Homeostat.history`."""

    def save(self) -> Run:
        """Write network.safetensors or weights.safetensors, metrics.csv, JSON of the rest.

        The provenance comes last, after the checksums: a folder without it holds no finished run.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in (PROVENANCE_FILE, store.CHECKSUMS):
            (self.folder / name).unlink(missing_ok=True)
        if self.network is not None:
            self.network.save(self.folder / NETWORK_FILE)
        for name in ("weights", "homeostat"):
            if (arrays := getattr(self, name)) is not None:
                store.save(self.folder / f"{name}.safetensors", name, arrays, {})
        for name in ("data", "confusion"):
            if (values := getattr(self, name)) is not None:
                store.write_text(self.folder / f"{name}.json", json.dumps(values, indent=2))
        store.write_text(self.folder / "config.json", json.dumps(self.config, indent=2))
        store.write_text(self.folder / "front_end.json", json.dumps(self.front_end, indent=2))
        store.write_table(self.folder / "metrics.csv", self.metrics)
        last = {PROVENANCE_FILE: json.dumps(self.provenance, indent=2)}
        present = [n for n in FILES if n in last or (self.folder / n).is_file()]
        store.write_checksums(self.folder, present, last)
        store.write_text(self.folder / PROVENANCE_FILE, last[PROVENANCE_FILE])
        return self

    @property
    def layered(self) -> Network:
        """The network, where one is needed.

        Raises:
            InputError: the run has another kind of net.
        """
        if self.network is None:
            kind = self.config.get("net") or self.config.get("task", "another task")
            raise InputError(
                f"{self.folder}: holds an image net ({kind}), not layers of LIF neurons; give a "
                "run of wrist recordings"
            )
        return self.network

    def predict(self, signal: np.ndarray, **options: Any) -> list[Any]:
        """Return label, confidence and spikes of each window; see `workflows.prediction`."""
        return import_module(_PREDICTION).predict(self, signal, **options)

    def stream(self, chunks: Iterable[np.ndarray], **options: Any) -> Iterator[Any]:
        """Yield the same rows as samples come; see `workflows.prediction.predict_stream`."""
        return import_module(_PREDICTION).predict_stream(self, chunks, **options)

    @classmethod
    def load(cls, source: str | Path | Run) -> Run:
        """Read what `save` wrote.

        Args:
            source: folder of the run; a Run is returned as it is.

        Raises:
            InputError: a file of the run is missing, damaged or was changed.

        Warns:
            UncheckedWarning: an earlier version wrote the run, without checksums.
        """
        if isinstance(source, Run):
            return source
        folder = Path(source)
        if folder.is_file():
            raise InputError(
                f"{folder}: is a file; a run is a folder that neurosim train wrote (files of nets "
                "are for neurosim deploy and verify)"
            )
        try:
            checked = store.check_folder(folder)
        except InputError as error:
            raise InputError(f"{error}; restore it, or train the run again") from error
        arrays: dict[str, dict[str, np.ndarray] | None] = {
            name: store.load(path, name, note=False)[0]
            if (path := folder / f"{name}.safetensors").is_file()
            else None
            for name in ("weights", "homeostat")
        }
        network = None
        if arrays["weights"] is None:
            network = Network.load(folder / NETWORK_FILE, note=False)
        try:
            config, front_end, provenance = (
                _settings(folder / f"{name}.json") for name in ("config", "front_end", "provenance")
            )
            optional = {
                name: _settings(path)
                for name in ("data", "confusion")
                if (path := folder / f"{name}.json").is_file()
            }
            metrics = store.read_table(folder / "metrics.csv", remedy="neurosim train")
        except InputError as error:
            raise InputError(f"{folder}: not a complete run ({error}); train it again") from error
        if not checked:
            warnings.warn(NO_CHECKSUMS.format(folder=folder), UncheckedWarning, stacklevel=2)
        return cls(
            folder,
            network,
            config,
            front_end,
            tuple(store.rows_of(metrics)),
            provenance,
            **arrays,
            **optional,
        )


def _settings(path: Path) -> dict[str, Any]:
    """Return the names and values in a JSON file of a run."""
    values = outside.json_of(path)
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {shown(values)}; expected are names and values")
    return values
