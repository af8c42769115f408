"""A user's windows: no person in two parts, no window over a cut, blocks of time with gaps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import data
from neurosim.data.own_windows import encode_own
from neurosim.data.resample_stream import resample_stream
from neurosim.data.splits import PARTS, by_share
from neurosim.data.time_blocks import in_blocks
from neurosim.data.windows import cut, encode_recording, resample
from neurosim.errors import InputError
from tests.data import own


def made(people, seconds=12.0, kinds=("walk", "shake"), seed=0):
    rng = np.random.default_rng(seed)
    pairs = [(f"p{p}", kind) for p in range(people) for kind in kinds]
    signals = [own.signal(rng, kind, seconds) for _, kind in pairs]
    return data.recordings(signals, [k for _, k in pairs], [p for p, _ in pairs], rate=own.RATE)


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), min_size=3, max_size=60),
    st.integers(0, 5),
)
def test_shares_of_people_for_each_part(pairs, seed):
    subjects, labels = np.array(pairs).T
    people = set(subjects.tolist())
    if len(people) < 3:
        with pytest.raises(InputError, match="too few"):
            by_share(subjects, labels, seed=seed)
        return
    split = by_share(subjects, labels, seed=seed)
    parts = [set(getattr(split, part)) for part in PARTS]
    assert set.union(*parts) == people
    assert sum(map(len, parts)) == len(people)
    assert len(parts[1]) == len(parts[2]) == max(1, round(0.2 * len(people)))


def test_each_class_is_in_each_part_where_that_can_be():
    """Four of ten people show a second class: few splits have one of them in each part."""
    subjects = np.concatenate([np.arange(1, 11), [2, 5, 7, 9]])
    labels = np.concatenate([np.zeros(10, int), np.ones(4, int)])
    for seed in range(20):
        split = by_share(subjects, labels, seed=seed)
        for part in PARTS:
            assert set(labels[split.mask(part, subjects)]) == {0, 1}
    assert by_share(subjects, labels, seed=1) == by_share(subjects, labels, seed=1)


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=6),
    st.floats(0.02, 1.5),
)
def test_blocks_of_time_are_apart_by_the_gap(lengths, gap_s):
    """Every sample has its number for a value, so that a block says which times it has."""
    count = np.concatenate(([0], np.cumsum(lengths)))
    signals = [np.arange(a, b)[:, None] * np.ones(3) for a, b in pairwise(count)]
    whole = data.Recordings(
        tuple(signals), np.zeros(len(lengths), int), np.ones(len(lengths), int),
        np.full(len(lengths), -1), ("a",), 50.0,
    )  # fmt: skip
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    blocks, number = in_blocks(whole, 1, shares, gap_s)
    times = [
        np.sort(np.concatenate([s[:, 0] for s in blocks.select(blocks.subjects == n).signals]))
        if (blocks.subjects == n).any()
        else np.empty(0)
        for n in number.values()
    ]
    joined = np.concatenate(times)
    assert (np.diff(joined) > 0).all()  # in order, none twice
    inner = set(count[1:-1].tolist())
    for early, late in pairwise(times):
        if len(early) and len(late):
            step = late[0] - early[-1]
            # Either a recording ends between them, or the gap lies there.
            ends = any(early[-1] < end <= late[0] for end in inner)
            assert ends or step > gap_s * 50
    assert count[-1] - len(joined) <= 2 * (2 * np.ceil(gap_s * 25) + 1)


def test_one_person_is_split_in_time_and_that_is_said(tmp_path):
    windows = encode_own(made(1, seconds=60), cache_folder=tmp_path)
    assert "accuracy says nothing about others" in windows.reading.notes[-1]
    assert [windows.people[getattr(windows.split, part)[0] - 1] for part in PARTS] == [
        "p0, block train",
        "p0, block validation",
        "p0, block test",
    ]
    for part in PARTS:
        assert set(getattr(windows, part).labels) == {0, 1}
    # 2 x 60 s have 92 windows of 2.56 s; 4 gaps cost some 3 each.
    assert 70 <= sum(len(getattr(windows, part)) for part in PARTS) <= 85


def test_of_two_people_one_tests(tmp_path):
    windows = encode_own(made(2, seconds=30), cache_folder=tmp_path)
    names = [[windows.people[k - 1] for k in getattr(windows.split, part)] for part in PARTS]
    assert names[2] in (["p0"], ["p1"])
    assert names[0] == [f"{'p1' if names[2] == ['p0'] else 'p0'}, block train"]
    assert "two people" in windows.reading.notes[-1]


def test_windows_are_those_of_each_recording_alone(tmp_path):
    recordings = made(3)
    windows = encode_own(recordings, window_s=1.0, overlap=0.25, cache_folder=tmp_path)
    rasters = [getattr(windows, part).raster for part in PARTS]
    assert rasters[0].shape[1:] == (200, 15)
    assert windows.hop == 150
    alone = [
        cut(encode_recording(signal, 50, windows.front_end), 200, 150)
        for signal, subject in zip(recordings.signals, recordings.subjects, strict=True)
        if subject in windows.split.test
    ]
    assert np.array_equal(rasters[2], np.concatenate(alone))
    assert rasters[2].sum() > 1000
    assert windows.people == ("p0", "p1", "p2")


def test_stronger_people_than_those_trained_on_are_cut_and_that_is_said(tmp_path):
    split = data.Split((1,), (2,), (3,))
    down = np.array([0, 0, 1])
    calm = [down + 0.02 * (signal - down) for signal in made(3).signals[:4]]
    signals = [*calm, *(3 * signal for signal in made(3).signals[4:])]
    again = data.recordings(signals, ["walk", "shake"] * 3, [1, 1, 2, 2, 3, 3], rate=50)
    windows = encode_own(again, split=split, cache_folder=tmp_path)
    assert "beyond the front end's range" in windows.reading.notes[-1]
    with pytest.raises(InputError, match="overflows 16 bits"):
        data.encode_recordings(again, split, front_end=windows.front_end, cache_folder=tmp_path)


def test_what_cannot_be_cut_or_trained_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"longest of 6 recordings lasts 12 s .*shorter --window"):
        encode_own(made(3), window_s=13.0, cache_folder=tmp_path)
    with pytest.raises(InputError, match="overlap"):
        encode_own(made(3), overlap=1.0, cache_folder=tmp_path)
    lacking = made(3).select(np.array([1, 2, 3, 4, 5]))
    with pytest.raises(InputError, match="'walk': the people to train on have no window"):
        encode_own(lacking, split=data.Split((1,), (2,), (3,)), cache_folder=tmp_path)
    few = made(3).select(np.array([0, 1, 2, 3, 4]))
    windows = encode_own(few, split=data.Split((1,), (2,), (3,)), cache_folder=tmp_path)
    assert "test people have no window of shake" in windows.reading.notes


@given(
    st.sampled_from([12.5, 20, 25, 31.25, 49.3, 50, 64, 100, 200, 400, 1000]),
    st.integers(0, 300),
    st.lists(st.integers(0, 80), min_size=1, max_size=5),
)
def test_a_stream_is_resampled_to_the_same_bits(rate, samples, sizes):
    """The filter's window of inputs and its phase are the same, so the sums are."""
    signal = np.random.default_rng(samples).normal((0, 0, 1), 1, (samples, 3))
    pieces, at = [], 0
    while at < samples:
        size = max(1, sizes[len(pieces) % len(sizes)])
        pieces += [signal[at : at + size], signal[:0]]
        at += size
    given = list(resample_stream(iter(pieces), rate))
    whole = resample(signal, rate)
    assert np.array_equal(np.concatenate([whole[:0], *given]), whole)


def test_a_stream_lags_by_the_filter_only():
    signal = np.random.default_rng(0).normal(0, 1, (500, 3))
    stream = resample_stream((row[None] for row in signal), 50.0)
    arrived, steps = 0, 0
    for chunk in stream:
        steps += len(chunk)
        arrived += 1
        if arrived >= 480:
            break
    # Each sample gives 4 steps; the filter reaches 10 samples ahead, and one more for its ends.
    assert steps >= 4 * (arrived - 1)
