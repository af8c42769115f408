"""AHSAR on two populations of a network: how far thresholds swing below and above its boundary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.studies import results
from neurosim.studies.estimates import interval
from neurosim.studies.networks import layers as study

TITLE = "AHSAR on the populations of a network, below and above its boundary"
FINDING = """\
The boundary of small deviations follows from the elasticities of the whole network. Where both
populations are held to one rate, thresholds swing widely well below it: noise carries the loop from
rest to an oscillation beside it, as the nonlinear loop with the rates' noise says. Where they are
held to their mean, swings grow steadily through the boundary, and the nonlinear loop, whose rates
are power laws, wrongly says that they are wide from 0.8 times the critical gain on. Gains for
recurrent populations should stay at half the critical one or below.
"""


def compute(source: Path | None = None) -> xr.Dataset:
    """Return the study's results.

    Args:
        source: CSV file of the study's results; those stored without.

    Raises:
        InputError: they are not there.
    """
    return results.read(source or study.STUDY.name)


def draw(d: xr.Dataset) -> Figure:
    """Draw how far thresholds swing against the gain, for both ways to hold rates."""
    with style():
        figure = Figure(figsize=(8.4, 3.7), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for each, held, colour in zip(axes, study.HELD, (BLUE, ORANGE), strict=True):
            _draw(each, d, held, colour)
        axes[0].set_ylabel("swing of the log threshold scale")
        axes[0].legend(fontsize=8, loc="lower right")
    return figure


def _draw(axes: Axes, d: xr.Dataset, held: str, colour: str) -> None:
    factors = d.factor.values[d.factor.values > 0]
    estimates = [interval(study.swing(d, held, factor)) for factor in factors]
    mean = np.array([e.mean for e in estimates])
    ends = np.nan_to_num([[e.mean - e.low, e.high - e.mean] for e in estimates]).T
    axes.errorbar(
        factors, mean, yerr=np.minimum(ends, 0.9 * mean), fmt="o", ms=5, color=colour, capsize=2,
        label="network", zorder=3,
    )  # fmt: skip
    nonlinear = [study.expected(d, held, float(factor)) for factor in factors]
    axes.plot(factors, nonlinear, color=BLACK, lw=1.2, label="nonlinear loop with noise")
    near = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])
    linear = [study.expected(d, held, float(factor), small=True) for factor in near]
    axes.plot(near, linear, "--", color=BLACK, lw=1, label="linear loop")
    axes.axvline(1, color="0.6", lw=1)
    axes.set(yscale="log", xlabel="reaction gain over the critical one", title=f"Held {held}")
