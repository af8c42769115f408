"""What comes from outside: files of others, read within bounds.

A parser may raise anything at a damaged or hostile file, run for ever, take all memory or crash the
interpreter. `reading` makes one InputError of whatever it raises; `text_of` and `json_of` look at a
file's size first; `in_child` reads in a process of its own that is given some time and memory.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import InputError, NeurosimError, shown

Reader = Callable[..., Mapping[str, np.ndarray]]

TEXT_BYTES = 16 * 2**20
"""Most of a file of text or JSON, unless its reader says otherwise."""
JSON_BYTES = 2**28
"""Most of a file that holds a net as JSON."""
CHILD_SECONDS, CHILD_RATE = 10, 10 * 2**20
"""Seconds that reading in a child may take, and for how many bytes of the file it gets one more."""
CHILD_BYTES, CHILD_GROWTH = 3 * 2**29, 64
"""Memory that reading in a child may take, and how much more for each byte of the file."""
RATIO, SMALL = 1100, 2**20
"""What an array may claim: deflate packs at most 1032 bytes into one, small arrays may be empty."""
REFUSED = 2
"""Exit status of a child that refuses the file."""


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Make one InputError of all that a parser raises at a damaged or hostile file.

    Args:
        path: for the message.
        what: the file should be, such as "NIR file".

    Raises:
        InputError: with the path. Other errors of neurosim's own pass.
    """
    place = shown(path)
    try:
        yield
    except InputError as error:
        if str(error).startswith(place):
            raise
        raise InputError(f"{place}: {error}") from error
    except NeurosimError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{place}: needs more memory than there is, or is damaged; give this process more"
        ) from error
    except Exception as error:
        raise InputError(f"{place}: damaged, or not a readable {what} ({reason(error)})") from error


def reason(error: BaseException) -> str:
    """Return the type of an error and what it says, as one safe line."""
    message = shown(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def text_of(path: str | Path, most: int = TEXT_BYTES) -> str:
    """Return a file of text in UTF-8.

    Raises:
        InputError: it is missing, no file, larger than `most` bytes, or no text.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{shown(path)}: no such file")
    if (size := path.stat().st_size) > most:
        raise InputError(f"{shown(path)}: has {size:,} bytes; at most {most:,} are read")
    with reading(path, "text"):
        return path.read_text(encoding="utf-8")


def json_of(path: str | Path, most: int = TEXT_BYTES) -> Any:
    """Return the values in a JSON file.

    Raises:
        InputError: as `text_of`, or it is no JSON.
    """
    text = text_of(path, most)
    with reading(path, "JSON file"):
        return json.loads(text)


def most_unpacked(size: int) -> int:
    """Return the most bytes that so many packed ones may claim to hold."""
    return RATIO * size + SMALL


def in_child(reader: str, path: str | Path, *arguments: str, what: str) -> dict[str, np.ndarray]:
    """Return the arrays that a reader finds in a file, in a process with bounds of time and memory.

    For libraries that a damaged file makes hang or crash. The arrays come over as a file that holds
    nothing else.

    Args:
        reader: "module:function", which gets the path and the arguments and returns arrays by name.
        path: of the file.
        arguments: for the reader.
        what: the file should be, for messages.

    Raises:
        InputError: the reader refuses the file, crashes, or takes too much time or memory.
    """
    with tempfile.TemporaryDirectory(prefix="neurosim-") as place:
        out = Path(place) / "arrays.npz"
        status = _ask([reader, str(Path(path).absolute()), str(out), what, *arguments])
        if status == REFUSED:
            raise InputError(_note(out).read_text(encoding="utf-8"))
        if status == 0:
            with np.load(out, allow_pickle=False) as arrays:
                return dict(arrays)
    if status == -signal.SIGALRM:
        raise InputError(
            f"{shown(path)}: reading it takes more than {_seconds(Path(path))} s; it is damaged"
        )
    raise InputError(
        f"{shown(path)}: the library that reads a {what} crashes ({status}); it is damaged"
    )


# --- the process that reads -----------------------------------------------------------------------
#
# It imports a reader once, then forks for each file: it has one thread, and its memory is small, so
# that a fork is safe and takes milliseconds. A process that never ran a reader starts one.

_turn = threading.Lock()
_server: tuple[int, subprocess.Popen[str]] | None = None
"""The process that reads for the process of that number."""


def _ask(request: list[str]) -> int:
    """Have a file read; return the exit status, negative for a signal."""
    global _server
    with _turn:
        if _server is None or _server[0] != os.getpid() or _server[1].poll() is not None:
            # A session of its own: Ctrl-C in a terminal is for this process alone.
            few = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-m", "neurosim.outside"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, env=few, start_new_session=True,
            )  # fmt: skip
            _server = (os.getpid(), process)
        server = _server[1]
        try:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            return int(server.stdout.readline())
        except BaseException as error:  # also Ctrl-C: the answer would be the next one's
            _stop()
            if isinstance(error, OSError | ValueError):
                return -signal.SIGKILL
            raise


@atexit.register
def _stop() -> None:
    """End the process that reads; the next file gets a new one."""
    global _server
    owner, process = _server or (0, None)
    _server = None
    if process is not None and owner == os.getpid():
        process.kill()
        process.communicate()


def _note(out: Path) -> Path:
    """Return where a child writes why it refuses a file."""
    return out.with_suffix(".txt")


def _serve() -> None:
    """Read files as asked for, each in a fork, until nobody asks any more."""
    for line in sys.stdin:
        reader, path, out, what, *arguments = json.loads(line)
        module, _, function = reader.partition(":")
        read = getattr(import_module(module), function)
        if (child := os.fork()) == 0:
            os._exit(_read(read, Path(path), Path(out), what, arguments))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _read(read: Reader, path: Path, out: Path, what: str, arguments: list[str]) -> int:
    """Read a file here; return the exit status."""
    try:
        _limit(_seconds(path), CHILD_BYTES + CHILD_GROWTH * path.stat().st_size)
        with reading(path, what):
            arrays: Any = read(path, *arguments)
        np.savez(out, **arrays)
    except InputError as error:
        _note(out).write_text(str(error), encoding="utf-8")
        return REFUSED
    except BaseException:
        return 1
    return 0


def _seconds(path: Path) -> int:
    return CHILD_SECONDS + path.stat().st_size // CHILD_RATE


def _limit(seconds: int, memory: int) -> None:
    """Bound the time and the bytes of this process, where the system can."""
    import resource

    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # not everywhere can memory be bounded
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        taken = pages * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory,) * 2)


if __name__ == "__main__":
    _serve()
