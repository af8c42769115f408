"""The one door to rockpool's device code: XyloSim, its mappers, its quantisers, the IMU front end.

Two of rockpool's device modules import samna without a guard, so that none of the others can be
imported where the vendor's samna is absent (rockpool 3.1.0). Empty modules in their place make
all that needs no board work; samna, where it is installed, is left alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from types import ModuleType

_NEED_SAMNA = (
    "rockpool.devices.xylo.syns65302.afe_samna_pdm",
    "rockpool.devices.xylo.syns63300.power_cycles_model",
)


def module(name: str) -> ModuleType:
    """Import `rockpool.devices.xylo.<name>`."""
    if importlib.util.find_spec("samna") is None:
        for absent in _NEED_SAMNA:
            empty = types.ModuleType(absent)
            empty.__all__ = []  # type: ignore[attr-defined]
            sys.modules.setdefault(absent, empty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"rockpool.devices.xylo.{name}")


def xylosim() -> type:
    """Return rockpool's XyloSim class for the v2 core, shared by Audio 2, Audio 3 and IMU."""
    return module("syns63300.xylo_sim").XyloSim


def imu_front_end() -> ModuleType:
    """Return rockpool's model of the IMU front end (FilterBank, encoders, RotationRemoval)."""
    return module("syns63300.imuif")


def mapper(part: str):
    """Return rockpool's mapper of a chip, by its design: syns61201, syns65302, syns63300."""
    return module(f"{part}.xylo_mapper").mapper


def quantiser(name: str):
    """Return rockpool's quantiser of that name: "global" or "channel"."""
    return getattr(
        importlib.import_module("rockpool.transform.quantize_methods"), f"{name}_quantize"
    )
