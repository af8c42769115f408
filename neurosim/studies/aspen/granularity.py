"""ASPEN 4: what shares a draw of the threshold, and when it is renewed."""

from __future__ import annotations

from typing import Any

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training
from neurosim.training.config import PER, WHEN


def measure(
    per: str, when: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep the net that was trained with thresholds from U(1, 2) so shared and renewed."""
    plain = (per, when) == ("network", "batch")
    changes: dict[str, Any] = {} if plain else {"threshold_per": per, "threshold_when": when}
    data, _, spec = on_chip.wrist(
        "aspen", seed, every=every, training=training, threshold=(1.0, 2.0), **changes
    )
    return on_chip.sweep(spec, data.test, thresholds)


STUDY = Study(
    name="aspen_granularity",
    title="Threshold randomness per network, layer, neuron; per batch, sample, step",
    measure=measure,
    grid={"per": PER, "when": WHEN},
    index=("per", "when", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**trained.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={
        "per": ("network", "neuron"),
        "when": ("batch", "step"),
        **trained.FAST,
        "thresholds": (1.0, 2.4),
    },
)
