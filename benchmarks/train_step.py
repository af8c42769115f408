"""Training step of a 15-48-48-48-6 net, batch 128: LIF, fused or not, LIFTorch, and no LIF at all.

Forward, backward and Adam; only weights are trained unless a row says otherwise. A fused net runs
linear layers and neurons as one, its products through events; "forward" is its pass without a
graph. Recurrent nets are compared with a recurrent LIFTorch. Ratios are of the least times, and
medians over rounds of the ratio to the linear layers in the same round.
Rows are measured in turn, round after round, and in CPU time, so that other work on the machine
disturbs them little and alike. Input and layers have the density of spikes of the demo's net. Peak
memory is what a step adds to a fresh process (Linux).

    python benchmarks/train_step.py
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from statistics import median

warnings.simplefilter("ignore")

import torch  # noqa: E402
from measure import Timing, added_peak, in_fresh_process, in_turn, ratio  # noqa: E402
from rockpool.nn.combinators import Sequential  # noqa: E402
from rockpool.nn.modules import LIFTorch, LinearTorch  # noqa: E402
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential  # noqa: E402
from rockpool.parameters import Constant  # noqa: E402

from neurosim.snn import LIF, fuse, set_rates  # noqa: E402

SIZES, BATCH, STEPS = (15, 48, 48, 48, 6), 128, (100, 400)
ROUNDS = {100: 40, 400: 12}
RATE = 0.1
"""Spikes per neuron and step, of the input and all layers: those of the demo are 5 to 15 %."""
SLOW = "LIFTorch"
RECURRENT = "LIFTorch, recurrent"
FORWARD = "LIF, fused, forward"
REFERENCES = (SLOW, RECURRENT)
"""They take seconds a step, and keep a state that ours leave behind with the batch."""


def layers(neuron: type | None, trained: bool = False, **extra) -> Sequential:
    """Build the net; None for the linear layers alone."""
    hold = (lambda value: value) if trained else Constant
    modules = []
    for n_in, n_out in pairwise(SIZES):
        weight = torch.randn(n_in, n_out) * (0.2 / n_in**0.5) + 0.3 / n_in
        modules.append(LinearTorch((n_in, n_out), weight=weight))
        if neuron is not None:
            values = {"tau_mem": 0.01, "tau_syn": 0.005, "bias": 0.0, "threshold": 1.0}
            if not extra.get("synapse", True):
                del values["tau_syn"]
            constants = {name: hold(torch.tensor(value)) for name, value in values.items()}
            modules.append(
                neuron(
                    (n_out,), **constants, spike_generation_fn=PeriodicExponential,
                    max_spikes_per_dt=31.0, dt=1e-3, **extra,
                )
            )  # fmt: skip
    return Sequential(*modules)


def linears(net: torch.nn.Module) -> list[LinearTorch]:
    """Return the linear layers of a net."""
    return [m for m in torch.nn.Module.modules(net) if isinstance(m, LinearTorch)]


NETS: dict[str, Callable[[], Sequential]] = {
    "linear layers alone": lambda: layers(None),
    "LIF": lambda: layers(LIF),
    "LIF, fused": lambda: fuse(layers(LIF)),
    FORWARD: lambda: fuse(layers(LIF)),
    "LIF, all parameters trained": lambda: layers(LIF, trained=True),
    "LIF, exact": lambda: layers(LIF, exact=True),
    "LIF, delta": lambda: layers(LIF, synapse=False),
    "LIF, recurrent": lambda: layers(LIF, has_rec=True),
    SLOW: lambda: layers(LIFTorch),
    RECURRENT: lambda: layers(LIFTorch, has_rec=True),
}


MEASURED = ("linear layers alone", "LIF", "LIF, fused", SLOW)
"""Whose memory is measured."""


def events(steps: int) -> torch.Tensor:
    """Return a batch of input events."""
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(BATCH, steps, SIZES[0], generator=generator) < RATE).float()


@cache
def factors(steps: int) -> list[float]:
    """Return by what to multiply each layer's weights, so that it fires at the rate."""
    torch.manual_seed(0)
    return set_rates(layers(LIF), events(steps), RATE)


