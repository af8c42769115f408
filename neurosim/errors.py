"""What can go wrong, with the exit status the command line gives it.

A message is one line: what is wrong, where (the argument and its value), what to do.
"""

import difflib
from collections.abc import Sequence


class NeurosimError(Exception):
    """Base of all errors that neurosim raises on purpose."""

    exit_status = 4


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
