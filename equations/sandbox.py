"""Use Brian2 in passing: alone, and without a trace in the user's session.

Brian2's device, preferences, clocks and caches belong to the process. In a sandbox they are ours:
threads enter it one after another, what is generated does not depend on the user's preferences, and
everything is as before afterwards.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from neurosim.errors import UnavailableError

_alone = threading.RLock()
_SHAPING = ("codegen.", "core.", "devices.", "legacy.")
"""Preferences that decide what is generated and run, by the start of their names."""
_PLACES = (
    "codegen.cpp.compiler",
    "codegen.cpp.include_dirs",
    "codegen.cpp.library_dirs",
    "codegen.cpp.runtime_library_dirs",
    "codegen.cpp.msvc_",
    "codegen.max_cache_dir_size",
    "codegen.runtime.cython.",
    "core.outdated_dependency_error",
    "devices.cpp_standalone.make_cmd_unix",
)
"""Those among them that say where tools lie: the user's stay."""
_statements: dict[bool, dict[Any, Any]] = {True: {}, False: {}}
"""Brian2's memory of parsed code, by `as_written`, which its own key leaves out."""


def _after_fork() -> None:
    """Forget a lock that a thread of the parent may hold: it does not live in the child."""
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def load() -> Any:
    """Import and return Brian2, but keep how the process reports uncaught errors and warnings.

    On import Brian2 replaces both: it would call every error of ours a bug of Brian2, and turn
    every library's warnings into records of its log. It also sets a handler of Ctrl-C, which only
    the main thread may, and which calls the one before even where that is none because the process
    ignores Ctrl-C.
    """
    with _alone:
        if "brian2" in sys.modules:
            return _brian2()
        hook, handler = sys.excepthook, signal.getsignal(signal.SIGINT)
        with _no_handlers(), _own_warnings():
            brian2 = _brian2()
        sys.excepthook = hook
        if isinstance(handler, signal.Handlers) and _in_main_thread():
            signal.signal(signal.SIGINT, handler)
        return brian2


def _brian2() -> Any:
    import brian2

    return brian2


@contextmanager
def _own_warnings() -> Iterator[None]:
    """Put back filters of warnings, how they are shown, and whether logging takes them."""
    capture = logging.captureWarnings
    logging.captureWarnings = lambda capture: None
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings = capture


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _no_handlers() -> Iterator[None]:
    """Let this thread set signal handlers without effect, if it is not the main one."""
    if _in_main_thread():
        yield
        return
    own, set_handler = threading.get_ident(), signal.signal

    def set_elsewhere(number: Any, handler: Any) -> Any:
        if threading.get_ident() == own:
            return signal.getsignal(number)
        return set_handler(number, handler)

    signal.signal = set_elsewhere  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = set_handler


_FROZEN_BY_PYTHON = 1000
"""More objects than Python 3.12 freezes when it starts (375); beyond it, the user froze some."""


@contextmanager
def _elder_objects_uncollected() -> Iterator[None]:
    """Let collections of garbage pass over all objects that are there already.

    Brian2 collects before each run, which with torch loaded takes half a second; so does `forget`.
    """
    if gc.get_freeze_count() > _FROZEN_BY_PYTHON:  # thawing would thaw the user's own
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()  # quick here, and what is left behind dies unheard
        gc.unfreeze()


def program() -> Any:
    """Return Brian2's active device if it writes a program; None where it runs at once."""
    load()
    from brian2.devices.device import RuntimeDevice, get_device

    device = get_device()
    return None if isinstance(device, RuntimeDevice) else device


def forget() -> None:
    """Delete what was made in a sandbox and never run: Brian2 warns of it, unheard while inside."""
    gc.collect()


def run(network: Any, duration: Any) -> None:
    """Run a Brian2 network to its end.

    Raises:
        KeyboardInterrupt: it was stopped before, by Ctrl-C or Brian2's `stop()`.
    """
    network.run(duration, namespace={})
    if network.t_ < float(duration):
        raise KeyboardInterrupt


