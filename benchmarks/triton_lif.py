"""Triton's LIF layer on a GPU: times, ratios and bandwidth against the card's, T and width varied.

    .venv-peers/bin/python benchmarks/triton_lif.py

A step is forward and backward of one layer, batch 128. The torch loop is `neurosim.snn.
stepwise`, which is what runs without triton. SpikingJelly's multi-step LIFNode is measured on its
cupy or triton backend where it has one. Bandwidth counts the arrays that a layer must read and
write: x, spikes, membranes, and three gradients. The card's is that of a copy of 1 GB.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

warnings.simplefilter("ignore")

import torch  # noqa: E402
from measure import alone  # noqa: E402

from neurosim.snn import LIF  # noqa: E402

BATCH, ROUNDS = 128, 10
CASES = [(100, 48), (100, 512), (100, 4096), (400, 512), (1000, 48), (1000, 512)]
ARRAYS = 8
"""Read or written: forward x, spikes, membrane; backward x, membrane, gradient in, gradient out;
and the spikes that the next layer reads."""


def seconds(step: Callable[[], None]) -> float:
    """Return the least time of a step on the GPU."""

    def clock() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return alone(step, ROUNDS, clock=clock).least


def training_step(layer: Callable[[torch.Tensor], torch.Tensor], shape: tuple) -> float:
    """Return the least time of forward and backward of a layer."""
    x = (torch.rand(shape, device="cuda") * 0.3).requires_grad_()
    weights = torch.randn(shape, device="cuda")

    def step() -> None:
        x.grad = None
        (layer(x) * weights).sum().backward()

    return seconds(step)


def layers(neurons: int) -> dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], bool]]:
    """Return layers by name, and whether time is their first axis."""
    fused, loop = LIF((neurons,)).cuda(), LIF((neurons,)).cuda()
    loop._surrogate = lambda x: None  # type: ignore[method-assign]
    by_name = {
        "triton kernels": (lambda x: fused.reset_state()(x)[0], False),
        "torch loop": (lambda x: loop.reset_state()(x)[0], False),
    }
    if find_spec("spikingjelly") is not None:
        from spikingjelly.activation_based import functional, neuron

        for backend in ("torch", "cupy", "triton"):
            node = neuron.LIFNode(step_mode="m").cuda()
            chosen = hasattr(node, "supported_backends")  # release 2 chooses by itself
            if backend not in (node.supported_backends if chosen else ("triton",)):
                continue
            if chosen:
                node.backend = backend

            def run(x: torch.Tensor, node: torch.nn.Module = node) -> torch.Tensor:
                functional.reset_net(node)
                return node(x)

            by_name[f"spikingjelly, {backend}"] = (run, True)
    return by_name


def card() -> float:
    """Return the bandwidth of the card's memory in GB/s, from copies."""
    a = torch.empty(1 << 28, device="cuda")
    b = torch.empty_like(a)
    return 2 * a.numel() * 4 / seconds(lambda: b.copy_(a)) / 1e9


def main() -> None:
    if not torch.cuda.is_available() or find_spec("triton") is None:
        lacking = "triton is not installed" if torch.cuda.is_available() else "no GPU"
        print(f"{lacking}: the Triton kernels were run in Triton's interpreter only; no times")
        sys.exit(0)
    bandwidth = card()
    print(f"{torch.cuda.get_device_name()}: copies at {bandwidth:.0f} GB/s, batch {BATCH}")
    for steps, neurons in CASES:
        print(f"\nT = {steps}, width {neurons}")
        times: dict[str, float] = {}
        for name, (layer, time_first) in layers(neurons).items():
            shape = (steps, BATCH, neurons) if time_first else (BATCH, steps, neurons)
            try:
                times[name] = training_step(layer, shape)
            except Exception as error:  # a backend of another library that this machine lacks
                print(f"{name:22} failed: {str(error).splitlines()[0][:60]}")
        moved = ARRAYS * BATCH * steps * neurons * 4
        for name, value in times.items():
            rate = moved / value / 1e9
            print(
                f"{name:22}{1e3 * value:9.3f} ms {value / times['triton kernels']:8.1f} x"
                f"{rate:9.0f} GB/s {rate / bandwidth:6.1%}"
            )


if __name__ == "__main__":
    main()
