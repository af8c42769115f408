"""Run: a folder with everything that a training run was made of and made."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import store
from neurosim.errors import InputError
from neurosim.network import Network


@dataclass(frozen=True)
class Run:
    """A trained network, its settings, its history, and the folder that holds them as files."""

    folder: Path
    network: Network
    config: dict[str, Any]
    """Settings of `neurosim.training.config.TrainConfig`."""
    front_end: dict[str, Any]
    """Settings of the encoder whose events the network reads; part of what is deployed."""
    metrics: tuple[dict[str, float], ...]
    """One row an epoch."""
    provenance: dict[str, Any]
    """Split, hash of the data, versions and threads: what else the numbers depend on."""

    def save(self) -> Run:
        """Write network.safetensors, metrics.csv, and config, front_end and provenance as JSON."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.network.save(self.folder / "network.safetensors")
        store.write_text(self.folder / "config.json", json.dumps(self.config, indent=2))
        store.write_text(self.folder / "front_end.json", json.dumps(self.front_end, indent=2))
        store.write_text(self.folder / "provenance.json", json.dumps(self.provenance, indent=2))
        store.write_rows(self.folder / "metrics.csv", self.metrics)
        return self

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read what `save` wrote.

        Raises:
            InputError: a file of the run is missing or damaged.
        """
        folder = Path(folder)
        network = Network.load(folder / "network.safetensors")
        try:
            config, front_end, provenance = (
                json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
                for name in ("config", "front_end", "provenance")
            )
            with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
                rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{folder}: not a complete run ({error}); train it again") from error
        return cls(folder, network, config, front_end, tuple(rows), provenance)