@contextmanager
def sandbox(device: Any = None, target: str = "numpy", as_written: bool = False) -> Iterator[None]:
    """Work on a device of one's own, with preferences of one's own, without Brian2's warnings.

    One thread at a time is inside; others wait.

    Args:
        device: a Brian2 device; without, one that runs at once, and is not the user's.
        target: what Brian2 generates for such a device, "numpy" or "cython".
        as_written: keep the order of operations; else Brian2 moves terms that do not change within
            a step out of its loops.
    """
    with _alone:
        brian2 = load()
        from brian2.utils.logger import catch_logs

        numbers = np.errstate(all="warn", under="ignore")
        with catch_logs(), _restored(), numbers, _elder_objects_uncollected():
            _prefer_defaults(brian2.prefs)
            preferences = brian2.prefs.codegen
            preferences.target = target
            preferences.loop_invariant_optimisations = not as_written
            brian2.prefs.core.stop_on_keyboard_interrupt = False  # Ctrl-C raises, as in Python
            _parser()._cache = _statements[as_written]
            brian2.set_device(_runtime() if device is None else device, build_on_run=False)
            brian2.defaultclock.dt = 0.1 * brian2.ms  # Brian2 takes the user's along
            with _building() if target == "cython" else nullcontext():
                yield


@contextmanager
def _building() -> Iterator[None]:
    """Say in one line why Brian2 cannot build or load code in Cython: it raises what it met there.

    Raises:
        UnavailableError: no compiler works, or its cache cannot be written or was damaged.
    """
    import brian2
    from Cython.Compiler.Errors import CompileError

    try:
        yield
    except (brian2.BrianObjectException, OSError, ImportError, CompileError) as error:
        reason: BaseException = error
        while (cause := reason.__cause__ or reason.__context__) is not None:
            reason = cause
        if isinstance(reason, OSError | ImportError) or "Compile" in type(reason).__name__:
            raise UnavailableError(
                f"Brian2 cannot build or load code for the target 'cython' ({reason}); it needs a "
                f"C++ compiler, and whole files in {_cython_cache()}; or use the target 'numpy'"
            ) from error
        raise


def _cython_cache() -> str:
    """Return the folder of what Brian2 has built with Cython."""
    from brian2.codegen.runtime.cython_rt.extension_manager import get_cython_cache_dir

    return str(get_cython_cache_dir())


@cache
def _runtime() -> Any:
    """Return a device that runs at once, with clocks and random numbers of its own."""
    from brian2.devices.device import RuntimeDevice

    return RuntimeDevice()


def _prefer_defaults(preferences: Any) -> None:
    """Set all preferences that shape what is generated to Brian2's defaults."""
    for category, (definitions, _) in preferences.pref_register.items():
        for name, definition in definitions.items():
            full = f"{category}.{name}"
            if full.startswith(_SHAPING) and not full.startswith(_PLACES):
                preferences.prefs[full] = definition.default


def _parser() -> Any:
    """Return Brian2's function that parses abstract code, with its `_cache`."""
    from brian2.codegen.translation import make_statements

    return make_statements.__wrapped__


@contextmanager
def _restored() -> Iterator[None]:
    """Leave Brian2's state, and that of numpy's generator, as they are."""
    import brian2

    devices: Any = import_module("brian2.devices.device")  # the attribute is another object
    network, parser = brian2.Network, _parser()
    preferences, memory = dict(brian2.prefs.prefs), parser._cache
    active, earlier = devices.active_device, list(devices.previous_devices)
    running, stopped = network._globally_running, network._globally_stopped
    random = np.random.get_state()  # noqa: NPY002 (Brian2 draws from numpy's global generator)
    try:
        yield
    finally:
        np.random.set_state(random)  # noqa: NPY002
        network._globally_running, network._globally_stopped = running, stopped
        devices.active_device = active
        devices.previous_devices[:] = earlier
        parser._cache = memory
        brian2.prefs.prefs.update(preferences)
