"""Compare what two installations of Python compute with the models that draw no random numbers.

    python -m tests.interpreters PYTHON OTHER [--target TARGET] [--only NAME ...]

Each model is simulated by both on this machine, and spikes and traces must be the
same to the bit, whatever the versions of Python, Brian2 and numpy are. Bytes that were stored on
another machine would not do: another processor may round otherwise. The exit status is 1 where any
model differs. TARGET is `numpy` unless told otherwise, which compiles nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def digests(target: str, only: list[str]) -> dict[str, str]:
    """Return, by model, its count of spikes and the SHA-256 of its spikes and traces."""
    sys.path.insert(0, str(ROOT / "benchmarks/gpu"))
    from compare import is_random, populations

    from neurosim.engines.brian2 import simulate

    found = {}
    for name, (model, options) in populations().items():
        if is_random(model) or (only and name not in only):
            continue
        traces = [v for v in ("v", "v_mem", "threshold_scale") if v in model.all_variables]
        run = simulate(model, n=50, seed=5, target=target, record=traces, **options)
        parts = [run.spike_steps, run.spike_neurons, *(run.traces[v] for v in traces)]
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        found[name] = f"{len(run.spike_steps)} spikes, {hashlib.sha256(content).hexdigest()[:16]}"
    return found


def asked(python: str, target: str, only: list[str]) -> dict[str, str]:
    """Return what another Python computes."""
    command = [python, "-m", "tests.interpreters", python, "--target", target, "--only", *only]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{python} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print a line a model; return 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python")
    parser.add_argument("other", nargs="?", help="without it: print the digests of this Python")
    parser.add_argument("--target", default="numpy")
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.other is None:
        print(json.dumps(digests(arguments.target, arguments.only)))
        return 0
    with ThreadPoolExecutor(2) as both:
        ours, theirs = both.map(
            lambda python: asked(python, arguments.target, arguments.only),
            (arguments.python, arguments.other),
        )
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    for name in ours:
        print(f"{'DIFFERS' if name in differing else 'the same':8} {name}: {ours[name]}")
        if name in differing:
            print(f"{'':8} {'':{len(name)}}  {theirs.get(name)}")
    print(f"{len(ours)} models, {len(differing)} differ")
    return int(bool(differing) or not ours)


if __name__ == "__main__":
    sys.exit(main())
