"""Products with spikes through events against dense ones: where events win, by width and density.

Rows of square layers are the 12,800 of a training batch of 128 samples and 100 steps, one thread.
Each pair runs in turn; ratios are events / dense, of the least times. Written to events.csv.

    python benchmarks/events.py
"""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from measure import in_turn

from neurosim.snn.kernels import events

ROWS, WIDTHS, DENSITIES = 12_800, (48, 96, 192, 512), (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
ROUNDS = {48: 20, 96: 12, 192: 8, 512: 3}


def ratios(width: int, density: float) -> tuple[float, float]:
    """Return events / dense of the forward product and of the gradient by the weights."""
    torch.manual_seed(0)
    raster = (torch.rand(ROWS, width) < density).float()
    weight, by_rows = torch.randn(width, width), torch.randn(ROWS, width)
    spikes = events.pack(raster)
    assert spikes is not None
    timings = in_turn(
        {
            "dense": lambda: raster @ weight,
            "events": lambda: events.product(spikes, weight),
            "dense gradient": lambda: raster.T @ by_rows,
            "gradient": lambda: events.weight_gradient(spikes, by_rows),
        },
        ROUNDS[width],
    )
    least = {name: timing.least for name, timing in timings.items()}
    return least["events"] / least["dense"], least["gradient"] / least["dense gradient"]


def main() -> None:
    torch.set_num_threads(1)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["width", "density", "product", "weight_gradient"])
        for width in WIDTHS:
            for density in DENSITIES:
                row = [width, density, *(f"{ratio:.2f}" for ratio in ratios(width, density))]
                print(*row)
                writer.writerow(row)


if __name__ == "__main__":
    main()
