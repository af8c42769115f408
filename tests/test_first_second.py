"""What commands load before they answer, and what neurosim leaves as it is in a process.

By the names of loaded modules, each in a process of its own; no clock decides.
"""

import json
import subprocess
import sys

import pytest

from neurosim import data
from neurosim.commands import NAMES

HEAVY = ("torch", "brian2", "rockpool", "matplotlib")

COMMANDS = f"""
import importlib, json, os, sys
import numpy, pydantic.type_adapter, rich.panel
from neurosim import cli, data, equations, figures, formats, report, run, studies, training
for name in {NAMES}:
    importlib.import_module("neurosim.commands." + name)
for line in sys.stdin:
    arguments, *files = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, file in enumerate(files, start=1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
        sys.argv[1:] = arguments
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code
        print(json.dumps([status, [name for name in {HEAVY} if name in sys.modules]]), flush=True)
        sys.stderr.flush()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Run commands in children of a process that has loaded what they may: nothing heavy.

    That process has loaded the command line, all commands and light rooms, once for all; were one
    of them heavy, every command would be.
    """
    folder = tmp_path_factory.mktemp("printed")
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", COMMANDS], **pipe) as process:

        def run(*arguments):
            """Return the status and what heavy modules are loaded, and the errors printed."""
            printed, errors = (folder / name for name in ("printed", "errors"))
            for file in (printed, errors):
                file.write_text("")
            process.stdin.write(json.dumps([[*arguments], str(printed), str(errors)]) + "\n")
            process.stdin.flush()
            ended = process.stdout.readline()
            assert ended == "0\n", errors.read_text()
            return json.loads(printed.read_text().splitlines()[-1]), errors.read_text()

        yield run
        process.stdin.close()


def python(code, *arguments):
    """Return what a process prints last, as JSON, and its errors."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Return wrong files and folders by the names that the cases below use."""
    root = tmp_path_factory.mktemp("wrong")
    (root / "EMPTY").mkdir()
    (root / "KEY.toml").write_text("epocs = 3\n")
    (root / "VALUE.toml").write_text('preset = "aspen"\nepochs = "many"\n')
    (root / "BASE.toml").write_text('preset = "aspn"\n')
    (root / "JUNK.json").write_text("no JSON")
    (root / "JUNK.safetensors").write_text("junk")
    return root


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_loads_nothing_heavy(name, command):
    (status, loaded), _ = command(*filter(None, [name]), "--help")
    assert (status, loaded) == (0, [])


REFUSED = {
    "demo --seed -1": "--seed",
    "train aspn": "did you mean 'aspen'?",
    "train @KEY.toml": "did you mean 'epochs'?",
    "train @VALUE.toml": "epochs",
    "train @BASE.toml": "did you mean 'aspen'?",
    "train @EMPTY": "holds no config.json",
    "train aspen --epochs 0": "--epochs",
    "deploy @NONE": "no such file or folder",
    "deploy @EMPTY": "give a demo folder, a run",
    "deploy @JUNK.json": "damaged",
    "deploy @NONE --chip xylo": "--chip",
    "verify": "TARGET",
    "verify @NONE": "no such file or folder",
    "verify @JUNK.safetensors": "damaged",
    "verify @NONE --against brain2": "engine 'brain2' is not known",
    "verify --fuzz 0": "--fuzz",
    "sweep @NONE": "no such file",
    "sweep @NONE --lead 0": "lead is 0",
    "predict @NONE @JUNK.json": "no such file",
    "predict @EMPTY @JUNK.json --out labels.txt": ".csv or .json",
    "loihi @NONE": "no such file",
    "equations lff": "'lff'",
    "figures aspen": "'aspen'",
    "study aspen": "'aspen'",
    "claims --paper aspn": "'aspn'",
    "analyse net": "analyse network RUN",
    "analyse network @NONE": "no such file",
    "data lst": "data list",
    "data check uci": "'uci'",
    "data look": "data look FILE",
    "data look @JUNK.json": ".json is not read",
    "data look @JUNK.json --channels band": "channels",
    "energy @NONE": "no such file",
    "governor @NONE": "no such file",
    "bench trian_step": "'trian_step'",
    "doctor cache": "--clear-cache cache",
    "trian aspen": "trian",
    "train aspen --epoch 3": "--epoch",
    "train aspen --rate 50": "give --data",
    "train aspen --data @JUNK.json --window -1": "data.window_s",
}
"""What is wrong, and a part of the message; @ stands for the folder of wrong files."""


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_wrong_is_said_before_anything_heavy_loads(words, places, command):
    arguments = [word.replace("@", f"{places}/") for word in words.split()]
    (status, loaded), errors = command(*arguments)
    assert (status, loaded) == (2, [])
    assert REFUSED[words] in errors


