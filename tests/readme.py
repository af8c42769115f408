"""What stands between two marks of the README."""

from __future__ import annotations

from pathlib import Path


def section(name: str) -> str:
    """Return the text between `<!-- name -->` and `<!-- /name -->`."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    _, mark, rest = text.partition(f"<!-- {name} -->")
    shown, end, _ = rest.partition(f"<!-- /{name} -->")
    assert mark, f"README.md has no line <!-- {name} -->"
    assert end, f"README.md has no line <!-- /{name} -->"
    return shown.strip()
