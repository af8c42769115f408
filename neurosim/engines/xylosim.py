"""The vendor's bit-exact simulator of the Xylo v2 core (xylosim 0.1.3) as an engine.

It serves Audio 2, Audio 3 and IMU. A XyloSpec and a checked raster cannot crash it; its layer
objects leak about 1 MB when rebuilt, so they are kept and reset between samples.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from neurosim.engines import check_record
from neurosim.errors import InputError, UnavailableError
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec

_RECORDED = {
    "spikes": ("rec_recurrent_spikes", "rec_out_spikes"),
    "v_mem": ("rec_v_mem", "rec_v_mem_out"),
    "i_syn": ("rec_i_syn", "rec_i_syn_out"),
    "i_syn_2": ("rec_i_syn2", "rec_i_syn2_out"),
}
"""Our variables and XyloLayer's records of the hidden and the output neurons."""


class XyloSimEngine:
    """Run a XyloSpec sample by sample in XyloSim."""

    name = "xylosim"

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
    ) -> Recording:
        """Run all samples, each from a zero state, `spec.lag` empty steps appended.

        Args:
            model: a XyloSpec.
            raster: (samples, time, channels) event counts 0..255; the chip reads at most 15.
            record: any of `spikes`, `v_mem`, `i_syn`.
            seed: without effect, the chip is deterministic.

        Raises:
            InputError: the model is no XyloSpec, or the raster does not fit it.
            UnavailableError: xylosim is not installed.
        """
        if not isinstance(model, XyloSpec):
            raise InputError(
                f"xylosim runs a XyloSpec, got {type(model).__name__}: deploy it first"
            )
        variables = check_record(record)
        raster = check_raster(raster, model.channels)
        raster = np.pad(raster, ((0, 0), (0, model.lag), (0, 0)))
        layer, _ = _layer(_Key(model))
        sizes = (model.hidden, model.outputs)
        kept = [v for v in variables if v != "i_syn_2" and v in _RECORDED]
        if "i_syn" in kept and model.synapses == 2:
            kept.append("i_syn_2")
        arrays = {
            v: tuple(np.zeros((*raster.shape[:2], n), _dtype(v)) for n in sizes) for v in kept
        }
        for sample, events in enumerate(raster):
            layer.reset_all()
            output = layer.evolve(events.tolist())
            for variable in kept:
                _copy(layer, variable, output, sample, arrays[variable])
        provenance = {
            "engine": self.name,
            "xylosim": version("xylosim"),
            "model": model.digest(),
            "seed": seed,
        }
        populations = ("hidden", "output")
        return Recording(**arrays, dt=model.dt, populations=populations, provenance=provenance)


def _dtype(variable: str) -> type:
    return np.uint8 if variable == "spikes" else np.int16


def _copy(layer: Any, variable: str, output: list, sample: int, into: tuple) -> None:
    """Copy one sample's record: XyloSim has spikes (time, neurons), states (neurons, time)."""
    hidden, out = _RECORDED[variable]
    if variable == "spikes":
        into[0][sample] = _unpack(getattr(layer, hidden), "B")
        into[1][sample] = _unpack(output, "B")
        return
    into[0][sample] = _unpack(getattr(layer, hidden), "h").T
    if variable != "i_syn_2":  # an output neuron has one synapse; its second stays zero
        into[1][sample] = _unpack(getattr(layer, out), "h").T


def _unpack(rows: list[list[int]], code: str) -> np.ndarray:
    """Return rows of small integers as an array; several times faster than np.array(rows)."""
    pack = struct.Struct(f"{len(rows[0])}{code}").pack
    return np.frombuffer(b"".join([pack(*row) for row in rows]), code).reshape(len(rows), -1)


class _Key:
    """A spec as a dictionary key: equal where the dynamics are equal."""

    def __init__(self, spec: XyloSpec) -> None:
        self.spec = spec
        self.digest = spec.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.digest == other.digest


@lru_cache(maxsize=32)
def _layer(key: _Key) -> tuple[Any, dict[str, Any]]:
    """Return XyloSim's layer for a spec, with the lists it was built from."""
    try:
        from xylosim.v2 import XyloLayer, XyloSynapse
    except ImportError as error:
        raise UnavailableError(
            f"xylosim cannot be imported ({error}); install it with a C++ compiler at hand"
        ) from error
    spec = key.spec

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
    return XyloLayer(
        **parts
    ), parts  # the layer keeps raw pointers into the lists: they must live as long


ENGINE = XyloSimEngine()
