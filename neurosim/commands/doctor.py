"""`neurosim doctor`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="After --clear-cache: equations, encoded, compiled, kernels, nets; "
            "all but nets without."
        ),
    ] = None,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Delete caches; trained nets only if named.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Say what this machine offers: versions, compiler, data, what is kept on it."""
    from neurosim.workflows import caches, machine

    if names and not clear_cache:
        raise InputError(f"doctor {names[0]}: give `doctor`, or `doctor --clear-cache {names[0]}`")
    if clear_cache:
        going = caches.chosen(names or [])
        for cache in going:
            console.print(f"to delete: {cache}", soft_wrap=True, highlight=False)
        if not yes and not sys.stdin.isatty():
            raise InputError("--clear-cache asks, and this is no terminal; give --yes to delete")
        if not (yes or typer.confirm("Delete these?")):
            console.print("nothing was deleted")
            return
        for cache in going:
            caches.clear(cache)
    console.print(machine.table())
