"""The vendor's bit-exact simulator of the Xylo v2 core (xylosim 0.1.3) as an engine.

It serves Audio 2, Audio 3 and IMU. A XyloSpec and a checked raster cannot crash it; its layer
objects leak about 1 MB when rebuilt, so they are kept and reset between samples.
"""

from __future__ import annotations

import struct
import threading
from functools import lru_cache
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from neurosim.engines.engine import ByDigest, Engine, Records
from neurosim.errors import UnavailableError
from neurosim.xylo.spec import XyloSpec

_STATES = {"v_mem": "rec_v_mem", "i_syn": "rec_i_syn", "i_syn_2": "rec_i_syn2"}
"""XyloLayer's records (neurons, time) of the hidden neurons by our names."""


_alone = threading.Lock()
"""Held while a layer runs and is read: threads share the layers."""


class XyloSimEngine(Engine):
    """Runs a XyloSpec sample by sample in XyloSim, samples of the same events once."""

    name = "xylosim"
    models: ClassVar[tuple[type[Any], ...]] = (XyloSpec,)

    def _run(
        self, model: XyloSpec, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        records: list[dict[str, np.ndarray]] = []
        for population, n in enumerate((model.hidden, model.outputs)):
            shape = (*raster.shape[:2], n)
            dtypes = {v: np.uint8 if v == "spikes" else np.int16 for v in variables}
            if population == 1:  # an output neuron has one synapse
                dtypes.pop("i_syn_2", None)
            records.append({v: np.empty(shape, dtype) for v, dtype in dtypes.items()})
        with _alone:
            layer, _ = _layer(ByDigest.of(model))
            first: dict[bytes, int] = {}  # sample with these events
            for sample, events in enumerate(raster):
                if (same := first.setdefault(events.tobytes(), sample)) < sample:
                    for array in (array for arrays in records for array in arrays.values()):
                        array[sample] = array[same]
                    continue
                layer.reset_all()
                output = layer.evolve(events.tolist())
                for population, arrays in enumerate(records):
                    for variable, array in arrays.items():
                        array[sample] = _read(layer, variable, population, output)
        return records, {"xylosim": version("xylosim")}


def _read(layer: Any, variable: str, population: int, output: list[list[int]]) -> np.ndarray:
    """Return the last sample's record (time, neurons) of a population; `evolve` gave `output`."""
    if variable == "spikes":
        return _unpack(output if population else layer.rec_recurrent_spikes, "B")
    name = _STATES[variable] + ("_out" if population else "")
    return _unpack(getattr(layer, name), "h").T


def _unpack(rows: list[list[int]], code: str) -> np.ndarray:
    """Return rows of small integers as an array; several times faster than np.array(rows)."""
    pack = struct.Struct(f"{len(rows[0])}{code}").pack
    return np.frombuffer(b"".join([pack(*row) for row in rows]), code).reshape(len(rows), -1)


@lru_cache(maxsize=32)
def _layer(key: ByDigest[XyloSpec]) -> tuple[Any, dict[str, Any]]:
    """Return XyloSim's layer for a spec, with the lists it was built from."""
    try:
        from xylosim.v2 import XyloLayer, XyloSynapse
    except ImportError as error:
        raise UnavailableError(
            f"xylosim cannot be imported ({error}); install it with a C++ compiler at hand"
        ) from error
    spec = key.model

    def synapses(weights: np.ndarray, before: int = 0) -> list[list[Any]]:
        rows: list[list[Any]] = [[] for _ in range(before)]
        for row in weights.reshape(*weights.shape[:2], -1):
            targets = np.argwhere(row.T)
            rows.append([XyloSynapse(int(j), int(s), int(row[j, s])) for s, j in targets])
        return rows

    unread = spec.hidden - spec.weights_out.shape[0]
    parts = {
        "synapses_in": synapses(spec.weights_in),
        "synapses_rec": synapses(spec.weights_rec),
        "synapses_out": synapses(spec.weights_out, before=unread),
        "aliases": [list(a) for a in spec.aliases],
        "dash_syns": np.stack([spec.dash_syn, spec.dash_syn_2], axis=1).tolist(),
        "dash_syns_out": [[d] for d in spec.dash_syn_out.tolist()],
        "has_bias": spec.has_bias,
        "name": "neurosim",
        "weight_shift_inp": spec.weight_shift_in,
        "weight_shift_rec": spec.weight_shift_rec,
        "weight_shift_out": spec.weight_shift_out,
    }
    for name in ("threshold", "threshold_out", "bias", "bias_out", "dash_mem", "dash_mem_out"):
        parts[name] = getattr(spec, name).tolist()
    # The layer keeps raw pointers into the lists: they must live as long.
    return XyloLayer(**parts), parts


ENGINE = XyloSimEngine()
