"""A XyloSpec in the terms of the declared neurons: their parameters and their synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.equations.xylo import MAX_SPIKES, XYLO, XYLO_TWO_SYNAPSES

if TYPE_CHECKING:
    from neurosim.equations import Declaration
    from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True)
class Neurons:
    """The neurons of one population."""

    model: Declaration
    n: int
    parameters: dict[str, np.ndarray]
    """By declared name, int16 (n,)."""


def models(synapses: int) -> dict[str, Declaration]:
    """Return the declarations of the hidden and output neurons, by population."""
    return {"hidden": XYLO if synapses == 1 else XYLO_TWO_SYNAPSES, "output": XYLO}


def populations(spec: XyloSpec) -> dict[str, Neurons]:
    """Return the hidden and the output neurons by population."""
    sizes = {"hidden": spec.hidden, "output": spec.outputs}
    endings = {"hidden": "", "output": "_out"}

    def values(population: str, name: str) -> np.ndarray:
        if name == "max_spikes":
            return np.full(sizes[population], MAX_SPIKES[population], np.int16)
        register: np.ndarray = getattr(spec, name + endings[population])
        return register.astype(np.int16)

    return {
        population: Neurons(
            model, sizes[population], {name: values(population, name) for name in model.parameters}
        )
        for population, model in models(spec.synapses).items()
    }


def weights(spec: XyloSpec) -> dict[str, list[np.ndarray]]:
    """Return all weights as they act on the neurons: shifted, held in 16 bits.

    Returns:
        "input": for each synapse (channels, hidden); "recurrent": for each synapse (hidden,
        hidden); "readout": one array (hidden neurons that feed the output, outputs).
    """
    channels, reading, synapses = spec.weights_in.shape
    inputs = np.zeros((channels, len(spec.threshold), synapses), dtype=np.int64)
    inputs[:, :reading] = spec.weights_in
    recurrent = np.asarray(spec.weights_rec)
    split = range(synapses)
    return {
        "input": [_shifted(inputs[:, :, k], spec.weight_shift_in) for k in split],
        "recurrent": [_shifted(recurrent[:, :, k], spec.weight_shift_rec) for k in split],
        "readout": [_shifted(spec.weights_out, spec.weight_shift_out)],
    }


def _shifted(weight: np.ndarray, shift: int) -> np.ndarray:
    return np.ascontiguousarray((weight << shift).astype(np.int16))


def alias_targets(spec: XyloSpec) -> np.ndarray | None:
    """Return the neuron to which each hidden neuron's spikes also count, -1 for none, int32.

    None where no neuron has an alias.
    """
    targets = np.array([a[0] if a else -1 for a in spec.aliases or ()], dtype=np.int32)
    return targets if (targets >= 0).any() else None
