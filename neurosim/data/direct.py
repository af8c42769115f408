"""Events that are there without a front end: what a data set of rasters has in place of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import InputError, shown


@dataclass(frozen=True)
class Direct:
    """What the channels of a raster are, and how long its steps last."""

    dt: float
    """Length of a time step in seconds."""
    channel_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (isinstance(self.dt, float) and np.isfinite(self.dt) and self.dt > 0):
            raise InputError(f"Direct.dt is {shown(self.dt, form=repr)}; it is a time in seconds")
        object.__setattr__(self, "channel_names", tuple(self.channel_names))

    @property
    def band_axes(self) -> tuple[int, ...]:
        """None: no channel is louder where a wearer moves with more force."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"dt": self.dt, "channel_names": list(self.channel_names)}
