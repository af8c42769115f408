"""Kinds of LIF layers: delta synapses, two synapses, recurrence, trained logarithms, bad input."""

import itertools

import pytest
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import LIFTorch, LinearTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential, StepPWL

from neurosim.errors import InputError
from neurosim.formats.rockpool import network_from_module
from neurosim.snn import LIF
from tests.snn.nets import assert_close, on_grid

SUMS = 2e-5
"""Sums over samples and steps in another order; float32 keeps 6e-8, thousands are added."""


def reference(kind, x, g, *, recurrent=None, **constants):
    """Run LIFTorch with no memory in its synapses, a step at a time: a delta neuron, bit for bit.

    Its current is set to zero before each step and does not decay in it.
    """
    module = LIFTorch(
        (x.shape[2],), leak_mode="decays", spike_generation_fn=kind, has_rec=recurrent is not None,
        **({} if recurrent is None else {"w_rec": recurrent}),
    )  # fmt: skip
    module.alpha = torch.nn.Parameter(constants["alpha"].clone())
    module.beta = torch.nn.Parameter(torch.ones(x.shape[2], 1))
    module.bias = torch.nn.Parameter(constants["bias"].clone())
    module.threshold = torch.nn.Parameter(constants["threshold"].clone())
    x = x.clone().requires_grad_()
    v = torch.zeros(1, x.shape[2])
    spikes, s = [], torch.zeros(1, x.shape[2])
    for t in range(x.shape[1]):  # LIFTorch's step, whose state cannot carry a graph between calls
        i = x[:, t]
        if recurrent is not None:
            i = i + torch.nn.functional.linear(s, module.w_rec.T)
        v = v * module.alpha + i + module.bias
        s = module.spike_generation_fn(
            v, module.threshold, module.learning_window, module.max_spikes_per_dt
        )
        v = v - s * module.threshold
        spikes.append(s)
    (torch.stack(spikes, 1) * g).sum().backward()
    names = ("alpha", "bias", "threshold", *(["w_rec"] if recurrent is not None else []))
    gradients = {name: getattr(module, name).grad for name in names}
    return torch.stack(spikes, 1).detach(), x.grad, gradients


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("kind", [PeriodicExponential, StepPWL])
def test_delta_synapses(kind, recurrent, exact):
    torch.manual_seed(1)
    n = 7
    constants = {
        "alpha": 0.5 + 0.4 * torch.rand(n),
        "bias": 0.1 * torch.rand(n) - 0.05,
        "threshold": 0.7 + 0.6 * torch.rand(n),
    }
    w_rec = on_grid(torch.randn(n, n) * 0.3) if recurrent else None
    x, g = torch.rand(4, 30, n) * 0.9, torch.randn(4, 30, n)
    theirs = reference(kind, x, g, recurrent=w_rec, **constants)
    lif = LIF(
        (n,), leak_mode="decays", synapse=False, spike_generation_fn=kind, exact=exact,
        has_rec=recurrent, **({} if w_rec is None else {"w_rec": w_rec}),
    )  # fmt: skip
    for name, value in constants.items():
        setattr(lif, name, torch.nn.Parameter(value.clone()))
    mine = x.clone().requires_grad_()
    spikes, state, record = lif(mine, record=True)
    (spikes * g).sum().backward()
    assert theirs[0].sum() > 50
    assert torch.equal(spikes, theirs[0])
    if exact and not recurrent:
        assert torch.equal(mine.grad, theirs[1])
    else:
        assert_close(mine.grad, theirs[1], 1e-5)
    for name, gradient in theirs[2].items():
        assert_close(getattr(lif, name).grad, gradient, SUMS, name)
    assert "beta" not in dict(lif.named_parameters()) | lif.state_dict()
    inputs = x if w_rec is None else x + record["irec"][..., 0]
    assert torch.equal(record["isyn"][..., 0], inputs)
    assert torch.equal(state["isyn"][:, 0], record["isyn"][0, -1, :, 0])


@pytest.mark.parametrize("synapse", [True, False])
def test_torch_loop_gives_what_the_kernels_give(monkeypatch, synapse):
    torch.manual_seed(5)
    x, results = torch.rand(3, 25, 4, dtype=torch.float64), []
    for stepwise in (False, True):
        lif = LIF((4,), synapse=synapse, exact=True).to(torch.float64)
        if stepwise:
            monkeypatch.setattr(lif, "_surrogate", lambda x: None)
        mine = x.clone().requires_grad_()
        out, state, _ = lif(mine)
        out.square().sum().backward()
        assert lif.mean_rate.item() == pytest.approx(out.mean().item(), rel=1e-12)
        results.append([out, state["vmem"], mine.grad, lif.tau_mem.grad])
    assert results[0][0].sum() > 10
    for fused, loop in zip(*results, strict=True):
        assert_close(fused, loop, 1e-6)  # rockpool's surrogates hand float32 on


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (4,), "tau_syn": 0.01}, "tau_syn"),
        ({"shape": (4, 2)}, "one input per neuron"),
    ],
)
def test_delta_synapses_refuse_what_belongs_to_synapses(settings, message):
    with pytest.raises(InputError, match=message):
        LIF(**settings, synapse=False)
    lif = LIF((4,), synapse=False)
    with pytest.raises(InputError, match="synapse=True"):
        lif.as_graph()
    with pytest.raises(InputError, match="synapse=True"):
        network_from_module(Sequential(LinearTorch((2, 4), has_bias=False), lif))


