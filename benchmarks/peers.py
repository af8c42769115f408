"""Training step of a 15-48-48-48-6 net, batch 128, in six libraries: times, ratios, peak memory.

Run it with the interpreter that has the other libraries (`make peers`):

    .venv-peers/bin/python benchmarks/peers.py

Forward, backward and Adam on the weights, in one thread, in CPU time, measured in turn so that
other work on the machine disturbs all alike. The first row has no neurons, only the linear layers.
snnTorch's Leaky, SpikingJelly's LIFNode and the delta row have no synaptic current to compute.
rockpool's LIFJax is compiled by jax, before it is measured.
Peak memory is what a step adds to a process that has done nothing but import the libraries (Linux).
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable
from functools import cache

warnings.simplefilter("ignore")

import peer_nets  # noqa: E402
import torch  # noqa: E402
from measure import Timing, added_peak, in_fresh_process, in_turn, ratio  # noqa: E402
from peer_nets import jax_net  # noqa: E402

from neurosim.snn import set_rates  # noqa: E402

SIZES, BATCH = (15, 48, 48, 48, 6), 128
RATE = 0.1
"""Spikes per neuron and step of the input, and of ours in all layers: 5 to 15 % in the demo."""
ROUNDS = {100: 7, 400: 3}
FLOOR, OURS, JAX = "linear layers alone", "neurosim LIF, fused", "rockpool LIFJax"
QUADRATIC = ("rockpool LIFTorch", "norse LIF", "sinabs LIF")
"""Whose step takes seconds at T = 400: measured once there, and twice at T = 100."""


def rows() -> dict[str, peer_nets.Kind]:
    """Return the nets to measure, among them one without neurons."""
    kinds = peer_nets.kinds()
    jax = kinds[OURS]._replace(library="jax")  # gives the weights, no more
    return {FLOOR: peer_nets.neurons_alone(kinds["neurosim LIF"]), **kinds, JAX: jax}


@cache
def factors() -> list[float]:
    """Return by what to multiply each layer's weights, so that our neurons fire at the rate."""
    generator = torch.Generator().manual_seed(2)
    events = (torch.rand(BATCH, 100, SIZES[0], generator=generator) < RATE).float()
    net = peer_nets.build(peer_nets.kinds()["neurosim LIF"], SIZES)
    return set_rates(net, events, RATE)


def step_of(name: str, steps: int) -> Callable[[], float]:
    """Return one training step; it gives back the spikes per output neuron and step."""
    net = peer_nets.build(rows()[name], SIZES)
    weights = [layer.weight for layer in list(net.layers)[::2]]
    optimiser = torch.optim.Adam(weights, lr=1e-6)
    generator = torch.Generator().manual_seed(1)
    events = (torch.rand(BATCH, steps, SIZES[0], generator=generator) < RATE).float()
    for weight, factor in zip(weights, factors(), strict=True):
        weight.data *= factor
    labels = torch.randint(SIZES[-1], (BATCH,), generator=generator)
    if name == JAX:
        tables = [weight.detach().T.numpy() for weight in weights]
        return jax_net.step_of(tables, events.numpy(), labels.numpy())

    def step() -> float:
        optimiser.zero_grad()
        out = net(events)
        torch.nn.functional.cross_entropy(out.mean(1), labels).backward()
        optimiser.step()
        return float(out.detach().mean())

    return step


def times(names: list[str], steps: int) -> dict[str, Timing]:
    """Return the time of each net's step, and its output spikes a step."""
    todo = {name: step_of(name, steps) for name in names}
    seldom = dict.fromkeys(QUADRATIC, 2 if steps == 100 else 1)
    return in_turn(todo, ROUNDS[steps], seldom=seldom)


def peaks(names: list[str]) -> dict[tuple[str, int], float]:
    """Return by how many MB a step of a net and a number of steps raises the peak of a process.

    Processes are forked off one that has the libraries, but has not computed: most of the time of
    a new process would go to imports.
    """
    forked = [name for name in names if name != JAX]  # jax has threads, which no fork survives
    for name in forked:
        step_of(name, 1)
    cases = [(name, steps) for steps in ROUNDS for name in forked]
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        peaks = dict(zip(cases, pool.starmap(_peak, cases, chunksize=1), strict=True))
    if JAX in names:
        peaks |= {(JAX, steps): in_fresh_process(_peak, JAX, steps) for steps in ROUNDS}
    return peaks


def _peak(name: str, steps: int) -> float:
    step_of(name, 2)()  # compiled kernels
    return added_peak(step_of(name, steps))


def main() -> None:
    torch.set_num_threads(1)
    names = [name for name, kind in rows().items() if peer_nets.available(kind)]
    absent = sorted({kind.library for kind in rows().values() if not peer_nets.available(kind)})
    if absent:
        print(f"not installed, left out: {', '.join(absent)}; `make peers` installs them")
    peak = peaks(names)
    for steps in ROUNDS:
        timings = times(names, steps)
        best = {name: timing.least for name, timing in timings.items()}
        print(
            f"\n{f'T = {steps}':22} {'ms':>8} {'/ linear':>9} {'/ ours':>8} {'peak MB':>8} "
            f"{'spikes':>7}"
        )
        for name, seconds in best.items():
            if name != OURS:
                ratio(f"{OURS} to {name}, T = {steps}", seconds / best[OURS])
            spikes = "" if name == FLOOR else f"{timings[name].result:7.2f}"
            print(
                f"{name:22} {seconds * 1e3:8.1f} {seconds / best[FLOOR]:9.2f} "
                f"{seconds / best[OURS]:8.2f} {peak[name, steps]:8.0f} {spikes}"
            )


if __name__ == "__main__":
    main()
