"""What an HDF5 file may hold before any of its arrays is read."""

from __future__ import annotations

import h5py

from neurosim.errors import InputError

LARGEST = 2**31
"""Bytes of one array; HDF5 lets a small file claim any number."""


def check(file: h5py.File) -> None:
    """Refuse links that leave the file, which HDF5 would open, and arrays beyond all bounds.

    Raises:
        InputError: with the place in the file.
    """

    def walk(group: h5py.Group, where: str) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink | h5py.SoftLink):
                raise InputError(f"{where}{name} is a link; a NIR file holds its arrays itself")
            child = group[name]
            if isinstance(child, h5py.Group):
                walk(child, f"{where}{name}/")
            elif child.nbytes > LARGEST:
                raise InputError(f"{where}{name} claims {child.nbytes:,} bytes")
            elif child.external or child.is_virtual:
                raise InputError(f"{where}{name} lies in another file; NIR holds arrays itself")

    walk(file, "")
