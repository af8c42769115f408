"""Engines run a model on a raster and return a Recording; all have the same face, `Engine.run`.

    engines.get("brian2").run(model, raster, record=("spikes", "v_mem"))

| engine | runs | in |
| --- | --- | --- |
| board | XyloSpec | a development kit, through the vendor's samna |
| brian2 | XyloSpec, Network | code that Brian2 generates: integers, or float64 |
| brian2-cuda | XyloSpec | the same on a GPU, through brian2cuda |
| liftorch | Network | rockpool's LIFTorch, float32 |
| loihi | LoihiNet | Brian2: the integers of Intel's Loihi |
| nir | NIR graph | Brian2, float64 |
| nir-numpy | NIR graph | numpy, an independent run of the same arithmetic |
| torch | Network | the training kernels, in the network's own precision |
| xylosim | XyloSpec | the vendor's bit-exact simulator |
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from typing import Any

from neurosim.engines.engine import Engine
from neurosim.errors import InputError

__all__ = ["Engine", "check", "get", "names"]

_PLACES = {
    "board": ("neurosim.engines.board", "ENGINE"),
    "brian2": ("neurosim.engines.brian2", "ENGINE"),
    "brian2-cuda": ("neurosim.engines.brian2", "CUDA_ENGINE"),
    "liftorch": ("neurosim.engines.liftorch", "ENGINE"),
    "loihi": ("neurosim.engines.loihi", "ENGINE"),
    "nir": ("neurosim.engines.nir", "ENGINE"),
    "nir-numpy": ("neurosim.engines.nir", "NUMPY_ENGINE"),
    "torch": ("neurosim.engines.torch", "ENGINE"),
    "xylosim": ("neurosim.engines.xylosim", "ENGINE"),
}
"""Module and attribute of each engine, which load when they are first used."""


def names() -> tuple[str, ...]:
    """Names of all engines."""
    return tuple(_PLACES)


def check(name: str) -> None:
    """Refuse a name that no engine has, before any of them loads.

    Raises:
        InputError: no engine has that name.
    """
    if not isinstance(name, str) or name not in _PLACES:
        raise InputError(f"engine {name!r} is not known; choose one of {', '.join(_PLACES)}")


def get(name: str, **options: Any) -> Engine:
    """Return the engine of that name.

    Args:
        name: one of `names()`.
        options: in place of the engine's own, such as `target="cuda_standalone"` for "brian2".

    Raises:
        InputError: no engine has that name, or the engine no such option.
    """
    check(name)
    module, attribute = _PLACES[name]
    engine: Any = getattr(import_module(module), attribute)
    if options:
        known = [field.name for field in fields(engine)] if is_dataclass(engine) else []
        if unknown := sorted(set(options) - set(known) | {"name"} & set(options)):
            offered = ", ".join(option for option in known if option != "name") or "none"
            raise InputError(f"engine {name!r} has no option {unknown[0]!r}; it has {offered}")
        engine = replace(engine, **options)
    chosen: Engine = engine
    return chosen
