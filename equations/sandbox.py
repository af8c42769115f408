"""Use Brian2 in passing, without a trace in the user's session."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def load() -> Any:
    """Import and return Brian2, but keep Python's own report of an uncaught error.

    Brian2 replaces it on import, and would call every error of ours a bug of Brian2.
    """
    hook = sys.excepthook
    import brian2

    sys.excepthook = hook
    return brian2


def forget() -> None:
    """Delete what was made in a sandbox and never run: Brian2 warns of it, unheard while inside."""
    gc.collect()


@contextmanager
def sandbox(
    device: Any = "runtime", target: str = "numpy", as_written: bool = False
) -> Iterator[None]:
    """Work on a device of one's own, and without Brian2's warnings.

    Args:
        device: a Brian2 device or the name of one.
        target: what Brian2 generates for its runtime device, "numpy" or "cython".
        as_written: keep the order of operations; else Brian2 moves terms that do not change within
            a step out of its loops.
    """
    brian2 = load()
    from brian2.devices.device import reset_device
    from brian2.utils.logger import catch_logs

    preferences = brian2.prefs.codegen
    previous = preferences.target, preferences.loop_invariant_optimisations
    with catch_logs():
        brian2.set_device(device, build_on_run=False)
        preferences.target = target
        preferences.loop_invariant_optimisations = not as_written
        try:
            yield
        finally:
            preferences.target, preferences.loop_invariant_optimisations = previous
            reset_device()
