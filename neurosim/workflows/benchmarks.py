"""Run the scripts of a checkout's benchmarks/ one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console

import neurosim
from neurosim.errors import InputError, NeurosimError, UnavailableError


def scripts() -> dict[str, Path]:
    """Return the benchmark scripts by name.

    Raises:
        UnavailableError: neurosim does not run from a checkout.
    """
    folder = Path(neurosim.__file__).resolve().parent.parent / "benchmarks"
    found = {path.stem: path for path in sorted(folder.glob("*.py"))}
    if not found:
        raise UnavailableError("benchmarks are not installed; run this in a checkout of neurosim")
    return found


def run_benchmarks(names: list[str], console: Console) -> None:
    """Run the named scripts, or all.

    Raises:
        InputError: no benchmark has such a name.
        NeurosimError: a script failed.
    """
    known = scripts()
    for name in names:
        if name not in known:
            raise InputError(f"benchmark {name!r} is not known; choose from {', '.join(known)}")
    for name in names or known:
        console.rule(name)
        if subprocess.run([sys.executable, str(known[name])], check=False).returncode:
            raise NeurosimError(f"benchmark {name} failed; its message stands above")
