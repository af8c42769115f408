"""All figures as pictures on one page, figures/README.md."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from neurosim import figures, store, studies
from neurosim.drawing import style
from neurosim.errors import InputError
from neurosim.studies import ledger, overview, results
from neurosim.studies.aspen import thresholds

PAGE, PICTURES = "README.md", "pictures"
DPI = 110
COLOURS = 128
"""Of a picture: half the bytes, and no difference to see."""

DEMO = ("threshold_sweep", "power_linearity", "predicted_spikes", "governor")
SECTIONS: dict[str, Callable[[str], bool]] = {
    "The demo's nets on the chip": lambda name: name in DEMO,
    "ASPEN: stochastic thresholds": lambda name: name.startswith("aspen"),
    "AHSAR: homeostatic thresholds": lambda name: name.startswith("ahsar"),
    "Networks": lambda name: name.startswith("networks"),
    "Theory and methods": lambda name: True,
}
"""A figure is in the first section that takes it."""

HEAD = """\
# Figures

Written by `neurosim figures --gallery`, as the pictures are. `neurosim figures NAME` draws one as
PNG and PDF into runs/figures, from the results stored in [data](data) or, where there are none,
computed in some seconds; with `--recompute` what it shows is measured anew. Bands and bars are 95 %
intervals. Under a study's figure stand the claims that it tests, with verdicts.
"""


def folder() -> Path:
    """Return where the page is: figures/ of a checkout."""
    return store.shipped().parent


def write(names: Sequence[str], console: Console) -> list[Path]:
    """Draw pictures of these figures, then the page with all, and the tables in the README.

    A table that is not stored is measured, in minutes; a figure whose study has no stored results
    is on the page without a picture.

    Returns:
        The files written.
    """
    paths = []
    for name in names:
        try:
            with console.status(f"{name} ..."):
                if (table := table_of(name)) is not None and not table.is_file():
                    paths.append(figures.measure(name, table.parent))
                paths.append(draw(name))
        except InputError as error:
            console.print(f"{name}: not drawn, {error}", soft_wrap=True)
            continue
        size = paths[-1].stat().st_size / 1e3
        console.print(f"{name}: {size:.0f} kB", highlight=False)
    entries = ledger.judge_all()
    paths.append(folder() / PAGE)
    store.write_text(paths[-1], page(entries))
    readme = folder().parent / PAGE
    if readme.is_file():
        text = with_tables(readme.read_text(encoding="utf-8"), entries)
        store.write_text(readme, text)
        paths.append(readme)
    return paths


def with_tables(text: str, entries: Sequence[ledger.Entry]) -> str:
    """Return the README with its generated tables, each between two marks, as results say now."""
    tables = {
        "thresholds": thresholds.markdown(results.read(thresholds.STUDY.name)),
        "studies": overview.markdown(),
        "claims": ledger.markdown(entries),
    }
    for name, table in tables.items():
        before, mark, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if mark and end:
            text = f"{before}{mark}\n{table}\n{end}{after}"
    return text


def draw(name: str) -> Path:
    """Draw the picture of a figure, with few colours and few bytes."""
    from PIL import Image

    module = figures.get(name)
    figure = module.draw(module.compute())
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=DPI)

    image = Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with store.writing(picture(name)) as file:
        image.save(file, format="PNG", optimize=True)
    return picture(name)


def picture(name: str) -> Path:
    """Return the file of a figure's picture."""
    return folder() / PICTURES / f"{name}.png"


def drawable(name: str) -> bool:
    """Return whether what the figure shows is stored, or computed as it is drawn."""
    study = figures.study_of(name)
    table = table_of(name)
    return (study is None or overview.stored(studies.get(study)) is not None) and (
        table is None or table.is_file()
    )


def table_of(name: str) -> Path | None:
    """Return the file of a figure's own table; None if it has none."""
    table = getattr(figures.get(name), "TABLE", None)
    return None if table is None else store.shipped() / table


def page(entries: Sequence[ledger.Entry]) -> str:
    """Return the page: each figure with its title, its picture, what it says and its commands."""
    left = list(figures.names())
    parts = [HEAD]
    for section, takes in SECTIONS.items():
        own = [name for name in left if takes(name)]
        left = [name for name in left if name not in own]
        parts += [f"## {section}\n", *(_entry(name, entries) for name in own)]
    return "\n".join(parts)


def _entry(name: str, entries: Sequence[ledger.Entry]) -> str:
    module = figures.get(name)
    lines, stored = [f"### {module.TITLE}\n"], drawable(name)
    if stored:
        lines.append(f"![{module.TITLE}]({PICTURES}/{name}.png)\n")
    study = figures.study_of(name)
    if text := getattr(module, "FINDING", "" if study else module.__doc__ or ""):
        lines.append(f"{text.strip()}\n")
    lines += [
        f"- {entry.claim.text}: **{entry.finding.verdict.value}**; {entry.finding.result}"
        for entry in entries
        if stored and study is not None and entry.study == study
    ]
    lines += [""] if lines[-1].startswith("- ") else []
    return "\n".join([*lines, f"`neurosim figures {name}`{_source(name)}\n"])


def _source(name: str) -> str:
    """Say where the numbers come from, and what that took."""
    study = figures.study_of(name)
    if study is None:
        table = table_of(name)
        return f", from [{table.name}](data/{table.name})" if table else ", computed as it is drawn"
    run = overview.stored(studies.get(study))
    if run is None:
        return f", from `neurosim study {study} --ship`, which was not run yet"
    data = f"[{study}.csv](data/{study}.csv)"
    return f", from {data}: `{run.command}`, {run.seeds} seeds, {run.time}"
