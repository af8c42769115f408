"""What comes from outside: files of others, read within bounds.

A parser may raise anything at a damaged or hostile file, run for ever, take all memory or crash the
interpreter. `reading` makes one InputError of whatever it raises; `text_of` and `json_of` look at a
file's size first; `in_child` reads in a process of its own that is given some time and memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import InputError, NeurosimError, shown

TEXT_BYTES = 16 * 2**20
"""Most of a file of text or JSON, unless its reader says otherwise."""
CHILD_SECONDS, CHILD_BYTES = 20, 4 * 2**30
"""What reading in a child may take."""
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
        raise InputError(f"{place}: claims more memory than there is; it is damaged") from error
    except Exception as error:
        raise InputError(f"{place}: not a readable {what} ({reason(error)})") from error


def reason(error: BaseException) -> str:
    """Return the type of an error and what it says, as one safe line."""
    said = shown(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


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
        command = [sys.executable, "-m", "neurosim.outside", reader, str(path), str(out), what]
        few = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [*command, *arguments], capture_output=True, env=few, timeout=2 * CHILD_SECONDS
            )
            if done.returncode == REFUSED:
                raise InputError(done.stdout.decode(errors="replace"))
            if done.returncode == 0 and out.is_file():
                with np.load(out, allow_pickle=False) as arrays:
                    return dict(arrays)
            if done.returncode != -signal.SIGALRM:
                said = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
                raise InputError(
                    f"{shown(path)}: reading it as {what} ended the process that did with status "
                    f"{done.returncode}; it is damaged ({shown(said)})"
                )
    raise InputError(f"{shown(path)}: reading it takes more than {CHILD_SECONDS} s; it is damaged")


def _child(reader: str, path: str, out: str, what: str, *arguments: str) -> int:
    """Read a file here; return the exit status."""
    module, _, function = reader.partition(":")
    read = getattr(import_module(module), function)
    _limit()
    try:
        with reading(path, what):
            arrays = read(Path(path), *arguments)
    except InputError as error:
        sys.stdout.write(str(error))
        return REFUSED
    np.savez(out, **arrays)
    return 0


def _limit() -> None:
    """Bound the time and the memory of this process, where the system can."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        signal.alarm(CHILD_SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + CHILD_BYTES,) * 2)


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]))
