"""Gains of a homeostat for the net that it is attached to, and warnings where they do not do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from neurosim.analysis.homeostasis import (
    Coupling,
    Loop,
    feedback_sign,
    feedback_sum,
    is_stable,
    overshoot,
    recommend,
    steepest_state,
)
from neurosim.errors import InputError

SWING = 0.02
"""Overshoot that is no oscillation; `recommend` allows half of it."""
AIMS = ((0.1, 20), (0.1, 200), (0.2, 200), (0.35, 200), (0.5, 200))
"""What is asked of gains, in turn: the share of a disagreement that may stay, and the optimisation
steps to settle in. Layers that pass on more than they get (b > 1) swing under a centred loop unless
relaxation, which leaves more of a disagreement, damps them."""

_recommended = lru_cache(recommend)  # some tenths of a second a net


class HomeostatWarning(UserWarning):
    """The loop would run away, oscillate or feed disagreements, or a layer does not answer it."""


def gains_for(
    units: int,
    loop: Loop | None,
    answer: Coupling | None,
    ticks: int | None,
    common_mode: bool,
) -> Loop:
    """Return the loop of so many units: the given gains or recommended ones, the net's answer.

    Args:
        units: layers or blocks.
        loop: gains, or None for recommended ones.
        answer: how the units answer; None for uncoupled ones with rates as 1/threshold.
        ticks: ticks in an optimisation step, or None for those of `loop`, or 1.
        common_mode: no centring.

    Raises:
        InputError: the gains are of another number of units, or one unit is to be centred.
    """
    settings: dict[str, Any] = {}
    if answer is not None:
        settings |= {name: tuple(value) for name, value in answer._asdict().items()}
    if loop is not None:
        if loop.layers != units:
            raise InputError(f"loop has {loop.layers} layers, the net {units} units; give as many")
        centring = 0.0 if common_mode else loop.centring
        loop = replace(loop, ticks=ticks or loop.ticks, centring=centring, **settings)
    if units == 1 and (1.0 if loop is None else loop.centring) == 1 and not common_mode:
        raise InputError("one unit has no other to agree with; attach with common_mode=True")
    if loop is not None:
        return loop
    basic: dict[str, Any] = {"ticks": ticks or 1, "centring": 0.0 if common_mode else 1.0}
    for left, steps in AIMS:
        try:
            return _recommended(units, left=left, steps=steps, **basic, **settings)
        except InputError:
            continue
    return replace(_recommended(units, **basic), **settings)


def warn_of(loop: Loop) -> None:
    """Warn of deaf layers, positive feedback, instability and oscillation, and name the cure."""
    states = (0.0, steepest_state(loop))
    if not (loop.a > 0).all():
        deaf = int(np.argmin(loop.a))
        said = (
            f"unit {deaf} does not answer its threshold (sensitivity {loop.a[deaf]:.3g}): it or "
            "what it reads is silent; raise its input"
        )
    elif feedback_sign(loop) > 0:
        said = (
            f"the loop feeds disagreements between layers: sum of (1 - b)/a is "
            f"{feedback_sum(loop):.3g}; normalise the layers' inputs or attach with "
            "common_mode=True"
        )
    elif not all(is_stable(loop, c) for c in states):
        said = f"the loop is unstable at beta {loop.beta:.3g}; lower beta or m_r"
    elif (swing := max(overshoot(loop, c) for c in states)) > SWING:
        said = f"the loop oscillates, {swing:.0%} of a deviation swings back; lower beta or m_r"
    else:
        return
    warnings.warn(said, HomeostatWarning, stacklevel=3)


def check_write(write: str, loop: Loop, found: list[tuple[str, Any]]) -> None:
    """Refuse ways of writing thresholds that the ticks or the layers do not allow.

    Args:
        write: "end", "step" or "block".
        loop: its ticks and units.
        found: names and modules of the layers.

    Raises:
        InputError: the way is not known, or does not fit; the layer is named.
    """
    if write not in ("end", "step", "block"):
        raise InputError(f"write is {write!r}; give 'end', 'step' or 'block'")
    if write == "block" and loop.ticks != loop.layers:
        raise InputError(f"write='block' needs a tick for each of {loop.layers} units")
    other = [(n, type(m).__name__) for n, m in found if not hasattr(m, "threshold_scale")]
    if write == "step" and other:
        raise InputError(
            f"write='step': layer {other[0][0]} is {other[0][1]}, which has one threshold for all "
            "steps; use neurosim.snn.LIF or Spiking"
        )
