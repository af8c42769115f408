"""Check the dimensions of a declaration with Brian2, once for each text."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

from neurosim import __version__
from neurosim.equations.groups import group
from neurosim.equations.sandbox import forget, load, run, sandbox
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations.declaration import Declaration


def check(declaration: Declaration) -> None:
    """Refuse a declaration whose equations do not fit together.

    Brian2 takes more than a second to import: a text that has passed is remembered in the user's
    cache, by its digest and Brian2's version, and not checked again.

    Raises:
        InputError: dimensions disagree, a name is not defined or a line cannot be parsed.
    """
    if declaration.namespace:  # objects of a script, which a digest does not stand for
        _check_with_brian2(declaration)
        return
    digest = declaration.digest()
    if digest in _known():
        return
    _check_with_brian2(declaration)
    _known().add(digest)
    with suppress(OSError):  # without a writable cache it is checked each time
        path = _memory()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(digest + "\n")


_KNOWN: dict[Path, set[str]] = {}


def _known() -> set[str]:
    path = _memory()
    if path not in _KNOWN:
        _KNOWN[path] = set()
        with suppress(OSError):
            _KNOWN[path] = set(path.read_text(errors="replace").split())
    return _KNOWN[path]


def folder() -> Path:
    """Return where texts that have passed are remembered; it may be deleted at any time."""
    return platformdirs.user_cache_path("neurosim") / "equations"


def _memory() -> Path:
    # The version stands for the code that checks: a new one checks afresh.
    return folder() / f"checked-{__version__}-brian2-{_brian2_version()}.txt"


@cache
def _brian2_version() -> str:
    """Return the version of Brian2, which takes 4 ms to look up: as long as all else of a check."""
    return version("brian2")


def _check_with_brian2(declaration: Declaration) -> None:
    brian2 = load()
    from brian2.equations.equations import EquationError
    from brian2.units.fundamentalunits import DimensionMismatchError

    refusals = (DimensionMismatchError, EquationError, brian2.BrianObjectException)
    reason = ""
    with sandbox(), np.errstate(all="ignore"):  # variables that are still zero are divided by
        try:
            run(brian2.Network(*_objects(declaration)), 0 * brian2.ms)
        except (*refusals, KeyError, ValueError, SyntaxError, TypeError) as error:
            cause: BaseException = error
            clear_frames(cause.__traceback__)  # parsers remember errors, and with them our objects
            while cause.__cause__ is not None:
                cause = cause.__cause__
                clear_frames(cause.__traceback__)
            reason = " ".join(str(cause).split()) or type(cause).__name__
            del error, cause
        if reason:
            forget()
    if reason:
        raise InputError(f"{declaration.name}: equations do not fit: {reason}")


def _objects(declaration: Declaration) -> list[Any]:
    """Return Brian2 objects that hold all code of a declaration; a fragment gets what it needs."""
    import brian2

    needs = "\n".join(f"{name} : {unit} (constant)" for name, unit in declaration.needs.items())
    condition = "i < 0" if declaration.fills and declaration.reset else None
    members = group(
        declaration,
        1,
        context=needs,
        threshold=declaration.threshold or condition,
        method="euler",  # dimensions do not depend on it, and it is quickly set up
    )
    for name, expression in declaration.initial.items():
        setattr(members, name, expression)
    for block in declaration.step.values():
        members.run_regularly(block)
    source = brian2.NeuronGroup(1, "spikes : integer", threshold="spikes > 0")
    links = [
        brian2.Synapses(
            source, members, declaration.synapse, on_pre=code, namespace=members.namespace
        )
        for code in declaration.events.values()
    ]
    for link in links:
        link.connect(j="i")
    return [source, members, *links]
