"""One written digit through the four encoders of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim import data
from neurosim.data import encode
from neurosim.drawing import style

TITLE = "An image as a sequence: direct current, Poisson spikes, latency, synthetic events"
ROWS = (
    ("direct", "direct current"),
    ("poisson", "Poisson spikes"),
    ("latency", "spike latency"),
    ("events", "synthetic events:\nON - OFF"),
)


def compute(*, index: int = 13, steps: int = 8, seed: int = 0) -> dict[str, Any]:
    """Encode one of scikit-learn's digits.

    Returns:
        For each encoder frames (steps, 8, 8); of events the ON less the OFF counts; `label`.
    """
    digits = data.digits()
    image = digits.images[index : index + 1]
    events = encode.events(image, steps, seed)[0].astype(int)
    return {
        "direct": encode.direct(image, steps)[0, :, 0],
        "poisson": encode.poisson(image, steps, seed)[0, :, 0],
        "latency": encode.latency(image, steps)[0, :, 0],
        "events": events[:, 0] - events[:, 1],
        "label": digits.classes[digits.labels[index]],
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw one row of frames for each encoder."""
    steps = len(arrays["direct"])
    with style():
        figure = Figure(figsize=(9.6, 5.2), layout="constrained")
        axes = figure.subplots(len(ROWS), steps, squeeze=False)
        for row, (name, label) in enumerate(ROWS):
            frames = arrays[name]
            most = float(np.abs(frames).max()) or 1.0
            colours = {"cmap": "gray", "vmin": 0, "vmax": most}
            if name == "events":
                colours = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
            for step in range(steps):
                axis = axes[row, step]
                shown = axis.imshow(frames[step], **colours)
                axis.set(xticks=[], yticks=[])
                axis.grid(False)
                if not row:
                    digit = f"digit {arrays['label']}, " if not step else ""
                    axis.set_title(f"{digit}step {step + 1}", fontsize=8)
            axes[row, 0].set_ylabel(label, fontsize=8)
            unit = {"direct": "current", "events": "events"}.get(name, "spikes")
            ticks = [0, 1] if unit == "spikes" else None
            figure.colorbar(shown, ax=list(axes[row]), shrink=0.8, label=unit, ticks=ticks)
    return figure
