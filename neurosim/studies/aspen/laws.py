"""ASPEN 3: discrete levels against a continuous law, at equal range and at matched variance."""

from __future__ import annotations

from typing import Any

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

LAWS: dict[str, dict[str, Any]] = {
    "continuous": {},
    "levels": {"threshold_levels": 3},
    "levels matched": {"threshold_levels": 3, "threshold_matched": True},
}
"""U(1, 2); 1, 1.5 and 2 with twice its variance; three levels drawn in to its variance."""


def measure(
    law: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep the net that was trained with one law."""
    data, _, spec = on_chip.wrist(
        "aspen", seed, every=every, training=training, threshold=(1.0, 2.0), **LAWS[law]
    )
    return on_chip.sweep(spec, data.test, thresholds)


STUDY = Study(
    name="aspen_laws",
    title="Discrete and continuous thresholds in training",
    measure=measure,
    grid={"law": tuple(LAWS)},
    index=("law", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**trained.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=8,
    fast={**trained.FAST, "thresholds": (1.0, 2.4)},
)
