"""Homeostats on real nets inside, at and outside the stability boundary of the theory."""

from __future__ import annotations

from typing import Any

import xarray as xr

from neurosim.figures.panels import NOTE, Hue, Panel, Sheet
from neurosim.studies.ahsar.stability import SETTLED

TITLE = "The stability boundary of the homeostat, on real nets"
LOGS: dict[str, Any] = {"scales": ("log", "log"), "geometric": True}
SWING = "late change of ln threshold per step"
LEFT = "spread of ln rates, last over first"


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add the share of the disagreement that is `left`, and keep the swings above 0."""
    return d.assign(left=d.disagreement / d.open_disagreement, swing=d.swing.clip(1e-6))


SHEET = Sheet(
    "ahsar_stability",
    (
        Panel("swing", SWING, "Does it settle?", lines=(SETTLED,), **LOGS),
        Panel("left", LEFT, "Disagreement of the layers", **LOGS),
    ),
    x="factor",
    xlabel="reaction gain over its critical value",
    marks=(1,),
    hue=Hue("net", {"mlp": "mlp", "small-vgg": "small-vgg"}),
    size=(4.2, 3.2),
    note=f"{NOTE}, of logarithms",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
