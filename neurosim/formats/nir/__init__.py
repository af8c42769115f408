"""Read and write files of the Neuromorphic Intermediate Representation (NIR, nir 1.x).

A NIR file holds differential equations; how its source steps and resets them is a `Convention`.
`load(path)` gives a `Graph`, which the engine `nir` runs in Brian2; `read(path)` gives a
`Network`, and `write(network, path)` writes one. What one of them cannot express is an error,
never left out.
"""

from neurosim.formats.nir.convention import CONVENTIONS, RESETS, Convention
from neurosim.formats.nir.graph import Graph
from neurosim.formats.nir.network import as_network, read, write
from neurosim.formats.nir.reading import from_nir, load, stepped

__all__ = [
    "CONVENTIONS",
    "RESETS",
    "Convention",
    "Graph",
    "as_network",
    "from_nir",
    "load",
    "read",
    "stepped",
    "write",
]
