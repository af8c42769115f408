"""Self-contained HTML pages: no script, no file beside them, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import store
from neurosim.provenance import versions

if TYPE_CHECKING:
    from jinja2 import Environment


def write(template: str, path: str | Path, **values: Any) -> Path:
    """Fill one of neurosim/templates and write it."""
    path = Path(path)
    page = _environment().get_template(template).render(versions=versions(), **values)
    store.write_text(path, page)
    return path


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("neurosim", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
