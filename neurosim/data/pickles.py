"""Pickles of plain values and arrays, read without running anything that they name.

A pickle is a program that names classes and functions and calls them. Here nothing is called: this
reader follows the opcodes with a stack of its own, a `Call` stands for whatever the pickle would
make, and arrays are built afterwards, from bytes whose type and length were checked.
"""

from __future__ import annotations

import gzip
import io
import math
import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurosim import outside
from neurosim.data.catalogue import existing
from neurosim.errors import InputError, shown

MOST_BYTES = 2**28
"""Of a file, packed and unpacked."""
MOST_STEPS = 2**20
"""Opcodes of a pickle: a batch of CIFAR-10 has some 50,000."""
DEEPEST = 32
"""Lists within lists."""

_ARRAY, _DTYPE = "numpy._core.multiarray._reconstruct", "numpy.dtype"
_TEXT, _BYTES = "_codecs.encode", "builtins.bytes"
_KNOWN = {"numpy.ndarray", _ARRAY, _DTYPE, _TEXT, _BYTES}
_OBJECT = "copyreg._reconstructor"
_OF_RECORDS = {_OBJECT, "builtins.object"}
"""What protocols 0 and 1 need for an object of any class."""
_MOVED = {"numpy.core.": "numpy._core.", "__builtin__.": "builtins.", "copy_reg.": "copyreg."}
_TYPES = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f4", "f8"}


class Name(str):
    """The name of a class or a function; never the thing itself."""


@dataclass(eq=False, slots=True)
class Call:
    """What a pickle would have made: recorded, not made."""

    name: str
    """Module and name of the class or function."""
    arguments: tuple[Any, ...]
    state: Any = None
    """What the object would have been given after it was made."""


def load(path: str | Path, *, records: Iterable[str] = (), most: int = MOST_BYTES) -> Any:
    """Read a file as `loads` does; it may be packed by gzip.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: as `loads`, or the file, packed or unpacked, has more than `most` bytes.
    """
    path = Path(path)
    content = existing(path, most).read_bytes()
    with outside.reading(path, "pickle of arrays"):
        if content[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(most + 1)
            if len(content) > most:
                raise InputError(f"unpacks to more than {most:,} bytes")
        return loads(content, records=records)


def loads(content: bytes, *, records: Iterable[str] = ()) -> Any:
    """Return the dicts, lists, tuples, strings, numbers and arrays of a pickle; nothing is run.

    Strings of Python 2 are bytes. Arrays hold integers or floats, and are read-only; an array of
    objects becomes one of text where all are str, else the flat list of them.

    Args:
        content: the pickle, of any protocol.
        records: names that may be called beside those of an array, such as
            "pandas.core.frame.DataFrame": each such object is a `Call` with its arguments and
            state, in which arrays are built as everywhere. Names are those of Python 3.

    Raises:
        InputError: it asks for another name, an array's bytes do not fit its type and shape, or it
            has more than MOST_STEPS opcodes. A damaged pickle can also raise any other exception:
            call this within `outside.reading`.
    """
    bound = _Bound()
    named = set(records)
    allowed = _KNOWN | named | (_OF_RECORDS if named else set())
    return _built(_followed(content, allowed, bound), {}, bound)


class _Bound:
    """What may be made beside what the pickle itself holds: one text can be encoded many times."""

    def __init__(self) -> None:
        self.left = MOST_BYTES

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise InputError(f"makes more than {MOST_BYTES:,} bytes of texts")


_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
}
_PYTHON_2 = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}


