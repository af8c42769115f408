"""The history of benchmarks: what is kept, what is compared, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from neurosim.errors import InputError, NeurosimError
from neurosim.workflows import benchmarks, history, history_page
from neurosim.workflows.history import Entry

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("no checkout: benchmarks are not installed", allow_module_level=True)


def entry(processor="Zeta 9", numpy="2.3", day=1, **ratios):
    return Entry(
        date=f"2026-01-{day:02}T00:00:00+00:00",
        commit=f"{day:040x}",
        dirty=False,
        version="0.1",
        processor=processor,
        versions={"Python": "3.11", "numpy": numpy},
        ratios={name.replace("_", ": "): value for name, value in ratios.items()},
    )


def fallen(earlier, now):
    return {change.name for change in history.changes(earlier, now) if change.fell}


@pytest.fixture
def console():
    return Console(record=True, width=120)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Return benchmarks/ of a checkout to which a test adds scripts: no real one is run."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    monkeypatch.setattr(benchmarks, "folder", lambda: folder)
    return folder


def script(folder, name, *ratios, end=""):
    """Write a benchmark that hands in some ratios, with the functions of the real ones."""
    lines = ["import sys", f"sys.path.insert(0, {str(BENCHMARKS)!r})", "from measure import ratio"]
    lines += [f"ratio({key!r}, {value})" for key, value in ratios]
    (folder / f"{name}.py").write_text("\n".join([*lines, end]))


def test_a_fall_of_20_percent_is_named_and_one_of_10_is_not():
    before = entry(a_fast=10.0, a_faster=10.0, a_same=0.5)
    now = entry(day=2, a_fast=8.0, a_faster=9.0, a_same=0.5)
    assert fallen([before], now) == {"a: fast"}
    lines = history.sentences(history.changes([before], now), now)
    assert lines[:2] == [
        "1 fell by more than 15 % (3 compared with the last of Zeta 9):",
        "  a: fast: 10 -> 8 (-20 %, 2026-01-01 0000000)",
    ]
    assert "the exit status does not depend on it" in lines[-1]


def test_what_rose_has_not_fallen():
    now = entry(day=2, a_fast=30.0)
    compared = history.changes([entry(a_fast=10.0)], now)
    assert history.sentences(compared, now) == [
        "no ratio fell by more than 15 % (1 compared with the last of Zeta 9)"
    ]


def test_another_processor_is_shown_but_not_judged(console):
    before, now = entry("Omega", a_fast=10.0), entry(day=2, a_fast=1.0)
    compared = history.changes([before], now)
    assert fallen([before], now) == set()
    history.show(compared, now, console)
    printed = console.export_text()
    assert "not judged" in printed
    assert "Omega" in printed
    assert "no earlier entry of Zeta 9" in printed


def test_each_ratio_is_compared_with_the_last_entry_of_the_processor_that_has_it():
    earlier = [
        entry(a_fast=5.0, b_fast=10.0),
        entry(day=2, a_fast=10.0),
        entry("Omega", day=3, a_fast=1.0, b_fast=1.0),
    ]
    now = entry(day=4, a_fast=8.0, b_fast=8.0, c_new=1.0)
    before = {change.name: change.before for change in history.changes(earlier, now)}
    assert before == {"a: fast": 10.0, "b: fast": 10.0, "c: new": None}
    assert fallen(earlier, now) == {"a: fast", "b: fast"}


def test_other_versions_are_named_beside_a_fall():
    before, now = entry(a_fast=10.0), entry(day=2, numpy="2.4", a_fast=8.0)
    lines = history.sentences(history.changes([before], now), now)
    assert "other versions since: numpy 2.3 -> 2.4" in lines


def test_entries_come_back_as_they_were_appended(tmp_path):
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    entries = [entry(a_fast=10.0), entry("Omega", day=2, b_fast=1 / 3)]
    for one in entries:
        history.append(file, one)
    assert history.read(file) == entries


def test_appending_keeps_every_byte_and_ends_a_line_that_was_cut(tmp_path):
    file = tmp_path / "history.jsonl"
    history.append(file, entry(a_fast=10.0))
    cut = file.read_bytes().rstrip(b"\n")
    file.write_bytes(cut)
    history.append(file, entry(day=2, a_fast=9.0))
    assert file.read_bytes().startswith(cut + b"\n")
    assert [one.ratios["a: fast"] for one in history.read(file)] == [10.0, 9.0]


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "<<<<<<< HEAD",
        "[]",
        "{}",
        '{"ratios": {}}',
        entry(a_fast=1.0).model_dump_json().replace("1.0", "-1.0"),
        entry(a_fast=1.0).model_dump_json().replace("1.0", "NaN"),
        entry(a_fast=1.0).model_dump_json().replace("1.0", '"1"'),
        entry(a_fast=1.0).model_dump_json()[:-5],
    ],
)
def test_a_damaged_line_is_refused_by_file_and_number_before_anything_is_run(
    checkout, console, damage
):
    file = checkout / "history.jsonl"
    history.append(file, entry(a_fast=10.0))
    with file.open("a") as lines:
        lines.write(f"{damage}\n{entry(day=3, a_fast=1.0).model_dump_json()}\n")
    before = file.read_bytes()
    script(checkout, "a", ("fast", 1.0), end=f"open({str(checkout / 'ran')!r}, 'w')")
    with pytest.raises(InputError) as refused:
        history.measure(["a"], file, console)
    message = str(refused.value)
    assert message.startswith(f"{file}, line 2: ")
    assert "\n" not in message
    assert file.read_bytes() == before
    assert not (checkout / "ran").exists()


def test_all_ratios_of_the_scripts_land_in_the_entry(checkout, console):
    script(checkout, "a", ("LIF to LIFTorch, T = 100", 38.5), ("to [linear] layers", 0.55))
    script(checkout, "b", ("LIF to LIFTorch, T = 100", 2))
    file = checkout / "history.jsonl"
    history.measure([], file, console)
    (one,) = history.read(file)
    assert one.ratios == {
        "a: LIF to LIFTorch, T = 100": 38.5,
        "a: to [linear] layers": 0.55,
        "b: LIF to LIFTorch, T = 100": 2.0,
    }
    assert one.versions["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert one.processor
    assert (checkout / "history.md").read_text() == history_page.page(file, [one])
    assert "38.5" in (checkout / "history.svg").read_text()


def test_the_commit_is_known_and_whether_sources_differ_from_it(checkout):
    def git(*arguments):
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", checkout.parent, *author, *arguments], check=True)

    root = checkout.parent
    assert history.state_of(root)[0] == ""
    file = checkout / "history.jsonl"
    script(checkout, "a")
    history.append(file, entry(a_fast=1.0))
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    history.append(file, entry(day=2, a_fast=1.0))  # its own lines are no change
    commit, dirty = history.state_of(root)
    assert (len(commit), dirty) == (40, False)
    script(checkout, "a", ("fast", 1.0))
    assert history.state_of(root) == (commit, True)


def test_a_fall_is_printed_by_the_command_which_still_succeeds(checkout, console):
    file = checkout / "history.jsonl"
    for value in (10.0, 7.0):
        script(checkout, "a", ("fast", value))
        history.measure(["a"], file, console)
    assert "a: fast: 10 -> 7 (-30 %" in console.export_text()
    assert len(history.read(file)) == 2


def test_a_benchmark_that_fails_takes_no_other_ones_ratios_with_it(checkout, console):
    script(checkout, "a", ("fast", 3.0), end="raise SystemExit(1)")
    script(checkout, "b", ("fast", 2.0))
    file = checkout / "history.jsonl"
    with pytest.raises(NeurosimError, match="benchmark a failed"):
        history.measure([], file, console)
    assert history.read(file)[0].ratios == {"b: fast": 2.0}


def test_without_ratios_nothing_is_appended(checkout, console):
    script(checkout, "a")
    with pytest.raises(InputError, match="a measured no ratios"):
        history.measure(["a"], checkout / "history.jsonl", console)
    assert not (checkout / "history.jsonl").exists()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ratio_is_above_0_and_finite(monkeypatch, value):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import measure

    with pytest.raises(ValueError, match="must be above 0"):
        measure.ratio(f"a {value}", value)


def test_two_ratios_of_one_name_are_refused(checkout, console):
    script(checkout, "a", ("fast", 1.0), ("fast", 2.0))
    assert benchmarks.run(["a"], console).failed == ["a"]


def test_labels_keep_apart_and_within_the_panel():
    places = history_page._apart(np.array([0.1, 0.1, 0.11, 0.99, 1.0]), 0.05)
    assert (np.diff(places) > 0.05 - 1e-12).all()  # rounding of sums
    assert places.min() >= 0
    assert places.max() <= 1
    assert abs(places - [0.1, 0.15, 0.2, 0.95, 1.0]).max() < 1e-12  # as above


def test_the_picture_has_a_line_of_each_ratio_and_processor():
    entries = [
        entry(a_fast=10.0, b_fast=1.0),
        entry("Omega", day=2, a_fast=20.0),
        entry(day=3, a_fast=11.0),
    ]
    panels = history_page.draw(entries).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["a", "b"]
    lines = {line.get_linestyle(): line.get_xydata().tolist() for line in panels[0].lines}
    assert lines == {":": [[1, 20.0]], "-": [[0, 10.0], [2, 11.0]]}
    assert [text.get_text() for text in panels[0].texts] == ["11  fast"]


def test_the_page_in_the_repository_is_that_of_its_entries():
    file = BENCHMARKS / "history.jsonl"
    entries = history.read(file)
    assert entries
    assert (BENCHMARKS / "history.md").read_text() == history_page.page(file, entries)
    for line in file.read_text().splitlines():
        assert json.loads(line)["commit"], line
