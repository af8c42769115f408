"""AHSAR 3: learning with and without the homeostat, and without each of its parts."""

from __future__ import annotations

from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training


def measure(
    net: str, shown: str, learning: str, variant: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Train one net and report its epochs."""
    changes = {**training, **images.SHOWN[shown], **images.VARIANTS[variant]}
    found = images.run(seed, every=every, net=net, method=learning, **changes)
    return [
        {
            "epoch": int(row["epoch"]),
            "accuracy": row["validation_accuracy"],
            "loss": row["validation_loss"],
            "rate": row["spikes_per_neuron_and_step"],
            "gain": row.get("gain", 1.0),
        }
        for row in found.metrics
    ]


STUDY = Study(
    name="ahsar_homeostat",
    title="Learning with and without AHSAR, and without its parts",
    measure=measure,
    grid={
        "net": images.NETS,
        "shown": tuple(images.SHOWN),
        "learning": images.METHODS,
        "variant": tuple(images.VARIANTS),
    },
    index=("net", "shown", "learning", "variant", "seed", "epoch"),
    units={
        "accuracy": "share of validation images",
        "loss": "nat (validation)",
        "rate": "spikes per neuron and step",
        "gain": "factor on all thresholds",
    },
    settings=images.SHORT,
    fast={**images.FAST, "shown": ("images",), "variant": ("none", "full")},
)
