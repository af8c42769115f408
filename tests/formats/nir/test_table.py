"""The script that tells what becomes of a folder of NIR files, and the table in the repository."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import nir as reference
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def script():
    path = ROOT / "benchmarks" / "accuracy" / "nir_files.py"
    spec = importlib.util.spec_from_file_location("nir_files", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_each_file_runs_or_is_refused_with_what_a_user_reads(script, tmp_path) -> None:
    for name, tau in (("two_lif_neurons", 0.005), ("srnn--broken", -0.08)):
        node = reference.LIF(
            tau=np.full(2, tau), r=np.full(2, 3.0), v_leak=np.zeros(2), v_threshold=np.full(2, 0.5)
        )
        nodes = {"input": reference.Input(np.array([2])), "lif": node}
        nodes["output"] = reference.Output(np.array([2]))
        edges = list(itertools.pairwise(nodes))
        reference.write(tmp_path / f"{name}.nir", reference.NIRGraph(nodes, edges))
    (tmp_path / "text.nir").write_text("no HDF5")
    rows = {row.name: row for row in script.table(tmp_path)}
    runs = rows["two_lif_neurons"]
    assert runs.read_as == "nir, dt 0.001"
    assert runs.neurons == "2"
    assert runs.result.startswith("runs: ")
    assert not runs.result.startswith("runs: 0 ")
    refused = rows["srnn--broken"].result
    assert refused.startswith("refused: node lif: LIF.tau holds -0.08; a time constant is above 0")
    assert rows["text"].result.startswith("refused: ")
    page = script.page(list(rows.values()))
    assert "1 of 3 files run, 2 are refused." in page
    assert str(tmp_path) not in page


def test_the_table_in_the_repository_counts_its_rows() -> None:
    lines = (ROOT / "benchmarks" / "nir_files.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    runs = [line for line in rows if "| runs: " in line]
    refused = [line for line in rows if "| refused: " in line]
    assert len(rows) == len(runs) + len(refused) == 25
    assert f"{len(runs)} of 25 files run, {len(refused)} are refused." in lines
