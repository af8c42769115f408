"""Metrics for TensorBoard, an optional extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurosim.errors import UnavailableError


def writer(folder: Path) -> Any:
    """Return a SummaryWriter of a folder.

    Raises:
        UnavailableError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UnavailableError(
            "tensorboard is not installed; run: pip install 'neurosim[tensorboard]'"
        ) from error
    return SummaryWriter(str(folder))


def write(writer: Any, row: dict[str, float]) -> None:
    """Add the metrics of an epoch, one curve each."""
    for name, value in row.items():
        if name != "epoch":
            writer.add_scalar(name, value, int(row["epoch"]))
    writer.flush()
