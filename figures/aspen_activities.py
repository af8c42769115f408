"""Fixed and stochastic training over the runtime threshold, on ASPEN's own data sets."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from neurosim.data import ku_har, uci_har, unimib_shar
from neurosim.figures.aspen_thresholds import SHEET as THRESHOLDS
from neurosim.figures.aspen_thresholds import with_gain
from neurosim.studies.aspen.activities import LEFT_OUT

TITLE = "Fixed and stochastic training on UCI-HAR, KU-HAR and UniMiB-SHAR"
SETS = {
    "uci-har-from-hapt": ("UCI-HAR, cut from HAPT", len(uci_har.CLASSES)),
    "uci-har": ("UCI-HAR", len(uci_har.CLASSES)),
    "ku-har": ("KU-HAR, blocks for people", len(ku_har.CLASSES) - len(LEFT_OUT)),
    "unimib-shar": ("UniMiB-SHAR", len(unimib_shar.CLASSES)),
}
"""Title and number of classes."""


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add the paired gain and each set's chance, and name the sets."""
    titles, classes = zip(*(SETS[name] for name in d["data"].values), strict=True)
    chance = xr.DataArray([1 / count for count in classes], dims="data")
    return with_gain(d).assign(chance=chance).assign_coords(data=list(titles))


PANELS = [replace(panel, title="{data}") for panel in THRESHOLDS.panels]
SHEET = replace(
    THRESHOLDS, study="aspen_activities", panels=PANELS, rows="data", quantities=quantities
)
compute, draw = SHEET.compute, SHEET.draw
