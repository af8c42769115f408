"""`neurosim doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from neurosim.commands.terminal import console


def doctor(
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Empty it.")] = False,
) -> None:
    """Say what this machine offers: versions, compiler, data, cache."""
    from neurosim.workflows import doctor as examination

    if clear_cache:
        console.print(f"cleared {examination.clear_cache() / 1e6:.1f} MB")
    console.print(examination.table())
