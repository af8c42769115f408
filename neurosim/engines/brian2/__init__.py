"""The Brian2 engine: the reference that all others are compared with."""

from neurosim.engines.brian2.engine import Brian2Engine
from neurosim.engines.brian2.plan import Spikes
from neurosim.engines.brian2.simulate import simulate, stepping
from neurosim.engines.brian2.simulation import Simulation

ENGINE = Brian2Engine()
CUDA_ENGINE = Brian2Engine("brian2-cuda", "cuda_standalone")

__all__ = ["CUDA_ENGINE", "ENGINE", "Brian2Engine", "Simulation", "Spikes", "simulate", "stepping"]
