from dataclasses import replace

import numpy as np
import pytest

from neurosim import data
from neurosim.data import dataset, seglearn
from neurosim.data.imu import FrontEnd
from neurosim.data.imu_scale import choose_scale
from neurosim.data.windows import LEAD_IN, encode_recording, lead_in, resample
from neurosim.errors import InputError
from neurosim.workflows import baselines

PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def recordings():
    return seglearn.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def wrist(folder):
    return data.wrist_imu(cache_folder=folder)


@pytest.fixture(scope="module")
def few(recordings):
    """The first eight seconds of every recording of subjects 1, 2 and 3."""
    chosen = np.flatnonzero(recordings.subjects <= 3)
    return replace(
        recordings,
        signals=tuple(recordings.signals[i][:400] for i in chosen),
        labels=recordings.labels[chosen],
        subjects=recordings.subjects[chosen],
        sides=recordings.sides[chosen],
        digest="few",
    )


def test_the_wrist_recordings_give_3605_windows(wrist):
    parts = [getattr(wrist, part) for part in PARTS]
    assert [len(part) for part in parts] == [2055, 405, 1145]
    assert sum(map(len, parts)) == 3605
    for part in parts:
        assert part.raster.shape == (len(part), 512, 15)
        assert part.raster.dtype == np.uint8
        assert part.raster.max() == 15
        assert len(part.subjects) == len(part.labels)
        assert set(part.labels) == set(range(len(wrist.classes)))


def test_other_signals_under_the_same_digest_are_encoded_by_themselves(few, tmp_path):
    """A name that a caller gives twice proves nothing."""
    split = data.Split(train=(1,), validation=(2,), test=(3,))
    front_end = FrontEnd(scale=0.1)
    louder = replace(few, signals=tuple(2 * signal for signal in few.signals))
    assert louder.digest == few.digest
    encoded = [
        dataset.encode(r, split, front_end=front_end, cache_folder=tmp_path / "shared").train.raster
        for r in (few, louder, few)
    ]
    alone = dataset.encode(louder, split, front_end=front_end, cache_folder=tmp_path / "alone")
    np.testing.assert_array_equal(encoded[1], alone.train.raster)
    np.testing.assert_array_equal(encoded[2], encoded[0])
    assert not np.array_equal(encoded[0], encoded[1])


@pytest.mark.parametrize("name", ["signals", "labels", "subjects", "sides", "classes", "rate_hz"])
def test_the_content_covers_every_field(few, name):
    last = few.signals[-1].copy()
    last[-1, -1] += 1e-9
    changed = {
        "signals": (*few.signals[:-1], last),
        "labels": np.append(few.labels[:-1], 1 - few.labels[-1]),
        "subjects": np.append(few.subjects[:-1], 9),
        "sides": np.append(few.sides[:-1], -1),
        "classes": (*few.classes[:-1], "another"),
        "rate_hz": 2 * few.rate_hz,
    }
    assert replace(few, **{name: changed[name]}).content != few.content
    assert replace(few, digest="other").content == few.content
    assert replace(few, digest="").digest == few.content


def test_parts_share_no_subject(wrist):
    found = [set(getattr(wrist, part).subjects) for part in PARTS]
    assert found == [{1, 2, 3, 4, 5, 6}, {7}, {8, 9, 10}]


def test_every_window_comes_from_its_recording(wrist, recordings):
    subject = np.flatnonzero(recordings.subjects == 7)
    encoded = [encode_recording(recordings.signals[i][:, :3], 50, wrist.front_end) for i in subject]
    row = 0
    for i, events in zip(subject, encoded, strict=True):
        for start in range(0, len(events) - 511, 256):
            np.testing.assert_array_equal(wrist.validation.raster[row], events[start : start + 512])
            assert wrist.validation.labels[row] == recordings.labels[i]
            row += 1
    assert row == len(wrist.validation)


def test_the_scale_comes_from_the_training_subjects_alone(recordings, wrist, folder):
    quiet = replace(
        recordings,
        signals=tuple(
            signal if subject <= 6 else signal * 0
            for signal, subject in zip(recordings.signals, recordings.subjects, strict=True)
        ),
        digest="quiet",
    )
    chosen = data.choose_front_end(quiet, data.WRIST_SPLIT, cache_folder=folder)
    assert chosen == wrist.front_end
    saturated = (wrist.train.raster == 15).mean()
    assert 0.005 < saturated < 0.0125  # asked for 0.01; windows leave out the recordings' ends


