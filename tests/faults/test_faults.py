"""A full disk, no memory, two processes, a clock that is set back, no compiler, kills.

Each ends with one line that says what to do, and leaves no file that looks complete but is not.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from neurosim import cli, drawing, store
from neurosim.data import cache as encoded
from neurosim.engines.brian2 import cache as builds
from neurosim.engines.brian2.targets import session
from neurosim.equations import dimensions
from neurosim.errors import InputError, UnavailableError
from neurosim.formats import nir
from neurosim.recording import Recording
from neurosim.run import Run
from neurosim.training import checkpoint, loop
from tests import nets

ROOT = Path(__file__).parents[2]
FULL = 2000
"""Bytes that a file may have on a full disk."""


@pytest.fixture
def full_disk():
    """Let files have few bytes: writing more is an error of the system, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def command_line(capfd, monkeypatch):
    """Return the command line, run in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["neurosim", *map(str, arguments)])
        capfd.readouterr()
        with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capfd.readouterr()
        return SimpleNamespace(status=int(ended.value.code), stderr=printed.err)

    return run


def drawn() -> Figure:
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(0).random(500))
    return figure


NOISE = np.random.default_rng(0).integers(0, 15, (3, 500, 7)).astype(np.uint8)
WRITERS = {
    "arrays.safetensors": lambda path: store.save(path, "x", {"a": NOISE}, {}),
    "words.txt": lambda path: store.write_text(path, "x" * 9000),
    "table.csv": lambda path: store.write_table(path, [{"x": k} for k in range(4000)]),
    "drawing.png": lambda path: drawing.save(drawn(), path.with_suffix(""), ("png",)),
    "drawing.pdf": lambda path: drawing.save(drawn(), path.with_suffix(""), ("pdf",)),
    "recording.nc": lambda path: Recording((NOISE,), dt=1e-3, populations=("a",)).save(path),
    "net.nir": lambda path: nir.write(nets.network(np.random.default_rng(0), (30, 40, 9)), path),
    "checkpoint.pt": lambda path: checkpoint.save(path, {"a": NOISE}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_file_that_was_there(name, tmp_path, request):
    path = tmp_path / name
    path.write_bytes(b"before")
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="File too large") as full:
        WRITERS[name](path)
    assert (full.value.errno, full.value.filename) == (errno.EFBIG, str(path))
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_whole_and_others_may_read_it(name, tmp_path):
    path = tmp_path / "new" / name
    path.parent.mkdir()
    path.with_name(f"{name}.part").write_bytes(b"x" * 10**6)  # of a process that was killed
    WRITERS[name](path)
    assert [file.name for file in path.parent.iterdir()] == [name]
    assert FULL < path.stat().st_size < 10**6
    usual = tmp_path / "usual"
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode


def test_of_many_who_write_a_file_at_once_one_is_read(tmp_path):
    path, contents = tmp_path / "file", [bytes([k]) * (1000 * k + 1) for k in range(1, 9)]
    threads = [
        threading.Thread(target=lambda c=c: [store.write_bytes(path, c) for _ in range(20)])
        for c in contents
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert not path.exists() or path.read_bytes() in contents
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "no locks")

    monkeypatch.setattr(store.fcntl, "flock", refuse)
    store.write_text(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"
    # The place that could not be locked may be another process's: it stays.
    assert {f.name for f in tmp_path.iterdir()} <= {"file", "file.part"}


class Killed(BaseException):
    pass


def test_a_run_that_is_being_written_is_no_run(tmp_path, monkeypatch):
    """Killed before each of its files, over an earlier run: none is taken for a finished one."""
    rng = np.random.default_rng(0)
    parts = ({"a": 1}, {"scale": 0.5}, ({"epoch": 1.0},), {"seconds": 1.0})
    runs = [Run(tmp_path / "run", nets.network(rng, (4, 5, 3)), *parts) for _ in range(2)]
    write, left = store.write_bytes, [0]

    def counted(path, content):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return write(path, content)

    monkeypatch.setattr(store, "write_bytes", counted)
    for files in range(100):
        left[0] = 100
        runs[0].save()
        left[0] = files
        try:
            runs[1].save()
        except Killed:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with pytest.raises(InputError, match="train"):
                    Run.load(tmp_path / "run")
        else:
            break
    assert files == 6
    assert Run.load(tmp_path / "run").network.digest() == runs[1].network.digest()


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    message = "another process trains there; wait for it, or give another folder"
    with checkpoint.alone(tmp_path), pytest.raises(UnavailableError, match=message):
        loop.train("aspen", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    with checkpoint.alone(tmp_path):
        pass


def test_a_full_disk_is_one_line(command_line, tmp_path, request):
    rng = np.random.default_rng(3)
    spec = nets.spec(rng).save(tmp_path / "net.safetensors")
    np.save(tmp_path / "events.npy", nets.events(rng, (2, 30, 4)))
    command = ("verify", spec, "--raster", tmp_path / "events.npy", "--report")
    assert command_line(*command, tmp_path / "before.html").status == 0
    request.getfixturevalue("full_disk")
    ended = command_line(*command, tmp_path / "page.html")
    assert ended.status == 3
    assert ended.stderr.endswith(
        f"neurosim: {tmp_path}/page.html: File too large; free some space or choose another "
        "folder, then run the same command again\n"
    )
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.glob("page.html*"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left", "/a/b\x1b"), "/a/b\\x1b: No space left; free some"),
        (OSError(errno.EROFS, "Read-only", "/a"), "/a: Read-only; choose a folder that can be"),
        (
            OSError(errno.EIO, "Input/output error"),
            "the output or a file: Input/output error; then run",
        ),
        (MemoryError(), "there is not enough memory; end other programs"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
            "there is not enough memory",
        ),
    ],
)
def test_errors_of_the_system_are_one_line(error, message, command_line, monkeypatch):
    from neurosim.studies import ledger

    def fail(paper):
        raise error

    monkeypatch.setattr(ledger, "judge_all", fail)
    ended = command_line("claims")
    assert ended.status == 3
    assert ended.stderr.startswith(f"neurosim: {message}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_or_closed():
    command = [sys.executable, "-m", "neurosim", "--version"]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 3
    assert ended.stderr.startswith(
        "neurosim: the output or a file: No space left on device; free some"
    )
    assert ended.stderr.count("\n") == 1
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


# --- caches ---


@pytest.fixture
def own_builds(tmp_path, monkeypatch):
    monkeypatch.setattr(builds, "folder", lambda: tmp_path / "builds")
    builds._temporary.cache_clear()
    yield tmp_path / "builds"
    builds._temporary.cache_clear()


def test_what_a_killed_process_was_building_goes(own_builds):
    left, other = own_builds / ".building-one-x", own_builds / ".building-two-x"
    left.mkdir(parents=True)
    other.mkdir()
    builds.project("one", lambda place: (place / "library.so").write_text("x"))
    assert not left.exists()
    assert other.exists(), "another process may be at it"


def test_a_cache_on_a_full_disk_is_done_without(own_builds):
    def build(place):
        if own_builds in place.parents:
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        (place / "library.so").write_text("x")

    with pytest.warns(UserWarning, match=r"builds cannot be kept .*No space left"):
        place = builds.project("one", build)
    assert (place / "library.so").read_text() == "x"
    assert not list(own_builds.glob(".building*"))


def test_a_clock_that_was_set_back_does_not_make_the_newest_build_the_oldest(
    own_builds, monkeypatch
):
    monkeypatch.setattr(builds, "LIMIT", 2)
    for name in "abc":
        builds.project(name, lambda place: (place / "library.so").write_text("x"))
        os.utime(own_builds / name, (2e9, 2e9))  # in the future
    place = builds.project("d", lambda place: (place / "library.so").write_text("x"))
    assert (place / "library.so").read_text() == "x"


def test_encoded_data_with_a_clock_that_was_set_back(tmp_path, monkeypatch):
    made = []

    def make():
        made.append(1)
        return {"a": np.arange(3)}

    form = {"a": ("i", (3,))}
    encoded.cached({"k": 1}, make, form, tmp_path)
    monkeypatch.setattr(time, "time", lambda: 1e6)
    for k in (1, 2):
        assert encoded.cached({"k": k}, make, form, tmp_path)["a"].tolist() == [0, 1, 2]
    assert len(made) == 2
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_partial_files_in_the_cache_go_after_a_day(tmp_path):
    old, new = tmp_path / "a.part", tmp_path / "b.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    assert encoded.prune(tmp_path) == [old]
    assert [f.name for f in tmp_path.iterdir()] == ["b.part"]


def test_a_damaged_list_of_checked_equations_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(dimensions, "folder", lambda: tmp_path)
    monkeypatch.setattr(dimensions, "_KNOWN", {})
    dimensions._memory().write_bytes(b"\xff\x00abc\n" + b"0" * 64)
    assert "0" * 64 in dimensions._known()


# --- compilers ---


@pytest.mark.parametrize(
    ("target", "programs", "message"),
    [
        ("cython", (), r"cannot build or load code for the target 'cython'.*'numpy'"),
        ("cpp_standalone", (), "no C\\+\\+ compiler found"),
        ("cpp_standalone", ("g++", "as", "ld"), "no make found"),
    ],
)
def test_a_missing_compiler_is_said_in_one_line(target, programs, message, tmp_path, monkeypatch):
    import brian2

    for program in programs:
        (tmp_path / program).symlink_to(Path("/usr/bin") / program)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    builds.compiler.cache_clear()

    def run_once():
        with session(target) as run:
            brian2.prefs["codegen.runtime.cython.cache_dir"] = str(tmp_path / "cython")
            # An equation that no other test has built.
            neurons = brian2.NeuronGroup(1, "dv/dt = -v/(7.0625*ms) : 1", method="euler")
            run(brian2.Network(neurons), 0.1 * brian2.ms)

    try:
        with pytest.raises(UnavailableError, match=message) as ended:
            run_once()
    finally:
        builds.compiler.cache_clear()
    assert "\n" not in str(ended.value)


# --- kills ---


@pytest.mark.slow
def test_killed_commands_end_with_the_same_files():
    """Two kills of each command, one with empty caches, at seeded moments; `make faults` has 50."""
    command = [sys.executable, "-m", "tests.faults.run", "--kills", "2", "--seed", "3"]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | single, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-2000:]
