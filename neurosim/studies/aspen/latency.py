"""ASPEN 7: how accuracy and decisions build up in time, over the runtime threshold."""

from __future__ import annotations

import numpy as np

from neurosim import engines, readout
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

CHECKPOINT = 32
"""Steps from one look at the output to the next: 0.16 s."""


def measure(
    net: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Run one net and look at its output spikes so far, every 0.16 s."""
    data, _, spec = on_chip.wrist(net, seed, every=every, training=training)
    test = data.test
    rows = []
    for scale in thresholds:
        spikes = engines.get("brian2").run(spec.with_threshold(scale), test.raster).spikes[1]
        rows += [
            {"threshold": scale, **row}
            for row in build_up(spikes, test.labels, data.front_end.dt, CHECKPOINT)
        ]
    return rows


def build_up(spikes: np.ndarray, labels: np.ndarray, dt: float, every: int) -> list[Row]:
    """Return accuracy, share decided and share settled at each checkpoint.

    Args:
        spikes: (samples, time, classes) of the output.
        labels: (samples,) classes.
        dt: time step in seconds.
        every: steps between checkpoints.

    Returns:
        Rows of `time` in seconds, `accuracy` of the decision by the spikes so far, `decided`: share
        with any output spike, `settled`: share whose decision is the final one from here on; a
        sample without any output spike never settles.
    """
    ends = range(every, spikes.shape[1] + 1, every)
    decisions = np.stack([readout.decide(spikes[:, :end]) for end in ends])
    same = (decisions == decisions[-1]) & (decisions[-1] != readout.SILENT)
    settled = np.logical_and.accumulate(same[::-1])[::-1]
    return [
        {
            "time": round(end * dt, 4),
            "accuracy": float(np.mean(decision == labels)),
            "decided": float(np.mean(decision != readout.SILENT)),
            "settled": float(np.mean(final)),
        }
        for end, decision, final in zip(ends, decisions, settled, strict=True)
    ]


STUDY = Study(
    name="aspen_latency",
    title="Accuracy against time, and time to decision, over the runtime threshold",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold", "time"),
    units={
        "accuracy": "share of test windows",
        "decided": "share of test windows",
        "settled": "share of test windows",
    },
    settings={"training": trained.FULL, "every": 1, "thresholds": (0.6, 1.0, 1.4, 1.8, 2.2)},
    seeds=5,
    fast={**trained.FAST, "thresholds": (0.6, 1.4)},
)