@pytest.mark.parametrize("encoder", ["scale", "IAF"])
@pytest.mark.parametrize("saturated", [0.001, 0.02])
def test_the_chosen_scale_saturates_as_often_as_asked(recordings, encoder, saturated):
    signals = [resample(signal[:, :3], 50) for signal in recordings.signals[:12]]
    front_end = FrontEnd(1.0, encoder)
    scale = choose_scale(signals, front_end, saturated=saturated)
    bands = np.concatenate(
        [replace(front_end, scale=scale).filter(lead_in(signal))[LEAD_IN:] for signal in signals]
    )
    found = (np.abs(bands) >= front_end.saturation_level).mean()
    assert 0.6 * saturated < found <= 1.02 * saturated  # two digits; quantisation noise


def test_a_weak_signal_is_not_amplified_beyond_the_input_register():
    weak = np.zeros((400, 3))
    weak[:, 0] = 1e-3 * np.sin(np.arange(400) / 5)
    weak[:, 2] = 1
    scale = choose_scale([weak])
    assert scale == 0.49
    FrontEnd(scale).encode(2 * weak)


@pytest.mark.parametrize(
    ("signals", "saturated", "says"),
    [
        ([], 0.01, "0.0 g"),
        ([np.zeros((50, 3))], 0.01, "0.0 g"),
        ([np.full((50, 3), np.nan)], 0.01, "nan"),
        ([np.ones((50, 3))], 0.01, "move in 1-32 Hz"),
        ([np.ones((50, 3))], 0.0, "fraction"),
        ([np.ones((50, 3))], 1.0, "fraction"),
    ],
)
def test_no_scale_without_movement(signals, saturated, says):
    with pytest.raises(InputError, match=says):
        choose_scale(signals, saturated=saturated)


def test_a_cache_hit_is_identical_and_settings_are_told_apart(few, tmp_path, monkeypatch):
    split = data.by_subject(few.subjects, test=[3], validation=[2])
    first = dataset.encode(few, split, cache_folder=tmp_path)
    files = set(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(dataset, "_encode_all", None)  # a hit needs no encoding
        second = dataset.encode(few, split, cache_folder=tmp_path)
    for part in PARTS:
        a, b = getattr(first, part), getattr(second, part)
        assert a.raster.any()
        np.testing.assert_array_equal(a.raster, b.raster)
        np.testing.assert_array_equal(a.labels, b.labels)
    assert set(tmp_path.iterdir()) == files
    iaf = dataset.encode(few, split, front_end=FrontEnd(0.1, "IAF"), cache_folder=tmp_path)
    assert iaf.train.raster.max() == 1
    assert len(set(tmp_path.iterdir())) == len(files) + 1


def test_a_split_that_names_absent_subjects_is_refused(few, tmp_path):
    with pytest.raises(InputError, match="subject 9 of the split"):
        dataset.encode(few, data.Split((1,), (2,), (9,)), cache_folder=tmp_path)


def test_baselines_beat_chance_on_subjects_they_have_not_seen(few, tmp_path):
    split = data.by_subject(few.subjects, test=[3])
    windows = dataset.encode(few, split, cache_folder=tmp_path)
    found = baselines.classical_baselines(windows, few)
    assert [(b.features, b.classifier) for b in found] == [
        ("event counts", "logistic regression"),
        ("event counts", "random forest"),
        ("band energies", "logistic regression"),
        ("band energies", "random forest"),
    ]
    for baseline in found:
        assert 2 / 7 < baseline.test <= 1  # twice the chance level
        assert np.isnan(baseline.validation)


def test_baselines_refuse_recordings_of_another_data_set(wrist, few):
    with pytest.raises(InputError, match=r"recordings have .* windows where the data set has 2055"):
        baselines.classical_baselines(wrist, few)


def test_a_tone_has_its_energy_in_its_band(few):
    time = np.arange(400) / 50
    tone = np.zeros((400, 6))
    tone[:, 1] = 1 + 0.5 * np.sin(2 * np.pi * 5.6 * time)
    one = replace(few, signals=(tone,), labels=few.labels[:1], subjects=few.subjects[:1])
    energies, labels, _ = baselines.band_energies(one)
    assert len(labels) == 5
    assert (energies.argmax(axis=1) == 5 + 2).all()
    # A tone of 0.5 g in the middle of a band of unit gain: energy 0.5^2 / 2.
    np.testing.assert_allclose(energies[:, 7], 0.125, rtol=0.05)
