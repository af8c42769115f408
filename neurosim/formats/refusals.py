"""What is no net that can be read, and how it becomes one: the messages of `neurosim.formats.nets`.

Nothing here imports a library of nets: objects are known by the modules of their classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import InputError, shown

KNOWN = (
    "a Network, a XyloSpec, a Run or its folder, a rockpool module or its .json, a NIR graph or "
    "its .nir, a specification (.safetensors, .json)"
)

CHECKPOINT, WEIGHTS_FILE = "checkpoint.pt", "weights.safetensors"
"""In a run's folder: of a training in progress, and of an image net."""

_BY_LIBRARY = {
    "snntorch": "snnTorch: write it with snntorch.export_nir.export_to_nir and give the .nir file",
    "norse": "Norse: write it with norse.torch.to_nir and give the .nir file",
    "sinabs": "sinabs: write it with sinabs.nir.to_nir and give the .nir file",
    "spikingjelly": "SpikingJelly: write it with spikingjelly.activation_based.nir_exchange and "
    "give the .nir file",
    "lava": "Lava: give a .nir file of it",
    "brian2": "Brian2: its equations are no layers; make a neurosim.Network of weights, time "
    "constants and thresholds",
    "nengo": "Nengo: give a .nir file of it",
    "onnx": "ONNX: it has no spiking neurons; build the net in rockpool, or give a NIR file",
    "samna": "samna: write its to_json() to a .json file and give that",
}
"""By the package of a class: what it is and how it becomes a net."""

_STATE = (
    "a state dict has weights without the modules they belong to: load it into the rockpool "
    "module (load_state_dict) and give that, or its module.save(FILE.json)"
)

_BY_SUFFIX = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin"), f"a file of torch: {_STATE}"),
    ".onnx": _BY_LIBRARY["onnx"],
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which can run any code, is not "
                    "read: give a .json of rockpool's module.save, or a .nir file"),
    **dict.fromkeys((".npy", ".npz", ".csv"), "arrays, which are events and no net"),
    **dict.fromkeys((".nc", ".zarr"), "a recording, which holds spikes and no net"),
    ".toml": "settings of a training: train the net first (neurosim train FILE), then give its "
    "folder",
    **dict.fromkeys((".h5", ".hdf5", ".keras", ".tflite"), "no NIR file by its name: a NIR file "
                    "ends in .nir, other formats are not read"),
    **dict.fromkeys((".py", ".ipynb"), "a program: run it, and give what it makes"),
}  # fmt: skip


def check_suffix(path: Path) -> None:
    """Refuse files whose name says that they are no net."""
    why = _BY_SUFFIX.get(path.suffix.lower())
    if path.name == CHECKPOINT:
        why = f"a training in progress: finish it, then give its folder {path.parent}"
    if why:
        raise InputError(f"{shown(path)}: {why}")


def check_run(folder: Path) -> None:
    """Refuse a run's folder without a network: one of images, or one that is not finished."""
    if (folder / WEIGHTS_FILE).is_file():
        raise InputError(
            f"{folder}: holds an image net, not layers of LIF neurons; give a run of windows"
        )
    if (folder / CHECKPOINT).is_file():
        raise InputError(f"{folder}: a training in progress; finish it first (neurosim train)")


def check_safetensors(path: Path, kind: str | None) -> None:
    """Refuse safetensors files that hold something else, whose header could be read."""
    if kind == "weights":
        raise InputError(f"{path}: the weights of an image net, which no chip here can hold")
    if kind is not None:
        raise InputError(f"{path}: holds {shown(kind)}; give {KNOWN}")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
    except (SafetensorError, OSError, ValueError):
        return  # damaged: its reader says how
    held = shown(", ".join(names), 60)
    raise InputError(f"{path}: tensors of another program ({held}): {_STATE}")


def check_object(form: Any) -> None:
    """Refuse nets of other libraries, and torch modules that hold their layers."""
    modules = [form]
    if callable(walk := getattr(form, "modules", None)) and _package(form) != "rockpool":
        try:
            modules += list(walk())  # of torch: all modules within
        except Exception:  # whose class says the name means something else
            modules = [form]
    for module in modules:
        for kind in type(module).__mro__:
            if (package := kind.__module__.partition(".")[0]) in _BY_LIBRARY:
                raise InputError(f"{_named(form)} cannot be read as it is. {_BY_LIBRARY[package]}")
    if _package(form) == "rockpool" and "graph" in type(form).__module__:
        raise InputError(f"{_named(form)} is a graph without a time order; give the module itself")


def mapping(form: Mapping[Any, Any]) -> str:
    """Say why a dictionary without `weights_in` is refused."""
    tensors = [key for key, value in form.items() if hasattr(value, "shape")]
    if tensors or any("state_dict" in str(key) for key in form):
        return f"{_named(form)} of {shown(', '.join(map(str, form)), 60)}: {_STATE}"
    return (
        f"{_named(form)} without 'weights_in' is no specification of rockpool's (it has "
        f"{shown(', '.join(map(str, form)) or 'nothing', 60)}); give {KNOWN}"
    )


def unknown(form: Any) -> str:
    """Say that an object is no net."""
    if _package(form) in ("numpy", "torch"):
        return f"{_named(form)} holds values and no net; give {KNOWN}"
    return f"{_named(form)} is no net that can be read; give {KNOWN}"


def _package(form: Any) -> str:
    return type(form).__module__.partition(".")[0]


def _named(form: Any) -> str:
    kind = type(form)
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}."
    return f"{home}{kind.__qualname__}"
