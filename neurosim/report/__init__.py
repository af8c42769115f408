"""Self-contained HTML pages: no script, no file beside them, nothing loaded from elsewhere."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import store
from neurosim.provenance import versions

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

    from neurosim.verify.check import Report


def verification_page(report: Report, path: str | Path) -> Path:
    """Write what a verification found."""
    return write_page("verification.html", path, reports={"model": report})


def svg(figure: Figure) -> str:
    """Return a figure as an inline SVG element."""
    from neurosim.figures.style import style

    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_page(template: str, path: str | Path, **values: Any) -> Path:
    """Fill a template of this room and write it."""
    path = Path(path)
    page = _environment().get_template(template).render(versions=versions(), **values)
    store.write_text(path, page)
    return path


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("neurosim.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
