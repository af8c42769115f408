"""Compiled kernels: kept by content, shared by processes, and a line where they are compiled."""

import os
import subprocess
import sys

import pytest

from neurosim.snn import kernels
from neurosim.snn.kernels import kept

CALL = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
from neurosim.snn.kernels.floats import start_flushing as kernel
kernel(False)
print(sum(kernel.stats.cache_hits.values()), kernel.stats.cache_path)
"""


@pytest.fixture
def script(tmp_path):
    """Run a small kernel in another process; return what that prints."""

    def run():
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        environment.pop("NUMBA_CACHE_DIR", None)
        command = [sys.executable, "-c", CALL]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="$XDG_CACHE_HOME moves the cache of Linux only")
def test_processes_share_kernels_and_the_first_says_that_it_compiles(script, tmp_path):
    where = str(tmp_path / "cache" / "neurosim" / "kernels" / kept.stamp())
    notice, first = script()
    assert "compiling kernels" in notice
    assert first == f"0 {where}"
    assert script() == [f"1 {where}"]
    for file in (tmp_path / "cache").rglob("*start_flushing*.nbc"):
        file.write_bytes(file.read_bytes()[:40])  # cut short: compiled again
    assert script()[-1] == f"0 {where}"
    assert script() == [f"1 {where}"]


def test_the_key_changes_with_any_file_of_the_kernels(tmp_path, monkeypatch):
    def key(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return kept.stamp.__wrapped__()

    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    keys = [key(kept="", slopes="a"), key(slopes="b"), key(other="")]
    assert len(set(keys)) == 3
    assert key(slopes="b") == keys[-1]


def test_kernels_that_nobody_used_for_long_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    monkeypatch.setattr(kept.config, "CACHE_DIR", "")
    for name, days in (("old", kept.KEEP_DAYS + 1), ("recent", kept.KEEP_DAYS - 1)):
        (tmp_path / name).mkdir()
        then = kept.time.time() - 86400 * days
        os.utime(tmp_path / name, (then, then))
    assert kept._place.__wrapped__() == tmp_path / kept.stamp()
    assert {path.name for path in tmp_path.iterdir()} == {"recent", kept.stamp()}


def test_the_kernels_of_layers_are_kept_there():
    from neurosim.snn.kernels import backward, forward

    for kernel in (forward.forward, backward.replay_and_backward):
        assert kernel.stats.cache_path.endswith(kept.stamp())
    assert kernels.folder().name == "kernels"
