"""AHSAR's outer loop: one factor on all thresholds, from validation progress and energy."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from neurosim.errors import InputError

EPSILON = 1e-12


@dataclass
class GlobalGain:
    """The gain g of section 4.3, whose update the paper states in words only. Here, once an epoch:

        p = (L_before - L)/max(L_before, epsilon)          progress, smoothed
        e = ln(energy smoothed / energy smoothed slowly)   energy against its trend
        q = p/stall within 0..1                            0 where progress stalls
        ln g <- ln g + rate ((1 - q) max(e, 0) + q min(e, 0)), at most `trust` either way.

    Stalling above the trend raises g and suppresses spikes, progress below it lowers g; at the
    trend nothing moves.
    """

    rate: float = 0.5
    """Change of ln g for an energy e times its trend."""
    trust: float = 0.05
    """Largest change of ln g in an epoch."""
    stall: float = 0.01
    """Relative fall of the validation loss in an epoch that counts as full progress."""
    momentum: float = 0.3
    """Weight of an epoch in progress and energy."""
    trend: float = 0.1
    """Weight of an epoch in the energy's trend."""
    value: float = 1.0
    """g."""
    loss: float | None = None
    progress: float | None = None
    energy: float | None = None
    slow_energy: float | None = None

    def update(self, loss: float, energy: float) -> float:
        """Take in an epoch's validation loss and mean rate; return g.

        Raises:
            InputError: either is no finite number.
        """
        if not (np.isfinite(loss) and np.isfinite(energy)):
            raise InputError(f"validation loss {loss} and energy {energy} must be finite")
        if self.loss is not None:
            progress = (self.loss - loss) / max(self.loss, EPSILON)
            self.progress = _average(self.progress, progress, self.momentum)
        self.loss = loss
        self.energy = _average(self.energy, energy, self.momentum)
        self.slow_energy = _average(self.slow_energy, energy, self.trend)
        if self.progress is not None:
            excess = np.log(max(self.energy, EPSILON) / max(self.slow_energy, EPSILON))
            going = float(np.clip(self.progress / self.stall, 0, 1))
            change = self.rate * ((1 - going) * max(excess, 0.0) + going * min(excess, 0.0))
            self.value *= float(np.exp(np.clip(change, -self.trust, self.trust)))
        return self.value

    def state_dict(self) -> dict[str, float | None]:
        """Return settings and state."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        """Take over what `state_dict` returned."""
        for name in asdict(self):
            setattr(self, name, state[name])


def _average(before: float | None, value: float, weight: float) -> float:
    return value if before is None else (1 - weight) * before + weight * value
