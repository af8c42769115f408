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

TABLE = study.TABLE
TITLE = "AHSAR on the populations of a network, below and above its boundary"
FINDING = """\
The boundary of small deviations follows from the elasticities of the whole network. Where both
populations are held to one rate, thresholds swing widely well below it: noise carries the loop from
rest to an oscillation beside it, as the nonlinear loop with the rates' noise says. Where they are
held to their mean, swings grow steadily through the boundary, and the nonlinear loop, whose rates
are power laws, wrongly says that they are wide from 0.8 times the critical gain on. Gains for
recurrent populations should stay at half the critical one or below.
"""


def measure() -> list[dict[str, object]]:
    """Run the nonlinear loop at each gain, with the noise of the stored results.

    Returns:
        Rows with how rates are held, the factor of the critical gain, the noise of both populations
        and its correlation, the share of it, and the swing.
    """
    d, rows = results.read(study.STUDY.name), []
    for held in study.HELD:
        first, second, together = noise = study.noise_of(d, held)
        for factor in study.FACTORS[1:]:
            for share in (1.0, 1e-3):
                found = study.swing_of_loop(study.loop_of(500, held, factor), *noise, share)
                rows.append(
                    {"held": held, "factor": factor, "first": first, "second": second,
                     "together": together, "share": share, "swing": found}
                )  # fmt: skip
    return rows


def compute(source: Path | None = None, table: Path | None = None) -> xr.Dataset:
    """Return the study's results.

    Args:
        source: CSV file of the study's results; those stored without.
        table: of `measure`; not read, since `study.expected` takes what is stored for results and
            computes what is not.

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
