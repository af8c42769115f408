"""The runtime threshold: what a requested scale becomes in the integer registers of the chip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.xylo.fields import is_positive
from neurosim.xylo.rules import REGISTER_MAX, neuron

if TYPE_CHECKING:
    from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class ThresholdRegister:
    """The threshold registers of a specification under one common scale (ASPEN's runtime knob).

    A register holds floor(threshold * scale + 1/2), so a requested scale is met by each neuron to
    within half a unit of its register, and by all of them exactly only at multiples of `step`.
    """

    spec: XyloSpec
    readout: bool = False
    """Scale the output neurons as well; ASPEN varies the hidden layers only."""

    @property
    def ids(self) -> np.ndarray:
        """The hidden ids whose thresholds are scaled: all but the relays."""
        return np.delete(np.arange(self.spec.hidden), list(self.spec.relays))

    @property
    def registers(self) -> np.ndarray:
        """The thresholds at scale 1: those of `ids`, then, where they are scaled, the outputs."""
        hidden = self.spec.threshold[self.ids]
        return np.concatenate([hidden, *([self.spec.threshold_out] if self.readout else [])])

    @property
    def step(self) -> Fraction:
        """The exact granularity: the scales that every register expresses are its multiples."""
        return Fraction(1, int(np.gcd.reduce(self.registers)))

    @property
    def granularity(self) -> float:
        """The coarsest neuron's step: 1 / its threshold. A finer change leaves it as it was."""
        return 1.0 / float(self.registers.min())

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest scale that keep all registers within 1..32767."""
        low = 0.5 / float(self.registers.min())
        high = (REGISTER_MAX + 0.5) / float(self.registers.max())
        return low * (1 + 1e-12), high * (1 - 1e-12)  # where rounding cannot tip a register

    def integers(self, scale: float) -> np.ndarray:
        """Return the registers for a scale, in the order of `registers`.

        Raises:
            InputError: the scale is not positive, or a threshold leaves its register, 1..32767.
        """
        if not is_positive(scale):
            raise InputError(f"threshold scale is {scale!r}; it must be a positive number")
        scaled = np.floor(self.registers * float(scale) + 0.5)
        for worst in (int(scaled.argmax()), int(scaled.argmin())):
            if not 1 <= scaled[worst] <= REGISTER_MAX:
                low, high = self.limits
                raise InputError(
                    f"threshold scale {scale} takes {self._name(worst)} from "
                    f"{self.registers[worst]} to {scaled[worst]:.0f}, beyond the register's "
                    f"1..{REGISTER_MAX}: use a scale up to {high:.3g} and at least {low:.3g}"
                )
        return scaled.astype(np.int64)

    def scales(self, scale: float) -> np.ndarray:
        """Return the scale that each register takes for a requested scale."""
        actual: np.ndarray = self.integers(scale) / self.registers
        return actual

    def error(self, scale: float) -> float:
        """Return the largest relative difference of a register from the requested scale."""
        return float(np.abs(self.scales(scale) / scale - 1.0).max())

    def expresses(self, scale: float | Fraction) -> bool:
        """Return whether every register takes the scale exactly.

        A float is taken at its exact binary value: give a Fraction for numbers like 1/3.

        Raises:
            InputError: the scale is not positive, or overflows a register.
        """
        if isinstance(scale, Fraction):
            exact = scale
            self.integers(float(scale))
        else:
            self.integers(scale)
            exact = Fraction(scale)
        return (exact / self.step).denominator == 1

    def expressible(self, low: float, high: float) -> list[Fraction]:
        """Return the scales between low and high that all registers express exactly."""
        first, last = self.limits
        low, high = max(low, first), min(high, last)
        if not low <= high:
            return []
        count = range(int(np.ceil(low / self.step)), int(np.floor(high / self.step)) + 1)
        return [k * self.step for k in count]

    def apply(self, scale: float) -> XyloSpec:
        """Return the specification with the registers of a scale; weights stay as they are.

        Raises:
            InputError: the scale is not positive, or a threshold leaves its register, 1..32767.
        """
        values = self.integers(scale)
        hidden, output = np.split(values, [len(self.ids)])
        threshold = self.spec.threshold.copy()
        threshold[self.ids] = hidden
        changes: dict[str, Any] = {"threshold": threshold}
        if self.readout:
            changes["threshold_out"] = output
        return replace(self.spec, **changes)

    def _name(self, index: int) -> str:
        if index < len(self.ids):
            hidden = int(self.ids[index])
            return f"threshold[{hidden}] ({neuron(self.spec, hidden)})"
        return f"threshold_out[{index - len(self.ids)}]"
