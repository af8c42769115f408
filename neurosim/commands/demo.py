"""`neurosim demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def demo(
    out: Annotated[Path | None, typer.Option(help="Folder; runs/demo, or runs/demo-fast.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Fewer epochs: under a minute.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, batches, thresholds.")] = 0,
) -> None:
    """Train a fixed and an ASPEN net, deploy, verify and sweep the runtime threshold."""
    from neurosim.report.demo import publish
    from neurosim.workflows.demo import run_demo

    out = out or Path("runs/demo-fast" if fast else "runs/demo")
    result = run_demo(out, fast=fast, seed=seed, console=console)
    publish(result, out, console)
    raise typer.Exit(0 if result.exact else 1)
