"""`neurosim train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.commands import recording_options as options
from neurosim.commands.terminal import console
from neurosim.errors import InputError


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
    data: Annotated[
        str | None,
        typer.Option(help="Your recordings: a file, a folder, or a set of `neurosim data list`."),
    ] = None,
    rate: options.Rate = None,
    columns: options.Columns = None,
    label: options.Label = None,
    person: options.Person = None,
    time: options.Time = None,
    units: options.Units = None,
    channels: options.Channels = None,
    window: options.Window = None,
    overlap: options.Overlap = None,
    no_copy: Annotated[
        bool, typer.Option("--no-copy", help="Keep no windows in the run's folder.")
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
    files = options.files(
        rate=rate,
        columns=columns,
        label=label,
        person=person,
        time=time,
        units=units,
        channels=channels,
        window_s=window,
        overlap=overlap,
        keep_windows=False if no_copy else None,
    )
    if data is not None:
        changes["data"] = {"path": options.path_of(data), **files}
    elif files:
        raise InputError(f"--{next(iter(files))} says how --data is read; give --data, too")
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
        if run.confusion is not None:
            from neurosim.report import own_recordings

            console.print(own_recordings.trained(run))
        console.print(f"validation accuracy {last:.3f}; saved in {run.folder}")
