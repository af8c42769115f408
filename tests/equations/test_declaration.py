"""Declarations: what is refused, what composes, what the catalogue says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neurosim import equations
from neurosim.equations import Declaration, Parameter, dimensions, registry
from neurosim.errors import InputError

MODELS = equations.declarations()


def declare(**changes) -> Declaration:
    fields = {
        "name": "test",
        "meaning": "A leak.",
        "equations": "dv/dt = (E - v)/tau : volt",
        "parameters": {
            "tau": Parameter(10.0, "ms", "time constant"),
            "E": Parameter(-70.0, "mV", "rest"),
        },
        "reference": "none",
    }
    return Declaration(**{**fields, **changes})


def test_a_sound_declaration_is_accepted() -> None:
    assert declare().variables == ("v",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"equations": "dv/dt = E - v*tau/tau : volt"}, "does not have the expected unit"),
        ({"equations": "dv/dt = (E - v + 1)/tau : volt"}, "do not fit"),
        ({"equations": "dv/dt = (E - v + x)/tau : volt"}, "x"),
        ({"equations": "dv/dt = (E - v)/tau"}, "do not fit"),
        ({"threshold": "v > 3"}, "do not fit"),
        ({"threshold": "v > E", "reset": "v = 1"}, "expected unit"),
        ({"step": {"a": "v = tau"}}, "expected unit"),
        ({"step": {"a": "v = q"}}, "q"),
        ({"initial": {"v": "tau"}}, "do not fit"),
        ({"synapse": "w : amp", "events": {"receive": "v_post += w"}}, "inconsistent units"),
    ],
)
def test_equations_that_do_not_fit_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        declare(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Big Name"}, "lower-case"),
        ({"slots": ("nose",)}, "slot 'nose'"),
        ({"fills": "nose"}, "slot 'nose'"),
    ],
)
def test_malformed_names_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        declare(**changes)


def test_parameters_are_declared_once_and_used() -> None:
    tau, rest = Parameter(10.0, "ms", ""), Parameter(-70.0, "mV", "")
    with pytest.raises(InputError, match="'v' is a variable too"):
        declare(parameters={"tau": tau, "E": rest, "v": rest})
    with pytest.raises(InputError, match="'idle' is never used"):
        declare(parameters={"tau": tau, "E": rest, "idle": rest})
    with pytest.raises(InputError, match=r"outside its bounds 0\.\.1"):
        Parameter(2.0, "1", "", 0, 1)
    with pytest.raises(InputError, match="'mq' is not known"):
        declare(parameters={"tau": tau, "E": Parameter(1.0, "mq", "")})


def test_an_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(InputError, match=r"no model is named 'lift'.*lif, lif-exponential"):
        equations.get("lift")


def test_a_doubled_name_is_refused_with_the_list() -> None:
    known = dict(MODELS)
    with pytest.raises(InputError, match=r"'lif' is declared twice.*adex"):
        registry.register(known, declare(name="lif"))


def test_a_text_found_right_is_checked_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dimensions, "_memory", lambda: tmp_path / "checked.txt")
    calls = []
    check = dimensions._check_with_brian2
    monkeypatch.setattr(
        dimensions, "_check_with_brian2", lambda model: (calls.append(model.name), check(model))
    )
    for _ in range(3):
        declare()
    assert calls == ["test"]
    with pytest.raises(InputError):
        declare(threshold="v > 3")
    with pytest.raises(InputError):  # what was found wrong is never remembered
        declare(threshold="v > 3")
    assert len(calls) == 3


def test_a_damaged_memory_of_texts_is_read_as_far_as_it_goes(tmp_path, monkeypatch) -> None:
    (tmp_path / "checked.txt").write_bytes(b"\xff\xfe\0noise\n" * 3)
    monkeypatch.setattr(dimensions, "_memory", lambda: tmp_path / "checked.txt")
    assert declare().name == "test"


def test_known_models_load_without_brian2() -> None:
    equations.declarations()  # all checked, and remembered
    script = (
        "import sys; from neurosim import equations; print(equations.catalogue());"
        "assert 'brian2' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_model_says_what_a_reader_must_know() -> None:
    assert len(MODELS) >= 30
    for model in MODELS.values():
        assert model.meaning.endswith("."), model.name
        assert "doi:" in model.reference or "AHSAR" in model.reference, model.name
        for name, parameter in model.parameters.items():
            assert parameter.meaning, f"{model.name}.{name}"


def test_the_catalogue_lists_all_and_pages_describe_them() -> None:
    table = equations.catalogue().markdown()
    for name, model in MODELS.items():
        assert f"| {name} |" in table
        page = equations.describe(name)
        assert model.meaning in page
        assert model.reference in page
        for parameter in model.parameters:
            assert f"{parameter} = " in page
        for line in model.equations.strip().splitlines():
            assert line.strip() in page


def test_a_page_names_the_rules_that_fit() -> None:
    assert "escape-noise" in equations.describe("lif")
    assert "escape-noise" not in equations.describe("adex")
    assert "lif, " in equations.describe("escape-noise")


# --- composition ------------------------------------------------------------------------------


def test_a_neuron_takes_one_fragment_for_each_open_slot() -> None:
    model = MODELS["lif"] + MODELS["stochastic-threshold-per-spike"] + MODELS["ou-current"]
    assert model.name == "lif + stochastic-threshold-per-spike + ou-current"
    assert model.slots == ("condition",)
    assert {"low", "high", "tau_noise"} <= set(model.parameters)
    assert "draw = rand()" in model.reset
    assert model.complete_equations.count("threshold_scale =") == 1


def test_the_order_of_composition_does_not_change_the_equations() -> None:
    one = MODELS["lif"] + MODELS["ou-current"] + MODELS["escape-noise"]
    other = MODELS["lif"] + MODELS["escape-noise"] + MODELS["ou-current"]
    assert set(one.equations.split("\n")) == set(other.equations.split("\n"))
    assert one.threshold == other.threshold == MODELS["escape-noise"].threshold


@pytest.mark.parametrize(
    ("neuron", "fragment", "message"),
    [
        ("lif", "adex", "adex fills no slot"),
        ("escape-noise", "fixed-threshold", "escape-noise is no neuron"),
        ("adex", "escape-noise", "it fills the slot 'condition', open are: threshold, current"),
        ("lif", "step-noise", "open are: threshold, current, condition"),
        ("xylo", "fixed-threshold", "open are: none"),
    ],
)
def test_what_does_not_fit_is_refused(neuron: str, fragment: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MODELS[neuron] + MODELS[fragment]


def test_a_filled_slot_is_closed_and_names_must_not_clash() -> None:
    model = MODELS["lif"] + MODELS["fixed-threshold"]
    with pytest.raises(InputError, match="open are: current, condition"):
        model + MODELS["adapting-threshold"]
    clashing = declare(
        equations="threshold_scale = tau : 1",
        parameters={"tau": Parameter(1.0, "1", "scale")},
        fills="threshold",
    )
    with pytest.raises(InputError, match="both use 'tau'"):
        MODELS["lif"] + clashing
    needy = declare(
        equations="threshold_scale = gain*depth : 1",
        parameters={"gain": Parameter(1.0, "1", "gain")},
        needs={"depth": "1"},
        fills="threshold",
    )
    with pytest.raises(InputError, match="lif has no 'depth'"):
        MODELS["lif"] + needy
