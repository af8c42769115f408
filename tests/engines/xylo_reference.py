"""An independent model of the integer network: plain Python integers, one addition at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.xylo.spec import XyloSpec

LOW, HIGH = -(2**15), 2**15 - 1


@dataclass
class Coverage:
    """How often the rare rules of the arithmetic were met."""

    counts: dict[str, int] = field(default_factory=dict)

    def saw(self, what: str, times: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + times


def saturated(value: int, seen: Coverage) -> int:
    if LOW <= value <= HIGH:
        return value
    seen.saw("saturation above" if value > HIGH else "saturation below")
    return HIGH if value > HIGH else LOW


def wrapped(value: int) -> int:
    return (value + 2**15) % 2**16 - 2**15


def decay(value: int, dash: int, seen: Coverage) -> int:
    if value < 0:
        seen.saw("negative decay")
    by = value >> dash
    return by if by != 0 else (value > 0) - (value < 0)


class Neurons:
    """One population: its registers, as lists of Python integers."""

    def __init__(self, spec: XyloSpec, ending: str, most: int) -> None:
        def values(name: str) -> list[int]:
            return [int(x) for x in getattr(spec, name + ending)]

        self.dash_mem, self.threshold, self.bias = map(values, ("dash_mem", "threshold", "bias"))
        names = ["dash_syn"] if ending or spec.synapses == 1 else ["dash_syn", "dash_syn_2"]
        self.dash_syn = [values(name) for name in names]
        self.most, self.n = most, len(self.threshold)
        self.v = [0] * self.n
        self.i = [[0] * self.n for _ in names]
        self.has_bias = bool(spec.has_bias)

    def hear(self, synapse: int, row: np.ndarray, shift: int, times: int, seen: Coverage) -> None:
        current = self.i[synapse]
        for post, weight in enumerate(row.tolist()):
            if weight:
                step = wrapped(weight << shift)
                for _ in range(times):
                    current[post] = saturated(current[post] + step, seen)

    def integrate(self, k: int, seen: Coverage) -> None:
        for current, dash in zip(self.i, self.dash_syn, strict=True):
            current[k] -= decay(current[k], dash[k], seen)
        change = wrapped(-decay(self.v[k], self.dash_mem[k], seen))
        change = saturated(change + sum(current[k] for current in self.i), seen)
        if self.has_bias:
            change = saturated(change + self.bias[k], seen)
        self.v[k] = saturated(self.v[k] + change, seen)

    def fire(self, k: int, count: int) -> int:
        while self.v[k] >= self.threshold[k] and count < self.most:
            count += 1
            self.v[k] -= self.threshold[k]
        return count


def simulate(spec: XyloSpec, raster: np.ndarray, seen: Coverage) -> dict[str, list[np.ndarray]]:
    """Return spikes, v_mem and i_syn (one entry a synapse) of hidden and output neurons.

    Args:
        spec: the network.
        raster: counts of one sample (time, channels).
        seen: what the run met is counted here.
    """
    hidden, output = Neurons(spec, "", 31), Neurons(spec, "_out", 1)
    record: dict[str, list[list]] = {name: [] for name in ("s", "v", "i", "so", "vo", "io")}
    last = [0] * hidden.n
    into = spec.weights_in.shape[1]
    feeding = hidden.n - len(spec.weights_out)
    for counts in raster.tolist():
        for channel, count in enumerate(counts):
            for k in range(spec.synapses):
                row = spec.weights_in[channel, :into, k]
                hidden.hear(k, row, spec.weight_shift_in, min(count, 15), seen)
        for pre, count in enumerate(last):
            for k in range(spec.synapses):
                row = spec.weights_rec[pre, :, k]
                hidden.hear(k, row, spec.weight_shift_rec, count, seen)
            if pre >= feeding:
                row = spec.weights_out[pre - feeding]
                output.hear(0, row, spec.weight_shift_out, count, seen)
        spikes = [0] * hidden.n
        for k in range(hidden.n):
            hidden.integrate(k, seen)
            spikes[k] = hidden.fire(k, spikes[k])
            for target in spec.aliases[k]:
                kind = "later" if target > k else "earlier" if target < k else "own"
                seen.saw(f"alias to {kind}", spikes[k])
                spikes[target] = min(spikes[target] + spikes[k], 31)
        out = [0] * output.n
        for k in range(output.n):
            output.integrate(k, seen)
            out[k] = output.fire(k, 0)
        seen.saw("most spikes", spikes.count(31))
        seen.saw("hidden spikes", sum(spikes))
        seen.saw("output spikes", sum(out))
        values = (spikes, hidden.v, hidden.i, out, output.v, output.i)
        for name, value in zip(record, values, strict=True):
            record[name].append(np.array(value))
        last = spikes
    return {name: np.array(value) for name, value in record.items()}
