"""Products of weights with spikes that go through events: the work is that of the spikes.

    y = S W          rows of W added up over the neurons that spiked
    dW = S^T G       the row of G added to the rows of dW of the neurons that spiked

Spikes are bits, a word for 64 neurons at a step, and sums stay in vector registers. Counts above
one are binary numbers: a plane of bits for each digit, of which a step pays for those it needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from neurosim.snn.kernels import event_kernels as kernels
from neurosim.snn.kernels.lanes import LANES
from neurosim.snn.kernels.rows import BLOCK
from neurosim.snn.kernels.threads import share

WORD = 64
"""Neurons of a word."""
DIGITS = 17
"""Binary digits of a count, at most: rockpool's default is 2^16 spikes a step."""
GROUPS = 16
"""Groups of rows that sum the gradient by weights apart, whatever the number of threads."""
TABLES = 1 << 22
"""Floats of all groups' sums, above which there are fewer groups."""


@dataclass
class Spikes:
    """Counts of R rows (samples times steps) and N neurons, as bits."""

    neurons: int
    planes: np.ndarray
    """(P, R, ceil(N / 64)) uint64: binary digit p of the counts; bit n % 64 of word n // 64."""
    tops: np.ndarray
    """(R,) uint8, planes that a row uses; the others are zero."""
    events: int = 0
    """Set bits, which are what products cost."""

    @classmethod
    def empty(cls, rows: int, neurons: int, most: float) -> Spikes:
        """Return room for counts of at most `most` spikes; it holds anything."""
        planes = np.empty((digits_of(most), rows, words_of(neurons)), np.uint64)
        return cls(neurons, planes, np.empty(rows, np.uint8))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.planes.shape[1]

    @property
    def density(self) -> float:
        """Set bits per row and neuron."""
        return self.events / max(1, self.rows * self.neurons)

    @property
    def flat(self) -> tuple[np.ndarray, int, int]:
        """All planes in a line, the words of a plane, those of a row."""
        _, rows, words = self.planes.shape
        return self.planes.reshape(-1), rows * words, words

    def floats(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return the counts (R, N) as floats."""
        raster = torch.empty(self.rows, self.neurons, dtype=dtype)
        array = raster.numpy()

        def run(r0: int, r1: int) -> None:
            kernels.unpack(self.planes, self.tops, self.neurons, array, r0, r1)

        share(run, self.rows, array.size)
        return raster


def digits_of(most: float) -> int:
    """Return the binary digits of counts of at most `most` spikes."""
    return max(1, int(most).bit_length())


def words_of(neurons: int) -> int:
    """Return the words of a row."""
    return -(-neurons // WORD)


def pack(raster: torch.Tensor) -> Spikes | None:
    """Return the counts of a raster (..., N) as bits, or None where it holds other numbers.

    Counts are whole and lie in 0..2^DIGITS - 1.
    """
    neurons = raster.shape[-1]
    flat = raster.detach().contiguous().reshape(-1).numpy()
    rows = flat.size // max(1, neurons)
    packed = Spikes.empty(rows, neurons, 2**DIGITS - 1)
    events = np.empty(rows, np.int64)

    def run(r0: int, r1: int) -> None:
        kernels.pack(flat, neurons, packed.planes, packed.tops, events, r0, r1)

    share(run, rows, flat.size)
    packed.events = int(events.sum())
    return None if rows and events.min() < 0 else packed


def padded(width: int) -> int:
    """Return a width as whole vectors."""
    return -(-width // LANES) * LANES


def pad(table: torch.Tensor) -> torch.Tensor:
    """Return a table (..., M) with zeros up to whole vectors; contiguous."""
    width = table.shape[-1]
    if width % LANES == 0:
        return table.detach().contiguous()
    wide = table.new_zeros(*table.shape[:-1], padded(width))
    wide[..., :width] = table.detach()
    return wide


def product(
    spikes: Spikes, weight: torch.Tensor, start: torch.Tensor | None = None
) -> torch.Tensor:
    """Return spikes (R, N) times weights (N, M), plus a row `start` (M,)."""
    table = pad(weight)
    width = table.shape[1]
    row = table.new_zeros(width) if start is None else pad(start)
    to = table.new_empty(spikes.rows, width)
    arrays = table.numpy(), row.numpy(), to.numpy()
    flat, size, words = spikes.flat

    def run(r0: int, r1: int) -> None:
        room = np.empty(BLOCK, arrays[0].dtype)
        kernels.product(flat, size, words, spikes.tops, *arrays, room, r0, r1)

    share(run, spikes.rows, to.numel())
    return to[:, : weight.shape[1]]


def weight_gradient(spikes: Spikes, by_product: torch.Tensor) -> torch.Tensor:
    """Return the gradient (N, M) by the weights from that by the product (R, M)."""
    rows = pad(by_product)
    width = rows.shape[1]
    groups = groups_of(spikes.rows, spikes.neurons * width)
    tables, edges = rows.new_empty(groups, spikes.neurons, width), np.arange(groups + 1)
    edges = edges * spikes.rows // groups
    arrays = rows.numpy(), tables.numpy()
    flat, size, words = spikes.flat

    def run(g0: int, g1: int) -> None:
        room = np.empty(BLOCK, arrays[0].dtype)
        kernels.outer(flat, size, words, spikes.tops, *arrays, room, edges, g0, g1)

    share(run, len(tables), rows.numel())
    return tables.sum(0)[:, : by_product.shape[1]]


def groups_of(rows: int, sums: int) -> int:
    """Return in how many groups to sum up rows, for a table of so many sums.

    The groups do not depend on the number of threads, so that sums do not either; short sums of
    neighbours round less than one long sum.
    """
    return max(1, min(GROUPS, max(2, TABLES // max(1, sums)), rows))
