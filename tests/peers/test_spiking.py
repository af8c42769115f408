"""Our delta LIF layer against SpikingJelly's LIFNode: spikes and gradients."""

import itertools

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")

from spikingjelly.activation_based import functional, neuron, surrogate  # noqa: E402

from neurosim.snn.spiking import Spiking  # noqa: E402


@pytest.mark.parametrize(
    ("reset", "detached", "decay"),
    list(itertools.product(("soft", "hard"), (True, False), (0.25, 0.5, 0.875))),
)
def test_spikes_and_gradients_are_those_of_spikingjelly(reset, detached, decay):
    theirs = neuron.LIFNode(
        tau=1 / (1 - decay),
        decay_input=False,
        v_reset=None if reset == "soft" else 0.0,
        surrogate_function=surrogate.Sigmoid(alpha=4.0),
        detach_reset=detached,
        step_mode="m",
    )
    ours = Spiking(decay=decay, reset=reset, detached=detached)
    generator = torch.Generator().manual_seed(0)
    c = torch.randn(3, 12, 4, 5, generator=generator, dtype=torch.float64) + 0.4
    by_spikes = torch.randn(c.shape, generator=generator, dtype=torch.float64)
    results = []
    for run in (ours, lambda x: theirs(x.transpose(0, 1)).transpose(0, 1)):
        x = c.clone().requires_grad_()
        spikes = run(x)
        results.append((spikes, torch.autograd.grad((spikes * by_spikes).sum(), x)[0]))
    functional.reset_net(theirs)
    assert torch.equal(results[0][0], results[1][0])
    assert 0.1 < results[0][0].mean() < 0.9
    # Decays are powers of two, so that membranes agree to the bit; exp is rounded otherwise.
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-9, atol=1e-12)
