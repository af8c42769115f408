"""Clock cycles that a Xylo core needs at an activity, and the clock that this takes.

The cycle model is rockpool's (rockpool 3.1, `syns63300.power_cycles_model`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.xylo.spec import XyloSpec

CLOCK_MARGIN = 1.2
"""Clock rate over the worst-case cycle rate."""

LARGEST_CLOCK_HZ = 50e6
"""Fastest master clock that is documented: what rockpool 3.1 sets on the development kits
(`syns63300.imu_monitor`, `syns65302.afe.params`)."""

Shares = float | np.ndarray


def per_step(spec: XyloSpec, input_bins: Shares = 1.0, hidden_bins: Shares = 1.0) -> Any:
    """Return master-clock cycles of one time step; bins at 1 give the worst case.

    Bins are shares, floats or arrays of one shape, which the result has.

    Cycles = Nin (3.5 p_in N_ien + 1) + Nhid (7 fanout p_h + 3) + N_oen p_h (1 + 8 Nout)
    + Nhid (19 + spiking) + 12 Nout, with the mean recurrent fan-out of a neuron; spiking is 3 p_h
    without aliases, more with them.
    """
    n_ien = np.count_nonzero(np.any(spec.weights_in, axis=(0, 2)))
    n_oen = np.count_nonzero(np.any(spec.weights_out, axis=1))
    fanout = np.count_nonzero(np.any(spec.weights_rec, axis=2)) / spec.hidden
    return (
        spec.channels * (3.5 * input_bins * n_ien + 1)
        + spec.hidden * (7 * fanout * hidden_bins + 3)
        + n_oen * hidden_bins * (1 + 8 * spec.outputs)
        + spec.hidden * (19 + _spiking(spec, hidden_bins))
        + 12 * spec.outputs
    )


def _spiking(spec: XyloSpec, p: Shares) -> Shares:
    """Return mean cycles of a hidden neuron for spikes and aliases; p: share of active bins."""
    aliased = sum(map(len, spec.aliases)) / spec.hidden  # sources, and as many targets
    both = aliased * aliased
    spiking: Shares = 2 * np.maximum(p, both) + 3 * np.maximum(p * aliased, both) + p
    return spiking + np.maximum(p, aliased) * aliased


def clock_hz(spec: XyloSpec, cycles: float | None = None) -> float:
    """Return the lowest master clock that finishes every step in time, with a margin of 20 %.

    Args:
        spec: the deployed net.
        cycles: of the busiest step that comes up; those of the worst case when None.
    """
    return float(CLOCK_MARGIN * (per_step(spec) if cycles is None else cycles) / spec.dt)


def check_clock(spec: XyloSpec) -> None:
    """Refuse a net that no clock of the core is fast enough for, at the rate of its data.

    Raises:
        InputError: it does not fit.
    """
    if (needed := clock_hz(spec)) > LARGEST_CLOCK_HZ:
        raise InputError(
            f"the net does not fit: its worst step needs a master clock of {1e-6 * needed:.1f} MHz "
            f"at dt = {spec.dt:g} s, the core runs at up to {1e-6 * LARGEST_CLOCK_HZ:g} MHz; take "
            "a smaller net or longer steps"
        )