# --- every combination ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("synapses", "shared", "recurrent"), itertools.product((1, 2), (True, False), (True, False))
)
def test_combinations_equal_liftorch(synapses, shared, recurrent):
    """Two synapses, time constants of a layer or of each neuron, recurrence: alone and together."""
    n, results = 5, []
    for kind, extra in ((LIFTorch, {}), (LIF, {"exact": True})):
        torch.manual_seed(3)
        loop = {"w_rec": on_grid(torch.randn(n, n * synapses) * 0.2)} if recurrent else {}
        module = kind(
            (n * synapses, n), has_rec=recurrent, spike_generation_fn=PeriodicExponential,
            **loop, **extra,
        )  # fmt: skip
        module.tau_mem = torch.nn.Parameter(0.01 + 0.02 * torch.rand(() if shared else (n,)))
        module.tau_syn = torch.nn.Parameter(
            0.005 + 0.01 * torch.rand(() if shared else (n, synapses))
        )
        module.threshold = torch.nn.Parameter(0.8 + 0.4 * torch.rand(() if shared else (n,)))
        module.bias = torch.nn.Parameter(0.02 * torch.rand(() if shared else (n,)))
        x, g = torch.rand(3, 30, n * synapses) * 0.2, torch.randn(3, 30, n)
        spikes = module(x.requires_grad_())[0]
        (spikes * g).sum().backward()
        gradients = {name: p.grad for name, p in torch.nn.Module.named_parameters(module)}
        results.append((spikes.detach(), x.grad, gradients))
    (theirs, by_x, by_parameters), (ours, mine, gradients) = results
    assert theirs.sum() > 30
    assert torch.equal(ours, theirs)
    if not recurrent:
        assert torch.equal(mine, by_x)
    assert_close(mine, by_x, SUMS)
    assert gradients.keys() == by_parameters.keys()
    for name, gradient in by_parameters.items():
        assert gradient.abs().max() > 0
        assert_close(gradients[name], gradient, 10 * SUMS, name)


# --- trained parameters ---------------------------------------------------------------------------


def trained(**settings):
    """Take a step of Adam at 1e-3; return the layer and by which share its taus moved."""
    torch.manual_seed(0)
    lif = LIF((4,), tau_mem=torch.tensor(0.01), **settings)
    before = lif.tau_mem.detach().clone(), lif.tau_syn.detach().clone()
    optimiser = torch.optim.Adam(torch.nn.Module.parameters(lif), 1e-3)
    lif(torch.rand(2, 40, 4))[0].sum().backward()
    optimiser.step()
    return lif, [
        float((now / then - 1).abs().max())
        for now, then in zip((lif.tau_mem.detach(), lif.tau_syn.detach()), before, strict=True)
    ]


def test_a_step_of_adam_moves_log_taus_by_a_thousandth():
    _, plain = trained()
    lif, shares = trained(log_tau=True)
    assert plain[0] == pytest.approx(0.1, rel=1e-3)  # 1 ms of 10 ms
    assert shares == pytest.approx([1e-3, 1e-3], rel=1e-2)
    assert set(dict(torch.nn.Module.named_parameters(lif))) == {
        "log_tau_mem", "log_tau_syn", "threshold", "bias",
    }  # fmt: skip


def test_log_tau_changes_the_parameter_and_nothing_else():
    torch.manual_seed(6)
    tau, x = 0.005 + 0.02 * torch.rand(4), torch.rand(2, 30, 4)
    plain, log = LIF((4,)), LIF((4,), log_tau=True)
    for lif in (plain, log):
        lif.tau_mem = torch.nn.Parameter(tau.clone())
        spikes = lif(x)[0]
        spikes.square().sum().backward()
    assert spikes.sum() > 10
    assert torch.allclose(log.tau_mem, tau, rtol=1e-6)
    assert torch.equal(plain(x)[0], log(x)[0])
    # d/d(ln tau) = tau d/d(tau)
    assert_close(log.log_tau_mem.grad, plain.tau_mem.grad * tau, 1e-4)
    nodes = [lif.as_graph().input_nodes[0].sink_modules[0] for lif in (plain, log)]
    assert nodes[0].tau_mem == pytest.approx(nodes[1].tau_mem, rel=1e-6)
    other = LIF((4,), log_tau=True)
    other.load_state_dict(log.state_dict())
    assert torch.equal(other.tau_mem, log.tau_mem)
    with pytest.raises(InputError, match="leak_mode"):
        LIF((4,), leak_mode="decays", log_tau=True)


def test_thresholds_and_biases_learn():
    torch.manual_seed(7)
    lif, x = LIF((4,)), torch.rand(4, 30, 4) * 0.2
    optimiser = torch.optim.Adam([lif.threshold, lif.bias], 1e-2)
    start = [lif.threshold.detach().clone(), lif.bias.detach().clone()]
    first = None
    for _ in range(60):
        optimiser.zero_grad()
        lif.reset_state()
        loss = (lif(x)[0].mean((0, 1)) - torch.tensor([0.02, 0.1, 0.2, 0.3])).square().mean()
        first = loss.item() if first is None else first
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2 * first
    for before, now in zip(start, (lif.threshold, lif.bias), strict=True):
        assert (now - before).abs().min() > 1e-3


# --- input that is no number ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("synapse", [True, False])
def test_input_that_is_not_finite_is_refused_by_place(value, synapse):
    lif, x = LIF((20,), synapse=synapse), torch.rand(4, 30, 20)
    lif(x)
    x[2, 11, 13] = value
    with pytest.raises(InputError, match=r"sample 2, step 11, synapse 13"):
        lif(x)
    narrow = LIF((3,))  # several samples in a row
    x = torch.rand(8, 30, 3)
    x[5, 0, 1] = value
    with pytest.raises(InputError, match="holds"):
        narrow(x)


def test_constants_that_are_not_finite_are_refused():
    lif = LIF((4,))
    lif.tau_mem.data[2] = float("nan")
    with pytest.raises(InputError, match="weights, bias or tau"):
        lif(torch.rand(2, 5, 4))
