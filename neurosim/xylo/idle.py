"""Hidden neurons that cannot fire, or that reach no output neuron: they cost memory and cycles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Idle:
    """Hidden ids whose removal changes no output spike."""

    dead: tuple[int, ...]
    """They can never fire: nothing that fires excites them, and no bias does."""
    unread: tuple[int, ...]
    """They may fire, but no path leads from them to an output neuron."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Both kinds, ascending."""
        return tuple(sorted({*self.dead, *self.unread}))


def find(spec: XyloSpec) -> Idle:
    """Return the idle hidden neurons of a specification.

    A membrane rises only by a positive current or bias, and a current decayed with shift 0 never
    reaches it; so a neuron is dead unless it has a positive bias, a positive weight from a channel
    or from a neuron that is not dead, on a synapse with shift 1 or more, or an alias from one.
    """
    dead = ~_excitable(spec)
    unread = ~_read(spec) & ~dead
    return Idle(tuple(np.flatnonzero(dead).tolist()), tuple(np.flatnonzero(unread).tolist()))


def _acting(spec: XyloSpec) -> np.ndarray:
    """Return (N, synapses) whether the current of a synapse outlasts its decay."""
    dashes = [spec.dash_syn, spec.dash_syn_2][: spec.synapses]
    return np.stack(dashes, axis=1) > 0


def _aliased(spec: XyloSpec) -> np.ndarray:
    """Return (N, N) which neuron's spikes also count as whose."""
    table = np.zeros((spec.hidden, spec.hidden), bool)
    for source, targets in enumerate(spec.aliases):
        table[source, list(targets)] = True
    return table


def _excitable(spec: XyloSpec) -> np.ndarray:
    acting = _acting(spec)
    able = spec.bias > 0
    seeing = slice(0, spec.weights_in.shape[1])
    able[seeing] |= ((spec.weights_in > 0) & acting[seeing]).any(axis=(0, 2))
    excites = ((spec.weights_rec > 0) & acting).any(axis=2) | _aliased(spec)
    return _spread(able, excites)


def _read(spec: XyloSpec) -> np.ndarray:
    read = np.zeros(spec.hidden, bool)
    first = spec.hidden - spec.weights_out.shape[0]
    read[first:] = ((spec.weights_out != 0) & (spec.dash_syn_out > 0)).any(axis=1)
    reaches = ((spec.weights_rec != 0) & _acting(spec)).any(axis=2) | _aliased(spec)
    return _spread(read, reaches.T)


def _spread(reached: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return what is reached from a set along the edges, (from, to)."""
    while True:
        more = reached | edges[reached].any(axis=0)
        if (more == reached).all():
            return reached
        reached = more


def prune(spec: XyloSpec) -> tuple[XyloSpec, tuple[int, ...]]:
    """Return the specification without its idle neurons, and the hidden ids that were kept.

    Every output spike stays as it was. One neuron is kept for each layer, for the input and for the
    output, where all of them are idle.
    """
    ids = np.arange(spec.hidden)
    keep = np.ones(spec.hidden, bool)
    keep[list(find(spec).ids)] = False
    n_in, n_out = spec.weights_in.shape[1], spec.weights_out.shape[0]
    first = spec.hidden - n_out
    bounds = np.cumsum([0, *(spec.layers or (spec.hidden,))])
    for low, high in [*pairwise(bounds), (0, n_in), (first, spec.hidden)]:
        if not keep[low:high].any():
            keep[low] = True
    if keep.all():
        return spec, tuple(ids.tolist())
    kept, number = ids[keep], np.cumsum(keep) - 1
    names = ("dash_mem", "dash_syn", "dash_syn_2", "threshold", "bias")
    aliases = [[int(number[t]) for t in spec.aliases[i] if keep[t]] for i in kept]
    layers = tuple(int(keep[a:b].sum()) for a, b in pairwise(bounds))
    smaller = replace(
        spec,
        **{name: getattr(spec, name)[kept] for name in names},
        weights_in=spec.weights_in[:, kept[kept < n_in]],
        weights_rec=spec.weights_rec[np.ix_(kept, kept)],
        weights_out=spec.weights_out[kept[kept >= first] - first],
        aliases=tuple(map(tuple, aliases)),
        layers=layers if spec.layers else (),
        relays=tuple(int(number[i]) for i in spec.relays if keep[i]),
    )
    return smaller, tuple(kept.tolist())
