"""ASPEN: nets for single thresholds, switched as energy allows, against one net for all."""

from __future__ import annotations

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

NETS = {
    "fixed at 1": (1.0, 1.0),
    "fixed at 1.6": (1.6, 1.6),
    "fixed at 2.2": (2.2, 2.2),
    "U(1, 2)": (1.0, 2.0),
}
"""Each a law of the threshold in training; the first three are what is switched between."""


def measure(
    net: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep one of the nets."""
    preset = "aspen" if net.startswith("U") else "fixed"
    data, _, spec = on_chip.wrist(preset, seed, every=every, training=training, threshold=NETS[net])
    return on_chip.sweep(spec, data.test, thresholds)


STUDY = Study(
    name="aspen_switching",
    title="Model switching against a single model",
    measure=measure,
    grid={"net": tuple(NETS)},
    index=("net", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**trained.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={**trained.FAST, "net": ("fixed at 1.6", "U(1, 2)"), "thresholds": (1.0, 1.8)},
)
