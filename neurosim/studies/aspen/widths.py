"""ASPEN 2: how wide the law of the thresholds should be, U(1, 1.2) to U(1, 3)."""

from __future__ import annotations

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training


def measure(
    high: float, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep the net that was trained at thresholds from U(1, high); 1 is a fixed threshold."""
    law = {} if high == 1.0 else {"threshold": (1.0, high)}
    preset = "fixed" if high == 1.0 else "aspen"
    data, _, spec = on_chip.wrist(preset, seed, every=every, training=training, **law)
    return on_chip.sweep(spec, data.test, thresholds)


STUDY = Study(
    name="aspen_widths",
    title="Accuracy against energy for laws of the threshold from U(1, 1.2) to U(1, 3)",
    measure=measure,
    grid={"high": (1.0, *(round(1.2 + 0.2 * k, 1) for k in range(10)))},
    index=("high", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**trained.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={"high": (1.0, 2.0), **trained.FAST, "thresholds": (1.0, 2.4)},
)
