"""Learning with and without AHSAR, and without each of its parts."""

from __future__ import annotations

import xarray as xr

from neurosim.drawing import BLUE, ORANGE
from neurosim.figures.panels import METHODS, NOTE, Hue, Panel, Sheet

TITLE = "AHSAR and its parts: accuracy while learning, against no homeostat"
POINTS = {
    (learning, reading): f"{method}, {when}"
    for learning, method in METHODS.labels.items()
    for reading, when in (("mean", "mean over epochs"), ("last", "last epoch"))
}
LEFT_OUT = ("relaxation", "diffusion", "gain")


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return the paired `gain` of accuracy in percentage points: mean over epochs, and the last."""
    gain = 100 * (d.accuracy - d.accuracy.sel(variant="none", drop=True))
    readings = [gain.mean("epoch"), gain.isel(epoch=-1, drop=True)]
    gains = xr.concat(readings, xr.Variable("reading", ["mean", "last"]))
    return gains.drop_sel(variant="none").to_dataset(name="gain")


SHEET = Sheet(
    "ahsar_homeostat",
    (Panel("gain", "gain of accuracy\n(percentage points)", "{net}: {shown}", lines=(0,)),),
    kind="points",
    rows="net",
    columns="shown",
    x="variant",
    xlabel="left out of AHSAR",
    ticks={"full": "nothing", **{f"no {part}": part for part in LEFT_OUT}},
    hue=Hue(
        ("learning", "reading"),
        POINTS,
        colours=(BLUE, BLUE, ORANGE, ORANGE),
        markers="o^",
        looks=({}, {"mfc": "white"}),
    ),
    sides=(-0.24, -0.08, 0.08, 0.24),
    size=(4.0, 2.2),
    note=f"validation accuracy against the net without, paired; {NOTE}",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
