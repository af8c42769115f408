"""The IMU front end equals rockpool's, sample by sample; and what it refuses."""

import json
import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.data import imu_rotation, seglearn
from neurosim.data.imu import CHANNELS, FrontEnd, encode, quantise
from neurosim.data.imu_filters import band_pass, taps
from neurosim.data.imu_rotation import remove_rotation
from neurosim.data.windows import resample
from neurosim.errors import InputError
from neurosim.formats import rockpool_devices

pytestmark = pytest.mark.filterwarnings(
    "ignore:divide by zero:RuntimeWarning", "ignore:Conversion of an array:DeprecationWarning"
)  # rockpool's angle table and parameters

FULL = 2**15 - 1
rockpool = rockpool_devices.imu_front_end()


def rockpool_run(make_module, signal):
    """Run a rockpool module with a fresh state for each sample; unbounded integers throughout."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0 / 0 for a covariance of zeros, and no PSD matrix
        rows = [make_module()(one[None].astype(object))[0] for one in signal]
    return np.concatenate(rows)


def rockpool_causal(signal):
    """Run rockpool's band-passes on the signal itself, without the reversed prefix."""
    bank = rockpool.FilterBank()
    columns = [
        f(one[:, axis].astype(object))
        for one in signal
        for f, axis in zip(bank._filters, bank._channel_mapping, strict=True)
    ]
    return np.stack(columns).reshape(len(signal), CHANNELS, -1).transpose(0, 2, 1)


