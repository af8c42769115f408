"""Read and run a folder of NIR files, and write a table of what became of each.

    python benchmarks/accuracy/nir_files.py FOLDER [--letters braille7.npz]

Each file runs on random events (the same seed for all) in Brian2 and in numpy, which must agree on
every spike, membrane and current; or its row holds the message that a user gets. Who wrote a file,
and its dt, stand in no NIR file: `KNOWN` says what they are for the public files of the table.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurosim import engines
from neurosim.errors import InputError, shown
from neurosim.formats import nir

TABLE = Path(__file__).resolve().parents[1] / "nir_files.md"
SAMPLES, STEPS, RATE, SEED = 4, 40, 0.3, 0
RECORD = ("spikes", "v_mem", "i_syn")

KNOWN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("*scnn_mnist*", {"source": "sinabs", "reset": "subtract"}),
    ("*cnn_sinabs*", {"source": "sinabs", "reset": "subtract"}),
    ("*lif_rockpool*", {"source": "rockpool"}),
    ("*lif_norse*", {"source": "norse", "reset": "value", "dt": 1e-4}),
    ("*two_lif_neurons*", {"source": "nir", "dt": 1e-3}),
    ("*srnn*", {"source": "nir", "dt": 0.1}),
    # snnTorch: by name a reset to zero or by subtraction, and late but for "noDelay".
    ("*braille_noDelay*subtract*", {"source": "snntorch", "reset": "subtract"}),
    ("*braille_noDelay*zero*", {"source": "snntorch", "reset": "value"}),
    ("*braille_subtract*", {"source": "snntorch", "reset": "subtract-late"}),
    ("*braille--a7c67c3*", {"source": "snntorch", "reset": "value-late", "dt": 1.0}),
    ("*braille_flattened*", {"source": "snntorch", "reset": "value-late", "dt": 1.0}),
    ("*braille_subgraph*", {"source": "snntorch", "reset": "value-late", "dt": 1.0}),
    ("*braille*", {"source": "snntorch", "reset": "value-late"}),
)
"""By pattern of the name, the first that fits: how a file is read."""

INTRODUCTION = f"""# Public NIR files

Written by `python benchmarks/accuracy/nir_files.py FOLDER --letters FILE`. The files are the nets
of the NIR paper (Pedersen et al., Nature Communications 15:8122, 2024) in several versions of its
repository, and other public ones, written by snnTorch, Norse, sinabs, Lava and rockpool; some are
broken, or early drafts. Names end in the hash of the version. None of them is part of neurosim.

Runs: {SAMPLES} samples of {STEPS} steps of random events (rate {RATE}, seed {SEED}) in Brian2 and
in numpy, equal in every spike, membrane and current, or it says so. Letters: share of the 1,158
public recordings of tactile Braille (7 letters) whose letter's output neuron spikes most. Early
files of these nets, with dt 1, hold time constants in steps and not the gains of snnTorch's neurons
(r = tau/dt, w_in = tau/dt); later ones lack w_in, or have all.

No NIR file says how its neurons reset. The resets here follow the names (zero, subtract, noDelay),
and that reading of the names was chosen because it spells best on a third of the recordings, among
the four resets that there are; without "zero" or "subtract" in its name a net is read as "zero".
"""


@dataclass(frozen=True)
class Row:
    """What became of a file."""

    name: str
    version: str
    read_as: str
    neurons: str
    result: str
    letters: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--letters", type=Path, help="x (samples, time, 12), y (samples,) as .npz")
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = list(table(options.folder, options.letters))
    options.out.write_text(page(rows), encoding="utf-8")
    print(f"{sum(not r.result.startswith('refused') for r in rows)} of {len(rows)} run")


def table(folder: Path, letters: Path | None = None) -> Iterator[Row]:
    """Yield a row for each file of a folder, by name."""
    for path in sorted(folder.glob("*.nir")):
        options = next((o for pattern, o in KNOWN if fnmatch(path.stem, pattern)), {})
        yield row(path, options, letters)


def row(path: Path, options: dict[str, Any], letters: Path | None = None) -> Row:
    """Read and run a file."""
    read_as = ", ".join(f"{k} {v:g}" if k == "dt" else str(v) for k, v in options.items())
    try:
        graph = nir.load(path, **options)
        result, share = run(graph), spelled(graph, letters)
    except InputError as error:
        reason = str(error).removeprefix(f"{shown(path)}: ")
        return Row(path.stem, _version(path), read_as, "", f"refused: {reason}")
    if "dt" not in options:
        read_as += f", dt {graph.dt:g} ({graph.says['dt is']})"
    sizes = (np.prod(graph.shapes[name][1], dtype=int) for name in graph.populations)
    neurons = "-".join(f"{n:,}" for n in sizes)
    if any(graph.flow.late.values()):
        neurons += ", recurrent"
    return Row(path.stem, _version(path), read_as, neurons, result, share)


def run(graph: nir.Graph) -> str:
    """Return how many spikes a graph makes on random events, and whether both engines agree."""
    events = np.random.default_rng(SEED).random((SAMPLES, STEPS, *graph.shape)) < RATE
    one, other = (engines.get(e).run(graph, events, record=RECORD) for e in ("nir", "nir-numpy"))
    equal = all(
        np.array_equal(a, b)
        for variable in RECORD
        for a, b in zip(getattr(one, variable), getattr(other, variable), strict=True)
    )
    text = f"runs: {sum(int(s.sum()) for s in one.spikes):,} spikes"
    if "not stated" in graph.says:
        text += f"; it does not state {graph.says['not stated']}"
    return text if equal else f"{text}; engines differ"


def spelled(graph: nir.Graph, letters: Path | None) -> str:
    """Return the share of letters that a graph of 12 channels and 7 output neurons tells right."""
    if letters is None or graph.channels != 12 or graph.shapes[graph.outputs[0]][1] != (7,):
        return ""
    data = np.load(letters)
    spikes = engines.get("nir").run(graph, data["x"]).spikes[-1]
    right = spikes.sum(axis=1).argmax(axis=1) == data["y"]
    return f"{right.mean():.3f}" if spikes.any() else "no spikes"


def page(rows: list[Row]) -> str:
    """Return the page: introduction, counts, table."""
    runs = sum(not row.result.startswith("refused") for row in rows)
    head = "| file | NIR | read as | neurons | letters | what happens |\n" + "| --- " * 6 + "|"
    lines = [
        f"| `{r.name}` | {r.version} | {r.read_as} | {r.neurons} | {r.letters} | {r.result} |"
        for r in rows
    ]
    counts = f"{runs} of {len(rows)} files run, {len(rows) - runs} are refused."
    return "\n".join([INTRODUCTION, counts, "", head, *lines, ""])


def _version(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            return file["version"].asstr()[()] if "version" in file else ""
    except OSError:
        return ""


if __name__ == "__main__":
    main()
