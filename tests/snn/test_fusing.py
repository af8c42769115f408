"""Fused nets against the same nets module by module, both ways of their products."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LinearTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential, StepPWL
from rockpool.parameters import Constant

from neurosim.errors import InputError
from neurosim.snn import LIF, fuse, reset_state
from neurosim.snn.fusing import run
from neurosim.snn.kernels import layer as kernels
from neurosim.snn.surrogates import ATan, Gaussian, Sigmoid, Triangular
from tests.snn.nets import assert_close, raster

SURROGATES = (PeriodicExponential, StepPWL, Sigmoid, ATan, Triangular, Gaussian)
CLOSE = 1e-6
"""Float32 against float64: some ten roundings of 6e-8 in sums of that many terms."""


def neurons(n, rng, **changes):
    """Return n neurons whose constants are not trained, each its own."""
    dtype = changes.pop("dtype", torch.float32)

    def constant(low, high, shape):
        return Constant(torch.tensor(rng.uniform(low, high, shape), dtype=dtype))

    synapse = changes.get("synapse", True)
    return LIF(
        (n, n),
        tau_mem=constant(2e-3, 2e-2, n),
        **({"tau_syn": constant(2e-3, 2e-2, (n, 1))} if synapse else {}),
        bias=constant(-0.05, 0.05, n),
        threshold=constant(0.5, 1.5, n),
        dt=1e-3,
        **changes,
    )


def net_of(widths, rng, kind=Sequential, dtype=torch.float32, **changes):
    """Return linear layers, by turns with and without a bias, and neurons."""
    modules = []
    for k, (n_in, n_out) in enumerate(pairwise(widths)):
        weight = rng.normal(0.2, 1.0, (n_in, n_out)) / np.sqrt(n_in)
        weight = torch.tensor(weight, dtype=dtype)
        bias = torch.tensor(rng.normal(0, 0.02, n_out), dtype=dtype) if k % 2 else None
        if kind is Sequential:
            linear = LinearTorch((n_in, n_out), weight=weight, has_bias=bias is not None, bias=bias)
        else:
            linear = torch.nn.Linear(n_in, n_out, bias=bias is not None, dtype=dtype)
            linear.weight = torch.nn.Parameter(weight.T.contiguous())
            if bias is not None:
                linear.bias = torch.nn.Parameter(bias)
        modules += [linear, neurons(n_out, rng, dtype=dtype, **changes)]
    return torch.nn.Module.to(kind(*modules), dtype)


def outcome(net, x, by_spikes=None):
    """Return spikes, gradients by input and weights, and the state of the neurons."""
    reset_state(net)
    x = x.clone().requires_grad_()
    value = net(x)
    value = value[0] if isinstance(value, tuple) else value
    (value * (torch.ones_like(value) if by_spikes is None else by_spikes)).sum().backward()
    weights = {name: p for name, p in torch.nn.Module.named_parameters(net) if p.requires_grad}
    gradients = {name: p.grad.clone() for name, p in weights.items()}
    for p in weights.values():
        p.grad = None
    states = {name: b.clone() for name, b in torch.nn.Module.named_buffers(net)}
    return value.detach(), x.grad, gradients, states


@st.composite
def cases(draw, narrowest=2):
    """Draw a net in float64, whose spikes no rounding moves, and its input.

    For layers of one neuron, module by module, kernels are compiled anew: half a minute.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    depth = draw(st.integers(1, 3))
    widths = [draw(st.integers(low, 130)) for low in (1, *[narrowest] * depth)]
    changes = {
        "spike_generation_fn": draw(st.sampled_from(SURROGATES)),
        "max_spikes_per_dt": draw(st.sampled_from([1.0, 2.0, 31.0, 2.0**16])),
        "learning_window": draw(st.sampled_from([0.3, 0.5])),
        "synapse": draw(st.booleans()),
    }
    shape = draw(st.integers(1, 20)), draw(st.integers(1, 70)), widths[0]
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    x = (rng.random(shape) < density) * rng.integers(1, draw(st.sampled_from([2, 9])), shape)
    if draw(st.booleans()) and draw(st.booleans()):
        x = x * 0.7  # no counts
    return net_of(widths, rng, dtype=torch.float64, **changes), torch.tensor(x).double(), rng


_EMPTY = np.empty


def _used_memory(shape, dtype=float):
    """Return an array full of set bits: not a number, where floats are meant."""
    array = _EMPTY(shape, dtype)
    array.view(np.uint8)[...] = 255
    return array


