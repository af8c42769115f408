"""What this machine offers: versions, a compiler, data, what is kept on it."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

from rich.table import Table
from rich.text import Text

from neurosim.data import seglearn
from neurosim.engines.brian2 import cuda
from neurosim.engines.brian2.cache import compiler
from neurosim.errors import NeurosimError
from neurosim.provenance import processor, versions
from neurosim.workflows import caches


def table() -> Table:
    """Return what is here as a table."""
    out = Table("what", "here", title="neurosim doctor")
    for name, version in (processor() | versions()).items():
        out.add_row(name, version)
    out.add_row(
        "C++ compiler", _compiler() or Text("absent: Brian2 falls back to numpy (slow)", "red")
    )
    out.add_row("GPU, for Brian2", _gpu())
    out.add_row("wrist recordings", _wrist_recordings())
    out.add_row("samna (boards)", "present" if find_spec("samna") else "absent: simulators only")
    for cache in caches.caches():
        nets = f"; {_nets(cache)}" if cache.name == caches.NETS else ""
        out.add_row(
            f"kept: {cache.name}",
            f"{cache.what}, {cache.size / 1e6:.1f} MB, {cache.cost} to make again{nets}\n"
            f"{cache.folder}",
        )
    return out


def _nets(cache: caches.Cache) -> str:
    """Say how many nets there are and how long they took to train."""
    times = caches.training_times(cache)
    recorded = [seconds for seconds in times if seconds is not None]
    text = f"{len(times)} nets"
    if recorded:
        text += f", trained in {sum(recorded) / 3600:.1f} h"
    if len(recorded) < len(times):
        text += f" (of {len(times) - len(recorded)} the time was not recorded)"
    return text


def _wrist_recordings() -> str | Text:
    try:
        return f"{len(seglearn.load().signals)} recordings, unchanged"
    except NeurosimError as error:
        return Text(str(error), "red")


def _gpu() -> str:
    """Say what there is for the target "cuda_standalone", and what is missing."""
    card, tools, release = cuda.card(), cuda.toolkit(), cuda.release()
    here = [
        f"{card.name}, driver {card.driver}" if card else "",
        f"{tools.nvcc}: {tools.version}, {tools.curand}" if tools else "",
        f"brian2cuda {release}" if release else "",
    ]
    missing = cuda.needed()
    return "\n".join(filter(None, (*here, missing and f"not to be used: {missing}")))


def _compiler() -> str | None:
    path = compiler()
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return f"{path}: {done.stdout.splitlines()[0]}" if done.stdout else path
