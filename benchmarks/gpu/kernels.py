"""The Triton kernels on the card: all tests of nets that need one, and a large layer beside numba.

python benchmarks/gpu/kernels.py OUT.jsonl
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ledger import Ledger

TESTS = ("tests/peers/test_triton.py", "tests/snn", "tests/homeostat")


def tests(ledger: Ledger) -> None:
    """Run the tests, which are skipped where there is no card."""
    case = ", ".join(TESTS)
    if ledger.has("triton", case):
        return
    command = [
        sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-m", "gpu", *TESTS,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = {
        word: int(number)
        for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)
    }
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    ok = done.returncode == 0 and counts.get("passed", 0) > 0
    ledger.add("triton", case, {"ok": ok, **counts, "failures": failures[:20]})
    if not ok:
        print(done.stdout[-6000:])


def large(ledger: Ledger, device: str, shape: tuple[int, int, int]) -> None:
    """Compare a layer's spikes, membranes at the end and gradients with those of a processor."""
    case = f"layer {shape}"
    if ledger.has("triton", case):
        return
    import torch

    from neurosim.snn import LIF

    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator) * 0.4
    weights = torch.randn(shape, generator=generator)
    results = []
    for where in ("cpu", device):
        layer = LIF((shape[-1],)).to(where)
        mine = x.detach().clone().to(where).requires_grad_()
        spikes = layer(mine)[0]
        (spikes * weights.to(where)).sum().backward()
        results.append([t.detach().cpu() for t in (spikes, layer.vmem, mine.grad)])
    (spikes, membranes, gradient), (ours, our_membranes, our_gradient) = results
    scale = gradient.abs().max()
    result = {
        "spikes": int(spikes.sum()),
        "differing_spikes": int((spikes != ours).sum()),
        "differing_membranes": int((membranes != our_membranes).sum()),
        "gradient_error": float((gradient - our_gradient).abs().max() / scale),
        "equal_gradients": float((gradient == our_gradient).float().mean()),
    }
    ok = result["differing_spikes"] == 0 and result["spikes"] > 1000
    ledger.add("triton", case, {"ok": ok, **result})


def main() -> None:
    ledger = Ledger(Path(sys.argv[1]))
    if "--cpu" in sys.argv:
        large(ledger, "cpu", (4, 50, 20))
        return
    tests(ledger)
    large(ledger, "cuda", (64, 200, 512))


if __name__ == "__main__":
    main()
