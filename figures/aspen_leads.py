"""Stopping by evidence beside raised thresholds: accuracy at equal spikes and in equal time."""

from __future__ import annotations

import xarray as xr

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK
from neurosim.figures.panels import Hue, Panel, Sheet
from neurosim.readout import NEVER
from neurosim.studies.aspen.leads import KNOBS, NETS, at_equal

TITLE = "Deciding at a lead of output spikes, beside raised thresholds"
FINDING = """\
A decision may fall as soon as one class is some output spikes ahead, instead of when the window
ends. On the wrist recordings, with nets at 15 to 40 % of the spikes that the fixed net takes at
scale 1 (three seeds and subject splits), this knob gives the fixed net .42 more accuracy than
raising its threshold does, which silences it. Random thresholds narrow that gap to .05: for ASPEN's
net both knobs are about as good alone, and better together (.72 at a quarter of the spikes, .62 by
the threshold, .64 by the lead; the fixed net has .68 with both). Training on running counts makes
decisions fall sooner and does better with few spikes or little time, but not where both knobs are
free. For energy it is the time that matters: on the Xylo IMU a lead of 6 ends the work after 36 %
of the window, which saves 1.3 % of the power of a core that idles for the rest, since spikes move
at most 13 of its 201 µW, and 64 % if it could be switched off at no cost."""

MEAN = "test accuracy (mean over seeds)"
TRAINED = {"fixed": "one threshold", "aspen": "U(1, 1.5)"}
TURNED = {"threshold": "threshold raised", "lead": "lead of spikes", "both": "both"}
KNOB = Hue(
    ("net", "knob"),
    {(net, knob): f"{TRAINED[net]}, {TURNED[knob]}" for net in TRAINED for knob in KNOBS},
    colours=(*[BLUE] * 3, *[ORANGE] * 3),
    looks=({"ls": ":"}, {"ls": "--"}, {"ls": "-"}),
    markers="o^s",
)
LOSS = Hue(
    "net",
    {
        "fixed": "_one threshold, spikes of the window",
        "aspen": "_U(1, 1.5), spikes of the window",
        "fixed early": "one threshold, trained on running counts",
        "aspen early": "U(1, 1.5), trained on running counts",
    },
    colours=(BLUE, ORANGE, GREEN, PINK),
    markers="ssDD",
)


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return accuracies over net, knob, seed and share of spikes or of the window, and spikes."""

    def stacked(cost: str, *knobs: str) -> xr.DataArray:
        nets = [net for net in NETS if net in d.net.values]
        points = [[at_equal(d, net, knob, cost) for knob in knobs] for net in nets]
        along = xr.Variable("net", nets), xr.Variable("knob", list(knobs))
        return xr.concat([xr.concat(own, along[1]) for own in points], along[0])

    spikes, time = stacked("spikes", *KNOBS), stacked("used", "lead")
    whole = d.spikes.sel(net="fixed", threshold=1.0, lead=NEVER, drop=True)
    return xr.Dataset(
        {
            "spikes": whole * spikes.share,
            "by_knob": spikes,
            "by_loss": spikes.sel(knob="both", drop=True),
            "in_time": time.sel(knob="lead", drop=True),
        }
    )


SHEET = Sheet(
    "aspen_leads",
    (
        Panel("by_knob", MEAN, "One knob or both", "spikes", hue=KNOB, kind="means", limits=(0, 1)),
        Panel("by_loss", MEAN, "Both knobs, two losses", "spikes", kind="means", limits=(0, 1)),
        Panel("in_time", "test accuracy", "Lead alone, in equal time", limits=(0, 1)),
    ),
    x="share",
    xlabel="share of the window up to the decision",
    hue=LOSS,
    size=(4.2, 3.4),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
