"""The catalogue as a table, and one page of text for a model."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING

from neurosim import tables
from neurosim.equations.declaration import Declaration
from neurosim.equations.registry import declarations, get

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = ("name", "meaning", "parameters", "reference")


@dataclass(frozen=True, repr=False)
class Catalogue:
    """All models and rules: print it with rich, or take `markdown()`."""

    rows: tuple[tuple[str, ...], ...]

    def __rich__(self) -> Table:
        """Return name and meaning, to fit a terminal; `describe` and `markdown` have the rest."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
        table.add_column("name", no_wrap=True)
        table.add_column("meaning")
        for name, meaning, *_ in self.rows:
            table.add_row(name, meaning)
        return table

    def __repr__(self) -> str:
        return f"Catalogue of {len(self.rows)} models and rules; print it"

    def markdown(self) -> str:
        """Return the table in Markdown."""
        return tables.markdown(_COLUMNS, self.rows)

    def __str__(self) -> str:
        return self.markdown()


def catalogue() -> Catalogue:
    """Return a table of all models and rules."""
    return Catalogue(
        tuple(
            (model.name, model.meaning, ", ".join(model.parameters), model.reference)
            for model in declarations().values()
        )
    )


def partners(model: Declaration) -> tuple[str, ...]:
    """Return the names of the rules that fit a neuron, or of the neurons that take a rule."""
    others = declarations().values()
    if model.fills:
        return tuple(other.name for other in others if not other.misfit(model))
    return tuple(other.name for other in others if not model.misfit(other))


def describe(name: str | Declaration) -> str:
    """Return a page of text: meaning, equations, code, parameters, what fits and reference.

    Args:
        name: of a declaration, or one of your own.

    Raises:
        InputError: no declaration has that name.
    """
    model = get(name) if isinstance(name, str) else name
    parts = [f"{model.name}: {model.meaning}".rstrip(": "), _section("equations", model.equations)]
    for title in ("threshold", "reset", "refractory"):
        if text := getattr(model, title):
            parts.append(_section(title, text))
    for title, blocks in (("each step", model.step), ("at a presynaptic spike", model.events)):
        parts += [_section(f"{title}, {block}", code) for block, code in blocks.items()]
    start = "\n".join(f"{variable} = {value}" for variable, value in model.initial.items())
    title = "composes with" if model.fills else "rules that fit"
    parts += [
        *([_section("at the start", start)] if start else []),
        _section("parameters", _parameters(model)),
        _section(title, ", ".join(partners(model)) or "none"),
        *([_section("reference", model.reference)] if model.reference else []),
    ]
    return "\n\n".join(parts)


def _section(title: str, text: str) -> str:
    body = "\n".join(f"    {line.strip()}" for line in cleandoc(text).splitlines() if line.strip())
    return f"{title}\n{body}"


def _parameters(model: Declaration) -> str:
    lines = []
    for name, p in model.parameters.items():
        unit = "" if p.unit == "1" else f" {p.unit}"
        bounds = f" ({p.bounds})" if p.bounds else ""
        remarks = filter(None, (p.meaning, "may change in time" if p.varies else ""))
        meaning = "; ".join(remarks)
        lines.append(f"{name} = {p.default:g}{unit}{bounds}{f'  # {meaning}' if meaning else ''}")
    return "\n".join(lines) or "none"
