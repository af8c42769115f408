"""What a run did up to each step, against sums of the parts of its arrays that were read."""

import numpy as np
import pytest

from neurosim import engines
from neurosim.energy import cycles
from neurosim.energy.course import Course
from neurosim.energy.price import Price, price_at_clock, published_price
from tests import nets


@pytest.fixture(scope="module")
def ran():
    rng = np.random.default_rng(4)
    spec = nets.spec(rng)
    raster = nets.events(rng, (4, 50, 4))
    return spec, raster, engines.get("xylosim").run(spec, raster)


def test_activity_counts_bins_not_spikes(ran):
    _, raster, recording = ran
    active = Course.of(raster, recording).until().activity()
    assert active.input_bins == pytest.approx(np.mean(raster > 0), rel=1e-12)
    assert active.hidden_bins == pytest.approx(np.mean(recording.spikes[0] > 0), rel=1e-12)
    assert active.spikes == sum(s.sum(dtype=int) for s in recording.spikes) / 4 > 0


def test_only_what_was_read_counts(ran):
    spec, raster, recording = ran
    hidden, output = recording.spikes
    steps = np.array([1, 7, 20, 50])
    course = Course.of(raster, recording)
    spent = course.until(steps)
    for k, end in enumerate(steps):
        read, fired = raster[k, :end], hidden[k, :end]
        assert spent.events[k] == read.sum()
        assert spent.spikes[k] == fired.sum(dtype=int) + output[k, :end].sum(dtype=int)
        assert spent.input_bins[k] == pytest.approx(np.mean(read > 0), rel=1e-12)
        assert spent.hidden_bins[k] == pytest.approx(np.mean(fired > 0), rel=1e-12)
    assert spent.spikes[3] > spent.spikes[0]
    parts = [(hidden[k, :end] > 0).ravel() for k, end in enumerate(steps)]
    assert spent.activity().hidden_bins == pytest.approx(np.mean(np.concatenate(parts)), rel=1e-12)
    busiest = max(
        cycles.per_step(spec, np.mean(raster[k, t] > 0), np.mean(hidden[k, t] > 0))
        for k, end in enumerate(steps)
        for t in range(end)
    )
    assert course.busiest(spec, steps).max() == pytest.approx(busiest, rel=1e-12)


def test_steps_after_the_input_read_nothing(ran):
    """A net that was mapped from layers runs on for its lag."""
    _, raster, recording = ran
    short = raster[:, :45]
    spent = Course.of(short, recording).until(np.full(4, 50))
    assert spent.input_bins == pytest.approx((short > 0).mean(axis=(1, 2)), rel=1e-12)
    assert (spent.events == short.sum(axis=(1, 2))).all()


def test_a_core_idles_or_is_off_after_its_decision():
    idling = Price(idle_w=2e-4, cycle_j=1e-12)
    off = Price(idle_w=2e-4, cycle_j=1e-12, off=True)
    # A quarter of steps of 5 ms has 1000 cycles of 1 pJ: 0.2 uW, 0.05 on average.
    assert idling.power_w(250, 5e-3, 0.25) == pytest.approx(2e-4 + 5e-8)
    assert off.power_w(250, 5e-3, 0.25) == pytest.approx(5e-5 + 5e-8)
    assert off.power_w(1000, 5e-3) == idling.power_w(1000, 5e-3) == pytest.approx(2e-4 + 2e-7)


def test_idle_power_scales_with_the_clock_and_a_cycle_costs_the_same():
    half = price_at_clock(3.125e6)
    assert half.idle_w == pytest.approx(94e-6)
    assert half.cycle_j == published_price().cycle_j
