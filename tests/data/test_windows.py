import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.data import FrontEnd, windows
from neurosim.errors import InputError


@pytest.mark.parametrize(("rate_hz", "steps"), [(50, 333), (100, 200), (128, 77), (200, 40)])
def test_resampling_keeps_a_slow_sine_and_gravity(rate_hz, steps):
    def sine(time):
        return 1 + 0.5 * np.sin(2 * np.pi * 2.0 * time)

    signal = sine(np.arange(steps) / rate_hz)[:, None]
    out = windows.resample(signal, rate_hz)
    assert out.shape == (-(-steps * 200 // rate_hz), 1)
    expected = sine(np.arange(len(out)) / 200)
    inner = slice(40, -40)  # at the ends the signal is held, so the sine is not continued
    # 1 %: the ripple of resample_poly's Kaiser window of shape 5.
    assert np.abs(out[inner, 0] - expected[inner]).max(initial=0) < 0.01
    assert np.abs(windows.resample(np.ones((steps, 1)), rate_hz) - 1).max() < 0.01


def test_windows_overlap_by_half_and_only_whole_ones_count():
    signal = np.arange(40).reshape(20, 2)
    cut = windows.cut(signal, 8, 4)
    assert cut.shape == (4, 8, 2)
    for k in range(4):
        np.testing.assert_array_equal(cut[k], signal[4 * k : 4 * k + 8])
    assert windows.cut(signal[:7], 8, 4).shape == (0, 8, 2)
    assert windows.cut(signal[:8], 8, 4).shape == (1, 8, 2)


def test_the_lead_in_hides_the_step_to_gravity():
    rest = np.tile([0.3, -0.2, 0.9], (300, 1))
    front_end = FrontEnd(0.2)
    assert front_end.encode(rest).any()
    started = windows.encode_recording(rest, 200, front_end)
    assert started.shape == (300, 15)
    assert not started.any()


@pytest.mark.parametrize(
    ("signal", "rate_hz", "says"),
    [
        (np.zeros(9), 50, "shape"),
        (np.zeros((9, 3)), 0, "rate_hz"),
        (np.zeros((9, 3)), -1, "rate_hz"),
    ],
)
def test_bad_signals_are_refused(signal, rate_hz, says):
    with pytest.raises(InputError, match=says):
        windows.resample(signal, rate_hz)


def test_an_empty_recording_has_no_windows():
    assert windows.resample(np.zeros((0, 3)), 50).shape == (0, 3)
    empty = windows.encode_recording(np.zeros((0, 3)), 50, FrontEnd(0.1))
    assert windows.cut(empty).shape == (0, 512, 15)


@given(
    st.integers(0, 90),
    st.integers(1, 12),
    st.integers(1, 30),
    st.lists(st.integers(0, 90), max_size=10),
)
@settings(deadline=None)
def test_a_stream_is_cut_into_the_windows_of_the_whole(length, steps, hop, places):
    events = np.arange(3 * length).reshape(length, 3)
    pieces = np.split(events, sorted(places))
    parts = list(windows.cut_stream(iter(pieces), steps, hop))
    assert all(len(part) for part in parts)
    whole = windows.cut(events, steps, hop)
    if len(whole):
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    else:
        assert not parts


@pytest.mark.parametrize(("steps", "hop"), [(0, 1), (1, 0)])
def test_windows_of_no_steps_are_refused(steps, hop):
    with pytest.raises(InputError, match="1 or more"):
        list(windows.cut_stream([np.zeros((5, 3))], steps, hop))
