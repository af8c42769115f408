"""The cache of builds: whole or not at all, bounded, safe with several processes."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys

import pytest

from neurosim.engines.brian2 import cache
from neurosim.errors import UnavailableError

SOURCE = 'extern "C" int answer() { return 42; }'


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "builds")
    return tmp_path / "builds"


def files() -> dict[str, str]:
    return {"source.cpp": SOURCE, "manifest.json": "{}"}


def kept(folder) -> list[str]:
    """All that lies in the cache, locks left out."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def refuse() -> dict[str, str]:
    raise AssertionError("built again")


def test_a_library_is_built_once_and_runs(own_folder) -> None:
    path = cache.library("one", files)
    assert ctypes.CDLL(str(path)).answer() == 42
    assert path.with_name("manifest.json").read_text() == "{}"
    assert cache.library("one", refuse) == path
    info = cache.info()
    assert (info.folder, info.builds) == (own_folder, 1)
    assert info.size > 1000


def test_a_build_is_announced_and_a_kept_one_is_not(caplog) -> None:
    caplog.set_level("INFO", "neurosim")
    cache.library("one", files)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "compiling" in caplog.text
    cache.library("one", refuse)
    assert len(caplog.records) == 1


def test_a_build_that_fails_leaves_nothing(own_folder) -> None:
    with pytest.raises(UnavailableError, match=r"failed: .*error"):
        cache.library("bad", lambda: {"source.cpp": "this is no C++"})
    assert kept(own_folder) == []

    def interrupted() -> dict[str, str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.library("bad", interrupted)
    assert kept(own_folder) == []
    assert ctypes.CDLL(str(cache.library("bad", files))).answer() == 42


@pytest.mark.parametrize("harm", ["removed", "cut", "changed"])
@pytest.mark.parametrize("file", ["library.so", "manifest.json", cache.CONTENTS])
def test_a_damaged_build_is_made_again(file, harm) -> None:
    built = cache.library("one", files).with_name(file)
    if harm == "removed":
        built.unlink()
    elif harm == "cut":
        built.write_bytes(built.read_bytes()[:1])
    else:
        built.write_bytes(b"7" + built.read_bytes()[1:])
    path = cache.library("one", files)
    assert ctypes.CDLL(str(path)).answer() == 42
    assert path.with_name("manifest.json").read_text() == "{}"
    assert cache.library("one", refuse) == path


@pytest.mark.parametrize("contents", ["{}", "other", "[" * 100_000], ids=["none", "other", "deep"])
def test_a_build_of_something_else_is_made_again(contents) -> None:
    """Its list fits what lies there, but that is no library."""
    built = cache.library("one", files)
    built.unlink()
    if contents == "other":
        listed = cache._digests(built.parent)
        assert listed
        contents = json.dumps(listed)
    built.with_name(cache.CONTENTS).write_text(contents)
    assert ctypes.CDLL(str(cache.library("one", files))).answer() == 42


def test_without_a_usable_folder_builds_are_temporary(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "file" / "builds")
    cache._temporary.cache_clear()
    with pytest.warns(UserWarning, match=r"builds cannot be kept .*set XDG_CACHE_HOME"):
        path = cache.library("one", files)
    assert ctypes.CDLL(str(path)).answer() == 42
    assert cache.library("one", refuse) == path
    cache._temporary.cache_clear()


def test_the_least_recently_used_go_first(monkeypatch) -> None:
    import os

    monkeypatch.setattr(cache, "LIMIT", 3)
    monkeypatch.setattr(cache, "_compile", lambda arguments: None)
    for age, name in enumerate("abc"):
        cache.project(name, lambda place: (place / "library.so").write_text("x"))
        os.utime(cache.folder() / name, (1000 + age, 1000 + age))
    cache.project("a", lambda place: None)  # used again: now the newest
    cache.project("d", lambda place: (place / "library.so").write_text("x"))
    assert kept(cache.folder()) == ["a", "c", "d"]


def test_clearing_empties_it() -> None:
    cache.library("one", files)
    assert cache.clear() == 1
    assert cache.info().builds == 0
    assert cache.clear() == 0


def test_the_key_holds_the_sources_and_the_tools(monkeypatch) -> None:
    assert cache.key("a", "b") == cache.key("a", "b")
    assert cache.key("a", "b") != cache.key("ab")
    before = cache.key("a")
    for name in ("brian2_version", "_compiler_version", "_processor", "_generators"):
        with monkeypatch.context() as patch:
            patch.setattr(cache, name, lambda: "another")
            assert cache.key("a") != before, name
    with monkeypatch.context() as patch:
        patch.setattr(cache, "FLAGS", (*cache.FLAGS, "-O1"))
        assert cache.key("a") != before


def test_no_flag_lets_the_compiler_change_arithmetic() -> None:
    assert "-ffp-contract=off" in cache.FLAGS
    assert not {"-ffast-math", "-Ofast", "-funsafe-math-optimizations"} & set(cache.FLAGS)


def test_a_missing_compiler_is_named(monkeypatch) -> None:
    monkeypatch.setattr(cache, "compiler", lambda: None)
    with pytest.raises(UnavailableError, match="no C\\+\\+ compiler found"):
        cache.library("one", files)


def test_of_two_processes_that_need_a_build_one_makes_it(own_folder) -> None:
    script = (
        "import ctypes, pathlib, sys, time\n"
        "from neurosim.engines.brian2 import cache\n"
        "cache.folder = lambda: pathlib.Path(sys.argv[1])\n"
        "def files():\n"
        "    (cache.folder().parent / f'built-by-{sys.argv[2]}').touch()\n"
        "    time.sleep(1.0)\n"  # the other one needs it meanwhile
        f"    return {{'source.cpp': {SOURCE!r}}}\n"
        "assert ctypes.CDLL(str(cache.library('one', files))).answer() == 42\n"
    )
    command = [sys.executable, "-c", script, str(own_folder)]
    running = [
        subprocess.Popen([*command, str(k)], stderr=subprocess.PIPE, text=True) for k in range(2)
    ]
    for process in running:
        assert process.wait(timeout=60) == 0, process.stderr.read()
    assert kept(own_folder) == ["one"]
    assert len(list(own_folder.parent.glob("built-by-*"))) == 1
