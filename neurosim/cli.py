"""The command line: `neurosim demo`, `train`, `verify`, ...; each command is a thin wrapper."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import traceback
import warnings
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from neurosim import __version__
from neurosim.commands import NAMES
from neurosim.commands.terminal import console
from neurosim.errors import LONGEST_MESSAGE, NeurosimError, shown

NO_MEMORY = (
    "there is not enough memory; end other programs, or share less work between processes (--jobs)"
)
_ROOM = "free some space or choose another folder, then run the same command again"
_PLACE = "choose a folder that can be written, then run the same command again"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST), _PLACE),
    errno.EMFILE: "allow more open files (ulimit -n), then run the same command again",
    errno.ENOMEM: NO_MEMORY,
}
"""What to do about an error of the system, by its number."""

app = typer.Typer(
    help="Train spiking nets with stochastic thresholds, put them on Xylo, verify every spike.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line.

    What is known to go wrong is one line on stderr and an exit status: 2 wrong input, 3 something
    the environment lacks, 4 anything else that fails, 130 interrupted; 1 is kept for engines that
    differ.
    """
    warnings.showwarning = _show_warning
    notes = logging.getLogger("neurosim")
    notes.setLevel(logging.INFO)
    notes.addHandler(_NOTES)
    arguments = sys.argv[1:] or ["--help"]
    try:
        status = app(arguments, standalone_mode=False) or 0
        sys.stdout.flush()  # an output that is full is said here, not while Python ends
        sys.exit(status)
    except NeurosimError as error:
        _stop(str(error), error.exit_status)
    except (KeyboardInterrupt, typer.Abort):
        _stop("interrupted", 130)
    except OSError as error:
        _stop(*_explained(error))
    except MemoryError:
        _stop(NO_MEMORY, 3)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("neurosim"):
            raise
        _stop(f"this needs {error.name}, which is not installed: pip install {error.name}", 3)
    except Exception as error:
        if isinstance(error, RuntimeError) and "can't allocate memory" in str(error):  # torch's
            _stop(NO_MEMORY, 3)
        if hasattr(error, "format_message"):  # how the parser says that a command is misspelt
            _stop(f"{error.format_message()} (see neurosim --help)", 2)
        traceback.print_exc()
        sys.exit(4)
    finally:
        notes.removeHandler(_NOTES)


def _explained(error: OSError) -> tuple[str, int]:
    """Return what to say of an error of the system, and the exit status."""
    if isinstance(error, BrokenPipeError):  # such as `| head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    place = error.filename or "the output or a file"  # files are named
    remedy = REMEDIES.get(error.errno or 0, "then run the same command again")
    return f"{shown(place)}: {error.strerror or error}; {remedy}", 3


class _Notes(logging.Handler):
    """Shows what takes a while, such as compiling, in a line on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"neurosim: {shown(record.getMessage(), LONGEST_MESSAGE)}\n")


_NOTES = _Notes()


def _stop(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"neurosim: {shown(' '.join(message.split()), LONGEST_MESSAGE)}\n")
    sys.exit(status)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    sys.stderr.write(f"neurosim: warning: {shown(message, LONGEST_MESSAGE)}\n")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Spiking nets from equations to chip."""


for _name in NAMES:
    app.command(_name)(getattr(import_module(f"neurosim.commands.{_name}"), _name))
