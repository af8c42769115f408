"""What an interrupted training run needs to go on: any state as one safetensors file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurosim import store

NAME = "checkpoint.safetensors"
KIND = "checkpoint"
SECONDS = 10.0
"""Least time between two checkpoints of a run that nobody interrupts."""
SHARE = 0.02
"""Most of a run's time that writing them may take."""

_TENSOR, _ITEMS = "$tensor", "$items"


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state, whole or not at all.

    Args:
        path: of the file.
        state: dictionaries and lists of tensors, arrays and JSON values, nested as they like; keys
            are strings or numbers. No pickle: tensors are stored as such, the rest as JSON.
    """
    tensors: dict[str, np.ndarray] = {}
    header = _pack(state, "state", tensors)
    store.save(path, KIND, tensors, {"state": header})


def load(path: Path) -> dict[str, Any]:
    """Return what `save` was given, arrays as tensors and tuples as lists.

    Raises:
        InputError: the file is missing, damaged or no checkpoint.
    """
    tensors, header = store.load(path, KIND)
    with store.reading(path):
        return _unpack(header["state"], tensors)


def _pack(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """Move tensors out of a tree, leaving their names."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        tensors[name] = value
        return {_TENSOR: name}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        items = [(k, _pack(v, f"{name}.{k}", tensors)) for k, v in value.items()]
        plain = all(isinstance(k, str) for k in value)
        return dict(items) if plain else {_ITEMS: [list(item) for item in items]}
    if isinstance(value, list | tuple):
        return [_pack(v, f"{name}.{k}", tensors) for k, v in enumerate(value)]
    return value


def _unpack(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Put tensors back into a tree."""
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:  # a copy, which torch aligns: sums depend on the alignment
        return torch.tensor(tensors[value[_TENSOR]])
    if _ITEMS in value:
        return {k: _unpack(v, tensors) for k, v in value[_ITEMS]}
    return {k: _unpack(v, tensors) for k, v in value.items()}


class Saver:
    """Writes checkpoints now and then, so that writing takes a small share of the time.

    Args:
        path: of the file, which each one replaces.
        seconds: least time between two; 0 writes one after every batch.
    """

    def __init__(self, path: Path, seconds: float = SECONDS):
        self.path, self.wait = path, seconds
        self._least = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last >= self.wait

    def save(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write one now."""
        begin = time.monotonic()
        save(self.path, state())
        self._last = time.monotonic()
        if self._least:
            self.wait = max(self._least, (self._last - begin) / SHARE)
