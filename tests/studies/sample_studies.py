"""Studies for the tests of the runner; other processes import them from here."""

from __future__ import annotations

import os
import time
from pathlib import Path

from neurosim.studies.study import Row, Study


def measure(letter: str, seed: int, log: str, pause: float, fails: str) -> list[Row]:
    """Note in a file that the case begins and ends, and measure two rows."""
    _note(log, f"begin {letter}{seed} {os.getpid()}")
    time.sleep(pause)
    if letter == fails:
        raise ValueError(f"{letter} cannot be measured")
    _note(log, f"end {letter}{seed}")
    return [{"time": t, "value": ord(letter) + 0.1 * seed + t} for t in (0.0, 0.5)]


def _note(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def study(log: Path, *, pause: float = 0.0, fails: str = "", letters: str = "abcd") -> Study:
    """Return a study of some letters that logs what is run."""
    return Study(
        name="letters",
        title="Letters",
        measure=measure,
        grid={"letter": tuple(letters)},
        index=("letter", "seed", "time"),
        units={"value": "1"},
        settings={"log": str(log), "pause": pause, "fails": fails},
        seeds=2,
        fast={"letter": ("a",), "seeds": 1},
    )


def ended(log: Path) -> list[str]:
    """Return the cases that ran to their end, in that order."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line.split()[1] for line in lines if line.startswith("end")]