def _followed(content: bytes, allowed: set[str], bound: _Bound) -> Any:
    """Return what the opcodes leave on the stack, with a Call for each that would be made."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def taken(number: int | None = None) -> list[Any]:
        """Take the last values, those since the last mark without a number, off the stack."""
        start = marks.pop() if number is None else len(stack) - number
        if start < 0:
            raise ValueError("the stack is empty")
        values = stack[start:]
        del stack[start:]
        return values

    value: Any
    for step, (opcode, value, _) in enumerate(pickletools.genops(content)):
        name = opcode.name
        if step > MOST_STEPS:
            raise InputError(f"has more than {MOST_STEPS:,} opcodes")
        if name in _VALUES:
            stack.append(value)
        elif name in _PYTHON_2:
            stack.append(value.encode("latin-1"))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _PUT:
            memo[value] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _GET:
            stack.append(memo[value])
        elif name == "MARK":
            marks.append(len(stack))
        elif name in _TUPLES or name == "TUPLE":
            stack.append(tuple(taken(_TUPLES.get(name))))
        elif name in ("EMPTY_LIST", "LIST"):
            stack.append(taken() if name == "LIST" else [])
        elif name in ("EMPTY_DICT", "DICT"):
            stack.append(_filled({}, taken() if name == "DICT" else []))
        elif name in ("APPEND", "APPENDS"):
            _extended(taken(1 if name == "APPEND" else None), stack[-1])
        elif name in ("SETITEM", "SETITEMS"):
            items = taken(2 if name == "SETITEM" else None)
            _filled(stack[-1], items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            module_and_name = value.split(" ", 1) if name == "GLOBAL" else taken(2)
            stack.append(_named(".".join(module_and_name), allowed))
        elif name in ("REDUCE", "NEWOBJ"):
            called, arguments = taken(2)
            stack.append(_call(called, arguments, bound))
        elif name == "BUILD":
            (state,) = taken(1)
            if not isinstance(stack[-1], Call):
                raise InputError(f"sets the state of a {type(stack[-1]).__name__}")
            stack[-1].state = state
        elif name == "STOP":
            return stack[-1]
        elif name not in ("PROTO", "FRAME"):
            raise InputError(f"asks for {name}, which no pickle of arrays needs")
    raise ValueError("ends too early")


def _extended(values: list[Any], target: Any) -> None:
    if type(target) is not list:
        raise InputError(f"appends to a {type(target).__name__}")
    target.extend(values)


def _filled(target: Any, items: list[Any]) -> dict[Any, Any]:
    """Put keys and values in turn into a dict."""
    if type(target) is not dict or len(items) % 2:
        raise InputError(f"sets items of a {type(target).__name__}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (str, bytes, int):  # the hash of tuples within tuples takes for ever
            raise InputError(f"has a {type(key).__name__} as a key")
        target[key] = value
    return target


def _named(name: str, allowed: set[str]) -> Name:
    for before, now in _MOVED.items():
        if name.startswith(before):
            name = now + name.removeprefix(before)
    if name not in allowed:
        raise InputError(f"asks for {shown(name)}; use the official file")
    return Name(name)


def _call(name: Any, arguments: Any, bound: _Bound) -> Any:
    if type(name) is not Name or type(arguments) is not tuple:
        raise InputError(f"calls a {type(name).__name__}")
    if name == _BYTES and not arguments:
        return b""
    if name == _TEXT:  # so Python 3 writes bytes for Python 2, and no bytes as above
        text, encoding = arguments
        if encoding not in ("latin1", "latin-1"):
            raise InputError(f"encodes by {shown(encoding)}")
        bound.take(len(text))
        return text.encode("latin-1")
    if name == _OBJECT:
        return _call(arguments[0], (), bound)
    return Call(str(name), arguments)


def _built(value: Any, done: dict[int, Any], bound: _Bound, depth: int = 0) -> Any:
    """Return a value with each Call that stands for an array replaced by the array.

    Args:
        value: to look through; lists, dicts and Calls are changed in place.
        done: what has become of the values that were seen, by their ids.
        bound: of the texts that are made.
        depth: of lists within lists.
    """
    if not isinstance(value, list | tuple | dict | Call):
        return value
    if id(value) in done:
        return done[id(value)]
    if depth > DEEPEST:
        raise InputError(f"has more than {DEEPEST} lists within lists")
    done[id(value)] = value
    if isinstance(value, list):
        value[:] = [_built(item, done, bound, depth + 1) for item in value]
    elif isinstance(value, dict):
        value |= {key: _built(item, done, bound, depth + 1) for key, item in value.items()}
    elif isinstance(value, tuple):
        done[id(value)] = tuple(_built(item, done, bound, depth + 1) for item in value)
    else:
        value.arguments = tuple(_built(item, done, bound, depth + 1) for item in value.arguments)
        value.state = _built(value.state, done, bound, depth + 1)
        if value.name == _ARRAY:
            done[id(value)] = _array(value.state, bound)
    return done[id(value)]


def _array(state: Any, bound: _Bound) -> np.ndarray | list[Any]:
    """Return the array that a recorded state describes: version, shape, type, order, content."""
    _, shape, dtype, fortran, content = state
    if not (type(shape) is tuple and all(type(n) is int and 0 <= n < 2**63 for n in shape)):
        raise InputError(f"has an array of shape {shown(shape)}")
    if not (isinstance(dtype, Call) and dtype.name == _DTYPE and type(fortran) is bool):
        raise InputError("has an array without a type")
    kind, size = _text(dtype.arguments[0]), math.prod(shape)
    order: Literal["C", "F"] = "F" if fortran else "C"
    if kind in ("O", "O4", "O8"):
        if type(content) is not list or len(content) != size:
            raise InputError(f"has an array of shape {shown(shape)} with other objects")
        if not all(type(item) is str for item in content):
            return content
        bound.take(4 * size * max(map(len, content), default=0))
        return np.array(content, np.str_).reshape(shape, order=order)
    bytewise = _text(dtype.state[1]) if dtype.state else "="
    if kind not in _TYPES or bytewise not in ("<", ">", "|", "="):
        raise InputError(f"has an array of {shown(kind)}; integers and floats are read")
    plain = np.dtype(bytewise.replace("|", "=") + kind)
    if type(content) is not bytes or len(content) != size * plain.itemsize:
        raise InputError(f"has an array of shape {shown(shape)} with another number of bytes")
    return np.frombuffer(content, plain).reshape(shape, order=order)


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
