"""The GPU benchmarks' ledger goes on where it stopped, and their page is that of their results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GPU = ROOT / "benchmarks/gpu"

if not GPU.exists():
    pytest.skip("no checkout: benchmarks are not installed", allow_module_level=True)


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(GPU)
    import ledger
    import page

    return ledger, page


def test_the_page_is_that_of_the_results(modules):
    ledger, page = modules
    lines = ledger.read(GPU / "results.jsonl")
    assert page.page(lines) == (GPU / "results.md").read_text()
    assert sum(line["step"] == "compare" and line["ok"] for line in lines) == 50


def test_a_case_that_is_there_is_not_run_again(modules, tmp_path):
    ledger, _ = modules
    kept = ledger.Ledger(tmp_path / "results.jsonl")
    kept.add("compare", "lif", {"ok": True})
    again = ledger.Ledger(tmp_path / "results.jsonl")
    assert again.has("compare", "lif")
    assert not again.has("compare", "adex")
    (line,) = ledger.read(tmp_path / "results.jsonl")
    assert (line["step"], line["case"], line["ok"]) == ("compare", "lif", True)


@pytest.mark.slow
def test_the_script_runs_without_a_card(tmp_path):
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        [GPU / "run.sh", "--cpu", "--budget", "900", "--out", tmp_path],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = (tmp_path / "results.md").read_text()
    for shown in ("4 of 4 agree", "0 differ", "rockpool LIFTorch", "small-resnet, rate-based"):
        assert shown in text, text
