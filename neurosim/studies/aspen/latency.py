"""ASPEN 7: how accuracy and decisions build up in time, over the runtime threshold."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import engines, readout
from neurosim.studies.aspen import on_chip
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import crossing, paired
from neurosim.studies.study import Row, Study, Training

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
    settings={**on_chip.FULL, "thresholds": (0.6, 1.0, 1.4, 1.8, 2.2)},
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (0.6, 1.4)},
)

LATE_S = 0.1
"""Smallest delay of a decision that a wearer could notice [s]."""


def time_of(share: float, curve: xr.DataArray) -> xr.DataArray:
    """Return when a curve over time first reaches a share [s], nan where it stays below."""
    import xarray as xr

    return xr.apply_ufunc(
        lambda values: crossing(share, values, curve.time.values),
        curve,
        input_core_dims=[["time"]],
        vectorize=True,
    )


def settling_time(d: xr.Dataset) -> xr.DataArray:
    """Return the time at which half of the windows that ever decide have settled [s]."""
    return time_of(0.5, d.settled / d.settled.isel(time=-1))


@claim(
    "Higher thresholds may delay decisions",
    "open question 2",
    "output spikes so far, every 0.16 s, {seed} seeds",
)
def latency(d: xr.Dataset) -> Finding:
    """Compare the times of first output spikes and final decisions."""
    texts, verdicts = [], []
    for high in (1.4, 1.8, 2.2):
        first, final = (
            paired(times.sel(net="aspen", threshold=high), times.sel(net="aspen", threshold=1.0))
            for times in (time_of(0.5, d.decided), settling_time(d))
        )
        texts.append(f"{high:g} {first:+.2f} s, {final:+.2f} s")
        verdicts.append(by_sign(first, least=LATE_S))
    text = "median first spike, settling later than at scale 1 (of 2.56 s): " + "; ".join(texts)
    return Finding(text, verdicts[-1])


CLAIMS = (latency,)
