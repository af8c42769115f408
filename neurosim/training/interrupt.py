"""Ctrl-C and termination, put off to the end of a batch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Request:
    """Whether somebody asked to stop."""

    made: bool = False


@contextmanager
def postponed() -> Iterator[Request]:
    """Note the first interruption instead of raising it; the second one interrupts at once.

    Between forward pass and optimiser step a run is in no state that could be saved. Outside the
    main thread, which alone may handle signals, nothing is noted.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, frame: FrameType | None) -> None:
        if request.made:
            raise KeyboardInterrupt
        request.made = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
