"""Built libraries, kept on disk: one folder for each key, in the user's cache directory.

A folder appears whole or not at all: it is built beside and renamed. One that was damaged since is
built anew. Where several processes need
the same one, the first builds it and the others wait for its lock. The least recently used ones go
when there are more than `LIMIT`.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import platformdirs
from filelock import FileLock

from neurosim.equations import declaration
from neurosim.errors import UnavailableError

_LOG = logging.getLogger(__name__)

LIMIT = 256
"""Most builds kept."""

CONTENTS = "contents.json"
"""The file of a build that lists the others with their hashes."""

FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
)
"""Compiler flags; nothing that lets a compiler change the order or precision of arithmetic."""


@dataclass(frozen=True)
class Info:
    """What the cache holds."""

    folder: Path
    builds: int
    size: int
    """Bytes on disk."""


def folder() -> Path:
    """Return the directory of all builds."""
    return platformdirs.user_cache_path("neurosim") / "brian2"


def info() -> Info:
    """Return where the cache is and what it holds."""
    builds = _builds()
    files = [file for build in builds for file in build.rglob("*") if file.is_file()]
    return Info(folder(), len(builds), sum(file.stat().st_size for file in files))


def clear() -> int:
    """Remove all builds and return how many there were."""
    builds = _builds()
    shutil.rmtree(folder(), ignore_errors=True)
    return len(builds)


@lru_cache
def brian2_version() -> str:
    """Return the version of the installed Brian2, without importing it."""
    return version("brian2")


@lru_cache
def compiler() -> str | None:
    """Return the path of the C++ compiler, or None.

    It is the environment's CXX if that names a program (not a command with options), else g++ or
    clang++.
    """
    names = (os.environ.get("CXX", ""), "g++", "clang++")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def key(*parts: str) -> str:
    """Return the name of a build: a hash of its sources and of all tools that shape the result."""
    tools = (brian2_version(), _generators(), _compiler_version(), " ".join(FLAGS), _processor())
    return hashlib.sha256("\0".join((*parts, *tools)).encode()).hexdigest()[:32]


def library(name: str, files: Callable[[], Mapping[str, str]]) -> Path:
    """Return the path of a shared library, built now if the cache does not hold it.

    Args:
        name: its key.
        files: returns the texts to keep beside it by file name, `source.cpp` among them; called
            only when it has to be built.

    Raises:
        UnavailableError: there is no compiler, or it fails.
    """

    def build(place: Path) -> None:
        for file, text in files().items():
            (place / file).write_text(text)
        _compile([*FLAGS, str(place / "source.cpp"), "-o", str(place / "library.so")])

    return project(name, build, "library.so") / "library.so"


def project(name: str, build: Callable[[Path], None], *needed: str) -> Path:
    """Return the folder of a build, made now if the cache does not hold it.

    Args:
        name: its key.
        build: fills an empty folder, which is then renamed: nothing in it may know its own path.
        needed: files that must be there.
    """
    place = folder() / name
    if not _whole(place, needed):
        kept = _writable()
        try:
            place = _built(kept / name, build, needed)
        except OSError as error:
            if kept != folder():
                raise
            place = _built(_temporary(str(error)) / name, build, needed)
        _forget_oldest(place)
    with suppress(OSError):
        os.utime(place)  # most recently used
    return place


def _built(place: Path, build: Callable[[Path], None], needed: Sequence[str]) -> Path:
    """Return the folder of a build, made now unless another process makes it.

    Raises:
        OSError: it cannot be written.
    """
    with FileLock(_lock(place)):
        if not _whole(place, needed):  # nobody has built it while this process waited
            shutil.rmtree(place, ignore_errors=True)
            for left in place.parent.glob(f".building-{place.name}-*"):  # by a killed process
                shutil.rmtree(left, ignore_errors=True)
            _LOG.info("compiling what Brian2 generates, once on this machine: some seconds")
            _make(place, build)
    return place


def _make(place: Path, build: Callable[[Path], None]) -> None:
    partial = Path(tempfile.mkdtemp(prefix=f".building-{place.name}-", dir=place.parent))
    try:
        build(partial)
        (partial / CONTENTS).write_text(json.dumps(_digests(partial)))
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _digests(place: Path) -> dict[str, str]:
    """Return a hash of each file of a build, but that of the list itself."""
    files = (file for file in place.rglob("*") if file.is_file() and file.name != CONTENTS)
    return {
        str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    }


def _whole(place: Path, needed: Sequence[str]) -> bool:
    """Return whether a build is there with all that was built; cleaners remove single files."""
    try:
        contents = json.loads((place / CONTENTS).read_text())
        built = bool(contents) and contents.keys() >= set(needed)
        return built and bool(_digests(place).items() >= contents.items())
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def _writable() -> Path:
    """Return the folder of all builds, or one for this process where that cannot be written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            return folder()
    except OSError as error:
        return _temporary(str(error))


@lru_cache(maxsize=1)
def _temporary(reason: str) -> Path:
    warnings.warn(
        f"builds cannot be kept ({reason}) and are made anew in each process; set XDG_CACHE_HOME "
        "to a folder that can be written",
        stacklevel=6,
    )
    place = Path(tempfile.mkdtemp(prefix="neurosim-builds-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _lock(place: Path) -> Path:
    return place.with_name(f".{place.name}.lock")


def _compile(arguments: Sequence[str]) -> None:
    path = compiler()
    if path is None:
        raise UnavailableError(
            "no C++ compiler found (CXX, g++, clang++); install one or use the target 'numpy'"
        )
    done = subprocess.run([path, *arguments], capture_output=True, text=True)
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        if os.strerror(errno.ENOSPC) in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), arguments[-1])
        raise UnavailableError(f"{path} failed: {reason.strip()[:300]}; use the target 'numpy'")


def _builds() -> list[Path]:
    """All finished builds, least recently used first."""
    if not folder().is_dir():
        return []
    stamped = []
    for build in folder().iterdir():
        with suppress(OSError):  # another process may have removed it
            if not build.name.startswith("."):
                stamped.append((build.stat().st_mtime, build))
    return [build for _, build in sorted(stamped)]


def _forget_oldest(latest: Path) -> None:
    """Remove what is beyond the limit, but not the latest: a clock that was set back dates it."""
    with suppress(OSError):
        for build in _builds()[:-LIMIT]:
            if build != latest:
                shutil.rmtree(build, ignore_errors=True)
                _lock(build).unlink(missing_ok=True)


@lru_cache
def _compiler_version() -> str:
    path = compiler()
    if path is None:
        return "none"
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    return done.stdout.partition("\n")[0]


@lru_cache
def _generators() -> str:
    """A hash of the code that writes code."""
    state = hashlib.sha256()
    for folder_ in (Path(__file__).parent, Path(declaration.__file__).parent):
        for file in sorted((*folder_.glob("*.cpp"), *folder_.glob("*.py"))):
            state.update(file.read_bytes())
    return state.hexdigest()


@lru_cache
def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
