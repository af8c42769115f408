"""What can go wrong, with the exit status the command line gives it.

A message is one line: what is wrong, where (the argument and its value), what to do.
"""

import difflib
from collections.abc import Callable, Sequence

LONGEST_VALUE, LONGEST_MESSAGE = 200, 4000
"""Characters of a value from outside, and of a whole message."""


def shown(value: object, most: int = LONGEST_VALUE, form: Callable[[object], str] = str) -> str:
    """Return what came from outside as one line that is safe in a terminal, and not too long."""
    try:
        text = form(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list within itself
        text = f"a value of type {type(value).__name__} that is too large to be shown"
    text = printable(" ".join(text.split("\n")).strip())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def printable(text: str) -> str:
    """Return a text with control characters written out: ESC as \\x1b; lines are kept."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _written_out(c) for c in text)


def _written_out(character: str) -> str:
    return " " if character == "\t" else character.encode("unicode_escape").decode()


class NeurosimError(Exception):
    """Base of all errors that neurosim raises on purpose. Its message is safe in a terminal."""

    exit_status = 4

    def __init__(self, message: str) -> None:
        super().__init__(shown(message, LONGEST_MESSAGE))


class InputError(NeurosimError, ValueError):
    """The input is wrong: a bad file, array, name or value."""

    exit_status = 2


class UnavailableError(NeurosimError, RuntimeError):
    """Something the environment lacks: a compiler, a data file, a board, an optional package."""

    exit_status = 3


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which known name was meant, or which there are: the end of a message."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
