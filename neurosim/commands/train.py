"""`neurosim train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.commands.terminal import console


def train(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A preset (fixed, aspen, aspen-imu-discrete, ahsar-imu, ahsar-digits, "
            "ahsar-digits-events, ahsar-digits-rate), a TOML file, or the folder of a run.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the preset's.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write metrics for TensorBoard too.")
    ] = False,
) -> None:
    """Train a net and save the run.

    Interrupted, it leaves a checkpoint; --resume goes on to the same weights. Several processes
    share batches under torchrun: torchrun --nproc-per-node 2 -m neurosim train CONFIG.
    """
    from neurosim.training import loop
    from neurosim.training.config import folder_of

    changes: dict[str, Any] = {
        k: v for k, v in {"epochs": epochs, "seed": seed}.items() if v is not None
    }
    place = out if out is not None else folder_of(source)
    try:
        run = loop.train(
            source,
            folder=place,
            resume=resume,
            progress=console,
            write_tensorboard=tensorboard,
            **changes,
        )
    except KeyboardInterrupt:
        console.print(f"stopped; the same command with --resume goes on from {place}")
        raise
    if os.environ.get("RANK", "0") == "0":  # under torchrun the first process speaks for all
        last = run.metrics[-1]["validation_accuracy"]
        console.print(f"validation accuracy {last:.3f}; saved in {run.folder}")
