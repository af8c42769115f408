"""Brian2 belongs to the process: what a user, a signal or a thread does to it changes no result."""

from __future__ import annotations

import gc
import logging
import signal
import subprocess
import sys

import numpy as np
import pytest

from neurosim import equations
from neurosim.engines.brian2 import objects, simulate
from neurosim.engines.brian2.population_source import files
from neurosim.equations import dimensions, sandbox
from neurosim.errors import InputError

brian2 = pytest.importorskip("brian2")

OPTIONS = {
    "n": 3,
    "duration": 0.02,
    "parameters": {"tau_ref": 1.05},
    "inputs": {"I": np.linspace(0.3, 2, 3)},
    "record": ("v",),
    "seed": 1,
}

DOES_NOT_FIT = {"name": "unitless", "meaning": "A neuron whose equation names no unit."} | {
    "equations": "dv/dt = -v/(5*ms)",
    "threshold": "v > 1",
    "reset": "v = 0",
    "parameters": {},
    "reference": "",
}


@pytest.fixture
def other_preferences():
    """Preferences that change what Brian2 generates and runs; as they were afterwards."""
    before = dict(brian2.prefs.prefs)
    brian2.prefs.core.default_float_dtype = np.float32
    brian2.prefs.core.default_integer_dtype = np.int64
    brian2.prefs.legacy.refractory_timing = True
    brian2.prefs.codegen.loop_invariant_optimisations = False
    brian2.prefs.core.network.default_schedule = [
        "start",
        "resets",
        "synapses",
        "thresholds",
        "groups",
        "end",
    ]
    brian2.prefs.codegen.target = "cython"
    brian2.defaultclock.dt = 0.7 * brian2.ms
    yield dict(brian2.prefs.prefs)
    brian2.prefs.prefs.update(before)
    brian2.defaultclock.dt = 0.1 * brian2.ms


def test_preferences_of_the_user_change_nothing_and_stay(other_preferences) -> None:
    model = equations.get("lif")
    shifted = simulate("lif", target="numpy", **OPTIONS)
    text = files(model, ())
    assert brian2.prefs.prefs == other_preferences
    assert float(brian2.defaultclock.dt) == 0.7e-3
    brian2.prefs.reset_to_defaults()
    expected = simulate("lif", target="numpy", **OPTIONS)
    assert len(expected.spike_steps) > 5
    np.testing.assert_array_equal(shifted.spike_steps, expected.spike_steps)
    np.testing.assert_array_equal(shifted.traces["v"], expected.traces["v"])
    assert files(model, ()) == text


def test_the_session_of_the_user_is_as_it_was(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(brian2.prefs.prefs, "codegen.target", "numpy")
    device = brian2.get_device()
    members = brian2.NeuronGroup(2, "dx/dt = -x/ms + xi/sqrt(ms) : 1", method="euler")
    network = brian2.Network(members)
    brian2.seed(3)
    network.run(1 * brian2.ms)
    random = np.random.get_state()[1].copy()  # noqa: NPY002 (what Brian2 draws from)
    simulate("lif", target="numpy", **OPTIONS)
    files(equations.get("lif"), ())
    model = equations.get("lif")
    monkeypatch.setattr(dimensions, "folder", lambda: tmp_path)  # nothing is known: Brian2 checks
    dimensions.check(model)
    assert brian2.get_device() is device
    assert np.asarray(brian2.defaultclock.t_) == network.t_ == 1e-3
    np.testing.assert_array_equal(np.random.get_state()[1], random)  # noqa: NPY002
    assert len(logging.getLogger("brian2").handlers) > 0


def groups_alive():
    return {id(it) for it in gc.get_objects() if type(it) is brian2.NeuronGroup}


def test_collections_of_garbage_are_as_they_were_and_nothing_is_left(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(dimensions, "folder", lambda: tmp_path)  # nothing is known: Brian2 checks
    assert gc.get_freeze_count() < 1000
    before = groups_alive()
    with pytest.raises(InputError, match="do not fit"):
        equations.Declaration(**DOES_NOT_FIT)
    assert groups_alive() <= before
    dimensions.check(equations.get("lif"))
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        dimensions.check(equations.get("qif"))
        assert gc.get_freeze_count() > 1000, "what the user froze stays frozen"
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("stop", ["Ctrl-C", "brian2.stop()"])
def test_a_run_that_is_stopped_gives_no_result(monkeypatch, stop) -> None:
    build = objects.build

    def build_and_stop(plan):
        made = build(plan)

        def act() -> None:
            if np.asarray(made.neurons.clock.t_) >= 5e-3:
                if stop == "Ctrl-C":
                    signal.raise_signal(signal.SIGINT)
                else:
                    brian2.stop()

        operation = brian2.NetworkOperation(act, clock=made.neurons.clock)
        made.inputs.append(operation)
        return made

    monkeypatch.setattr(objects, "build", build_and_stop)
    # A test run in the background ignores Ctrl-C, and Brian2 hands it on to whatever was there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            simulate("lif", target="numpy", **OPTIONS)
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    assert simulate("lif", target="numpy", **OPTIONS).steps == 200
    assert brian2.prefs.core.stop_on_keyboard_interrupt


def test_the_first_run_may_be_in_a_thread_of_a_process_that_ignores_ctrl_c() -> None:
    script = (
        "import signal, threading\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from neurosim.engines.brian2 import simulate\n"
        "steps = []\n"
        "def work():\n"
        "    steps.append(simulate('lif', duration=0.01, target='numpy').steps)\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start(); thread.join()\n"
        "signal.raise_signal(signal.SIGINT)\n"
        "print(steps)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[100]", done.stderr


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(monkeypatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.delitem(sys.modules, "brian2")

    def install():
        signal.signal(signal.SIGINT, lambda *_: None)
        return brian2

    monkeypatch.setattr(sandbox, "_brian2", install)
    try:
        assert sandbox.load() is brian2
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
