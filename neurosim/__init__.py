"""Write a spiking network's equations once; train, deploy and verify it spike by spike.

Importing this package is cheap: the rooms (and Brian2, torch, rockpool behind them) load when
they are first used.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# In a checkout `equations/`, `analysis/` and `figures/` stand beside this package, and Python puts
# the checkout first on sys.path, hiding their installed places below `neurosim`.
_root = Path(__file__).resolve().parent.parent
if (_root / "setup.cfg").is_file():
    __path__.append(str(_root))

_ROOMS = (
    "analysis",
    "circuits",
    "data",
    "energy",
    "engines",
    "equations",
    "figures",
    "formats",
    "homeostat",
    "snn",
    "studies",
    "training",
    "verify",
    "workflows",
    "xylo",
)
_NAMES = {
    "InputError": "neurosim.errors",
    "UnavailableError": "neurosim.errors",
    "Network": "neurosim.network",
    "Recording": "neurosim.recording",
    "Run": "neurosim.run",
    "XyloSpec": "neurosim.xylo.spec",
    "deploy": "neurosim.workflows.deployment",
    "predict": "neurosim.workflows.prediction",
    "train": "neurosim.training.loop",
}

__all__ = ["__version__", *_ROOMS, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"neurosim.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
