"""The Brian2 engine: the reference that all others are compared with."""

from neurosim.engines.brian2.engine import Brian2Engine

ENGINE = Brian2Engine()

__all__ = ["ENGINE", "Brian2Engine"]
