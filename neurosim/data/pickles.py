"""Pickles of arrays, read by an unpickler that can build nothing else."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from neurosim.data.catalogue import existing
from neurosim.errors import InputError

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}
"""All that a pickled array needs; dicts, lists, numbers and strings need nothing."""


class _Arrays(pickle.Unpickler):
    """Refuses every name but those of a numpy array."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        # numpy moved the module; the function is the same.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def load(path: str | Path) -> Any:
    """Read a pickle that holds arrays, dicts, lists, numbers and strings, as Python 2 wrote them.

    A pickle can run code when it is read; this one cannot: whatever is not an array or a builtin
    value is refused before it is made.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: the file is damaged or asks for anything else.
    """
    content = existing(Path(path)).read_bytes()
    try:
        return _Arrays(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(
            f"{path}: not opened as a pickle of arrays ({error}); use the official file"
        ) from error
