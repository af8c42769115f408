"""What neurosim uses of rockpool, imported in a seventh of the time that rockpool takes by itself.

Importing rockpool loads all that it could work with: Brian2 (for a retired module), matplotlib
(for plots), scipy's filters and interpolation, and nir where nirtorch is missing, without which it
is of no use. Here they stay out until somebody calls what needs them; rockpool then does what it
always does. Where rockpool or one of them was imported before, nothing is held back.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch  # noqa: F401  (loads whole, before anything is held back)

_RETIRED = ("brian2",)
_DEFERRED = ("matplotlib", "matplotlib.pyplot", "scipy.interpolate", "scipy.signal")
_WHOLE = ("sinabs",)
"""Packages that rockpool loads where they are installed, and that need deferred ones at once."""


class _Deferred(ModuleType):
    """Stands for a module of functions, which is imported when one of them is called or read."""

    loading = True
    """While its importer loads, which may want functions by name (`from scipy.signal import f`)."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _calling(self.__name__, name) if self.loading else _real(self.__name__, name)


def _calling(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return _real(module, name)(*args, **options)

    call.__name__ = call.__qualname__ = name
    return call


def _real(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


@contextmanager
def _held_back() -> Iterator[None]:
    """Keep what rockpool probes for from being loaded, then leave no trace of that."""
    if "rockpool" in sys.modules:
        yield
        return
    absent = [*_RETIRED, *(["nir"] if find_spec("nirtorch") is None else [])]
    absent = [name for name in absent if name not in sys.modules]
    deferred = {
        name: _Deferred(name)
        for name in (() if any(map(find_spec, _WHOLE)) else _DEFERRED)
        if name not in sys.modules and find_spec(name.partition(".")[0]) is not None
    }
    for name, module in deferred.items():
        module.__spec__ = find_spec(name.partition(".")[0])
        parent, _, child = name.rpartition(".")
        if parent in deferred:
            vars(deferred[parent])[child] = module
    modules: dict[str, Any] = sys.modules
    modules |= {**deferred, **dict.fromkeys(absent)}  # None: not to be found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its modules that wait to be ported
            yield
    finally:
        for name in (*absent, *deferred):
            sys.modules.pop(name, None)
        for module in deferred.values():
            module.loading = False
    backends = vars(sys.modules["rockpool.utilities.backend_management"])
    for name in absent:  # rockpool looks again when one is wanted
        backends["__checked_backends"].pop(name, None)


with _held_back():
    import rockpool.parameters as parameters
    from rockpool.nn.combinators import Residual, Sequential
    from rockpool.nn.combinators.residual import ResidualMixin
    from rockpool.nn.combinators.sequential import SequentialMixin, TorchSequential
    from rockpool.nn.modules import LIFTorch, LinearTorch, TimeStepDropout, TorchModule
    from rockpool.nn.modules.module import Module
    from rockpool.nn.modules.torch.lif_torch import LIFBaseTorch, PeriodicExponential, StepPWL
    from rockpool.nn.networks.synnet import SynNet

__all__ = [
    "LIFBaseTorch",
    "LIFTorch",
    "LinearTorch",
    "Module",
    "PeriodicExponential",
    "Residual",
    "ResidualMixin",
    "Sequential",
    "SequentialMixin",
    "StepPWL",
    "SynNet",
    "TimeStepDropout",
    "TorchModule",
    "TorchSequential",
    "parameters",
]
