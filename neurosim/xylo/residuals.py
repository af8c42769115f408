"""Residual connections: the spikes of one hidden layer added to those that a later one emits.

The chip does this by an alias: a neuron's spikes also count as those of its alias. But layers lag
on the chip. Layer k sees the spikes of layer k - 1 one step later, so what the float net computes
in step t happens there in step t + k. A bare alias acts in the same step: it brings the spikes of
layer a to layer b, b - a steps before those of layer b that belong to the same input.

Aligned residuals wait that long: each neuron of layer a feeds a chain of b - a relay neurons, the
last of which has the alias. A relay repeats what it receives one step later, exactly: its input
weight is 2, its current halves in the step (shift 1), its membrane forgets (shift 0), its threshold
is 1, and its weight on itself is -1, which takes back the half of the current that is left. Its
threshold is no parameter of the model, so the runtime threshold register leaves it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neurosim.equations.xylo import MAX_SPIKES
from neurosim.errors import InputError
from neurosim.indices import whole
from neurosim.network import Network
from neurosim.xylo.calibration import Residuals, calibration_events, run_layers
from neurosim.xylo.grid import Integers

MOST = MAX_SPIKES["hidden"]
"""Most spikes of a hidden neuron in a step, those of its aliases among them."""


@dataclass
class Laid:
    """Hidden layers with the relays that stand in front of their neurons."""

    hidden: list[Integers]
    aliases: dict[int, int] = field(default_factory=dict)
    """Target of each hidden id that has an alias."""
    relays: tuple[int, ...] = ()
    """Hidden ids that only delay spikes."""


def check(network: Network, residuals: Sequence[tuple[int, int]], aligned: bool) -> Residuals:
    """Return the residual connections as (source, target) layers; refuse what the chip cannot do.

    Raises:
        InputError: naming the connection and what stands in its way.
    """
    checked: list[tuple[int, int]] = []
    hidden = network.layers[:-1]
    for residual in residuals:
        try:
            source, target = (whole(f"residual {residual!r}", k) for k in residual)
        except (TypeError, ValueError):
            raise InputError(f"residual {residual!r}; give (source layer, target layer)") from None
        where = f"residual {source} -> {target}"
        if not 0 <= source < target < len(hidden):
            raise InputError(
                f"{where}: give two of the hidden layers 0..{len(hidden) - 1}, the earlier first "
                "(output neurons have no alias)"
            )
        sizes = hidden[source].n_out, hidden[target].n_out
        if sizes[0] != sizes[1]:
            raise InputError(f"{where}: layers have {sizes[0]} and {sizes[1]} neurons; make equal")
        if hidden[target].recurrent is not None:
            raise InputError(
                f"{where}: layer {target} is recurrent and would feed the added spikes back; "
                "end the residual at a layer that is not"
            )
        if not aligned and source in {a for a, _ in checked}:
            raise InputError(
                f"{where}: layer {source} has its one alias already; use aligned residuals"
            )
        checked.append((source, target))
    return tuple(checked)


def check_sums(
    network: Network, calibration: np.ndarray | None, residuals: Residuals, aligned: bool
) -> list[str]:
    """Return a warning for each sum that passes the 31 spikes a neuron of the chip can emit.

    Args:
        network: the net without its residual connections.
        calibration: events (samples, time, channels); drawn where None.
        residuals: (source, target) hidden layers.
        aligned: whether spikes of both ways arrive in one step, see `calibration.run_layers`.
    """
    if not residuals:
        return []
    events = calibration_events(calibration, network.shape[0])
    layers = run_layers(network, events, residuals, aligned=aligned)
    most = {k: int(layers[k].emitted.max()) for k in sorted({b for _, b in residuals})}
    return [
        f"layer {k}: spikes and residual reach {count} spikes a step, a neuron emits at most "
        f"{MOST}: what it holds back it fires later; raise the thresholds"
        for k, count in most.items()
        if count > MOST
    ]


def relay_count(network: Network, residuals: Residuals) -> int:
    """Return how many relay neurons aligned residuals need."""
    return sum((b - a) * network.layers[a].n_out for a, b in residuals)


def lay(hidden: list[Integers], residuals: Residuals, *, aligned: bool, shift: int) -> Laid:
    """Return the hidden layers with relays and aliases for residual connections.

    Args:
        hidden: integer layers.
        residuals: (source, target) layers.
        aligned: delay the spikes by relays, or alias them as they are, b - a steps early.
        shift: the recurrent weight shift, which relays' thresholds must follow.
    """
    sizes = [len(layer.threshold) for layer in hidden]
    riders = [
        [r for r, (a, b) in enumerate(residuals) if aligned and a < k <= b]
        for k in range(len(hidden))
    ]
    before = [[sizes[residuals[r][0]] for r in group] for group in riders]
    starts = np.cumsum([0, *(n + sum(b) for n, b in zip(sizes, before, strict=True))])
    laid = Laid([])
    relays: list[int] = []
    for k, layer in enumerate(hidden):
        offset = 0 if k == 0 else sum(before[k - 1])
        sources = {}
        for r in riders[k]:
            own = residuals[r][0] == k - 1
            first = offset if own else _offset(riders[k - 1], before[k - 1], r)
            sources[r] = first
        laid.hidden.append(_with_relays(layer, list(sources.values()), before[k], offset, shift))
        relays += range(starts[k], starts[k] + sum(before[k]))
    for r, (a, b) in enumerate(residuals):
        first = starts[b] + _offset(riders[b], before[b], r) if aligned else starts[a]
        neurons = starts[b] + sum(before[b])
        laid.aliases |= {int(first + i): int(neurons + i) for i in range(sizes[a])}
    laid.relays = tuple(int(i) for i in relays)
    return laid


def _offset(group: list[int], widths: list[int], residual: int) -> int:
    """Return where the relays of a residual begin among those of its group."""
    return sum(widths[: group.index(residual)])


def _with_relays(
    layer: Integers, sources: list[int], widths: list[int], offset: int, shift: int
) -> Integers:
    """Return a layer with relays in front: those of each residual read the ids from `sources` on.

    Args:
        layer: the integer layer.
        sources: first presynaptic id of each group of relays.
        widths: relays in each group.
        offset: relays in front of the layer before, which this layer does not read.
        shift: the recurrent weight shift.
    """
    extra = sum(widths)
    n_in, n_out, synapses = layer.weight.shape
    weight = np.zeros((n_in + offset, n_out + extra, synapses), np.int64)
    weight[offset:, extra:] = layer.weight
    recurrent = np.zeros((n_out + extra, n_out + extra, synapses), np.int64)
    recurrent[extra:, extra:] = layer.recurrent
    start = 0
    for source, width in zip(sources, widths, strict=True):
        index = np.arange(width)
        weight[source + index, start + index, 0] = 2
        recurrent[start + index, start + index, 0] = -1
        start += width

    def joined(value: int, array: np.ndarray) -> np.ndarray:
        front = np.full((extra, *array.shape[1:]), value, array.dtype)
        return np.concatenate([front, array])

    return Integers(
        weight=weight,
        recurrent=recurrent,
        threshold=joined(1 << shift, layer.threshold),
        bias=joined(0, layer.bias),
        dash_mem=joined(0, layer.dash_mem),
        dash_syn=joined(1, layer.dash_syn),
        error=joined(0, layer.error),
        count=joined(0, layer.count),
    )
