"""Studies run once, on cores or a cluster, and survive failures and kills."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from neurosim.errors import InputError, UnavailableError
from neurosim.studies.executors import StudyError
from neurosim.studies.runner import CASES, run_cases
from neurosim.studies.study import key
from tests.studies import sample_studies

ALL = sorted(f"{letter}{seed}" for letter in "abcd" for seed in (0, 1))


def test_rows_come_in_the_order_of_the_cases_with_their_labels(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    rows, seconds = run_cases(study, tmp_path / "out", jobs=2)
    assert [(r["seed"], r["letter"], r["time"]) for r in rows] == [
        (seed, letter, t) for seed in (0, 1) for letter in "abcd" for t in (0.0, 0.5)
    ]
    assert rows[2]["value"] == ord("b")
    assert seconds >= 0
    assert sorted(sample_studies.ended(tmp_path / "log")) == ALL


def test_a_second_run_measures_nothing_and_more_seeds_only_what_is_new(tmp_path):
    log = tmp_path / "log"
    study = sample_studies.study(log)
    first, _ = run_cases(study, tmp_path / "out", jobs=1)
    second, _ = run_cases(study, tmp_path / "out", jobs=1)
    assert first == second
    assert sorted(sample_studies.ended(log)) == ALL
    run_cases(study, tmp_path / "out", jobs=1, seeds=3)
    assert sample_studies.ended(log)[len(ALL) :] == ["a2", "b2", "c2", "d2"]


def test_a_case_that_fails_is_named_and_the_others_are_kept(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(StudyError, match=r"2 of 8 cases failed, first .*'b'.*cannot be measured"):
        run_cases(sample_studies.study(log, fails="b"), tmp_path / "out", jobs=1)
    assert len(list((tmp_path / "out" / CASES).glob("*.json"))) == 6


def test_a_damaged_file_is_measured_again(tmp_path):
    log = tmp_path / "log"
    study = sample_studies.study(log)
    run_cases(study, tmp_path / "out", jobs=1)
    case = study.cases()[3]
    path = tmp_path / "out" / CASES / f"{key(study, case)}.json"
    path.write_text(path.read_text()[:20])
    run_cases(study, tmp_path / "out", jobs=1)
    assert sample_studies.ended(log)[8:] == [f"{case['letter']}{case['seed']}"]


def test_a_changed_number_is_found_named_and_measured_again(tmp_path):
    log, console = tmp_path / "log", Console(file=io.StringIO(), width=400)
    study = sample_studies.study(log)
    rows, _ = run_cases(study, tmp_path / "out", jobs=1)
    case = study.cases()[3]
    path = tmp_path / "out" / CASES / f"{key(study, case)}.json"
    record = json.loads(path.read_text())
    record["rows"][0]["value"] += 1  # a whole JSON file that nobody measured
    path.write_text(json.dumps(record))
    again, _ = run_cases(study, tmp_path / "out", jobs=1, console=console)
    assert again == rows
    assert sample_studies.ended(log)[8:] == [f"{case['letter']}{case['seed']}"]
    assert f"{path.name}: damaged, or changed since it was written" in console.file.getvalue()


def test_cases_without_checksums_are_believed_with_a_note(tmp_path):
    log, console = tmp_path / "log", Console(file=io.StringIO(), width=400)
    study = sample_studies.study(log)
    rows, _ = run_cases(study, tmp_path / "out", jobs=1)
    for path in (tmp_path / "out" / CASES).glob("*.json"):
        record = json.loads(path.read_text())
        del record["sha256"]
        path.write_text(json.dumps(record))
    again, _ = run_cases(study, tmp_path / "out", jobs=1, console=console)
    assert again == rows
    assert len(sample_studies.ended(log)) == 8
    assert "8 cases were stored by an earlier version" in console.file.getvalue()


def test_fast_runs_take_the_small_grid_and_never_mix_with_full_ones(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    rows, _ = run_cases(study, tmp_path / "out", fast=True, jobs=1)
    assert {(r["letter"], r["seed"]) for r in rows} == {("a", 0)}
    with pytest.raises(InputError, match="seeds is 0"):
        study.cases(0)


def test_a_part_of_the_grid_is_run_and_anything_else_refused(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    rows, _ = run_cases(study, tmp_path / "out", only={"letter": ["d", "b"]}, jobs=1)
    assert [r["letter"] for r in rows if r["seed"] == 0 and r["time"] == 0] == ["d", "b"]
    with pytest.raises(InputError, match=r"letter=b,x: x is not in the grid of letters"):
        study.cases(only={"letter": ["b", "x"]})
    with pytest.raises(InputError, match=r"number=1: 1 is not in the grid of letters"):
        study.cases(only={"number": ["1"]})


def test_a_killed_study_goes_on_where_it_stopped(tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    code = (
        "from pathlib import Path; from tests.studies import sample_studies as samples; "
        "from neurosim.studies.runner import run_cases; "
        f"run_cases(samples.study(Path({str(log)!r}), pause=0.1), Path({str(out)!r}), jobs=1)"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    deadline = time.monotonic() + 60
    while not (log.is_file() and len(sample_studies.ended(log)) >= 3):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(list((out / CASES).glob("*.json")))
    assert 2 <= before < 8, "it was to be killed midway"
    rows, _ = run_cases(sample_studies.study(log, pause=0.1), out, jobs=1)
    assert len(rows) == 16
    # A kill between the end of a case and its file repeats that one case at most.
    done = sample_studies.ended(log)
    assert sorted(set(done)) == ALL
    assert len(done) <= len(ALL) + 1


def _kill_a_worker_after(log: Path, count: int) -> threading.Thread:
    """Kill the process that began a case last, once so many have ended and both go on.

    Who has begun another case has stored the one before; what has just ended may not be stored.
    """

    def kill() -> None:
        deadline = time.monotonic() + 60
        begun, ended = [], 0
        while ended < count or len(begun) != ended + 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
            lines = log.read_text().splitlines() if log.is_file() else []
            begun = [line for line in lines if line.startswith("begin")]
            ended = len(lines) - len(begun)
        os.kill(int(begun[-1].split()[2]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    return killer


def test_a_process_killed_midway_is_said_and_what_finished_is_kept(tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    study = sample_studies.study(log, pause=0.3)
    killer = _kill_a_worker_after(log, 2)
    with pytest.raises(StudyError, match=r"a process died.* run it again"):
        run_cases(study, out, jobs=2)
    killer.join()
    kept = len(list((out / CASES).glob("*.json")))
    assert 2 <= kept < 8
    rows, _ = run_cases(study, out, jobs=1)
    assert len(rows) == 16
    assert sorted(sample_studies.ended(log)) == ALL, "each case ends once"


def test_an_interrupted_study_says_what_is_stored(tmp_path):
    study = sample_studies.study(tmp_path / "log")

    def measure(letter: str, **case: object) -> list[dict]:
        if letter == "c":
            raise KeyboardInterrupt
        return study.measure(letter, **case)

    console = Console(file=io.StringIO(), width=200)
    with pytest.raises(KeyboardInterrupt):
        run_cases(replace(study, measure=measure), tmp_path / "out", jobs=1, console=console)
    assert "2 of 8 cases are stored; the same command goes on" in console.file.getvalue()


def test_without_processes_or_an_address_nothing_is_run(tmp_path):
    study = sample_studies.study(tmp_path / "log")
    with pytest.raises(InputError, match="jobs is 0"):
        run_cases(study, tmp_path / "out", jobs=0)
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="--dask nonsense: say where"):
        run_cases(study, tmp_path / "out", dask="nonsense")


def test_a_dask_worker_killed_midway_loses_nothing_and_repeats_nothing(tmp_path):
    distributed = pytest.importorskip("distributed")
    log = tmp_path / "log"
    study = sample_studies.study(log, pause=0.3)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        killer = _kill_a_worker_after(log, 2)
        rows, _ = run_cases(study, tmp_path / "out", dask=cluster.scheduler_address)
        killer.join()
    assert len(rows) == 16
    assert sorted(sample_studies.ended(log)) == ALL, "each case ends once"
    begun = [ln.split()[1] for ln in log.read_text().splitlines() if ln.startswith("begin")]
    # The case that was running when its worker died begins again, if it was running one just then.
    assert len(begun) in (8, 9)


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(UnavailableError, match="tcp://nowhere:1: no scheduler answers"):
        run_cases(sample_studies.study(tmp_path / "log"), tmp_path / "out", dask="tcp://nowhere:1")