def test_streams_go_on_where_they_ended():
    net = net_of([15, 48, 6], np.random.default_rng(0))
    fused, events = fuse(net), raster(samples=1)
    reset_state(fused)
    whole = fused(events)[0]
    reset_state(fused)
    parts = torch.cat([fused(part)[0] for part in events.split(17, dim=1)], 1)
    assert torch.equal(parts, whole)
    assert whole.mean() > 0.01


@settings(max_examples=10, deadline=None)
@given(cases())
def test_spikes_are_the_same_where_no_gradients_are_wanted(case):
    net, x, _ = case
    with torch.no_grad():
        theirs = net(x)[0]
        reset_state(net)
        assert torch.equal(fuse(net)(x)[0], theirs)


@pytest.mark.parametrize("way", ["events", "dense"])
def test_fused_net_is_the_net(way):
    fired = []

    @settings(max_examples=25)
    @given(cases())
    def run_one(case):
        fired.append(assert_same(way, case))

    run_one()
    assert np.mean(fired) > 0.5, "most nets that are compared fire"


@pytest.mark.slow  # compiles
@pytest.mark.parametrize("way", ["events", "dense"])
@settings(max_examples=25, deadline=None)
@given(cases(narrowest=1))
def test_fused_net_with_single_neurons_is_the_net(way, case):
    assert_same(way, case)


def assert_same(way, case):
    """Compare a net with its fused one; return whether it fired."""
    net, x, rng = case
    limit = np.inf if way == "events" else -1.0
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DENSE_PRODUCT", "DENSE_GRADIENT", "DENSE_INSIDE"):
            patch.setattr(kernels, name, limit)
        patch.setattr(np, "empty", _used_memory)  # new memory holds anything
        by_spikes = torch.tensor(rng.normal(size=(*x.shape[:2], net[-1].size_out)))
        theirs = outcome(net, x, by_spikes)
        ours = outcome(fuse(net), x, by_spikes)
    assert torch.equal(ours[0], theirs[0])
    # float64 rounds at 1e-16; a thousand steps and products of sums lose some digits of it.
    assert_close(ours[1], theirs[1], 1e-10)
    for kind in (2, 3):
        for name, value in theirs[kind].items():
            assert ours[kind][name].shape == value.shape
            assert_close(ours[kind][name], value, 1e-10, name)
    return bool(theirs[0].any())


@settings(max_examples=25, deadline=None)
@given(cases())
def test_float32_is_float64_but_for_rounding(case):
    """One layer: spikes of further ones would hang on the last digit of sums."""
    net, x, _ = case
    net = fuse(Sequential(net[0], net[1]))
    exact = outcome(net, x)
    rough = outcome(_cast(net), x.float())
    if torch.equal(rough[0].double(), exact[0]):
        assert_close(rough[1].double(), exact[1], 10 * CLOSE)
        for name, value in exact[2].items():
            assert_close(rough[2][name].double(), value, 10 * CLOSE, name)


def _cast(net):
    return torch.nn.Module.float(copy.deepcopy(net))


def test_torch_sequential_of_linear_layers():
    rng = np.random.default_rng(0)
    for case in (3, 8, 60):
        net = net_of([case, 40, 9], rng, kind=torch.nn.Sequential, dtype=torch.float64)
        x = torch.tensor(rng.random((4, 50, case)) < 0.3).double()
        fused = fuse(net)
        ours = outcome(fused, x)
        reset_state(net)
        value = x
        for module in net:
            value = module(value)
            value = value[0] if isinstance(value, tuple) else value
        assert value.mean() > 0.01, "a silent net would pass any test"
        assert torch.equal(ours[0], value)
        assert list(fused.state_dict()) == list(net.state_dict())


def test_parameters_state_and_files_are_those_of_the_net():
    net = net_of([15, 48, 6], np.random.default_rng(0))
    fused = fuse(net)
    assert fuse(fused) is fused
    theirs, ours = (dict(torch.nn.Module.named_parameters(n)) for n in (net, fused))
    assert theirs.keys() == ours.keys()
    assert all(theirs[name] is ours[name] for name in theirs)
    _, state, recorded = fused(raster())
    _, state_of_net, record = net(raster())
    assert state.keys() == state_of_net.keys()
    assert not recorded
    _, _, ours = fused(raster(), record=True)
    assert ours.keys() == record.keys() == net(raster(), record=True)[2].keys()
    same = copy.deepcopy(fused)
    reset_state(same)
    reset_state(fused)
    assert type(same) is type(fused)
    assert torch.equal(same(raster())[0], fused(raster())[0])


