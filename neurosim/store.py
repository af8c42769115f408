"""Files, written whole or not at all: arrays with a JSON header, tables, text; never a pickle."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from neurosim import outside
from neurosim.errors import InputError, shown

VERSION = 1
MOST_ROWS, LARGEST_COLUMN = 2**20, 2**26
"""Of a table: rows, and characters of a column with each field as long as the longest."""


class UncheckedWarning(UserWarning):
    """What was read has no checksum: whether it was changed cannot be told."""


def note_unchecked(path: str | Path) -> None:
    """Warn that a file holds no digest; once for each file, as Python filters warnings."""
    warnings.warn(
        f"{shown(path)}: has no digest: made by an earlier version, or by another program; whether "
        "it was changed since cannot be told",
        UncheckedWarning,
        stacklevel=3,
    )


def write_bytes(path: str | Path, content: bytes | memoryview) -> Path:
    """Write a file whole or not at all, also where the process is killed or the power fails.

    The bytes lie on the disk, in `NAME.part` beside it, before they get their name. Of several
    processes one writes at a time. What a killed process left is overwritten by the next one.

    Raises:
        OSError: it cannot be written; `filename` is the path.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _partial(path) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
    except OSError as error:
        raise named(error, path) from error
    return path


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """Give a file in memory to write into; `write_bytes` puts it at `path` if the block ends well.

    For writers that know files only: a full disk, which crashes some, is met afterwards.
    """
    content = io.BytesIO()
    yield content
    write_bytes(path, content.getvalue())


def named(error: OSError, path: Path) -> OSError:
    """Return an error that names the file that was wanted, for the message."""
    return OSError(error.errno, error.strerror or str(error), str(path))


@contextmanager
def _partial(path: Path) -> Iterator[IO[bytes]]:
    """Open `NAME.part` for this process alone; it is removed unless it was renamed."""
    place = path.with_name(f"{path.name}.part")
    while True:
        file = place.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), place.stat()):
                break
        except FileNotFoundError:  # as below: who wrote before has renamed or removed it
            pass
        except OSError:  # a file system without locks: a name of its own
            file.close()
            place = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
            file = place.open("xb")
            break
        file.close()
    with file:
        try:
            file.truncate(0)
            yield file
        finally:
            with suppress(OSError):
                if os.path.samestat(os.fstat(file.fileno()), place.stat()):
                    place.unlink()


def save(path: str | Path, kind: str, tensors: dict[str, np.ndarray], header: dict) -> Path:
    """Write tensors and a JSON header of one kind ("network", "xylo-spec", ...)."""
    from safetensors import numpy as safetensors

    whole = json.loads(json.dumps({"kind": kind, "version": VERSION, **header}))
    metadata = {"neurosim": json.dumps({**whole, "sha256": content(tensors, whole)})}
    arrays = {name: np.asarray(a, order="C") for name, a in tensors.items()}
    return write_bytes(path, safetensors.save(arrays, metadata))


def content(arrays: Mapping[str, np.ndarray], *others: Any) -> str:
    """Return a SHA-256 over every array, with name, type and shape, and over other JSON values."""
    state = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        head = json.dumps([name, array.dtype.str, np.shape(arrays[name])])
        state.update(f"{len(head)} {head}".encode())
        state.update(array.reshape(-1).view(np.uint8).data if array.size else b"")
    return state.hexdigest()


