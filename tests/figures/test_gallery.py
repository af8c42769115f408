"""The page with all figures lists each of them, and its pictures are there."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from neurosim import figures, store
from neurosim.errors import InputError
from neurosim.figures import gallery, power_linearity, threshold_sweep
from neurosim.studies import ledger, results
from tests.studies import stored_claims

REMEDY = "run `neurosim figures --gallery` (or `--gallery NAME`)"


@pytest.fixture(scope="module")
def text() -> str:
    return (gallery.folder() / gallery.PAGE).read_text(encoding="utf-8")


def test_the_page_is_what_the_stored_results_say(text):
    assert text == gallery.page(stored_claims.entries()), REMEDY
    for name in figures.names():
        assert text.count(f"`neurosim figures {name}`") == 1
        assert figures.get(name).TITLE in text


def test_every_picture_is_there_and_small(text):
    shown = re.findall(r"\]\(pictures/(\w+)\.png\)", text)
    assert sorted(shown) == sorted(filter(gallery.drawable, figures.names()))
    assert len(shown) > 20
    for name in shown:
        path = gallery.picture(name)
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", REMEDY
        assert path.stat().st_size < 100_000, f"{path} is too large for a repository"


def test_a_picture_is_drawn_and_the_page_written(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "judge_all", stored_claims.entries)
    monkeypatch.setattr(gallery, "folder", lambda: tmp_path / "figures")
    pages = [tmp_path / "figures" / "README.md", tmp_path / "README.md"]
    pages[1].write_text("before\n<!-- studies -->\nwas here before\n<!-- /studies -->\nafter\n")
    console = Console(file=io.StringIO(), width=200)
    paths = gallery.write(["threshold_sweep"], console)
    assert paths == [tmp_path / "figures/pictures/threshold_sweep.png", *pages]
    assert 10_000 < paths[0].stat().st_size < 100_000
    assert pages[0].read_text(encoding="utf-8") == gallery.page(stored_claims.entries())
    shown = pages[1].read_text(encoding="utf-8")
    assert shown.startswith("before\n<!-- studies -->\n| study |")
    assert shown.endswith("|\n<!-- /studies -->\nafter\n")
    assert "was here before" not in shown


def test_a_study_that_was_not_run_has_no_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "folder", lambda: tmp_path)
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / f"{name}.csv")
    console = Console(file=io.StringIO(), width=200)
    assert gallery.write(["aspen_laws"], console) == [tmp_path / "README.md"]
    assert "aspen_laws: not drawn" in console.file.getvalue()
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "`neurosim study aspen_laws --ship`, which was not run yet" in page
    assert "aspen_laws.png" not in page


def test_what_is_measured_anew_is_drawn_and_stored_on_request(tmp_path, monkeypatch):
    stored = store.shipped()
    rows = store.read_table(stored / power_linearity.TABLE, remedy="")
    half = [
        {k: v * (0.5 if k == "dynamic_uw" else 1) for k, v in zip(rows, row, strict=True)}
        for row in zip(*rows.values(), strict=True)
    ]
    monkeypatch.setattr(power_linearity, "measure", lambda: half)
    monkeypatch.setattr(store, "shipped", lambda: tmp_path / "data")
    console = Console(file=io.StringIO())
    paths = figures.remake("power_linearity", tmp_path / "out", console, ship=True)
    assert {path.name for path in paths} == {
        "power_linearity.png",
        "power_linearity.pdf",
        "energy.csv",
    }
    new = power_linearity.compute()  # what was shipped
    old = power_linearity.compute(stored / power_linearity.TABLE)
    assert new["aspen"]["dynamic_uw"] == pytest.approx(0.5 * old["aspen"]["dynamic_uw"], rel=1e-5)


def test_a_demo_is_asked_for(tmp_path):
    with pytest.raises(InputError, match="run `neurosim demo"):
        threshold_sweep.measure(tmp_path)
    with pytest.raises(InputError, match="run `neurosim demo"):
        power_linearity.demo_nets(tmp_path)
