"""The one door to rockpool's device code: XyloSim, its mappers, its quantisers, the IMU front end.

Two of rockpool's device modules import samna without a guard, so that none of the others can be
imported where the vendor's samna is absent (rockpool 3.1.0). Empty modules in their place make
all that needs no board work; samna, where it is installed, is left alone.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network

Specification = dict[str, Any]
"""Rockpool's description of a chip configuration: arrays by name, floats until quantised."""

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


def xylosim() -> Any:
    """Return rockpool's XyloSim class for the v2 core, shared by Audio 2, Audio 3 and IMU."""
    return module("syns63300.xylo_sim").XyloSim


def imu_front_end() -> ModuleType:
    """Return rockpool's model of the IMU front end (FilterBank, encoders, RotationRemoval)."""
    return module("syns63300.imuif")


def mapper(part: str) -> Callable[..., Specification]:
    """Return rockpool's mapper of a chip, by its design: syns61201, syns65302, syns63300."""
    function: Callable[..., Specification] = module(f"{part}.xylo_mapper").mapper
    return function


def quantiser(name: str) -> Callable[..., Specification]:
    """Return rockpool's quantiser of that name: "global" or "channel"."""
    methods = importlib.import_module("rockpool.transform.quantize_methods")
    function: Callable[..., Specification] = getattr(methods, f"{name}_quantize")
    return function


def mapped(network: Network, part: str) -> Specification:
    """Return what rockpool's mapper of a chip's design makes of a network, not yet quantised.

    Whatever the mapper raises goes through.
    """
    specification = mapper(part)(module_from_network(network).as_graph())
    specification.pop("mapped_graph", None)
    return specification


def quantised(specification: Specification, name: str) -> Specification:
    """Return a mapped specification as rockpool's quantiser of that name rounds it.

    Whatever the quantiser raises goes through; the specification stays as it is.
    """
    fresh = copy.deepcopy(specification)  # channel_quantize changes its arguments
    return {**fresh, **quantiser(name)(**fresh)}
