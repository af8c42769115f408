"""From the key press to what a person sees first, in fresh processes with warm caches.

python benchmarks/first_second.py [--against CHECKOUT] [--rounds N]

Each command runs in a terminal of its own until its first output that counts: an answer, the bar
of a training, its first batch, the first verdict of a verification. Times are given in parts of
`import torch`, measured in the same round. With another checkout, of an earlier version, each
command runs in both in turn, and the ratios of the pairs are printed: least and median.
"""

from __future__ import annotations

import argparse
import os
import pty
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
TORCH = [sys.executable, "-c", "import torch; print('there')"]


class Case(NamedTuple):
    """A command, and a text that its first output which counts holds."""

    title: str
    arguments: tuple[str, ...]
    until: str


def cases(run: Path, scratch: Path) -> list[Case]:
    out = ("--out", str(scratch / "aspen"))
    return [
        Case("--help", ("--help",), "verify"),
        Case("train aspn: the answer", ("train", "aspn"), "did you mean"),
        Case("train aspen: the bar", ("train", "aspen", *out), "train aspen"),
        Case("train aspen: the first batch", ("train", "aspen", *out), "loss "),
        Case("verify RUN: the first verdict", ("verify", str(run)), "identical"),
    ]


def seconds_until(command: list[str], text: str, folder: Path) -> float:
    """Return the seconds from the start of a command to a text in its terminal; then end it."""
    environment = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    begin, seen = time.perf_counter(), b""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        while text.encode() not in seen:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the terminal is closed: the command has ended
                piece = b""
            if not piece:
                raise SystemExit(f"{' '.join(command)}: ended without {text!r}: {seen.decode()}")
            seen += piece
        return time.perf_counter() - begin
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


def deployed(scratch: Path) -> Path:
    """Return the folder of a run with a specification, made here."""
    run = scratch / "fixed"
    for words in (("train", "fixed", "--epochs", "1", "--out", str(run)), ("deploy", str(run))):
        command = [sys.executable, "-m", "neurosim", *words]
        subprocess.run(command, cwd=HERE, check=True, capture_output=True)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", type=Path, help="checkout of an earlier version")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    versions = {"now": HERE} | ({"before": options.against} if options.against else {})
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for case in cases(deployed(scratch), scratch):
            command = [sys.executable, "-m", "neurosim", *case.arguments]
            times: dict[str, list[float]] = {version: [] for version in versions}
            torch = []
            for number in range(options.rounds + 1):
                base = seconds_until(TORCH, "there", HERE)
                spent = {v: seconds_until(command, case.until, at) for v, at in versions.items()}
                if number:  # the first fills the caches
                    torch.append(base)
                    for version, value in spent.items():
                        times[version].append(value)
            print(case.title)
            for version, values in times.items():
                shares = [value / base for value, base in zip(values, torch, strict=True)]
                print(f"  {version:6} {_two(shares)} of `import torch` ({min(values):.2f} s)")
            if options.against:
                pairs = zip(times["before"], times["now"], strict=True)
                print(f"  before / now {_two([before / now for before, now in pairs])}")


def _two(ratios: list[float]) -> str:
    return f"{min(ratios):.2f} (median {statistics.median(ratios):.2f})"


if __name__ == "__main__":
    main()
