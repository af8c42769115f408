"""`neurosim analyse`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def analyse(
    what: Annotated[
        str | None, typer.Argument(help="`network` for a trained net; the findings if left out.")
    ] = None,
    run: Annotated[Path | None, typer.Argument(help="Folder of a run, after `network`.")] = None,
) -> None:
    """Print what theory found about thresholds, or what it predicts for a trained net."""
    from neurosim import figures as gallery

    if what is None:
        for name, (title, paragraph) in gallery.findings().items():
            console.print(f"{title} (neurosim figures {name})", style="bold")
            console.print(f"{' '.join(paragraph.split())}\n", highlight=False)
        return
    if what != "network" or run is None:
        raise InputError(f"analyse {what}: give `analyse`, or `analyse network RUN`")
    from neurosim.report import nets
    from neurosim.workflows.network_theory import predict_run

    with console.status("solving every neuron's rate ..."):
        theory = predict_run(run)
    console.print(nets.theory(theory))
