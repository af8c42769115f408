"""The homeostat on layers of noisy neurons in Brian2: do their rates come together?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results

TITLE = "The homeostat on layers of noisy neurons in Brian2"
COLOURS = (BLACK, BLUE, ORANGE)


def compute(source: str | Path = "ahsar_population") -> dict[str, Any]:
    """Return `spread` of ln rates, `scale_low` and `scale_high` over beta and time.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: over_seeds(d[name]) for name in ("spread", "scale_low", "scale_high")}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw how far the layers' rates differ, and the scales that were set."""
    with style():
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        spread, scales = figure.subplots(1, 2)
        for beta, colour in zip(arrays["spread"].beta.values, COLOURS, strict=False):
            text = f"beta {beta:g}" if beta else "open loop"
            found = arrays["spread"].sel(beta=beta)
            band(spread, found.time, found, colour, label=text)
            if beta:
                for name in ("scale_low", "scale_high"):
                    found = arrays[name].sel(beta=beta)
                    band(scales, found.time, found, colour, ls="--" if "low" in name else "-")
        spread.set(title="Do the layers agree?", xlabel="time (s)", ylim=(0, None))
        spread.set_ylabel(f"spread of ln rate over layers\n({NOTE})")
        scales.set(title="Scales of busiest (—) and calmest (- -)", xlabel="time (s)")
        scales.set_ylabel("threshold scale")
        spread.legend(fontsize=8)
    return figure
