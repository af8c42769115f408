"""Published networks, each as a function that returns its circuit with the numbers of the paper."""

from neurosim.circuits.published.brunel import BrunelCells, brunel
from neurosim.circuits.published.potjans_diesmann import microcircuit
from neurosim.circuits.published.vogels_abbott import coba, cuba

__all__ = ["BrunelCells", "brunel", "coba", "cuba", "microcircuit"]
