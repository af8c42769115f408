"""Results of the GPU benchmarks: one line of JSON for each case, written as it ends.

A case that a file holds already is not run again, so that a script that was stopped goes on where
it was. Lines of another card or of other versions stay beside new ones; the page names them.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "brian2", "brian2cuda", "numpy", "torch", "triton", "rockpool", "spikingjelly", "snntorch",
    "cupy-cuda13x",
)  # fmt: skip


class Ledger:
    """A file of results."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._done = {(line["step"], line["case"]) for line in read(path)}

    def has(self, step: str, case: str) -> bool:
        """Return whether a case is there."""
        return (step, case) in self._done

    def add(self, step: str, case: str, result: dict[str, Any]) -> None:
        """Write a case and show it."""
        line = {"step": step, "case": case, "card": card(), **result}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._done.add((step, case))
        print(json.dumps({k: v for k, v in line.items() if k != "trace"}), flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    """Return all lines of a file, none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def card() -> str:
    """Return the name of the first card, "none" without one."""
    return _smi("name") or "none"


def _smi(field: str) -> str:
    command = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 else ""


def machine() -> dict[str, Any]:
    """Return card, driver, processor and versions."""
    processor = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    return {
        "driver": _smi("driver_version"),
        "memory": _smi("memory.total"),
        "processor": processor,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "nvcc": _nvcc(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _nvcc() -> str:
    from neurosim.engines.brian2 import cuda

    tools = cuda.toolkit()
    return tools.version if tools else "absent"


if __name__ == "__main__":
    ledger = Ledger(Path(sys.argv[1]))
    case = f"{card()}, {platform.node()}"
    if not ledger.has("machine", case):
        ledger.add("machine", case, machine())
