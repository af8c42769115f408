"""Integer scales against rockpool's two quantisers: who keeps the float net's spike counts.

python benchmarks/quantisers.py [RUN ...]

Nets of 15-48-48-48-6 neurons with time constants mixed from 4 to 256 steps (decay shifts 2 to 8),
then trained nets: the runs that are named, or those of `neurosim demo` where it left them. Each is
calibrated on some windows and measured on others, as counted by XyloSim against the float net.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from pathlib import Path

import numpy as np

from neurosim.errors import InputError
from neurosim.formats import rockpool_devices, xylo_json
from neurosim.network import Layer, Network
from neurosim.workflows import fidelity
from neurosim.xylo import XyloSpec, plan
from neurosim.xylo.decays import shift_tau
from neurosim.xylo.quantise import QUANTISERS

DT = 5e-3
SIZES = (15, 48, 48, 48, 6)
RUNS = (Path("runs/demo/fixed"), Path("runs/demo/aspen"))


def mixed(rng: np.random.Generator, kind: str, gain: float, shifts: tuple[int, int]) -> Network:
    """Return a net of mixed time constants: weights "even", "scaled" by leak, or "skewed" too."""
    layers = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(SIZES)):
        fast = rng.integers(shifts[0], shifts[1] + 1, n_out)
        weight = rng.normal(0.1, 1.0, (n_in, n_out))
        if kind == "skewed":
            weight = np.sign(weight) * rng.lognormal(-0.5, 1.0, (n_in, n_out))
        if kind != "even":
            weight = weight * 2.0**-fast
        slow = rng.integers(shifts[0], shifts[1] + 1, n_out)
        last = k == len(SIZES) - 2
        layers.append(
            Layer(
                weight=gain * weight / np.sqrt(n_in),
                tau_mem=shift_tau(slow, DT),
                tau_syn=shift_tau(fast, DT),
                threshold=np.ones(n_out),
                bias=np.zeros(n_out),
                max_spikes=1 if last else 31,
            )
        )
    return Network(tuple(layers), DT)


def by_rockpool(network: Network, quantiser: str) -> XyloSpec:
    """Return the specification of rockpool's mapper and one of its quantisers."""
    mapped = rockpool_devices.mapped(network, "syns63300")
    quantised = rockpool_devices.quantised(mapped, quantiser)
    sizes = tuple(layer.n_out for layer in network.layers[:-1])
    return xylo_json.from_rockpool(quantised, layers=sizes)


def compare(title: str, network: Network, calibration: np.ndarray, raster: np.ndarray) -> None:
    """Print a row for each quantiser."""
    ours = {
        f"ours, {name}": lambda name=name: (
            plan(network, calibration=calibration, quantiser=name).spec
        )
        for name in QUANTISERS
    }
    theirs = {
        f"rockpool, {name}": lambda name=name: by_rockpool(network, name)
        for name in ("global", "channel")
    }
    print(f"\n{title}")
    print(f"{'':24}{'correlation of spike counts by layer':40}{'saturated':>11}{'lost':>8}")
    for name, make in {**theirs, **dict(reversed(ours.items()))}.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                rows = fidelity.measure(make(), network, raster)
            except (InputError, IndexError, ValueError) as error:
                print(f"{name:24}fails: {str(error)[:90]}")
                continue
        counts = "".join(f"{row.correlation:9.4f}" for row in rows)
        saturated = max(row.saturated for row in rows)
        lost = max(row.lost for row in rows)
        print(f"{name:24}{counts:40}{saturated:10.1%}{lost:9.1%}")
    rates = "".join(f"{row.rate:9.2f}" for row in rows)
    print(f"{'float spikes a step':24}{rates}")


def trained(folder: Path) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return a run's net with training and test windows of its own front end."""
    from neurosim.run import Run
    from neurosim.workflows.run_data import calibration, windows_of

    run = Run.load(folder)
    dataset = windows_of(run)
    return run.layered, calibration(dataset.train.raster), dataset.test.raster[::8]


def main(arguments: list[str]) -> None:
    for kind, gain in (("even", 0.1), ("even", 0.3), ("scaled", 3.0), ("skewed", 3.0)):
        rng = np.random.default_rng(0)
        network = mixed(rng, kind, gain, (2, 8))
        calibration, raster = rng.poisson(0.3, (2, 24, 200, 15)).astype(np.uint8)
        compare(f"mixed to 8, {kind} weights, gain {gain}", network, calibration, raster)
    runs = [Path(name) for name in arguments] or [run for run in RUNS if run.is_dir()]
    if not runs:
        print("\nno trained nets: run `neurosim demo` first, or name runs")
    for run in runs:
        compare(f"trained: {run}", *trained(run))


if __name__ == "__main__":
    main(sys.argv[1:])
