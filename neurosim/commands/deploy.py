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


_WHAT = "A run, a network, a module saved by rockpool, a NIR file, a specification."


def deploy(
    net: Annotated[Path, typer.Argument(help=_WHAT)],
    chip: Annotated[Chip, typer.Option(help="The chip.")] = Chip.imu,
    quantiser: Annotated[
        Quantiser | None,
        typer.Option(help="How integer scales are chosen; saturation-aware if left out."),
    ] = None,
    prune: Annotated[
        bool, typer.Option(help="Leave out neurons that cannot fire or reach no output.")
    ] = False,
    lead: Annotated[
        int | None,
        typer.Option(help="Decide when a class is so many output spikes ahead; else at the end."),
    ] = None,
    posterior: Annotated[
        float | None,
        typer.Option(help="Decide when a class is so probable, by what a spike is worth to a run."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a specification for this chip that differs.")
    ] = False,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Also write the vendor's configuration fields, for samna.", metavar="FILE"
        ),
    ] = None,
    samna: Annotated[
        Path | None,
        typer.Option(help="Also write the configuration as samna's own JSON.", metavar="FILE"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File of the specification; beside the net if left out.", metavar="FILE"),
    ] = None,
    raster: Annotated[
        str | None,
        typer.Option(
            help="Events to choose integer scales on, where the net is no run: .npy, .npz or .csv."
        ),
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Time step of a NIR file without one.")] = None,
    source: Annotated[str | None, typer.Option(help="Library that wrote a NIR file.")] = None,
    reset: Annotated[str | None, typer.Option(help="How a NIR file's neurons reset.")] = None,
) -> None:
    """Map and quantise a net; writes its specification beside it, says what changes."""
    from neurosim.formats import samna_json, xylo_json
    from neurosim.report import deployment
    from neurosim.workflows.deployment import deploy_file
    from neurosim.xylo.specifications import OtherSpecification

    options: dict[str, Any] = {
        "quantiser": quantiser and quantiser.value,
        "prune": prune,
        "raster": raster,
    }
    options |= {"lead": lead, "posterior": posterior}
    options |= {"out": out, "dt": dt, "source": source, "reset": reset}
    try:
        made, path, layers = deploy_file(net, chip.value, force=force, **options)
    except OtherSpecification as error:
        if not (sys.stdin.isatty() and typer.confirm(f"{error}. Replace it?")):
            raise
        made, path, layers = deploy_file(net, chip.value, force=True, **options)
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
    if samna is not None:
        console.print(f"samna's configuration saved in {samna_json.save(spec, samna)}")
