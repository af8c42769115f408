"""Compare engines spike by spike: `neurosim.verify(model, raster)` runs, compares and reports."""

import sys
from types import ModuleType
from typing import Any

from neurosim.verify.check import assert_equivalent, verify
from neurosim.verify.compare import Divergence, Verdict, compare
from neurosim.verify.report import Report

__all__ = ["Divergence", "Report", "Verdict", "assert_equivalent", "compare", "verify"]


class _Callable(ModuleType):
    """Lets the room be called: `ns.verify(spec, raster)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Report:
        return verify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
