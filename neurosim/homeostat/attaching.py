"""Attach a homeostat to a net of torch or to a network of Brian2."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations import Declaration


def attach(
    network: Any,
    groups: Sequence[Any] | None = None,
    *,
    rule: str | Declaration = "ahsar",
    **options: Any,
) -> Any:
    """Regulate the thresholds of a net of torch, or of groups of a network of Brian2.

        regulation = neurosim.homeostat.attach(network, groups=[excitatory, inhibitory],
                                               band=(3*Hz, 8*Hz), rest=-70*mV)
        network.run(10*second)
        regulation.history["rate"]   # (ticks, groups) in Hz
        regulation.detach()

    A group is what a layer is to AHSAR: its rate is held to a band, or to the mean of all groups,
    by a scale of its thresholds, and neighbours in the order of the groups share their state by
    diffusion. All is Brian2 equations and runs on every target, programs included; what is attached
    becomes part of the first group and needs no further call. Attach once thresholds have their
    initial values. The threshold of a group has to be a variable with a value for each neuron: a
    group of `(model + get("driven-threshold")).neurons(n)`, or a script's own with 'v_th : volt' in
    its equations and 'v > v_th' as its condition.

    Args:
        network: a module of torch, then the options are those of `Homeostat.attach`; or a Network
            of Brian2, `brian2.magic_network`, or a list of groups.
        groups: NeuronGroups, or parts of them, in the order of the chain; all that spike, in
            the order of their names, by default.
        rule: "ahsar", or a declared threshold rule by name ("stochastic-threshold-per-spike"),
            which every neuron gets by itself; the options are then its parameters.
        options: for Brian2: `variable` that sets the threshold, where there are several; `rest`,
            the potential that thresholds count from, in quantities or expressions, for all groups
            or each (needed where the variable has a unit); for "ahsar" also `band` (a rate or two,
            in Hz), `tick` (100 ms), `loop` (gains), `gain` (True: `end_epoch` adapts a global
            gain), `floor` and `windup`.

    Returns:
        `Homeostat` for torch; for Brian2 `GroupHomeostat` or `AttachedRule`. Each has `detach`.

    Raises:
        InputError: a group has no variable threshold (the message says what it has and how to
            write it), or settings do not fit.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(network, torch.nn.Module):
        from neurosim.homeostat.homeostat import Homeostat

        if rule != "ahsar" or groups is not None:
            raise InputError("groups and other rules than 'ahsar' are for networks of Brian2")
        return Homeostat.attach(network, **options)
    from neurosim.homeostat import brian2_groups

    return brian2_groups.attach(network, groups, rule=rule, **options)
