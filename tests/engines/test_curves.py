"""f-I curves, pictures and short texts of what was simulated."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from neurosim import equations
from neurosim.engines.brian2 import f_i_curve, simulate
from neurosim.errors import InputError

matplotlib.use("agg")


def test_the_curve_of_the_lif_is_the_known_one() -> None:
    currents = np.linspace(0.1, 0.6, 11)
    curve = f_i_curve("lif", currents, duration=6.0, start=1.0, dt=1e-5)
    drive = 100 * currents  # mV
    theory = np.zeros(11)
    above = drive > 20 + 1e-9
    theory[above] = 1 / (20e-3 * np.log(drive[above] / (drive[above] - 20)))
    # One spike in five seconds; a spike is seen a step late, 1e-5 s of at least 8 ms.
    np.testing.assert_allclose(curve.rates, theory, rtol=2e-3, atol=0.2)
    np.testing.assert_allclose(curve.errors, 0.2)
    assert curve.window == pytest.approx(5.0)
    assert "11 inputs I 0.1..0.6 nA" in repr(curve)
    data = curve.to_xarray()
    assert data["rate"].attrs["units"] == "1/s"
    assert data["I"].attrs["units"] == "nA"


def test_random_neurons_have_trials_and_quantities_are_taken() -> None:
    brian2 = pytest.importorskip("brian2")
    currents = [-50, -45] * brian2.mV
    curve = f_i_curve("noisy-lif", currents, duration=2.0, start=0.5, seed=1)
    np.testing.assert_allclose(curve.inputs, [-50, -45])
    again = f_i_curve("noisy-lif", [-50, -45], duration=2.0, start=0.5, seed=1, trials=10)
    np.testing.assert_array_equal(curve.rates, again.rates)
    assert (curve.errors > 0).all()
    assert (curve.errors < curve.rates).all()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("lif", {"currents": [[1.0]]}, r"currents have shape \(1, 1\)"),
        ("lif", {"currents": [1.0], "start": 20}, "start is 20 s; it lies in 0..10 s"),
        ("lif", {"currents": [1.0], "parameter": "J"}, "no parameter 'J'"),
        ("lif", {"currents": [1.0], "trials": 0}, "trials is 0"),
        ("homeostat", {"currents": [1.0]}, "homeostat: which input.*are: none"),
        ("global-gain", {"currents": [1.0]}, "are: loss, energy"),
    ],
)
def test_curves_that_cannot_be_are_refused(model: str, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        f_i_curve(model, **options)


def test_a_simulation_is_drawn_and_says_what_it_is() -> None:
    options = {"n": 30, "duration": 0.2, "seed": 1, "inputs": {"I": np.linspace(0.2, 0.6, 30)}}
    result = simulate("lif", record=("v", "theta"), **options)
    text = repr(result)
    assert "Simulation of lif: 30 neurons, 0.2 s in steps of 0.1 ms" in text
    assert len(text) < 200
    panels = result.plot()
    assert [panel.get_ylabel() for panel in panels] == ["neuron", "v (mV)", "theta (mV)"]
    raster = panels[0].lines[0]
    np.testing.assert_array_equal(raster.get_xdata(), result.spike_times)
    np.testing.assert_array_equal(raster.get_ydata(), result.spike_neurons)
    middle = panels[1].lines[0].get_ydata()
    np.testing.assert_allclose(middle, 1e3 * np.median(result.traces["v"], axis=1))
    few = simulate("lif", record=("v",), watch=[0, 3], **options).plot(panels[:2])
    assert few[0] is panels[0]
    curve = f_i_curve("lif", [0.1, 0.3], duration=2.0).plot()
    assert (curve.get_xlabel(), curve.get_ylabel()) == ("I (nA)", "rate (1/s)")
    matplotlib.pyplot.close("all")


def test_declarations_and_the_catalogue_have_a_short_text_and_a_picture() -> None:
    model = equations.get("lif") + equations.get("fixed-threshold")
    assert repr(model).startswith("Declaration lif + fixed-threshold (E_L, theta_0, ")
    assert repr(model).endswith("open for current, condition)")
    assert "fills threshold" in repr(equations.get("fixed-threshold"))
    assert repr(equations.catalogue()).startswith("Catalogue of ")
    axes = model.plot()
    assert len(axes) == 4
    matplotlib.pyplot.close("all")


FILE = """
from brian2 import Mohm, mV, ms, nA
from neurosim.equations import Declaration, Parameter, from_brian2, get
shipped = get("lif")
rule = Declaration(
    name="slow-threshold", meaning="A threshold scale that relaxes.", reference="",
    equations="dthreshold_scale/dt = (1 - threshold_scale)/tau_slow : 1",
    parameters={"tau_slow": Parameter(50.0, "ms", "relaxation")},
    initial={"threshold_scale": "1.5"}, fills="threshold",
)
neurons = (from_brian2(
    "dv/dt = (E - v + R*J)/zeta : volt", threshold="v > S", reset="v = E", rest="E",
    namespace={"E": -65*mV, "R": 80*Mohm, "J": 0*nA, "zeta": 12*ms, "S": -50*mV},
    inputs=["J"], initial={"v": "E"}, name="mine",
),)
"""


def test_a_file_of_ones_own_is_read_and_drawn(tmp_path) -> None:
    from typer.testing import CliRunner

    from neurosim.cli import app

    file = tmp_path / "my_rule.py"
    file.write_text(FILE)
    assert list(equations.from_file(file)) == ["slow-threshold", "mine"]
    done = CliRunner().invoke(app, ["equations", str(file)])
    assert done.exit_code == 0, done.output
    assert "slow-threshold: A threshold scale" in done.output
    assert "J = 0 nA  # may change in time" in done.output
    assert "composes with" in done.output
    file.write_text(FILE + "rule = None\n")  # one model: the picture has the name asked for
    done = CliRunner().invoke(app, ["equations", str(file), str(tmp_path / "p.svg"), "--plot"])
    assert done.exit_code == 0, done.output
    assert "<svg" in (tmp_path / "p.svg").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1", "declares no model"), ("1/0", "ZeroDivisionError"), (None, "no such file")],
)
def test_files_without_a_model_are_refused(tmp_path, text: str | None, message: str) -> None:
    file = tmp_path / "my_rule.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=message):
        equations.from_file(file)