@st.composite
def signals(draw):
    """16-bit signals (samples, time, 3): noise, walks, square waves, extremes, silent axes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 70)), 3)
    amplitude = draw(st.sampled_from([1, 10, 300, 4000, FULL]))
    kind = draw(st.sampled_from(["noise", "walk", "square", "extremes", "equal axes"]))
    if kind == "walk":
        signal = np.cumsum(rng.normal(size=shape), axis=1) * amplitude / 8
    elif kind == "square":
        signal = amplitude * np.sign(np.sin(np.arange(shape[1]) / rng.uniform(1, 30)))
        signal = signal[None, :, None] * rng.choice([-1, 1], shape[2]) * np.ones(shape)
    elif kind == "extremes":
        signal = rng.choice([-FULL, 0, FULL], shape)
    elif kind == "equal axes":
        signal = rng.normal(size=(*shape[:2], 1)) * amplitude * rng.choice([-1, 0, 1, 2], 3)
    else:
        signal = rng.normal(size=shape) * amplitude
    axes = np.array(draw(st.tuples(*[st.sampled_from([0, 1, 1, 1])] * 3)))
    return np.clip(signal * axes, -FULL, FULL).astype(np.int64)


def as_acceleration(signal):
    """Return the acceleration that quantises to this signal at scale 1."""
    return signal / 2.0**15


@settings(max_examples=60, deadline=None)
@given(signals())
def test_filters_and_encoders_equal_rockpools(signal):
    prefixed = rockpool_run(rockpool.FilterBank, signal)
    np.testing.assert_array_equal(band_pass(signal, taps(), True), prefixed)
    causal = rockpool_causal(signal)
    np.testing.assert_array_equal(band_pass(signal, taps(), False), causal)
    for encoder, module in (("scale", "ScaleSpikeEncoder"), ("IAF", "IAFSpikeEncoder")):
        for prefix, bands in ((True, prefixed), (False, causal)):
            ours = encode(as_acceleration(signal), scale=1, encoder=encoder, reversed_prefix=prefix)
            np.testing.assert_array_equal(ours, rockpool_run(getattr(rockpool, module), bands))


@settings(max_examples=12, deadline=None)
@given(signals(), st.sampled_from([(4, 10), (0, 1), (2, 3), (31, 7)]))
def test_rotation_removal_equals_rockpools(signal, registers):
    averaging, hold = registers
    theirs = rockpool_run(
        lambda: rockpool.RotationRemoval(num_avg_bitshift=averaging, sampling_period=hold), signal
    )
    np.testing.assert_array_equal(remove_rotation(signal, averaging, hold), theirs)


def test_angle_table_equals_rockpools():
    table = rockpool_devices.module("syns63300.imuif.rotation.jsvd").RotationLookUpTable()
    low = slice(None, imu_rotation._LOW)
    high = slice(imu_rotation._LOW, None)
    np.testing.assert_array_equal(imu_rotation._SIN, table.sin_vals_quantized)
    np.testing.assert_array_equal(imu_rotation._COS, table.cos_vals_quantized)
    np.testing.assert_array_equal(imu_rotation._TAN2, table.tan2_vals_quantized[low])
    np.testing.assert_array_equal(imu_rotation._COT2, table.cot2_vals_quantized[high])
    np.testing.assert_array_equal(imu_rotation._HALF_GAIN[low], table.inv_2cos2_vals_quantized[low])
    np.testing.assert_array_equal(
        imu_rotation._HALF_GAIN[high], table.inv_2sin2_vals_quantized[high]
    )


def test_angle_search_equals_rockpools_also_where_a_row_fits_exactly():
    table = rockpool_devices.module("syns63300.imuif.rotation.jsvd").RotationLookUpTable()
    exact = [(2**17, int(tan), 0) for tan in imu_rotation._TAN2[1:]]
    exact += [(2 * int(cot), 2**16, 0) for cot in imu_rotation._COT2[:-1]]
    rng = np.random.default_rng(4)
    anywhere = rng.integers(1, 2 ** rng.integers(1, 31, (200, 1)), (200, 3)).tolist()
    rows = [imu_rotation._find_angle(*abc) for abc in exact + anywhere]
    assert rows == [table.find_angle(*abc)[0] for abc in exact + anywhere]
    assert set(range(1, 64)) <= set(rows)


@pytest.mark.parametrize("rotation_removal", [False, True])
@pytest.mark.parametrize("encoder", ["scale", "IAF"])
def test_whole_chain_equals_rockpools_model_of_the_chip(encoder, rotation_removal):
    rng = np.random.default_rng(1)
    acceleration = np.cumsum(rng.normal(0, 0.05, (2, 150, 3)), axis=1)
    scale = 0.3
    quantiser = rockpool_devices.module("syns63300.transform").Quantizer(scale=scale)
    chip = rockpool_devices.module("syns63300.imuif_sim").IMUIFSim
    signal = rockpool_run(lambda: quantiser, acceleration)
    theirs = rockpool_run(
        lambda: chip(select_iaf_output=encoder == "IAF", bypass_jsvd=not rotation_removal), signal
    )
    front_end = FrontEnd(scale, encoder, rotation_removal, reversed_prefix=True)
    ours = front_end.encode(acceleration)
    assert ours.dtype == np.uint8
    assert 0.01 < (ours > 0).mean() < 0.99
    np.testing.assert_array_equal(front_end.quantise(acceleration), signal)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rotation_removal", [False, True])
def test_real_movements_encode_as_in_rockpool(rotation_removal):
    recordings = seglearn.load()
    by_range = sorted(range(140), key=lambda i: np.ptp(recordings.signals[i][:, :3]))
    pieces = [resample(recordings.signals[i][300:400, :3], 50) for i in (by_range[-1], by_range[0])]
    acceleration = np.stack(pieces)
    front_end = FrontEnd(0.1, rotation_removal=rotation_removal, reversed_prefix=True)
    signal = front_end.quantise(acceleration)
    if rotation_removal:
        signal = rockpool_run(rockpool.RotationRemoval, signal)
    bands = rockpool_run(rockpool.FilterBank, signal)
    np.testing.assert_array_equal(front_end.filter(acceleration), bands)
    for encoder, module in (("scale", "ScaleSpikeEncoder"), ("IAF", "IAFSpikeEncoder")):
        events = replace(front_end, encoder=encoder).encode(acceleration)
        assert events.any(axis=(1, 2)).all()
        np.testing.assert_array_equal(events, rockpool_run(getattr(rockpool, module), bands))


def test_registers_cannot_overflow_for_16_bit_signals():
    for a1, a2, shift in taps():
        w1 = w2 = total = 0.0
        for step in range(20_000):
            w = (2.0**-shift if step == 0 else 0.0) - (a1 * w1 + a2 * w2) / 2**15
            w1, w2, total = w, w1, total + abs(w)
        assert 1 < total * FULL * 2**8 < 2**27  # the bound that band_pass states


def test_an_axis_that_starts_orthogonal_to_its_sensor_axis_is_silenced_as_in_rockpool():
    signal = np.zeros((1, 40, 3), np.int64)
    signal[0, :, 2] = 5000
    turned = remove_rotation(signal, 4, 10)
    np.testing.assert_array_equal(turned, rockpool_run(rockpool.RotationRemoval, signal))
    assert not turned.any()


@pytest.mark.parametrize("settings_", [{}, {"encoder": "IAF"}, {"rotation_removal": True}])
def test_encoding_is_causal_and_samples_are_independent(settings_):
    rng = np.random.default_rng(2)
    acceleration = np.cumsum(rng.normal(0, 0.05, (3, 200, 3)), axis=1)
    whole = encode(acceleration, scale=0.2, **settings_)
    assert whole.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(
        encode(acceleration[:, :100], scale=0.2, **settings_), whole[:, :100]
    )
    for sample in range(3):
        np.testing.assert_array_equal(
            encode(acceleration[sample], scale=0.2, **settings_), whole[sample]
        )


def test_reversed_prefix_is_not_causal():
    acceleration = np.cumsum(np.random.default_rng(3).normal(0, 0.05, (200, 3)), axis=0)
    whole = encode(acceleration, scale=0.2, reversed_prefix=True)
    half = encode(acceleration[:100], scale=0.2, reversed_prefix=True)
    assert (whole[:100] != half).any()


def test_a_tone_shows_in_its_band():
    time = np.arange(2000) / 200
    for band, hz in enumerate((1.4, 2.8, 5.6, 11.3, 22.6)):
        tone = np.zeros((2000, 3))
        tone[:, 1] = 0.2 * np.sin(2 * np.pi * hz * time)
        events = encode(tone, scale=0.05).sum(axis=0)
        assert events.argmax() == 5 + band
        assert not events[:5].any()
        assert not events[10:].any()


def test_zero_length_and_zero_samples():
    assert encode(np.zeros((2, 0, 3)), scale=1).shape == (2, 0, CHANNELS)
    assert encode(np.zeros((0, 9, 3)), scale=1, rotation_removal=True).shape == (0, 9, CHANNELS)
    assert encode(np.zeros((0, 3)), scale=1, encoder="IAF").shape == (0, CHANNELS)


def test_settings_survive_json():
    front_end = FrontEnd(np.float32(0.25), "IAF", True, threshold=np.int64(512), hold=20)
    assert FrontEnd.from_dict(json.loads(json.dumps(front_end.to_dict()))) == front_end


def test_settings_must_be_named():
    with pytest.raises(InputError, match="names and values"):
        FrontEnd.from_dict(json.loads("[0.1]"))
    with pytest.raises(InputError, match="'scale' is missing"):
        FrontEnd.from_dict({"encoder": "IAF"})


@pytest.mark.parametrize(
    ("acceleration", "says"),
    [
        (np.zeros((4, 6)), "three accelerometer axes"),
        (np.zeros(3), "shape"),
        (np.zeros((1, 2, 3, 3)), "shape"),
        (np.full((1, 2, 3), np.nan), "finite"),
        (np.full((1, 2, 3), np.inf), "finite"),
        (np.zeros((2, 3), complex), "dtype"),
        (np.full((2, 3), "a"), "dtype"),
    ],
)
def test_bad_signals_are_refused(acceleration, says):
    with pytest.raises(InputError, match=says):
        encode(acceleration, scale=0.1)


def test_overflow_names_the_axis_and_a_scale_that_fits():
    acceleration = np.zeros((2, 9, 3))
    acceleration[1, 4, 2] = -5.8
    with pytest.raises(InputError, match=r"\[1, 4, 2\] \(axis z\) is -5.8 g.*scale <= 0.1724"):
        encode(acceleration, scale=0.49)
    assert quantise(acceleration, 0.1724).min() > -(2**15)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("scale", 0),
        ("scale", -1.0),
        ("scale", float("nan")),
        ("scale", "big"),
        ("encoder", "rate"),
        ("shift", -1),
        ("shift", 2.5),
        ("threshold", 0),
        ("averaging_shift", 32),
        ("hold", 0),
        ("hold", True),
        ("rotation_removal", 1),
        ("gain", 2),
    ],
)
def test_bad_settings_are_refused(setting, value):
    with pytest.raises(InputError, match=setting):
        encode(np.zeros((4, 3)), **{"scale": 0.1, setting: value})


@given(
    data=st.data(),
    encoder=st.sampled_from(["scale", "IAF"]),
    rotation_removal=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_a_recording_in_pieces_encodes_as_a_whole(data, encoder, rotation_removal, seed):
    acceleration = np.random.default_rng(seed).normal(0, 1.5, (300, 3)).cumsum(axis=0) / 4
    front_end = FrontEnd(0.01, encoder, rotation_removal, hold=7, threshold=200, shift=3)
    places = data.draw(st.lists(st.integers(0, 300), max_size=12))
    pieces = np.split(acceleration, sorted(places))
    events = list(front_end.stream(iter(pieces)))
    assert [len(part) for part in events] == [len(piece) for piece in pieces]
    whole = front_end.encode(acceleration)
    assert whole.any()
    np.testing.assert_array_equal(np.concatenate(events), whole)


def test_a_stream_does_not_wait_for_what_follows():
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield np.zeros((5, 3))

    stream = FrontEnd(0.1).stream(endless())
    assert next(stream).shape == (5, CHANNELS)
    assert next(stream).shape == (5, CHANNELS)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("settings_", "chunks", "says"),
    [
        ({"reversed_prefix": True}, [np.zeros((5, 3))], "reversed_prefix"),
        ({}, [np.zeros((5, 3)), np.zeros((2, 5, 3))], "chunk 1 has shape"),
        ({}, [np.zeros((5, 3)), np.full((5, 3), np.nan)], "chunk 1: .*finite"),
    ],
)
def test_streams_that_cannot_be_encoded_are_refused(settings_, chunks, says):
    with pytest.raises(InputError, match=says):
        list(FrontEnd(0.1, **settings_).stream(chunks))


def test_a_stream_keeps_no_more_memory_for_a_longer_recording():
    def peak(chunks):
        pieces = (np.ones((2000, 3)) * (k % 3) for k in range(chunks))
        tracemalloc.start()
        for events in FrontEnd(0.1, "IAF", rotation_removal=True).stream(pieces):
            assert events.shape == (2000, CHANNELS)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # what is loaded once
    few, many = peak(2), peak(20)
    assert few > 2000 * 3 * 8  # a chunk is counted
    assert many < 1.2 * few  # ten times as long; some small objects await collection
