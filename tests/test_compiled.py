"""Compiled functions: kept by content, shared by processes, and a line where they are compiled."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

from neurosim import compiled as kept

CALL = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
import numpy as np
from neurosim.snn.kernels.event_kernels import unpack as kernel
kernel(np.ones((1, 1, 1), np.uint64), np.ones(1, np.uint8), 1, np.empty((1, 1)), 0, 1)
print(sum(kernel.stats.cache_hits.values()), kernel.stats.cache_path)
"""


KERNELS = kept.stamp(Path(kept.__file__).parent / "snn" / "kernels")


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
    where = str(tmp_path / "cache" / "neurosim" / "kernels" / KERNELS)
    notice, first = script()
    assert "compiling kernels" in notice
    assert first == f"0 {where}"
    assert script() == [f"1 {where}"]


def test_the_key_changes_with_any_file_of_the_folder(tmp_path):
    def key(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return kept.stamp.__wrapped__(tmp_path)

    keys = [key(kept="", slopes="a"), key(slopes="b"), key(other="")]
    assert len(set(keys)) == 3
    assert key(slopes="b") == keys[-1]


def test_what_nobody_used_for_long_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for name, days in (("old", kept.KEEP_DAYS + 1), ("recent", kept.KEEP_DAYS - 1)):
        (tmp_path / name).mkdir()
        then = time.time() - 86400 * days
        os.utime(tmp_path / name, (then, then))
    sources = Path(__file__).parent
    assert kept.place.__wrapped__(sources) == tmp_path / kept.stamp(sources)
    assert {path.name for path in tmp_path.iterdir()} == {"recent", kept.stamp(sources)}


def test_the_kernels_of_layers_are_kept_there():
    from neurosim.snn.kernels import backward, forward

    for kernel in (forward.forward, backward.replay_and_backward):
        assert kernel.stats.cache_path.endswith(KERNELS)
    assert kept.folder().name == "kernels"


DOUBLE = """
from neurosim.compiled import compiled
@compiled
def double(x):
    return 2 * x
"""


@pytest.fixture
def doubled(tmp_path, monkeypatch):
    """Compile or load a function of a folder of its own anew; return how often it was loaded."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    path = tmp_path / "sources" / "doubled.py"
    path.parent.mkdir()
    path.write_text(DOUBLE)

    def hits():
        kept.place.cache_clear()
        kept.stamp.cache_clear()
        spec = importlib.util.spec_from_file_location("doubled", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.double(21) == 42
        return sum(module.double.stats.cache_hits.values())

    yield hits
    kept.place.cache_clear()


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 40])
def test_what_was_cut_is_compiled_again(doubled, tmp_path, ending, left):
    assert [doubled(), doubled()] == [0, 1]
    (file,) = tmp_path.rglob(f"*.{ending}")
    file.write_bytes(file.read_bytes()[:left])
    assert [doubled(), doubled()] == [0, 1]


def test_a_change_in_another_file_of_the_folder_is_seen(doubled, tmp_path):
    assert [doubled(), doubled()] == [0, 1]
    (tmp_path / "sources" / "other.py").write_text("")
    assert [doubled(), doubled()] == [0, 1]


def test_without_a_place_it_is_compiled_anew(monkeypatch):
    def double(x):
        return 2 * x

    class Nowhere:
        def __init__(self, function):
            raise RuntimeError("cannot cache function: no locator available for file")

    monkeypatch.setattr(kept, "_kind", lambda: Nowhere)
    assert kept.compiled(double)(21) == 42
