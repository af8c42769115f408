"""The list of studies says what is stored of each, and README shows it as it is."""

from __future__ import annotations

import pytest

from neurosim import studies
from neurosim.studies import overview, results
from tests import readme
from tests.studies import study_tables


def _row(text: str, name: str) -> list[str]:
    (line,) = [ln for ln in text.splitlines() if ln.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_stored_study_shows_cases_seeds_and_minutes(tmp_path, rng, monkeypatch):
    path = study_tables.write("aspen_chip", tmp_path, rng)
    study_tables.keep(path, bool, "cases: 1\n", "cases: 750\n")
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / f"{name}.csv")
    row = _row(overview.markdown(), "aspen_chip")
    assert row[2:] == ["6", "3", "12", "`neurosim study aspen_chip`"]
    study_tables.keep(path, lambda line: not line.startswith("fixed,"))
    assert _row(overview.markdown(), "aspen_chip")[2] == "3 of 6"


def test_one_without_results_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / f"{name}.csv")
    text = overview.markdown()
    for name in studies.names():
        assert _row(text, name)[4] == "not run"
        assert overview.stored(studies.get(name)) is None
    assert overview.table().row_count == len(studies.names())


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (119, "119 s"), (1500, "25 min"), (9000, "2.5 h")]
)
def test_work_is_said_in_a_unit_that_fits(seconds, said):
    assert overview.duration(seconds) == f"{said} of work"


def test_the_readme_shows_the_list_as_it_is():
    remedy = "put what `neurosim study --markdown` prints between README.md's studies lines"
    assert readme.section("studies") == overview.markdown(), remedy
