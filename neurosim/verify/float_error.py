"""Tell differences that floats must have from those of another model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.verify.compare import Divergence, Verdict, compare


def judge(model: object, raster: np.ndarray, reference: Recording, other: Recording) -> Verdict:
    """Compare two recordings of a model; for a Network, say whether rounding explains the rest.

    The bound on what rounding may do is computed for this net and this raster, see
    `neurosim.engines.brian2.rounding`; the first spikes that differ must belong to membranes
    that lie within it of their threshold, and membranes before them must differ by less.

    Args:
        model: what both ran.
        raster: (samples, time, channels) event counts.
        reference: the first engine's recording; a bound is known for brian2's, in float64.
        other: another engine's.
    """
    verdict = compare(reference, other)
    states = (reference.v_mem, reference.i_syn, other.v_mem)
    explicable = isinstance(model, Network) and reference.provenance.get("engine") == "brian2"
    if verdict.exact or not explicable or any(state is None for state in states):
        return verdict
    from neurosim.engines.brian2 import rounding

    found = rounding.explain(model, raster, reference, other)  # type: ignore[arg-type]
    if found.first is None:
        return replace(verdict, kind="rounding", first=None, rounding=found.worst)
    return replace(verdict, first=_place(found.first, reference, other), rounding=found.worst)


def _place(first: tuple[int, int, int, int], reference: Recording, other: Recording) -> Divergence:
    """Return a sample, step, layer and neuron with what differs there."""
    sample, step, k, neuron = first
    at = (sample, step, neuron)
    same = reference.spikes[k][at] == other.spikes[k][at]
    variable = "v_mem" if same else "spikes"
    values = [float(getattr(r, variable)[k][at]) for r in (reference, other)]
    return Divergence(
        sample, step, reference.populations[k], neuron, variable, (values[0], values[1])
    )
