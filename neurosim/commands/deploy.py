"""`neurosim deploy`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


class Chip(StrEnum):
    """Chips that a net can be deployed on."""

    audio2 = "xylo-audio-2"
    audio3 = "xylo-audio-3"
    imu = "xylo-imu"


def deploy(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    chip: Annotated[Chip, typer.Option(help="The chip.")] = Chip.imu,
) -> None:
    """Map and quantise a run's net; writes spec.safetensors beside it."""
    from neurosim.experiments.deployment import deploy_run

    spec, path = deploy_run(run, chip.value)
    console.print(
        f"{spec.hidden} hidden and {spec.outputs} output neurons for {spec.chip}, saved in {path}"
    )
