"""Power estimates and their anchors, straight-line fits, NeuroBench's measures."""

import numpy as np
import pytest

from neurosim import engines
from neurosim.energy import cycles, linearity, price
from neurosim.energy.neurobench_measures import footprint_bytes, measure
from neurosim.energy.price import Activity
from neurosim.errors import InputError
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec
from tests import nets

BUSY = Activity(input_bins=0.4, hidden_bins=0.1, spikes=100.0)


@pytest.fixture
def spec(rng):
    return nets.spec(rng, dt=5e-3)


def test_the_default_estimate_is_that_of_the_imus_measurement(spec):
    found = price.estimate(spec, BUSY)
    # By hand: 201 µW less 188 µW idle are those of a core busy for 6.25 MHz but the margin of 1.2.
    busy = cycles.per_step(spec, 0.4, 0.1) / 5e-3 / (6.25e6 / 1.2)
    assert found.total_w == pytest.approx(188e-6 + (201e-6 - 188e-6) * busy, rel=1e-12)
    assert found.idle_w == 188e-6
    assert found.energy_j(2.0) == pytest.approx(2 * found.total_w)
    assert str(found).startswith("estimate: ")
    assert "201 µW active, 188 µW idle" in str(found)


def test_every_anchor_spreads_the_estimate(spec):
    found = price.spread(spec, BUSY)
    assert [e.anchor.name for e in found] == ["imu", "audio-scenes", "keywords"]
    for e in found:
        assert e.cycles_per_s == pytest.approx(cycles.per_step(spec, 0.4, 0.1) / spec.dt)
        assert e.dynamic_w == pytest.approx(e.anchor.cycle_j * e.cycles_per_s)
    assert found[1].total_w == pytest.approx(219e-6 + found[1].dynamic_w)
    assert found[2].total_w is None
    assert found[2].energy_j(1.0) is None
    # A core that is busy for all of its clock but the margin takes what was measured.
    full = price.ASSUMED_CLOCK_HZ / cycles.CLOCK_MARGIN
    assert full * price.anchor("imu").cycle_j == pytest.approx(13e-6)
    assert full * price.anchor("audio-scenes").cycle_j == pytest.approx(93e-6)


def test_an_anchor_is_for_its_chip_and_gives_what_was_published(spec):
    other = nets.spec(np.random.default_rng(0), chip="xylo-audio-2", dt=5e-3)
    assert [e.anchor.name for e in price.spread(other, BUSY)] == ["audio-scenes", "keywords"]
    assert price.estimate(other, BUSY).anchor.name == "audio-scenes"
    assert price.estimate(spec, BUSY).anchor.name == "imu"
    with pytest.raises(InputError, match="xylo-audio-2"):
        price.estimate(other, BUSY, "imu")
    with pytest.raises(InputError, match="no dynamic power"):
        price.estimate(spec, BUSY, "aspen")
    with pytest.raises(InputError, match="'asic'"):
        price.estimate(spec, BUSY, "asic")
    with pytest.raises(InputError, match="xylo-audio-2"):
        price.published_price("imu", spec=other)
    assert price.published_price(spec=other).idle_w == 219e-6


def test_a_line_is_found_with_its_interval(rng):
    x = np.linspace(1, 50, 40)
    covered = []
    for _ in range(200):
        found = linearity.fit(x, 3 + 0.2 * x + rng.normal(0, 0.5, 40))
        covered.append(found.slope_ci[0] <= 0.2 <= found.slope_ci[1])
    assert found.slope == pytest.approx(0.2, rel=0.2)
    # 95 % of 200: a binomial count beyond 179..200 has probability 2e-3.
    assert 179 <= sum(covered) <= 200


