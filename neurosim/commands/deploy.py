"""`neurosim deploy`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.commands.terminal import console


class Chip(StrEnum):
    """Chips that a net can be deployed on."""

    audio2 = "xylo-audio-2"
    audio3 = "xylo-audio-3"
    imu = "xylo-imu"


class Quantiser(StrEnum):
    """Ways to choose integer scales."""

    saturation_aware = "saturation-aware"
    per_channel = "per-channel"
    global_scale = "global"


def deploy(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    chip: Annotated[Chip, typer.Option(help="The chip.")] = Chip.imu,
    quantiser: Annotated[
        Quantiser, typer.Option(help="How integer scales are chosen.")
    ] = Quantiser.saturation_aware,
    prune: Annotated[
        bool, typer.Option(help="Leave out neurons that cannot fire or reach no output.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a specification for this chip that differs.")
    ] = False,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Also write the vendor's configuration fields, for samna.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Map and quantise a run's net; writes spec-CHIP.safetensors beside it, says what changes."""
    from neurosim.formats import xylo_json
    from neurosim.report import deployment
    from neurosim.workflows.deployment import report_run
    from neurosim.workflows.specifications import OtherSpecification

    options: dict[str, Any] = {"quantiser": quantiser.value, "prune": prune}
    try:
        made, path, layers = report_run(run, chip.value, force=force, **options)
    except OtherSpecification as error:
        if not (sys.stdin.isatty() and typer.confirm(f"{error}. Replace it?")):
            raise
        made, path, layers = report_run(run, chip.value, force=True, **options)
    for table in deployment.tables(made, layers):
        console.print(table)
    for line in (*made.warnings, *deployment.summary(made)):
        console.print(line)
    spec = made.spec
    console.print(
        f"{spec.hidden} hidden and {spec.outputs} output neurons for {spec.chip}, saved in {path}"
    )
    if json is not None:
        console.print(f"configuration fields saved in {xylo_json.save_json(spec, json)}")
