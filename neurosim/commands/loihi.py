"""`neurosim loihi`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def loihi(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, typer.Option(help="Write the rows as CSV there.")] = None,
) -> None:
    """Sweep a run's threshold in Loihi's integers, beside the float net and Xylo."""
    from neurosim import store
    from neurosim.report import nets
    from neurosim.workflows.loihi_sweep import sweep_on_loihi

    with console.status("running the net at ten thresholds ..."):
        rows = sweep_on_loihi(run)
    console.print(nets.loihi_sweep(rows))
    if out is not None:
        store.write_table(out, rows, command=f"neurosim {' '.join(sys.argv[1:])}")
        console.print(f"written: {out}", soft_wrap=True)
