"""The tests of the Triton kernels, on the card: python benchmarks/gpu/kernels.py OUT.jsonl."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ledger import Ledger

TESTS = "tests/peers/test_triton.py"


def main() -> None:
    ledger = Ledger(Path(sys.argv[1]))
    if ledger.has("triton", TESTS):
        return
    command = [
        sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", TESTS,
        "-k", "on_a_gpu",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = {
        word: int(number)
        for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)
    }
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    ok = done.returncode == 0 and counts.get("passed", 0) > 0
    ledger.add("triton", TESTS, {"ok": ok, **counts, "failures": failures[:20]})
    if not ok:
        print(done.stdout[-6000:])


if __name__ == "__main__":
    main()
