"""The homeostat and threshold rules on groups of a Brian2 network that a script has already."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from neurosim import equations, homeostat
from neurosim.analysis.homeostasis import Loop
from neurosim.engines.brian2 import targets
from neurosim.equations import sandbox
from neurosim.errors import InputError

brian2 = pytest.importorskip("brian2")
ms, mV, nA, Hz, second = brian2.ms, brian2.mV, brian2.nA, brian2.Hz, brian2.second

EQUATIONS = """
    dv/dt = (mu - v)/(20*ms) + 4*mV*sqrt(2/(20*ms))*xi : volt
    v_th : volt
    mu : volt (constant)
"""
LOOP = Loop(beta=0.05, gamma=0.004, D=0.001, layers=3, m_r=0.3)


@pytest.fixture
def numpy_target():
    with sandbox.sandbox(target="numpy"):
        brian2.seed(1)
        yield
        sandbox.forget()


def noisy(mean: float, n: int = 40, **options):
    """Return a group as a user writes it, with thresholds that differ."""
    group = brian2.NeuronGroup(
        n,
        EQUATIONS,
        threshold="v > v_th",
        reset="v = -70*mV",
        method="euler",
        dt=1 * ms,
        **options,
    )
    group.v, group.v_th, group.mu = -60 * mV, "-50*mV + 0.02*mV*i", mean * mV
    return group


def network():
    # Brian2 updates groups in the order of their names, and draws numbers in it; names of its own
    # count on from those of groups that Python has not collected yet.
    named = {"a_calm": -56, "b_middling": -53, "c_busy": -50}
    groups = [noisy(mean, name=name) for name, mean in named.items()]
    return brian2.Network(*groups), groups


def state(group) -> tuple:
    return (
        {name: np.array(group.variables[name].get_value()) for name in ("v_th", "mu")},
        list(group.contained_objects),
        dict(group.event_codes),
        set(group.variables),
    )


def assert_restored(group, before: tuple) -> None:
    now = state(group)
    for name, values in before[0].items():
        np.testing.assert_array_equal(now[0][name], values)
    assert now[1:] == before[1:]


def test_rates_of_groups_come_together_and_detach_restores(numpy_target) -> None:
    net, groups = network()
    before = [state(group) for group in groups]
    regulation = homeostat.attach(net, groups=groups, rest=-70 * mV, loop=LOOP)
    net.run(6 * second)
    history = regulation.history
    assert history["rate"].shape == (60, 3)
    assert history["time"][1] == pytest.approx(0.1)
    assert np.isnan(history["rate"]).sum() == 0
    early = np.ptp(np.log(history["rate"][1:6].mean(axis=0)))
    late = np.ptp(np.log(history["rate"][-15:].mean(axis=0)))
    assert early > 0.8
    assert late < 0.5 * early
    assert (np.diff(regulation.scales) > 0).all()
    for group, scale, saved in zip(groups, regulation.scales, before, strict=True):
        expected = -70e-3 + scale * (saved[0]["v_th"] + 70e-3)
        np.testing.assert_allclose(group.v_th_[:], expected, rtol=1e-12)
    regulation.detach()
    for group, saved in zip(groups, before, strict=True):
        assert_restored(group, saved)
    net.run(100 * ms)
    assert len(regulation.history["time"]) == 60
    assert "their mean rate" in repr(regulation)


def test_what_the_unit_senses_is_what_the_group_fired(numpy_target) -> None:
    net, groups = network()
    monitors = [brian2.SpikeMonitor(group) for group in groups]
    net.add(*monitors)
    net.run(130 * ms)  # attached between two runs, and between two ticks
    counted = [monitor.num_spikes for monitor in monitors]
    regulation = homeostat.attach(net, rest=-70 * mV, tick=50 * ms)
    net.run(1 * second)
    history = regulation.history
    length = np.diff(np.concatenate([[0.13], history["time"]]))
    fired = (history["rate"] * length[:, None] * 40).sum(axis=0)
    until = [(m.t_[:] < history["time"][-1] - 1e-9).sum() for m in monitors]
    np.testing.assert_allclose(fired, np.array(until) - counted, rtol=1e-9)


def test_rates_are_held_to_a_band_and_left_alone_inside(numpy_target) -> None:
    net, groups = network()
    wide = homeostat.attach(net, groups, rest=-70 * mV, band=(0.01 * Hz, 1e4 * Hz))
    net.run(1 * second)
    np.testing.assert_array_equal(wide.scales, 1)  # every rate is inside: nothing moves
    alone = wide.history["rate"][1:].mean(axis=0)
    assert alone[0] < 6 < 10 < alone[2]
    wide.detach()
    loop = Loop(beta=0.05, gamma=0.002, D=0.0, layers=3, m_r=0.3, centring=0)
    held = homeostat.attach(net, groups, rest=-70 * mV, band=(7, 8), loop=loop)
    net.run(6 * second)
    rates = held.history["rate"]
    late = rates[-30:].mean(axis=0)
    # Five standard errors of 30 ticks of 40 neurons, a spike count each, and what gamma leaves.
    error = 5 * np.sqrt(late / (30 * 0.1 * 40)) + 0.5
    assert (late > 7 - error).all()
    assert (late < 8 + error).all()
    assert held.band == pytest.approx((7, 8))


def test_parts_of_one_group_are_regulated_and_others_left_alone(numpy_target) -> None:
    model = equations.get("noisy-lif") + equations.get("driven-threshold")
    cells = model.neurons(60, mu="-56*mV + 8*mV*i/N", dt=1 * ms)
    before = np.array(cells.threshold_scale[:])
    regulation = homeostat.attach([cells[:20], cells[20:40]], loop=_two())
    net = brian2.Network(cells)
    net.run(2 * second)
    now = np.array(cells.threshold_scale[:])
    np.testing.assert_array_equal(now[:20], regulation.scales[0])
    np.testing.assert_array_equal(now[20:40], regulation.scales[1])
    np.testing.assert_array_equal(now[40:], 1)
    assert now[0] < 1 < now[20]
    regulation.detach()
    np.testing.assert_array_equal(cells.threshold_scale[:], before)
    with pytest.raises(InputError, match="groups overlap"):
        homeostat.attach([cells[:20], cells[10:40]])


def _two() -> Loop:
    return Loop(beta=0.05, gamma=0.004, D=0.001, layers=2, m_r=0.3)


def test_the_global_gain_follows_the_controllers(numpy_target) -> None:
    net, groups = network()
    regulation = homeostat.attach(net, groups, rest=-70 * mV, gain=True, loop=LOOP)
    with pytest.raises(InputError, match="no tick has passed"):
        regulation.end_epoch(1.0)
    expected, energies = homeostat.GlobalGain(), []
    for epoch in range(4):
        for group in groups:
            group.mu = (-53 + epoch) * mV
        net.run(500 * ms)
        sensed = regulation.history["smoothed"][5 * epoch : 5 * epoch + 5] * 0.1
        energies.append(sensed.mean())
        assert regulation.end_epoch(1.0) == pytest.approx(expected.update(1.0, energies[-1]))
    assert regulation.gain.value > 1.05  # no progress while activity rises


@pytest.mark.parametrize(
    "rule",
    [
        "stochastic-threshold-per-spike",
        "stochastic-threshold-per-step",
        "adapting-threshold",
        pytest.param("homeostatic-threshold", marks=pytest.mark.slow),
        pytest.param("stochastic-threshold", marks=pytest.mark.slow),
        pytest.param("discrete-threshold-per-neuron", marks=pytest.mark.slow),
    ],
)
def test_a_rule_on_a_group_gives_the_spikes_of_the_composition(numpy_target, rule: str) -> None:
    currents = np.linspace(0.2, 0.8, 20) * nA
    brian2.seed(2)
    group = brian2.NeuronGroup(
        20,
        """dv/dt = (-70*mV - v + 100*Mohm*I)/(20*ms) : volt (unless refractory)
        th : volt
        I : amp (constant)""",
        threshold="v > th",
        reset="v = -70*mV",
        refractory=2 * ms,
        method="rk4",
    )
    group.v, group.th, group.I = -70 * mV, -50 * mV, currents
    monitor, net = brian2.SpikeMonitor(group), brian2.Network(group)
    before = (list(group.contained_objects), dict(group.event_codes), set(group.variables))
    attached = homeostat.attach(net, rule=rule, rest="-70*mV")
    net.add(monitor)
    net.run(100 * ms)
    brian2.seed(2)
    model = equations.get("lif") + equations.get(rule)
    composed = model.neurons(20, I=currents, tau_ref=2, method="rk4")
    expected = brian2.SpikeMonitor(composed)
    brian2.Network(composed, expected).run(100 * ms)
    assert expected.num_spikes > 50
    np.testing.assert_array_equal(monitor.t_[:], expected.t_[:])
    np.testing.assert_array_equal(monitor.i[:], expected.i[:])
    attached.detach()
    after = (list(group.contained_objects), dict(group.event_codes), set(group.variables))
    assert after == before
    np.testing.assert_array_equal(group.th_[:], -50e-3)
    net.run(1 * ms)


def test_a_threshold_that_cannot_be_set_is_refused_with_what_to_write(numpy_target) -> None:
    constants = {"vt": -50 * mV}
    fixed = brian2.NeuronGroup(
        2, "dv/dt = -v/ms : volt", threshold="v > vt", reset="v = 0*mV", namespace=constants
    )
    message = r"vt: a constant of the script.*'v_th : volt'.*'v > v_th'.*driven-threshold"
    with pytest.raises(InputError, match=message):
        homeostat.attach([fixed], band=5)
    shared = equations.get("lif").neurons(2)
    with pytest.raises(InputError, match=r"theta_0: shared by all neurons"):
        homeostat.attach([shared], band=5)
    own = equations.get("lif").neurons(2, per_neuron=["theta_0", "E_L"])
    with pytest.raises(InputError, match=r"depends on E_L, theta_0; say which"):
        homeostat.attach([own], band=5)
    with pytest.raises(InputError, match="'v' is a variable with a differential equation"):
        homeostat.attach([own], band=5, variable="v")
    homeostat.attach([own], band=5, variable="theta_0", rest="E_L")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say which potential the threshold 'v_th' counts from"),
        ({"rest": 1.0}, "rest is 1.0; it needs the dimension of 'v_th'"),
        ({"rest": [-70 * mV]}, "rest has 1 values for 3 groups"),
        ({"rest": "0*mV", "tick": 0.25e-4}, "whole number of steps of 0.001 s"),
        ({"rest": "0*mV", "tick": 3 * mV}, r"tick is 3. mV; it is a time"),
        ({"rest": "0*mV", "band": (8, 3)}, "the smaller one first"),
        ({"rest": "0*mV", "band": 3 * mV}, "band is 3. mV; it is a rate"),
        ({"rest": "0*mV", "loop": Loop(0.1, 0.1, 0.1, 2)}, "loop is for 2 layers"),
        ({"rest": "0*mV", "rule": "escape-noise"}, "escape-noise sets no threshold"),
        ({"rest": "0*mV", "rule": "fixed-threshold", "scales": 2}, "no parameter 'scales'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(numpy_target, options, message: str) -> None:
    net, groups = network()
    before = [state(group) for group in groups]
    with pytest.raises(InputError, match=message):
        homeostat.attach(net, groups, **options)
    for group, saved in zip(groups, before, strict=True):
        assert_restored(group, saved)


def test_groups_that_do_not_fit_are_refused(numpy_target) -> None:
    net, groups = network()
    other = noisy(-50)
    with pytest.raises(InputError, match="is not in the network, which holds"):
        homeostat.attach(net, [*groups, other], rest=0 * mV)
    with pytest.raises(InputError, match="one group has no others"):
        homeostat.attach(net, groups[:1], rest=0 * mV)
    with pytest.raises(InputError, match="named twice"):
        homeostat.attach(net, [groups[0], groups[0]], rest=0 * mV)
    with pytest.raises(InputError, match="network is int"):
        homeostat.attach(3)
    first = homeostat.attach(net, groups, rest=0 * mV)
    with pytest.raises(InputError, match="is regulated already"):
        homeostat.attach(net, groups, rest=0 * mV)
    first.detach()


def test_no_torch_is_loaded_for_a_network_of_brian2() -> None:
    code = (
        "import sys, neurosim as ns\n"
        "brian2 = ns.equations.sandbox.load()\n"
        "brian2.prefs.codegen.target = 'numpy'\n"  # Cython would be tried first: ten seconds
        "group = (ns.equations.get('lif') + ns.equations.get('driven-threshold')).neurons(3)\n"
        "ns.homeostat.attach([group], band=5)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_program_regulates_as_the_runtime_does() -> None:
    """The controller is Brian2 code; brian2's C++ draws the numbers that numpy does."""
    histories = []
    for target in ("numpy", "cpp_standalone"):
        with targets.session(target) as run:
            brian2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-ffp-contract=off"]
            brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
            brian2.seed(3)
            net, groups = network()
            regulation = homeostat.attach(net, groups, rest=-70 * mV, loop=LOOP)
            run(net, 1 * second)
            histories.append(regulation.history)
    for name in histories[0]:
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-9)
