"""Rockpool behaves as ever where neurosim imported it without what it probes for."""

import json
import os
import subprocess
import sys

import pytest

HELD_BACK = ("brian2", "matplotlib", "scipy.signal", "scipy.interpolate")
USE = f"""
import json, sys, warnings
%s
held = [name for name in {HELD_BACK} if name in sys.modules]
warnings.simplefilter("ignore")
import numpy as np
from rockpool import TSContinuous
from rockpool.nn.modules import ExpSyn
from rockpool.nn.modules.native import filter_bank
from rockpool.utilities.backend_management import backend_available
series = TSContinuous(np.arange(5) * 0.1, np.arange(5.0) ** 2)
results = [series(0.25).tolist(), type(series.interp).__module__]
synapse = ExpSyn(2, tau=0.02, dt=0.001)
results += [synapse(np.eye(2)[None].repeat(3, 1))[0].tolist()]
sections = filter_bank.butter(2, (0.2, 0.4), btype="bandpass", output="sos")
results += [filter_bank.sosfilt(sections, np.sin(np.arange(50.0))).tolist()]
import matplotlib
matplotlib.use("agg")
results += [len(series.plot()), rockpool.timeseries.get_global_ts_plotting_backend()]
results += [backend_available("brian2"), backend_available("brian")]
from rockpool.utilities.timedarray_shift import TimedArray
import brian2
brian2.prefs.codegen.target = "numpy"
array = TimedArray(np.arange(3.0), dt=1 * brian2.ms)
results += [float(array(1.5 * brian2.ms))]
group = brian2.NeuronGroup(2, "dv/dt = 1 / (10 * ms) : 1", method="euler")
brian2.run(1 * brian2.ms)
results += [group.v[:].tolist()]
print(json.dumps([held, results]))
"""


KEPT = """
import importlib, json, sys
before = importlib.import_module(%r)
import neurosim.snn.rockpool_modules
print(json.dumps(sys.modules[%r] is before))
"""
# Half the time of an interpreter goes into loading torch: one does it for all.
IN_CHILDREN = f"""
import json, os, sys
import torch
assert not [name for name in ("rockpool", *{HELD_BACK}) if name in sys.modules]
for code in json.load(sys.stdin):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        exec(code, {{}})
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, code
"""


@pytest.fixture(scope="module")
def printed():
    """What each piece of code prints, as JSON, in a process that has loaded torch alone."""
    codes = [
        USE % "import rockpool, neurosim.snn.rockpool_modules as _; import rockpool",
        USE % "import neurosim.snn.rockpool_modules; import rockpool",
        *(KEPT % (name, name) for name in HELD_BACK),
    ]
    done = subprocess.run(
        [sys.executable, "-c", IN_CHILDREN], input=json.dumps(codes), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_held_back_comes_when_it_is_needed_and_results_are_the_same(printed):
    (held, ours), (later, after), *_ = printed
    assert set(held) == set(HELD_BACK)  # rockpool was imported first, as by anybody
    assert later == []
    assert after == ours


def test_what_was_loaded_before_stays_the_same_module(printed):
    assert dict(zip(HELD_BACK, printed[2:], strict=True)) == dict.fromkeys(HELD_BACK, True)


def test_a_package_that_rockpool_loads_whole_is_whole(tmp_path):
    """sinabs needs all of matplotlib while rockpool is imported; a half loaded one stays broken."""
    package = tmp_path / "sinabs"
    (package / "layers").mkdir(parents=True)
    (package / "__init__.py").write_text("from . import layers\nimport pylab\n")
    (package / "layers" / "__init__.py").write_text("")
    code = "import neurosim.snn.rockpool_modules, sinabs.layers; sinabs.layers; sinabs.pylab"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
