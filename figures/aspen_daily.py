"""ASPEN on daily activities: accuracy over the threshold, and what a budget of spikes buys."""

from __future__ import annotations

import xarray as xr

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK, SKY
from neurosim.figures.panels import Hue, Panel, Sheet
from neurosim.readout import NEVER
from neurosim.studies.aspen.daily import NETS, WAYS, at_budgets

TITLE = "ASPEN on daily activities: laws of the threshold, and decisions at a lead"
SETS = {"hapt": "HAPT", "sisfall": "SisFall, D01 to D06", "utd-mhad": "UTD-MHAD, wrist actions"}
LAWS = Hue(
    "net",
    {net: "fixed" if net == "fixed" else net.replace("to ", "trained at U(1, ") + ")"
     for net in NETS if not net.startswith("5")} | {"5 levels to 2": "5 levels of U(1, 2)"},
    colours=(BLUE, SKY, ORANGE, GREEN, PINK, "0.4", "0.6"),
    markers="osD^vP*",
)  # fmt: skip
KNOBS = Hue(
    "way",
    {way: way for way in WAYS},
    colours=(BLUE, SKY, GREEN, ORANGE, PINK),
    markers="osDv^",
)


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return accuracies of whole windows, and those within budgets; sets by their titles."""
    shown = xr.Dataset({"whole": d.accuracy.sel(lead=NEVER), "within": at_budgets(d)})
    return shown.assign_coords(data=[SETS[name] for name in d["data"].values])


SHEET = Sheet(
    "aspen_daily",
    (
        Panel("whole", "test accuracy", "{data}: whole windows", hue=LAWS, limits=(0, 1)),
        Panel(
            "within",
            "test accuracy",
            "{data}: within a budget",
            x="budget",
            xlabel="spikes spent (fixed net, scale 1, whole window = 1)",
            hue=KNOBS,
            limits=(0, 1),
            scales=("counts", "linear"),
        ),
    ),
    x="threshold",
    rows="data",
    size=(4.6, 3.4),
    note="mean and 95 % interval over {seed} parts of people",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
