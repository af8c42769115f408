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

import numpy as np

from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network

Specification = dict[str, Any]
"""Rockpool's description of a chip configuration: arrays by name, floats until quantised."""

_NEED_SAMNA = (
    "rockpool.devices.xylo.syns65302.afe_samna_pdm",
    "rockpool.devices.xylo.syns63300.power_cycles_model",
)

_CAST_BY_INT = (
    "syns63300.imuif.rotation_removal",
    "syns63300.imuif.rotation.subspace",
    "syns63300.imuif.rotation.sample_hold",
    "syns63300.transform.quantizer",
    "syns65302.transform.quantizer",
)
"""Modules of rockpool 3.1.0 that cast arrays of one element by `int`: an error in numpy 2.4."""


def module(name: str) -> ModuleType:
    """Import `rockpool.devices.xylo.<name>`."""
    if importlib.util.find_spec("samna") is None:
        for absent in _NEED_SAMNA:
            empty = types.ModuleType(absent)
            empty.__all__ = []  # type: ignore[attr-defined]
            sys.modules.setdefault(absent, empty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imported = importlib.import_module(f"rockpool.devices.xylo.{name}")
    for part in _CAST_BY_INT:
        if loaded := sys.modules.get(f"rockpool.devices.xylo.{part}"):
            vars(loaded)["int"] = _whole
    return imported


def _whole(value: Any = 0) -> int:
    """Return `int(value)`, also of an array of one element."""
    return int(value.item() if isinstance(value, np.ndarray) else value)


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
