"""What commands do, for Python. Where a run is asked for, a `Run` or its folder will do.

Rooms behind a name load when it is first used.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "dataset_of": "run_data",
    "run_demo": "demo",
    "deploy": "deployment",
    "deploy_run": "deployment",
    "report_run": "deployment",
    "prepare": "verification",
    "verify_targets": "verification",
    "climb_targets": "verification",
    "threshold_sweep": "sweep",
    "sweep_on_loihi": "loihi_sweep",
    "predict_run": "network_theory",
    "predict": "prediction",
    "predict_file": "prediction",
    "predict_stream": "prediction",
    "measure_model": "stored_models",
    "power_curve": "power",
    "power_reach": "power",
    "weeks_of": "governor",
    "classical_baselines": "baselines",
}
"""The module of each name."""

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"neurosim.workflows.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'neurosim.workflows' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