def load(
    path: str | Path, kind: str, *, note: bool = True
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return tensors and header of a file that must be of that kind.

    Args:
        path: of the file.
        kind: what its header must name.
        note: warn where it holds no checksum, as files of earlier versions; False where the
            caller's folder has checksums or gives its own note.

    Raises:
        InputError: the file is missing, damaged, changed since it was written, of another kind or
            of a newer version.

    Warns:
        UncheckedWarning: it holds no checksum.
    """
    from safetensors import safe_open

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with outside.reading(path, "safetensors file"), safe_open(path, framework="numpy") as file:
        header = _header(file)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    named = header.get("kind")
    if named != kind:
        held = shown(named or "something else")
        raise InputError(f"{path}: holds {held}, expected a {kind} file")
    if header.get("version") != VERSION:
        version = shown(header.get("version"))
        raise InputError(f"{path}: file version {version}, this reads {VERSION}")
    checksum = header.pop("sha256", None)
    if checksum is None and note:
        note_unchecked(path)
    if checksum is not None and checksum != content(tensors, header):
        raise InputError(
            f"{path}: damaged: its content is not that of its checksum; restore it or make it anew"
        )
    return tensors, header


def kind(path: str | Path) -> str | None:
    """Return the kind that a file's header names, or None where there is none to read."""
    from safetensors import safe_open

    try:
        with outside.reading(path, "header"), safe_open(path, framework="numpy") as file:
            named = _header(file).get("kind")
    except InputError:
        return None
    return named if isinstance(named, str) else None


def _header(file: Any) -> dict[str, Any]:
    """Return our header of an open safetensors file; empty where another program wrote it."""
    header = json.loads((file.metadata() or {}).get("neurosim", "{}"))
    return header if isinstance(header, dict) else {}


CHECKSUMS = "checksums.json"
"""In a folder: SHA-256 of files, by name."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path, names: Sequence[str], coming: Mapping[str, str]) -> None:
    """Write the checksums of some files of a folder beside them.

    Args:
        folder: of the files.
        names: of all of them.
        coming: texts of those among them that are written after the checksums.
    """
    sums = {
        name: hashlib.sha256(coming[name].encode()).hexdigest()
        if name in coming
        else sha256(folder / name)
        for name in names
    }
    write_text(folder / CHECKSUMS, json.dumps(sums, indent=2))


def check_folder(folder: Path) -> bool:
    """Compare the files of a folder with their checksums; return whether there are any.

    Raises:
        InputError: a file is missing or was changed, or the checksums cannot be read.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        return False
    sums = outside.json_of(path)
    if not isinstance(sums, dict):
        raise InputError(f"{path}: holds no checksums but {shown(sums)}")
    for name, checksum in sums.items():
        file = folder / Path(name).name
        if not file.is_file():
            raise InputError(f"{file}: is missing")
        if sha256(file) != checksum:
            raise InputError(f"{file}: damaged or changed since it was written")
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8."""
    write_bytes(path, text.encode())


def write_table(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    command: str | None = None,
    head: Mapping[str, str] | None = None,
    digits: int | None = None,
) -> Path:
    """Write a table as CSV.

    What has a head also has a line `# sha256: ...`, the SHA-256 of all other lines.

    Args:
        path: of the file.
        rows: of equal keys, which name the columns.
        command: what makes it again; said in a line `# command: ...` above it.
        head: more such lines.
        digits: significant digits of floats; as many as tell all of them apart when None.
    """
    table = io.StringIO()
    lines = {**({"command": command} if command else {}), **(head or {})}
    above = "".join(f"# {name}: {value}\n" for name, value in lines.items())
    writer = csv.DictWriter(table, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if digits is not None:
            row = {k: f"{v:.{digits}g}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(row)
    body = table.getvalue()
    seal = f"# sha256: {_sealed(above + body)}\n" if above else ""
    write_text(Path(path), f"{above}{seal}{body}")
    return Path(path)


@contextmanager
def reading_table(path: Path, remedy: str) -> Iterator[None]:
    """Make an InputError with the remedy of whatever a table raises, see `outside.reading`."""
    try:
        with outside.reading(path, "table"):
            yield
    except InputError as error:
        raise InputError(f"{error}; run `{remedy}` again") from error


def split_table(path: Path, *, remedy: str) -> tuple[dict[str, str], str]:
    """Return the head of a table by name, and its columns and rows as text.

    Args:
        path: what `write_table` wrote; a table without a SHA-256, made by hand, is believed.
        remedy: the command that makes it, for the message.

    Raises:
        InputError: it cannot be read, or is not what was written.
    """
    with reading_table(path, remedy):
        text = outside.text_of(path)
    end = 0
    while text.startswith("# ", end) and (line := text.find("\n", end) + 1):
        end = line
    head = dict(line[2:].partition(": ")[::2] for line in text[:end].split("\n")[:-1])
    seal = head.pop("sha256", None)
    if seal not in (None, _sealed(text.replace(f"# sha256: {seal}\n", "", 1))):
        raise InputError(
            f"{path}: damaged, or changed since it was written; run `{remedy}` again, or take its "
            "line `# sha256` out to believe the change"
        )
    return head, text[end:]


def _sealed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_table(path: str | Path, *, remedy: str, text: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Return the columns of a table by name: numbers as float64, else strings.

    Args:
        path: what `write_table` wrote.
        remedy: the command that makes it, for the message.
        text: columns of strings, even where all of them look like numbers.

    Raises:
        InputError: there is no such table, or it is damaged or empty.
    """
    _, table = split_table(Path(path), remedy=remedy)
    with reading_table(Path(path), remedy):
        names, *rows = cells(table)
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        if any(len(rows) * max(map(len, column)) > LARGEST_COLUMN for column in columns.values()):
            raise InputError("has a field that is too long for a table of so many rows")
    return {
        name: np.array(column) if name in text else _numbers(np.array(column))
        for name, column in columns.items()
    }


def cells(table: str) -> list[list[str]]:
    """Return names and rows of what `split_table` returned; empty lines are left out.

    Raises:
        InputError: there is no row, a name is there twice, or a row has another length.
        csv.Error: a field of more than 131,072 characters, or a quote without its other one.
    """
    lines = csv.reader(io.StringIO(table, newline=""), strict=True)
    names, *rows = list(islice((row for row in lines if row), MOST_ROWS + 2)) or [[]]
    if len(rows) > MOST_ROWS:
        raise InputError(f"has more than {MOST_ROWS:,} rows")
    if not rows or len(set(names)) < len(names) or any(len(row) != len(names) for row in rows):
        raise InputError("empty or damaged table")
    return [names, *rows]


def rows_of(columns: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return the rows of a table that `read_table` returned by columns."""
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def shipped() -> Path:
    """Return the folder of the results that come with the figures."""
    return Path(str(files("neurosim.figures"))) / "data"


def _numbers(column: np.ndarray) -> np.ndarray:
    try:
        return column.astype(np.float64)
    except ValueError:
        return column
