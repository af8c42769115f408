"""Predicted against measured spike counts of the demo's nets, layer by layer, over thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim import store
from neurosim.drawing import BLUE, GREEN, ORANGE, PINK, style
from neurosim.errors import InputError
from neurosim.network import THRESHOLD_SCALES
from neurosim.run import Run
from neurosim.studies.aspen.theory import BIN_STEPS, measured, predicted
from neurosim.workflows.run_data import windows_of
from neurosim.xylo import specifications

TITLE = "Spike counts predicted from the weights, against those of the integer nets"
FINDING = """\
ASPEN leaves open whether the relation between threshold and spikes can be predicted. It can, from
the weights and the event rates of the input alone: for the demo's two nets the predicted spikes of
a window, all layers together, are within 2 % of those that the deployed integer nets fire, over a
twelvefold range of counts at thresholds 0.6 to 2.4. Input rates must be followed in time: from bins
of 16 steps (0.08 s); of 32 steps the same theory misses up to 5 %, of 128 steps 7 to 21 %, since
movements come in bursts. The prediction is best where most spikes are, in the first two hidden
layers (within 4.3 %). Layers that are almost silent are overstated, since spikes are taken for
independent where they are regular and shared: the third hidden layer by up to 13 %, the readout by
4 to 24 % down to thirty spikes a window and by up to 48 % below."""

NETS = ("fixed", "aspen")
TITLES = {"fixed": "Trained at one threshold", "aspen": "Trained at U(1, 1.5)"}
WINDOWS = 48
TABLE = "predicted_spikes.csv"
_COLOURS = (BLUE, GREEN, PINK, ORANGE)


def measure(
    folder: Path = Path("runs/demo"),
    *,
    scales: tuple[float, ...] = THRESHOLD_SCALES,
    windows: int = WINDOWS,
    bin_steps: int = BIN_STEPS,
) -> list[dict[str, object]]:
    """Predict and count the spikes of a demo folder's nets on test windows.

    Returns:
        A row for each net, threshold and layer: `predicted` and `measured`, spikes per window.

    Raises:
        InputError: the folder holds no demo.
    """
    rows: list[dict[str, object]] = []
    for net in NETS:
        place = folder / net
        if (spec := specifications.load(place)) is None:
            raise InputError(f"{place}: no deployed net; run `neurosim demo --out {folder}` first")
        run = Run.load(place)
        network, test = run.layered, windows_of(run).test.raster
        raster = test[np.linspace(0, len(test) - 1, windows).astype(int)]
        for scale in scales:
            pairs = zip(
                predicted(network, raster, scale, bin_steps),
                measured(spec, raster, scale)[0],
                strict=True,
            )
            rows += [
                {"net": net, "threshold": scale, "layer": k, "predicted": p, "measured": m}
                for k, (p, m) in enumerate(pairs, 1)
            ]
    return rows


def compute(table: Path | None = None) -> dict[str, Any]:
    """Read a table of `measure`; the one stored with the figures when None.

    Returns:
        `scales` (K,); for each net `predicted` and `measured`, spikes per window (K, layers).

    Raises:
        InputError: there is no table.
    """
    remedy = "neurosim figures predicted_spikes --recompute"
    columns = store.read_table(table or store.shipped() / TABLE, remedy=remedy)
    arrays: dict[str, Any] = {"scales": np.unique(columns["threshold"])}
    for net in NETS:
        own = columns["net"] == net
        shape = len(arrays["scales"]), -1
        arrays[net] = {c: columns[c][own].reshape(shape) for c in ("predicted", "measured")}
    return arrays


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the counts of every layer over the threshold, and predicted against measured totals."""
    with style():
        figure = Figure(figsize=(9.6, 3.3), layout="constrained")
        axes = figure.subplots(1, 3)
        for axis, net in zip(axes, NETS, strict=False):
            layers = arrays[net]["measured"].shape[1]
            for k in range(layers):
                label = f"hidden {k + 1}" if k < layers - 1 else "output"
                colour = _COLOURS[k % len(_COLOURS)]
                predicted = arrays[net]["predicted"][:, k]
                axis.plot(arrays["scales"], predicted, color=colour, label=label)
                points = arrays[net]["measured"][:, k]
                axis.plot(arrays["scales"], points, "o", color=colour, mfc="white")
            axis.set(title=TITLES[net], xlabel="runtime threshold scale", yscale="log")
            axis.set_ylim(1, None)
        axes[0].set_ylabel("spikes per window")
        axes[1].legend(title="lines: theory\npoints: integer net", loc="lower left", fontsize=7)
        _draw_error(axes[2], arrays)
    return figure


def _draw_error(axis: Any, arrays: dict[str, Any]) -> None:
    for net, colour, marker in zip(NETS, (BLUE, ORANGE), "os", strict=True):
        ratio = arrays[net]["predicted"].sum(axis=1) / arrays[net]["measured"].sum(axis=1)
        axis.plot(
            arrays["scales"],
            100 * (ratio - 1),
            marker=marker,
            color=colour,
            label=TITLES[net],
        )
    axis.axhline(0, color="black", lw=0.8)
    axis.set(title="Error of all layers' sum", xlabel="runtime threshold scale", ylim=(-5, 5))
    axis.set_ylabel("predicted over measured (%)")
    axis.legend(loc="upper right")