def test_every_command_has_a_case_of_wrong_arguments():
    assert {words.split()[0] for words in REFUSED} >= set(NAMES)


def test_a_wrong_preset_is_refused_from_python_as_early():
    code = f"""
import json, sys
import neurosim as ns
try:
    ns.train("aspn")
except ns.InputError:
    print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    assert python(code)[0] == []


def test_the_bar_of_a_training_stands_before_torch_loads(tmp_path):
    code = """
import dataclasses, json, sys
from neurosim.training import display
early = []
class Bar(display.Bar):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        early.append("torch" in sys.modules)
display.Bar = Bar
import neurosim as ns
whole = ns.data.wrist_imu()
parts = {name: getattr(whole, name).select(range(64)) for name in ("train", "validation")}
few = dataclasses.replace(whole, **parts)
ns.train("aspen", folder=sys.argv[1], epochs=1, dataset=few)
never = ("brian2", "matplotlib", "scipy.signal", "scipy.stats", "torch._dynamo")
print(json.dumps([early, [name for name in never if name in sys.modules]]))
"""
    data.wrist_imu()  # windows that no run has made yet are resampled, with scipy
    assert python(code, tmp_path)[0] == [[False], []]


KEPT = """
import json, logging, os, sys, warnings
import Cython.Build, jinja2, pyparsing, pytest, sympy, torch
assert not {"brian2", "rockpool", "neurosim"} & set(sys.modules)
for code in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        hook, show, filters = sys.excepthook, warnings.showwarning, list(warnings.filters)
        exec(code)
        kept = [
            sys.excepthook is hook, warnings.showwarning is show,
            logging._warnings_showwarning is None, warnings.filters == filters,
        ]
        print(json.dumps([kept, "brian2" in sys.modules]), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, code
"""
DOORS = {
    "from neurosim.equations.sandbox import load; load()": True,
    "from neurosim.equations import groups; groups.quantity(1.0, 'mV')": True,
    "from neurosim.equations import functions; functions.brian2_functions(('leak',))": True,
    "import neurosim as ns; ns.equations.groups.group(ns.equations.get('lif'), 2)": True,
    "from neurosim.snn import LIF": False,
}
"""Code by which the libraries that change a process are loaded, and whether Brian2 is one."""


def test_errors_and_warnings_are_reported_as_the_process_chose():
    """In children of a process that has loaded what those libraries need themselves."""
    done = subprocess.run(
        [sys.executable, "-c", KEPT], input=json.dumps([*DOORS]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for (code, brian2), line in zip(DOORS.items(), done.stdout.splitlines(), strict=True):
        assert json.loads(line) == [[True] * 4, brian2], code


def test_the_command_line_says_what_takes_a_while():
    code = """
import json, logging
from neurosim import cli
log = logging.getLogger("neurosim.engines")
cli.app = lambda *arguments, **options: log.info("compiling")
try:
    cli.main()
except SystemExit:
    log.info("heard by nobody")
print(json.dumps([]))
"""
    assert python(code)[1] == "neurosim: compiling\n"
