"""A XyloSpec in the terms of the declared neurons: their parameters and their synapses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.equations.xylo import MAX_SPIKES, XYLO, XYLO_TWO_SYNAPSES

if TYPE_CHECKING:
    from neurosim.equations import Declaration
    from neurosim.xylo.spec import XyloSpec


def neurons(synapses: int) -> dict[str, Declaration]:
    """Return the declarations of the hidden and output neurons, by population."""
    return {"hidden": XYLO if synapses == 1 else XYLO_TWO_SYNAPSES, "output": XYLO}


def sizes(spec: XyloSpec) -> dict[str, int]:
    """Return the number of neurons of each population."""
    return {"hidden": spec.hidden, "output": spec.outputs}


def parameters(spec: XyloSpec, population: str) -> dict[str, np.ndarray]:
    """Return the parameters of a population's neurons by their declared names, int16 (neurons,)."""
    ending = "_out" if population == "output" else ""
    most = np.full(sizes(spec)[population], MAX_SPIKES[population])
    return {
        name: (most if name == "max_spikes" else getattr(spec, name + ending)).astype(np.int16)
        for name in neurons(spec.synapses)[population].parameters
    }


def weights(spec: XyloSpec) -> dict[str, list[np.ndarray]]:
    """Return all weights as the neurons meet them: shifted, held in 16 bits.

    Returns:
        "input": for each synapse (channels, hidden); "recurrent": for each synapse (hidden,
        hidden); "readout": one array (hidden neurons that feed the output, outputs).
    """
    inputs = np.zeros((spec.channels, spec.hidden, spec.synapses), dtype=np.int64)
    inputs[:, : spec.weights_in.shape[1]] = spec.weights_in
    recurrent = np.asarray(spec.weights_rec)
    split = range(spec.synapses)
    return {
        "input": [_shifted(inputs[:, :, k], spec.weight_shift_in) for k in split],
        "recurrent": [_shifted(recurrent[:, :, k], spec.weight_shift_rec) for k in split],
        "readout": [_shifted(spec.weights_out, spec.weight_shift_out)],
    }


def _shifted(weight: np.ndarray, shift: int) -> np.ndarray:
    return np.ascontiguousarray((weight << shift).astype(np.int16))


def alias_targets(spec: XyloSpec) -> np.ndarray | None:
    """Return the neuron that hears each hidden neuron's spikes at once, -1 for none, int32.

    None where no neuron has an alias.
    """
    targets = np.array([a[0] if a else -1 for a in spec.aliases or ()], dtype=np.int32)
    return targets if (targets >= 0).any() else None
