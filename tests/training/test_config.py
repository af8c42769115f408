"""Settings of a run: presets, files, and what bad ones get."""

import json

import pytest

from neurosim.errors import InputError
from neurosim.training import config


def test_presets_differ_in_the_threshold_alone():
    fixed, aspen = config.load("fixed"), config.load("aspen")
    assert fixed.threshold == (1.0, 1.0)
    assert aspen.threshold[0] < aspen.threshold[1]
    assert fixed.model_copy(update={"threshold": aspen.threshold}) == aspen


def test_a_file_says_what_differs_and_keywords_come_last(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 7\nthreshold = [0.5, 2.0]\n")
    loaded = config.load(path, epochs=9)
    assert (loaded.epochs, loaded.threshold) == (9, (0.5, 2.0))
    assert loaded.hidden == config.TrainConfig().hidden


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rte": 1e-3}, "did you mean 'learning_rate'?"),
        ({"quux": 1}, "key 'quux' is unknown; known: task, net, method"),
        ({"net": "vgg13"}, "net 'vgg13' is for images"),
        ({"task": "digits", "net": "layered"}, "net 'layered' is for task 'imu'"),
        ({"task": "digits", "net": "synnet"}, "net 'synnet' is for task 'imu'"),
        ({"method": "rate"}, "method 'rate' needs an image task"),
        ({"target_rate": 0.1}, "target_rate 0.1 is for common_mode"),
        ({"warm_up": 40}, "warm_up 40 must be fewer than 40 epochs"),
        ({"optimiser": "adan"}, r"optimiser: .*'adam', 'adamw' or 'sgd' \(got 'adan'\)"),
        ({"threshold": (1.5, 1.0)}, r"threshold \(1.5, 1.0\) must be 0 < low <= high"),
        ({"threshold": (0.0, 1.0)}, r"threshold \(0.0, 1.0\) must be 0 < low <= high"),
        ({"threshold": 1.0}, r"threshold.*\(got 1.0\)"),
        ({"gain_spread": (-0.1, 0, 0)}, "gain_spread .* must lie in 0..10"),
        ({"hidden": ()}, "hidden .* must be 1 to 100 layers"),
        ({"decay_shifts": (0, 2)}, "decay_shifts .* 1..15"),
        ({"epochs": 0}, r"epochs.*greater than or equal to 1 \(got 0\)"),
    ],
)
def test_a_bad_setting_is_named(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        config.load("aspen", **changes)
    assert str(caught.value).startswith("aspen: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", config.TrainConfig.model_fields)
def test_numbers_have_a_largest_value_and_exact_types(name):
    """10^20 threads crashed torch; true was taken for 1, and "8" for 8."""
    kinds = str(config.TrainConfig.model_fields[name].annotation)
    if "int" not in kinds and "float" not in kinds:
        pytest.skip("is a choice or a switch")
    for value in (10**400, -(10**400), 1e308, True, "8"):
        changes = (value,) if "tuple[int" in kinds else value
        changes = (value,) * kinds.count("float") if "tuple[float" in kinds else changes
        with pytest.raises(InputError, match=name):
            config.load("aspen", **{name: changes})


def test_files_of_settings_are_bounded(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("a" + ".a" * 100_000 + " = 1\n")  # read in a time that grows with its square
    with pytest.raises(InputError, match="at most 65,536 are read"):
        config.load(path)
    for text in ("seed = " + "9" * 5000, "hidden = " + "[" * 20_000 + "]" * 20_000, "preset = 3"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"mine\.toml: "):
            config.load(path)


def test_a_missing_file_lists_the_presets(tmp_path):
    with pytest.raises(InputError, match="neither a file nor a preset; known: fixed, aspen"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(InputError, match="did you mean 'ahsar-digits'"):
        config.load("ahsar-digit")


def test_a_file_may_start_from_a_preset(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "ahsar-digits"\nsteps = 8\n')
    loaded = config.load(path)
    assert (loaded.task, loaded.steps, loaded.homeostat) == ("digits", 8, True)
    path.write_text('preset = "aspn"')
    with pytest.raises(InputError, match=r"preset is 'aspn'; did you mean 'aspen'\?"):
        config.load(path)


@pytest.mark.parametrize("name", config.PRESETS)
def test_every_preset_is_valid_and_knows_its_net(name):
    loaded = config.load(name)
    assert loaded.architecture == ("layered" if loaded.task == "imu" else "small-vgg")
    assert loaded.homeostat == name.startswith("ahsar")


def test_the_folder_of_a_run_is_a_source(tmp_path):
    loaded = config.load("ahsar-imu", seed=4)
    (tmp_path / "config.json").write_text(json.dumps(loaded.model_dump(mode="json")))
    assert config.load(tmp_path) == loaded
    assert config.load(tmp_path, epochs=3) == loaded.model_copy(update={"epochs": 3})
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match="no folder of a run"):
        config.load(tmp_path)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("epochs : 3")
    with pytest.raises(InputError, match=r"bad\.toml: .*not a readable TOML file"):
        config.load(path)
