"""The Brian2 engine: the reference that all others are compared with."""

from neurosim.engines.brian2.curves import FICurve, f_i_curve
from neurosim.engines.brian2.engine import Brian2Engine
from neurosim.engines.brian2.plan import Spikes
from neurosim.engines.brian2.simulate import simulate, stepping
from neurosim.engines.brian2.simulation import Simulation

ENGINE = Brian2Engine()
CUDA_ENGINE = Brian2Engine("brian2-cuda", "cuda_standalone")

__all__ = [
    "CUDA_ENGINE",
    "ENGINE",
    "Brian2Engine",
    "FICurve",
    "Simulation",
    "Spikes",
    "f_i_curve",
    "simulate",
    "stepping",
]