def step_of(name: str, steps: int) -> Callable[[], float]:
    """Return one training step; it gives back the spikes per output neuron and step."""
    scaled = factors(steps)
    torch.manual_seed(0)
    net = NETS[name]()
    for linear, factor in zip(linears(net), scaled, strict=True):
        linear.weight.data *= factor
    parameters = list(torch.nn.Module.parameters(net))
    optimiser = torch.optim.Adam(parameters, lr=1e-6)
    raster = events(steps)
    target = torch.randint(SIZES[-1], (BATCH,))

    def run() -> float:
        with torch.no_grad():
            return net(raster)[0].mean().item()

    if name == FORWARD:
        return run

    def step() -> float:
        optimiser.zero_grad()
        if name in REFERENCES:
            net.reset_state()
        out, _, _ = net(raster)
        torch.nn.functional.cross_entropy(out.mean(1), target).backward()
        optimiser.step()
        return out.mean().item()

    return step


def times(steps: int) -> dict[str, Timing]:
    """Return the time of each net's step, and its output spikes a step."""
    todo = {name: step_of(name, steps) for name in NETS}
    return in_turn(todo, ROUNDS[steps], seldom=dict.fromkeys(REFERENCES, 2))


def two_threads(steps: int) -> float:
    """Return how many times faster the fused step is with two threads, by the clock on the wall."""
    step = step_of("LIF, fused", steps)

    def threaded(threads: int) -> Callable[[], float]:
        def call() -> float:
            torch.set_num_threads(threads)
            return step()

        return call

    rounds = {str(threads): threaded(threads) for threads in (1, 2)}
    one, two = in_turn(rounds, ROUNDS[steps], clock=time.perf_counter).values()
    torch.set_num_threads(1)
    return one.least / two.least


def two_products() -> float:
    """Return how many times faster two threads do matrix products than one: what there is to gain.

    Processors of a rented machine may be two threads of one core.
    """
    a = torch.randn(512, 512)

    def products(count: int) -> None:
        for _ in range(count):
            torch.mm(a, a)

    with ThreadPoolExecutor(2) as pool:
        rounds = {"1": lambda: products(20), "2": lambda: list(pool.map(products, [10, 10]))}
        one, two = in_turn(rounds, 20, clock=time.perf_counter).values()
    return one.least / two.least


def peak(name: str, steps: int) -> float:
    """Return by how many MB two steps raise the peak of this process."""
    torch.set_num_threads(1)
    step_of(name, 2)()  # libraries, compiled kernels
    step = step_of(name, steps)
    return added_peak(lambda: (step(), step()))


def keep_ratios(timings: dict[str, Timing], steps: int) -> None:
    """Hand in how many times faster LIF's steps are than those of their references."""
    pairs = [("LIF, recurrent", RECURRENT)]
    for name in ("LIF", "LIF, fused"):
        pairs += [(name, SLOW), (name, "linear layers alone")]
    for name, reference in pairs:
        value = timings[reference].least / timings[name].least
        ratio(f"{name} to {reference}, T = {steps}", value)


def main() -> None:
    torch.set_num_threads(1)
    for steps in STEPS:
        timings = times(steps)
        keep_ratios(timings, steps)
        best = {name: timing.least for name, timing in timings.items()}
        floor = best["linear layers alone"]
        title = f"T = {steps}"
        heads = f"{'ms':>8} {'/ linear':>9} {'median':>7} {'LIFTorch /':>11} {'peak MB':>8}"
        print(f"\n{title:27} {heads}")
        linear = timings["linear layers alone"].seconds

        def typical(name: str, timings: dict = timings, linear: list = linear) -> float:
            return median(a / b for a, b in zip(timings[name].seconds, linear, strict=False))

        for name, seconds in best.items():
            added = f"{in_fresh_process(peak, name, steps):8.0f}" if name in MEASURED else ""
            reference = best[RECURRENT if "recurrent" in name else SLOW]
            print(
                f"{name:27} {seconds * 1e3:8.1f} {seconds / floor:9.2f} {typical(name):7.2f} "
                f"{reference / seconds:11.1f} {added}"
            )
        ours, theirs = (timings[name].result for name in ("LIF", SLOW))
        print(f"fused, two threads: {two_threads(steps):.2f} times faster than one")
        print(f"matrix products, two threads: {two_products():.2f} times faster than one")
        print(f"output spikes per neuron and step: {ours:.2f} (LIFTorch {theirs:.2f})")


if __name__ == "__main__":
    main()
