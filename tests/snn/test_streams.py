"""What LIF keeps between calls: a stream in pieces, against rockpool's LIFTorch; and rest."""

import copy
from itertools import pairwise

import pytest
import torch
from rockpool.nn.combinators import Residual, Sequential
from rockpool.nn.modules import ExpSynTorch, LIFTorch, LinearTorch, aLIFTorch
from rockpool.nn.networks import SynNet, WaveSenseNet
from rockpool.nn.networks import synnet as rockpools_synnet

from neurosim.errors import InputError
from neurosim.snn import LIF, image_nets, reset_state, summary
from neurosim.snn.synnet import synnet
from neurosim.training.imu_task import forward
from tests.snn.nets import assert_close, on_grid

SUMS = 1e-5
"""Sums over samples and steps in another order; float32 keeps 6e-8, hundreds are added."""
STATES = ("vmem", "isyn", "spikes")
SETTINGS = {"tau_mem": torch.tensor(0.02), "tau_syn": torch.tensor(0.01), "dt": 1e-3}


def events(samples, steps, channels, seed=0):
    """Draw counts, whose sums with weights on the grid are exact in any order."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 3, (samples, steps, channels), generator=generator).float()


def weights(*shape, seed=1):
    return on_grid(torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3)


def plain(kind):
    return kind((5,), **SETTINGS)


def two_synapses(kind):
    return kind((10, 5), **SETTINGS)


def recurrent(kind):
    return kind((5,), has_rec=True, w_rec=weights(5, 5), **SETTINGS)


def recurrent_of_three_synapses(kind):
    return kind((15, 5), has_rec=True, w_rec=weights(5, 15), **SETTINGS)


def in_a_row(kind):
    return Sequential(
        LinearTorch((5, 8), weight=weights(5, 8, seed=2) + 0.25),
        kind((8,), **SETTINGS),
        LinearTorch((8, 6), weight=weights(8, 6, seed=3) + 0.25),
        kind((6,), has_rec=True, w_rec=weights(6, 6), **SETTINGS),
    )


NETS = (plain, two_synapses, recurrent, recurrent_of_three_synapses, in_a_row)
PIECES = ((2, 20), (2, 20), (1, 13), (1, 0), (1, 1), (3, 7), (20, 30), (2, 5))
"""Samples and steps of one call after the other; 20 narrow samples are evolved side by side."""


def kept(net):
    """Return what the LIF layers of a net hold."""
    layers = [m for m in torch.nn.Module.modules(net) if isinstance(m, LIFTorch)]
    return [getattr(layer, name) for layer in layers for name in STATES]


def flat(state):
    """Return the tensors of a state, nested as rockpool nests it."""
    values = [state[name] for name in sorted(state)]
    return [t for v in values for t in (flat(v) if isinstance(v, dict) else [v])]


@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize("make", NETS)
def test_calls_one_after_another_are_those_of_rockpool(make, graph):
    """After a batch, rockpool has all samples of the next start where sample 0 ended."""
    ours, theirs = make(LIF), make(LIFTorch)
    with torch.set_grad_enabled(graph):
        for k, (samples, steps) in enumerate(PIECES):
            x = events(samples, steps, ours.size_in, seed=k) * (0.5 if make is not in_a_row else 1)
            spikes, state, _ = ours(x)
            expected, their_state, _ = theirs(x)
            assert torch.equal(spikes, expected), k
            assert not steps or spikes.sum() > 0
            for got, right in zip(kept(ours), kept(theirs), strict=True):
                assert torch.equal(got, right), k
                assert not got.requires_grad
            pairs = list(zip(flat(state), flat(their_state), strict=True))
            assert pairs
            assert all(torch.equal(got, right) for got, right in pairs), k


@pytest.mark.parametrize(
    "make",
    [
        lambda kind: SynNet(3, 5, [8, 8], [2, 2], neuron_model=kind),
        lambda kind: WaveSenseNet(
            [1, 2], n_classes=3, n_channels_in=5, n_channels_res=6, n_channels_skip=6,
            n_hidden=6, neuron_model=kind,
        ),
    ],
    ids=["SynNet", "WaveSense"],
)  # fmt: skip
def test_rockpools_nets_take_it_in_place_of_their_own(make, monkeypatch):
    """Weights are on a grid, so that sums of products are exact in any order."""
    monkeypatch.setattr(rockpools_synnet, "LIFExodus", LIF)  # it knows two kinds by name
    nets = []
    for kind in (LIF, LIFTorch):
        torch.manual_seed(5)
        nets.append(make(kind))
    for net in nets:
        for parameter in torch.nn.Module.parameters(net):
            if parameter.ndim == 2:
                parameter.data = on_grid(parameter.detach().abs())
    ours, theirs = nets
    for k in range(3):
        if k == 2:
            reset_state(ours)
            theirs.reset_state()
        x = events(1, 25, 5, seed=min(k, 1))
        (spikes, state, _), (expected, their_state, _) = ours(x), theirs(x)
        assert torch.equal(spikes, expected)
        pairs = list(zip(flat(state), flat(their_state), strict=True))
        assert len(pairs) >= 9
        assert all(torch.equal(got, right) for got, right in pairs)
    assert sum(float(value.abs().sum()) for value in flat(state)) > 1


@pytest.mark.parametrize("by", ["kernels", "torch"])
@pytest.mark.parametrize("make", NETS)
def test_a_stream_may_be_cut_anywhere(make, by, monkeypatch):
    if by == "torch":
        monkeypatch.setattr(LIF, "_surrogate", lambda layer, x: None)
    net = make(LIF)
    x = events(1, 40, net.size_in) * 0.7
    whole, state, _ = net(x)
    assert whole.sum() > 10
    for cuts in ((20,), (1, 2, 3, 39), (0, 13, 13, 40)):
        reset_state(net)
        edges = (0, *cuts, 40)
        pieces = [net(x[:, a:b])[0] for a, b in pairwise(edges)]
        assert torch.equal(torch.cat(pieces, 1), whole)
        end = flat(net(x[:, :0])[1])
        assert all(torch.equal(a, b) for a, b in zip(end, flat(state), strict=True))


def test_gradients_of_a_piece_are_those_of_rockpool():
    """The piece before is where it starts, and gets no gradient; nor does it lose what it had."""
    ours, theirs = in_a_row(LIF), in_a_row(LIFTorch)
    for net in (ours, theirs):
        first, second = (net(events(3, 20, 5, seed=k))[0] for k in (0, 1))
        for layer in (net[1], net[3]):
            layer.vmem.add_(1.0)  # as loading into it does; the graph is that of the calls
        (first.square().sum() + second.sum()).backward()
    pairs = zip(
        torch.nn.Module.named_parameters(ours),
        torch.nn.Module.named_parameters(theirs),
        strict=True,
    )
    for (name, mine), (_, other) in pairs:
        assert other.grad.abs().max() > 0
        assert_close(mine.grad, other.grad, SUMS, name)


@pytest.mark.parametrize("by", ["kernels", "torch"])
@pytest.mark.parametrize("make", NETS[:4])
@pytest.mark.parametrize("size", [(2, 0), (0, 3)])
def test_no_steps_or_no_samples_change_nothing(make, size, by, monkeypatch):
    if by == "torch":
        monkeypatch.setattr(LIF, "_surrogate", lambda layer, x: None)
    layer = make(LIF)
    layer(events(2, 20, layer.size_in))
    before = [value.clone() for value in kept(layer)]
    spikes, _, recorded = layer(torch.zeros(*size, layer.size_in), record=True)
    assert spikes.shape == recorded["vmem"].shape == (*size, 5)
    assert recorded["isyn"].shape == recorded["irec"].shape == (*size, 5, layer.n_synapses)
    assert before[0].abs().max() > 0
    assert all(torch.equal(a, b) for a, b in zip(kept(layer), before, strict=True))


def test_a_call_that_fails_leaves_the_state():
    layer = plain(LIF)
    layer(events(1, 20, 5))
    before = [value.clone() for value in kept(layer)]
    with pytest.raises(InputError, match="nan"):
        layer(torch.full((1, 3, 5), torch.nan))
    assert all(torch.equal(a, b) for a, b in zip(kept(layer), before, strict=True))


def test_a_net_that_ran_in_inference_mode_learns_and_loads():
    net = in_a_row(LIF)
    weights_of = copy.deepcopy(net.state_dict())
    with torch.inference_mode():
        net(events(1, 20, 5))
    net.load_state_dict(weights_of)
    with torch.inference_mode():
        net(events(1, 20, 5))
    net(events(1, 20, 5, seed=1))[0].sum().backward()
    assert net[0].weight.grad.abs().max() > 0


# --- rest -----------------------------------------------------------------------------------------


def test_reset_reaches_every_rockpool_module():
    net = Sequential(
        Residual(LinearTorch((5, 5), weight=weights(5, 5)), LIF((5,))),
        LinearTorch((5, 10), weight=weights(5, 10) + 0.25),
        aLIFTorch((10, 5)),
        LIFTorch((5,)),
        ExpSynTorch((5,)),
    )
    x = events(1, 30, 5)
    runs = []
    for _ in range(3):
        output, state, _ = net(x)
        runs.append([output.detach(), *flat(state)])
    first, going_on, _ = runs
    assert len(first) == 1 + 3 + 4 + 3 + 1
    changed = [not torch.equal(a, b) for a, b in zip(first, going_on, strict=True)]
    assert sum(changed) > 6
    reset_state(net)
    output, state, _ = net(x)
    assert all(torch.equal(a, b) for a, b in zip(first, [output, *flat(state)], strict=True))
    net.reset_state()
    assert float(net[0][1].vmem.abs().max()) == 0


def test_training_runs_every_batch_from_rest():
    net = synnet(5, 3, hidden=(6, 6), time_constants=3, residuals=[(0, 1)])
    x = events(1, 40, 5)
    first, _ = forward(net, x)
    again, _ = forward(net, x)
    going_on, _, _ = net(x)
    assert first.sum() > 0
    assert torch.equal(first, again)
    assert not torch.equal(first, going_on)


def test_image_nets_of_lif_layers_start_from_rest():
    def build(mode):
        return image_nets.build(
            "mlp", shape=(1, 4, 4), classes=3, steps=6, batch_norm=False, mode=mode,
            neuron=lambda: LIF(
                (256,), synapse=False, tau_mem=torch.tensor(5e-3), bias=torch.tensor(0.0)
            ).to_torch(),
        )  # fmt: skip

    net, x = build("multi"), torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(4))
    assert all(float(value.abs().max()) == 0 for value in kept(net))
    first = net(x)
    assert first.std() > 0
    assert torch.equal(net(x), first)
    with pytest.raises(InputError, match="mode='multi'"):
        build("single")(x)


def test_a_summary_counts_from_rest_and_leaves_the_state():
    net = Sequential(LinearTorch((5, 5), weight=weights(5, 5)), plain(LIF), ExpSynTorch((5,)))
    x = events(1, 20, 5)
    expected = summary.summary(net, inputs=x)
    net(x)
    before = [value.clone() for value in (*kept(net), net[2].isyn, net[1].mean_rate)]
    assert str(summary.summary(net, inputs=x)) == str(expected)
    after = (*kept(net), net[2].isyn, net[1].mean_rate)
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
