"""Check the dimensions of a declaration with Brian2, once for each text."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.equations.declaration import INTEGER

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations.declaration import Declaration


def check(declaration: Declaration) -> None:
    """Refuse a declaration whose equations do not fit together.

    Brian2 takes more than a second to import: a text found right is remembered in the user's
    cache, by its digest and Brian2's version, and not checked again.

    Raises:
        InputError: dimensions disagree, a name is not defined or a line cannot be parsed.
    """
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
            _KNOWN[path] = set(path.read_text().split())
    return _KNOWN[path]


def _memory() -> Path:
    import platformdirs

    from neurosim import __version__

    # The version stands for the code that checks: a new one checks afresh.
    cache = platformdirs.user_cache_path("neurosim")
    return cache / "equations" / f"checked-{__version__}-brian2-{version('brian2')}.txt"


def quantity(value: float, unit: str) -> Any:
    """Return value in a unit like "mV", "nS/ms", "1" or "integer" as Brian2 counts it.

    Raises:
        InputError: Brian2 has no such unit.
    """
    if unit in ("1", INTEGER):
        return value
    from brian2.units import allunits

    try:
        return value * eval(unit, {"__builtins__": {}}, vars(allunits))
    except (NameError, SyntaxError, TypeError) as error:
        raise InputError(f"unit {unit!r} is not known to Brian2 ({error})") from error


def full_equations(declaration: Declaration) -> str:
    """Return the equations with a constant variable for each parameter."""
    return "\n".join(
        (
            declaration.equations,
            *(f"{n} : {_base_unit(p.unit)} (constant)" for n, p in declaration.parameters.items()),
        )
    )


def _base_unit(unit: str) -> str:
    """Return how Brian2 names the dimension of a unit in equations."""
    if unit in ("1", INTEGER):
        return unit
    from brian2.units.fundamentalunits import get_dimensions, get_unit

    return repr(get_unit(get_dimensions(quantity(1.0, unit))))


def group(declaration: Declaration, n: int, **options: Any) -> Any:
    """Return a Brian2 NeuronGroup of n units, without the blocks of `step` and the events.

    Parameters are set to their defaults. Further options go to NeuronGroup.
    """
    import brian2
    from neurosim.equations.functions import brian2_functions

    members = brian2.NeuronGroup(
        n,
        full_equations(declaration),
        threshold=declaration.threshold,
        reset=declaration.reset,
        refractory=declaration.refractory or False,
        namespace=brian2_functions(declaration.functions),
        **options,
    )
    for name, parameter in declaration.parameters.items():
        setattr(members, name, quantity(parameter.default, parameter.unit))
    return members


def _check_with_brian2(declaration: Declaration) -> None:
    from neurosim.equations.sandbox import load, sandbox

    brian2 = load()
    from brian2.equations.equations import EquationError
    from brian2.units.fundamentalunits import DimensionMismatchError

    refusals = (DimensionMismatchError, EquationError, brian2.BrianObjectException)
    reason = ""
    with sandbox():
        try:
            members = group(declaration, 1)
            for block in declaration.step.values():
                members.run_regularly(block)
            links = [
                brian2.Synapses(
                    members,
                    members,
                    declaration.synapse,
                    on_pre=code,
                    namespace=members.namespace,
                )
                for code in declaration.events.values()
            ]
            for link in links:
                link.connect(j="i")
            brian2.Network(members, *links).run(0 * brian2.ms, namespace={})
        except (*refusals, KeyError, ValueError, SyntaxError, TypeError) as error:
            cause: BaseException = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            reason = " ".join(str(cause).split()) or type(cause).__name__
    if reason:
        raise InputError(f"{declaration.name}: equations do not fit: {reason}")