def test_changed_constants_and_drawn_thresholds_are_seen():
    net = net_of([15, 48, 6], np.random.default_rng(0), dtype=torch.float64)
    fused, events = fuse(net), raster().double()
    scales = (1.0, 0.7, torch.rand(8, 1, 1) + 0.5, torch.rand(1, 60, 1) + 0.5, torch.ones(48))
    for scale in scales:
        net[1].threshold_scale = scale
        assert torch.equal(outcome(fused, events)[0], outcome(net, events)[0])
    net[1].threshold_scale = 1.0
    before = outcome(fused, events)[0]
    net[1].threshold.data *= 0.5
    assert not torch.equal(outcome(fused, events)[0], before)
    assert torch.equal(outcome(fused, events)[0], outcome(net, events)[0])


@pytest.mark.parametrize(
    "change",
    [{"has_rec": True}, {"noise_std": 0.1}, {"exact": True}, {"learning_window": np.ones(48)}],
)
def test_what_does_not_fit_runs_as_in_the_net(change):
    rng = np.random.default_rng(0)
    if "learning_window" in change:
        change = {"learning_window": torch.full((48,), 0.5)}
    inner = neurons(48, rng, spike_generation_fn=PeriodicExponential, **change)
    linears = [
        LinearTorch((a, b), weight=torch.tensor(rng.normal(0.2, 0.5, (a, b))).float())
        for a, b in ((15, 48), (48, 48))
    ]
    net = Sequential(linears[0], neurons(48, rng), linears[1], inner)
    net = torch.nn.Module.double(net)
    results = []
    for each in (net, fuse(net)):
        torch.manual_seed(0)
        results.append(outcome(each, raster().double()))
    assert results[0][0].mean() > 0.01
    assert torch.equal(results[0][0], results[1][0])


def test_trained_constants_get_their_gradients():
    rng = np.random.default_rng(0)
    layer = LIF((48,), tau_mem=0.01, tau_syn=0.005, threshold=1.0, bias=0.0)
    net = Sequential(LinearTorch((15, 48)), layer)
    fused = fuse(net)
    out, _, _ = fused(torch.tensor(rng.random((3, 40, 15))).float())
    out.sum().backward()
    assert all(p.grad is not None for p in torch.nn.Module.parameters(layer))


def test_hooks_are_called():
    net = net_of([15, 48, 6], np.random.default_rng(0))
    fused, seen = fuse(net), []
    hook = net[1].register_forward_hook(lambda *call: seen.append(call[2]))
    fused(raster())
    hook.remove()
    assert len(seen) == 1
    assert torch.equal(net[1].mean_rate, seen[0].mean())


def test_not_finite_input_is_said():
    net = fuse(net_of([15, 48, 6], np.random.default_rng(0)))
    events = raster()
    events[2, 3, 4] = np.inf
    with pytest.raises(InputError, match="sample 2, step 3"):
        net(events)
    with torch.no_grad():
        net[2].weight[5, 5] = np.nan
    with pytest.raises(InputError, match="LIF layer holds nan"):
        net(raster())


def test_other_nets_are_refused():
    with pytest.raises(InputError, match="Linear"):
        fuse(torch.nn.Linear(2, 3))


def test_mean_rates_carry_gradients_as_rasters_do():
    net = net_of([15, 48, 48, 6], np.random.default_rng(0), dtype=torch.float64)
    events, prices, results = raster().double(), (0.3, -2.0, 1.1), []
    for rasters in (False, True):
        reset_state(net)
        ran = run(list(net), events, rasters=rasters)
        means = [spikes.mean() for spikes in ran.spikes] if rasters else ran.means
        loss = sum(price * mean for price, mean in zip(prices, means, strict=True))
        (loss + 0.01 * ran.output.square().mean()).backward()
        weights = [p for p in torch.nn.Module.parameters(net) if p.requires_grad]
        results.append((ran.counts, [spikes.shape for spikes in ran.spikes], means, weights))
        results[-1] += ([p.grad.clone() for p in weights],)
        for p in weights:
            p.grad = None
    ours, theirs = results
    assert ours[:2] == theirs[:2]
    assert min(ours[0]) > 100
    for a, b in zip(ours[2] + ours[4], theirs[2] + theirs[4], strict=True):
        assert_close(a, b, 1e-10)


def test_threads_change_nothing():
    net = fuse(net_of([15, 48, 48, 6], np.random.default_rng(0)))
    events, before, results = raster(samples=70, steps=100), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(outcome(net, events))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert torch.equal(result[0], results[0][0])
        for name, value in result[2].items():
            assert_close(value, results[0][2][name], 1e-6, name)  # torch's own products
