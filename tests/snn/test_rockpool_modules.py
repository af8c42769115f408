"""Rockpool behaves as ever where neurosim imported it without what it probes for."""

import json
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


KEPT = f"""
import importlib, json, sys
before = [importlib.import_module(name) for name in {HELD_BACK}]
import neurosim.snn.rockpool_modules
print(json.dumps([sys.modules[name] is module for name, module in zip({HELD_BACK}, before)]))
"""
WHOLE = """
import json, sys
sys.path.insert(0, %r)
import neurosim.snn.rockpool_modules, sinabs.layers
print(json.dumps([hasattr(sinabs, "layers"), hasattr(sinabs, "pylab")]))
"""
# Most of the time goes into loading what is not held back: one process does it for all.
IN_CHILDREN = f"""
import json, os, sys
import Cython.Build, dateutil.parser, jinja2, numba, PIL.Image, pyparsing, pytest, sympy, torch
import scipy.ndimage, scipy.optimize, scipy.sparse, scipy.special
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
def printed(tmp_path_factory):
    """What each piece of code prints, as JSON, in a process that has loaded nothing held back."""
    codes = [
        USE % "import rockpool, neurosim.snn.rockpool_modules as _; import rockpool",
        USE % "import neurosim.snn.rockpool_modules; import rockpool",
        KEPT,
        WHOLE % sinabs(tmp_path_factory.mktemp("packages")),
    ]
    done = subprocess.run(
        [sys.executable, "-c", IN_CHILDREN], input=json.dumps(codes), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def sinabs(folder):
    """Write a package that needs all of matplotlib while rockpool is imported, as sinabs does."""
    package = folder / "sinabs"
    (package / "layers").mkdir(parents=True)
    (package / "__init__.py").write_text("from . import layers\nimport pylab\n")
    (package / "layers" / "__init__.py").write_text("")
    return str(folder)


def test_what_is_held_back_comes_when_it_is_needed_and_results_are_the_same(printed):
    (held, ours), (later, after), *_ = printed
    assert set(held) == set(HELD_BACK)  # rockpool was imported first, as by anybody
    assert later == []
    assert after == ours


def test_what_was_loaded_before_stays_the_same_module(printed):
    assert printed[2] == [True] * len(HELD_BACK)


def test_a_package_that_rockpool_loads_whole_is_whole(printed):
    """A half loaded one stays broken."""
    assert printed[3] == [True, True]
