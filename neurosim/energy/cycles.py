"""Clock cycles, and from them an estimate of the power, of a Xylo core at a given activity.

The cycle model and the measured powers are rockpool's and the vendor's published ones
(rockpool 3.1, `syns63300.power_cycles_model` and the Xylo IMU power notebook). No energy per
operation is published: every power here is an estimate, and says what it is anchored to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec

CLOCK_MARGIN = 1.2
"""Clock rate over the worst-case cycle rate."""

ANCHOR_CHIP = "xylo-imu"
ANCHOR = "Xylo IMU core at 6.25 MHz: 201 µW active, 188 µW idle (vendor's notebook)"
_ANCHOR_CLOCK_HZ = 6.25e6
_ANCHOR_IDLE_W = 188e-6
_ANCHOR_ACTIVE_W = 201e-6


@dataclass(frozen=True)
class Activity:
    """Fractions of (sample, step, neuron) bins with at least one event, and events per sample.

    The core pays for a bin with any event once, however many events it holds.
    """

    input_bins: float
    hidden_bins: float
    spikes: float
    """Spikes of all hidden and output neurons in one sample."""


def activity(raster: np.ndarray, recording: Recording) -> Activity:
    """Measure the activity of a run of a XyloSpec: raster (samples, time, channels) and result."""
    spikes = sum(int(s.sum(dtype=np.int64)) for s in recording.spikes)
    return Activity(
        input_bins=float(np.count_nonzero(raster) / raster.size),
        hidden_bins=float(np.count_nonzero(recording.spikes[0]) / recording.spikes[0].size),
        spikes=spikes / recording.samples,
    )


def per_step(spec: XyloSpec, input_bins: float = 1.0, hidden_bins: float = 1.0) -> float:
    """Return master-clock cycles of one time step; bins at 1 give the worst case.

    Cycles = Nin (3.5 p_in N_ien + 1) + Nhid (7 fanout p_h + 3) + N_oen p_h (1 + 8 Nout)
    + Nhid (19 + spiking) + 12 Nout, with the mean recurrent fan-out of a neuron; spiking is 3 p_h
    without aliases, more with them.
    """
    n_ien = np.count_nonzero(np.any(spec.weights_in, axis=(0, 2)))
    n_oen = np.count_nonzero(np.any(spec.weights_out, axis=1))
    fanout = np.count_nonzero(np.any(spec.weights_rec, axis=2)) / spec.hidden
    return float(
        spec.channels * (3.5 * input_bins * n_ien + 1)
        + spec.hidden * (7 * fanout * hidden_bins + 3)
        + n_oen * hidden_bins * (1 + 8 * spec.outputs)
        + spec.hidden * (19 + _spiking(spec, hidden_bins))
        + 12 * spec.outputs
    )


def _spiking(spec: XyloSpec, p: float) -> float:
    """Return mean cycles of a hidden neuron for spikes and aliases; p: share of active bins."""
    aliased = sum(map(len, spec.aliases)) / spec.hidden  # sources, and as many targets
    both = aliased * aliased
    return 2 * max(p, both) + 3 * max(p * aliased, both) + p + max(p, aliased) * aliased


def clock_hz(spec: XyloSpec) -> float:
    """Return the lowest master clock that finishes every step in time, with a margin of 20 %."""
    return CLOCK_MARGIN * per_step(spec) / spec.dt


def estimated_power_w(spec: XyloSpec, activity: Activity) -> float:
    """Estimate the power of the core in watts at an activity.

    The anchor's idle power is paid always. Its 13 uW of dynamic power are taken to be those of a
    core that is busy at the anchor's clock but for the margin, so that each cycle costs 2.5 pJ.
    Idle power is not scaled with the clock, since no measurement says how: a net that needs more
    than the anchor's clock (`clock_hz`) will idle at more.

    Raises:
        InputError: the spec is for a chip other than the one that was measured.
    """
    if spec.chip not in (None, ANCHOR_CHIP):
        raise InputError(f"chip is {spec.chip}; power was measured for {ANCHOR_CHIP} alone")
    cycles_per_s = per_step(spec, activity.input_bins, activity.hidden_bins) / spec.dt
    busy = cycles_per_s * CLOCK_MARGIN / _ANCHOR_CLOCK_HZ
    return _ANCHOR_IDLE_W + (_ANCHOR_ACTIVE_W - _ANCHOR_IDLE_W) * busy
