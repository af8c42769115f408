"""`neurosim train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.commands.terminal import console


def train(
    source: Annotated[str, typer.Argument(help="A preset (fixed, aspen) or a TOML file.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the preset's.")] = None,
) -> None:
    """Train a net on the wrist recordings and save the run."""
    from neurosim.experiments.progress import train_with_progress

    changes: dict[str, Any] = {
        k: v for k, v in {"epochs": epochs, "seed": seed}.items() if v is not None
    }
    run = train_with_progress(source, folder=out, console=console, **changes)
    last = run.metrics[-1]
    console.print(f"validation accuracy {last['validation_accuracy']:.3f}; saved in {run.folder}")
