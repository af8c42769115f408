"""One homeostat, six libraries: short trainings with and without control of the layers' rates.

Run it with the interpreter that has the other libraries (`make peers`):

    .venv-peers/bin/python benchmarks/attach.py

Nets 15-32-32-6 tell six patterns of events apart. All weights have one spread, so that without
control layers fire at different rates, which training moves.
"""

from __future__ import annotations

import warnings

warnings.simplefilter("ignore")

import peer_nets  # noqa: E402
import torch  # noqa: E402

from neurosim.homeostat import Homeostat  # noqa: E402

SIZES, STEPS, TARGET = (15, 32, 32, 6), 80, 0.12
DRIVE = 0.6


def task(samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return events (B, 40, 15) of six patterns of rates, and which one each sample has."""
    patterns = torch.rand(6, 15, generator=torch.Generator().manual_seed(7)) * 0.5
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(6, (samples,), generator=generator)
    draws = torch.rand(samples, 40, 15, generator=generator)
    return (draws < patterns[labels][:, None]).float(), labels


def train(net: torch.nn.Module, homeostat: Homeostat | None) -> list[float]:
    """Train a net; return the rates of its hidden layers in the last batch."""
    optimiser = torch.optim.Adam(net.parameters(), 1e-4)
    events, labels = task(512, seed=1)
    for number in range(STEPS):
        batch = torch.arange(64 * number, 64 * (number + 1)) % len(events)
        loss = torch.nn.functional.cross_entropy(20 * net(events[batch]).mean(1), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if homeostat is not None:
            homeostat.step()
    if homeostat is None:
        return rates(net, events[:64])
    return [float(rate) for rate in homeostat.history["rate"][-1]]


def rates(net: torch.nn.Module, events: torch.Tensor) -> list[float]:
    """Return the rates of the hidden layers of a net that no homeostat is attached to."""
    probe = Homeostat.attach(net, gain=False)
    with torch.no_grad():
        net(events)
    probe.step()
    probe.detach()
    return [float(rate) for rate in probe.history["rate"][0]]


@torch.no_grad()
def accuracy(net: torch.nn.Module) -> float:
    """Return the share of fresh samples that a net tells right."""
    events, labels = task(512, seed=2)
    return float((net(events).mean(1).argmax(1) == labels).float().mean())


def main() -> None:
    torch.set_num_threads(1)
    print(
        f"rates of two hidden layers in spikes per neuron and step, after {STEPS} steps; target "
        f"{TARGET}\n{'net':22}{'free':>14}{'controlled':>14}{'scales':>14}{'accuracy':>13} restored"
    )
    for name, kind in peer_nets.kinds().items():
        if not peer_nets.available(kind):
            print(f"{name:22}{kind.library} is not installed; run `make peers`")
            continue
        free = peer_nets.build(kind, SIZES, drive=DRIVE)
        free_rates = train(free, None)
        net, before = (peer_nets.build(kind, SIZES, drive=DRIVE) for _ in range(2))
        homeostat = Homeostat.attach(
            net, events=task(64, seed=1)[0], gain=False, common_mode=True, target=TARGET
        )
        controlled = train(net, homeostat)
        with homeostat.evaluating():
            correct = accuracy(net)
            assert correct == accuracy(net)
        homeostat.detach()
        torch.nn.utils.vector_to_parameters(
            torch.nn.utils.parameters_to_vector(net.parameters()), before.parameters()
        )
        events, _ = task(64, seed=4)
        same = torch.equal(net(events), before(events))
        shown = [
            " ".join(f"{value:.3f}" for value in row)
            for row in (free_rates, controlled, homeostat.evaluation_scales)
        ]
        print(
            f"{name:22}{shown[0]:>14}{shown[1]:>14}{shown[2]:>14}"
            f"{accuracy(free):>6.2f} {correct:>6.2f} {'yes' if same else 'NO'}"
        )


if __name__ == "__main__":
    main()