def test_a_curve_is_told_from_a_line(rng):
    x = np.linspace(2, 20, 10)
    straight = linearity.fit(x, 7 * x + 1e-3 * rng.normal(size=10))
    assert straight.linear
    assert straight.r_squared > 0.999999
    root = linearity.fit(x, np.sqrt(x))
    assert not root.linear
    assert root.curvature < 0
    assert root.elasticity == pytest.approx(0.5)
    assert root.worst_residual > 0.03
    assert np.isnan(linearity.fit(x - 10, x).elasticity)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.arange(3), np.arange(3)),
        (np.ones(5), np.arange(5)),
        (np.arange(5), np.ones(5)),
        (np.arange(5), np.arange(4)),
        (np.arange(5), np.full(5, np.nan)),
    ],
)
def test_no_line_without_points(x, y):
    with pytest.raises(InputError):
        linearity.fit(x, y)


def brute_operations(inputs, weight):
    return sum(
        int(inputs[s, t, i] > 0) * int(w != 0)
        for s, t, i in np.ndindex(inputs.shape)
        for w in weight[i].ravel()
    )


def test_operations_of_a_deployed_net_are_those_of_its_spikes(rng, spec):
    raster = np.minimum(nets.events(rng, (2, 20, 4)), 1)
    recording = engines.get("xylosim").run(spec, raster)
    hidden = recording.spikes[0]
    assert hidden.any()
    found = measure(spec, raster, recording)
    expected = (
        brute_operations(raster, spec.weights_in)
        + brute_operations(hidden[:, :-1], spec.weights_rec)
        + brute_operations(hidden[:, :-1, -6:], spec.weights_out)
    )
    assert (found.effective_acs + found.effective_macs) * 2 == expected
    assert found.effective_macs > 0  # some neurons fire several spikes a step
    assert found.effective_acs > 0  # the input does not
    assert found.activation_sparsity == 1 - np.mean(
        np.concatenate([s.ravel() for s in recording.spikes]) > 0
    )


def test_footprint_counts_registers(rng, spec):
    weights = 4 * 8 + 6 * 3 + np.count_nonzero(spec.weights_rec)
    registers = (12 + 3) * 2 * 2 + (12 + 3) * 2  # thresholds, biases; two decay shifts
    assert footprint_bytes(spec) == weights + registers


def test_a_recording_of_another_net_is_refused(rng):
    network = nets.network(rng)
    raster = nets.events(rng)
    wrong = Recording((np.zeros((5, 60, 10), np.uint8),))
    with pytest.raises(InputError, match="populations"):
        measure(network, raster, wrong)


def dense(hidden: int, dt: float) -> XyloSpec:
    ones = np.ones((hidden, hidden), np.int64)
    return XyloSpec(
        np.ones((15, hidden), np.int64), np.ones((hidden, 6), np.int64), ones,
        threshold=np.full(hidden, 100), threshold_out=np.full(6, 100), dt=dt,
    )  # fmt: skip


def test_an_estimate_says_which_clock_its_net_needs():
    spec = dense(75, 5e-3)
    # By hand, worst step: 15 (3.5 * 75 + 1) + 75 (7 * 75 + 3) + 75 (1 + 48) + 75 (19 + 3) + 72.
    worst = 15 * 263.5 + 75 * 528 + 75 * 49 + 75 * 22 + 72
    needed = 1.2 * worst / 5e-3
    assert cycles.clock_hz(spec) == pytest.approx(needed, rel=1e-12)
    assert needed > 6.25e6  # of the anchor
    said = str(price.estimate(spec, BUSY))
    assert f"at {needed / 1e6:.1f} MHz, which its worst step of 5 ms needs" in said
    assert "idle power is that of 6.25 MHz, so that the estimate is a lower bound" in said
    slow = str(price.estimate(dense(20, 5e-3), BUSY))
    assert "MHz, which its worst step of 5 ms needs" in slow
    assert "lower bound" not in slow


def test_a_net_that_no_clock_is_fast_enough_for_does_not_fit():
    spec = dense(75, 1e-3)
    assert cycles.clock_hz(spec) > cycles.LARGEST_CLOCK_HZ
    with pytest.raises(InputError, match=r"does not fit: .* MHz at dt = 0\.001 s"):
        price.estimate(spec, BUSY)
    with pytest.raises(InputError, match="does not fit"):
        price.published_price(spec=spec)
    with pytest.raises(InputError, match="does not fit"):
        price.spread(spec, BUSY)
