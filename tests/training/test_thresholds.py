"""Random thresholds: their laws, what shares a draw, integer registers, and the sweep."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurosim import readout
from neurosim.errors import InputError
from neurosim.formats.rockpool import network_from_module
from neurosim.snn import image_nets
from neurosim.snn.lif import LIF
from neurosim.training import ThresholdSampler, config
from neurosim.training.faults import ActivityWarning, Watch
from neurosim.training.imu_task import build, forward
from neurosim.training.thresholds import hidden, matched
from neurosim.workflows.float_sweep import sweep
from tests import nets

SIZES, SAMPLES, STEPS = (12, 10), 5, 20
COUNT = 20_000
"""Draws of a statistical test; its bounds are five standard errors."""


@pytest.fixture
def net():
    settings = config.TrainConfig(hidden=SIZES, weight_gain=2.0)
    return build(settings, channels=6, classes=3, dt=5e-3)


@pytest.fixture
def raster(rng):
    return rng.poisson(1.0, (40, 60, 6)).clip(max=15).astype(np.uint8)


def values(sampler, rng, epoch=None):
    """Many draws of one number."""
    (draw,) = replace(sampler, per="neuron").draw([COUNT], 1, 1, rng, epoch)
    return draw


# --- laws -----------------------------------------------------------------------------------------


def test_aspens_law_takes_one_uniform_number_a_batch(rng):
    """Bit for bit what the loop drew before there was a sampler, and no other number."""
    other = np.random.default_rng(20)
    for _ in range(10):
        draws = ThresholdSampler((1.0, 1.5)).draw(SIZES, SAMPLES, STEPS, rng)
        assert draws == [float(other.uniform(1.0, 1.5))] * 2
        assert type(draws[0]) is float
    assert rng.bit_generator.state == other.bit_generator.state


@pytest.mark.parametrize("levels", [None, 2, 3, 8])
def test_the_laws_have_their_ends_mean_and_variance(levels, rng):
    drawn = values(ThresholdSampler((0.8, 2.0), levels), rng)
    variance = 1.2**2 / 12 * (1 if levels is None else (levels + 1) / (levels - 1))
    assert drawn.min() >= 0.8
    assert drawn.max() <= 2.0
    assert abs(drawn.mean() - 1.4) < 5 * (variance / COUNT) ** 0.5
    assert abs(drawn.var() / variance - 1) < 5 * (2 / COUNT) ** 0.5  # no law here has kurtosis > 3
    if levels is not None:
        assert np.allclose(np.unique(drawn), np.linspace(0.8, 2.0, levels), rtol=1e-15)


@pytest.mark.parametrize("levels", [2, 3, 11])
def test_matched_levels_have_the_variance_of_the_uniform_law(levels):
    low, high = matched((1.0, 1.5), levels)
    points = np.linspace(low, high, levels)
    assert points.mean() == pytest.approx(1.25, rel=1e-14)
    assert points.var() == pytest.approx(0.5**2 / 12, rel=1e-12)


def test_the_curriculum_widens_from_one(rng):
    sampler = ThresholdSampler((0.8, 2.0), widen=4)
    assert [sampler.interval(e) for e in (0, 2, 4, 9, None)] == [
        (1.0, 1.0),
        (0.9, 1.5),
        (0.8, 2.0),
        (0.8, 2.0),
        (0.8, 2.0),
    ]
    assert ThresholdSampler((1.2, 1.6), widen=2).interval(1) == pytest.approx((1.2, 1.4))
    first = values(sampler, rng, epoch=1)
    assert 0.95 <= first.min() < first.max() <= 1.25


# --- registers ------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 4]))
def test_every_draw_is_one_that_the_chip_can_run(seed, levels):
    rng = np.random.default_rng(seed)
    spec = nets.spec(rng, layers=(8, 4))
    sampler = ThresholdSampler((0.6, 2.4), levels, per="neuron", when="sample", register=spec)
    for scales, register in zip(
        sampler.draw((8, 4), 50, STEPS, rng), np.split(spec.threshold, [8]), strict=True
    ):
        integers = scales * register
        assert scales.shape == (50, 1, register.size)
        assert np.abs(integers - np.rint(integers)).max() < 1e-9  # float64 quotient and product
        assert integers.min() >= 1


def test_a_draw_for_the_network_is_the_runtime_threshold_of_the_chip(rng):
    spec = nets.spec(rng, layers=(8, 4))
    sampler = ThresholdSampler((0.6, 2.4), levels=2, register=spec)
    draws = np.concatenate(sampler.draw((8, 4), 1, 1, rng))
    expected = [spec.with_threshold(s).threshold / spec.threshold for s in (0.6, 2.4)]
    assert any(np.array_equal(draws, e) for e in expected)
    assert np.unique(draws).size > 2  # rounding differs from neuron to neuron


def test_one_register_for_all(rng):
    (draw,) = ThresholdSampler((1.0, 1.5), register=10).draw([7], 1, 1, rng)
    assert type(draw) is float
    assert np.unique(values(ThresholdSampler((1.0, 1.5), register=10), rng)).tolist() == [
        1.0, 1.1, 1.2, 1.3, 1.4, 1.5,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": (1.5, 1.0)}, "threshold is"),
        ({"threshold": (0.0, 1.0)}, "threshold is"),
        ({"levels": 1}, "levels is 1"),
        ({"per": "synapse"}, "per is 'synapse'; give one of network, layer, neuron"),
        ({"when": "epoch"}, "when is 'epoch'"),
        ({"widen": -1}, "widen is -1"),
        ({"matched": True}, "matched needs levels"),
        ({"threshold": (0.1, 1.0), "register": 3}, r"registers to 0\.\.3"),
        ({"threshold": (1.0, 4.0), "register": 10_000}, r"registers to 10000\.\.40000"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        ThresholdSampler(**settings)


def test_registers_of_another_net_are_refused(rng):
    sampler = ThresholdSampler(register=nets.spec(rng, layers=(8, 4)))
    with pytest.raises(InputError, match=r"layers \(8, 4\), the net \(12, 10\)"):
        sampler.draw(SIZES, SAMPLES, STEPS, rng)


# --- what shares a draw ---------------------------------------------------------------------------


@pytest.mark.parametrize("per", ["network", "layer", "neuron"])
@pytest.mark.parametrize("when", ["batch", "sample", "step"])
def test_a_draw_acts_on_hidden_layers_for_a_batch_and_is_gone(net, raster, rng, per, when):
    events = torch.tensor(raster[:SAMPLES, :STEPS].astype(np.float32))
    before, _ = forward(net, events)
    with ThresholdSampler((1.2, 1.5), per=per, when=when).drawn(net, SAMPLES, STEPS, rng) as draws:
        scales = [layer.threshold_scale for layer in hidden(net)]
        last = [m for m in net.modules().values() if isinstance(m, LIF)][-1]
        assert last.threshold_scale == 1.0
        _, (first, *_) = forward(net, events)
        first.sum().backward()
    sets = {"batch": 1, "sample": SAMPLES, "step": STEPS}[when]
    expected = [sets * (n if per == "neuron" else 1) for n in SIZES]
    assert [np.unique(d).size for d in draws] == expected
    assert [torch.as_tensor(s).numel() for s in scales] == expected
    alike = per == "network"
    assert np.array_equal(np.ravel(draws[0])[:1], np.ravel(draws[1])[:1]) == alike
    assert first.sum() > 0
    assert [layer.threshold_scale for layer in hidden(net)] == [1.0, 1.0]
    assert torch.equal(forward(net, events)[0], before)


def test_draws_multiply_the_scales_that_are_there_and_survive_errors(net, rng):
    first, second = hidden(net)
    first.threshold_scale, second.threshold_scale = 2.0, torch.full((10,), 3.0)
    sampler = ThresholdSampler((1.5, 1.5), when="sample")

    def fail():
        with sampler.drawn(net, 4, STEPS, rng):
            assert first.threshold_scale.shape == (4, 1, 1)
            assert float(first.threshold_scale[0]) == 3.0
            assert second.threshold_scale.shape == (4, 1, 10)
            first(torch.ones(4, STEPS, 2))

    with pytest.raises(ValueError, match="wrong neuron dimension"):
        fail()
    assert first.threshold_scale == 2.0
    assert second.threshold_scale.shape == (10,)


# --- in the loop ----------------------------------------------------------------------------------


def test_settings_reach_the_sampler():
    settings = config.TrainConfig(
        threshold=(1.0, 2.0),
        threshold_levels=3,
        threshold_matched=True,
        threshold_per="layer",
        threshold_when="step",
        threshold_register=256,
        threshold_widen=5,
    )
    sampler = ThresholdSampler.of(settings)
    assert sampler == ThresholdSampler((1.0, 2.0), 3, True, "layer", "step", 256, 5)
    assert sampler.interval() == matched((1.0, 2.0), 3)
    assert ThresholdSampler.of(config.load("aspen")) == ThresholdSampler((1.0, 1.5))
    with pytest.raises(InputError, match="threshold_matched needs threshold_levels"):
        config.load("aspen", threshold_matched=True)


def test_a_silent_layer_and_one_answer_are_warned_of_once_an_epoch():
    before = Watch("01")
    before.see([9.0, 0.0], [1.4, np.array([1.4, 1.6])], [1, 1], [0, 1])
    watch = Watch("01")
    watch.load_state_dict(before.state_dict())
    watch.see([9.0, 0.0], [1.3, 1.3], [1, 1], [1, 2])
    watch.see([9.0, 4.0], [1.0, 1.0], [1, 1], [1, 2])
    with pytest.warns(ActivityWarning) as caught:
        watch.warn(epoch=7)
    assert [str(w.message) for w in caught] == [
        "epoch 7: layer 1 has no spikes at threshold scale 1.3, the lowest of 2 silent batches "
        "of 3; lower the thresholds or raise the weights",
        "epoch 7: the readout answers 1 for all samples; lower learning_rate or the thresholds",
    ]


# --- sweep ----------------------------------------------------------------------------------------


def test_a_sweep_is_one_evaluation_a_threshold(net, raster, rng):
    labels = rng.integers(0, 3, len(raster))
    net = net.to(torch.float64)  # sums over channels then do not depend on the size of the batch
    hidden(net)[0].threshold_scale = 1.1
    thresholds = (0.7, 1.0, 1.9, 1e6)
    result = sweep(net, raster, labels, thresholds)
    assert hidden(net)[0].threshold_scale == 1.1
    for k, scale in enumerate(thresholds):
        for layer, own in zip(hidden(net), (1.1, 1.0), strict=True):
            layer.threshold_scale = own * scale
        with torch.no_grad():
            output, layers = forward(net, torch.tensor(raster.astype(np.float64)))
        assert result.accuracy[k] == readout.accuracy(output.numpy(), labels)
        assert result.rates[k] == pytest.approx([float(s.mean()) for s in layers], rel=1e-12)
        collapsed = len(set(readout.decide(output.numpy()).tolist())) == 1
        assert collapsed == any("readout" in f and f"{scale:.3g}" in f for f in result.faults)
        assert result.undecided[k] == np.mean(output.sum((1, 2)).numpy() == 0)
    assert (np.diff(result.rates[:, 0]) < 0).all()
    assert result.rates[0].min() > 0.01
    assert result.undecided[-1] == 1
    assert result.faults[-4:] == (
        "layer 0 has no spikes at threshold scale 1e+06",
        "layer 1 has no spikes at threshold scale 1e+06",
        "layer 2 has no spikes at threshold scale 1e+06",
        "the readout stays silent for all samples at threshold scale 1e+06",
    )


def test_a_network_sweeps_like_the_net_that_it_was(net, raster, rng):
    labels = rng.integers(0, 3, len(raster))
    ours, theirs = (sweep(n, raster, labels) for n in (net, network_from_module(net)))
    assert np.array_equal(ours.rates, theirs.rates)
    assert np.array_equal(ours.accuracy, theirs.accuracy)
    assert ours.rates.min() > 0


@pytest.mark.parametrize(
    ("samples", "thresholds", "message"),
    [(40, (), "thresholds are"), (40, (1.0, 0.0), "positive"), (3, (1.0,), "40 samples, labels 3")],
)
def test_a_wrong_sweep_is_refused(net, raster, samples, thresholds, message):
    with pytest.raises(InputError, match=message):
        sweep(net, raster, np.zeros(samples, int), thresholds)


def test_an_image_net_sweeps_as_it_evaluates(rng):
    net = image_nets.build("small-resnet", shape=(1, 8, 8), classes=4, steps=5).double()
    images, labels = rng.random((6, 1, 8, 8)), rng.integers(0, 4, 6)
    thresholds = (0.8, 1.0, 1.1, 1e6)
    with torch.no_grad():  # BatchNorm's running statistics, and the layers' sizes
        net.train()(torch.tensor(images))
    result = sweep(net, images, labels, thresholds)
    assert net.training
    net.eval()
    for k, scale in enumerate(thresholds):
        for layer in hidden(net):
            layer.threshold_scale = scale
        with torch.no_grad():
            answers = net(torch.tensor(images)).mean(1).argmax(1).numpy()
        assert result.accuracy[k] == np.mean(answers == labels)
        rates = [float(layer.mean_rate) for layer in hidden(net)]
        assert result.rates[k] == pytest.approx(rates, rel=1e-12)
    assert result.rates[0].min() > 0.01
    assert (result.rates[3] == 0).all()
    faults = [fault for fault in result.faults if fault.endswith("1e+06")]
    assert faults[0] == "layer 0 has no spikes at threshold scale 1e+06"
    assert len(faults) == len(hidden(net)) + 1
    assert faults[-1].startswith("the readout answers")
