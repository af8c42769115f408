"""Run the benchmarks of a checkout, and collect the ratios that they measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

import neurosim
from neurosim.errors import InputError, NeurosimError, UnavailableError, nearest

RATIOS = "NEUROSIM_RATIOS"
"""Environment variable with the file to which `measure.ratio` of benchmarks/ adds lines."""


@dataclass
class Outcome:
    """What a series of benchmarks measured."""

    ratios: dict[str, float] = field(default_factory=dict)
    """By "benchmark: name": how many times faster or smaller than its reference; of the benchmarks
    that ran to their end."""
    failed: list[str] = field(default_factory=list)
    """Benchmarks that did not."""

    def check(self) -> None:
        """Raise a NeurosimError if a benchmark failed."""
        if self.failed:
            raise NeurosimError(
                f"benchmark {', '.join(self.failed)} failed; its message stands above"
            )


def folder() -> Path:
    """Return benchmarks/ of the checkout that neurosim runs from; it need not be there."""
    return Path(neurosim.__file__).resolve().parent.parent / "benchmarks"


def scripts() -> dict[str, Path]:
    """Return the scripts of a checkout's benchmarks/ by name.

    Raises:
        UnavailableError: neurosim does not run from a checkout.
    """
    paths = {path.stem: path for path in sorted(folder().glob("*.py"))}
    if not paths:
        raise UnavailableError(
            f"{folder()}: no benchmarks there; run this in a checkout of neurosim"
        )
    return paths


def run(names: list[str], console: Console) -> Outcome:
    """Run the named scripts one after the other, or all; one that fails stops no other.

    Raises:
        InputError: no benchmark has such a name.
        UnavailableError: neurosim does not run from a checkout.
    """
    known = scripts()
    for name in names:
        if name not in known:
            raise InputError(f"benchmark {name!r} is not known; {nearest(name, tuple(known))}")
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as scratch:
        for name in dict.fromkeys(names or known):
            console.rule(name)
            file = Path(scratch) / f"{name}.jsonl"
            environment = {**os.environ, RATIOS: str(file)}
            command = [sys.executable, str(known[name])]
            if subprocess.run(command, check=False, env=environment).returncode:
                outcome.failed.append(name)
                continue
            lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            for ratio in map(json.loads, lines):
                outcome.ratios[f"{name}: {ratio['name']}"] = ratio["value"]
    return outcome
