"""The names that a Python user calls are there, and cost nothing before they are used."""

import inspect
import subprocess
import sys

import pytest

import neurosim
from neurosim import workflows


@pytest.mark.parametrize("name", workflows.__all__)
def test_every_name_is_a_documented_function(name):
    function = getattr(workflows, name)
    assert callable(function)
    assert inspect.getdoc(function)
    assert name in dir(workflows)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'deploy_rum'"):
        workflows.deploy_rum  # noqa: B018


def test_rooms_of_the_package_are_there():
    for room in neurosim._ROOMS:
        assert inspect.ismodule(getattr(neurosim, room))


def test_importing_workflows_loads_no_heavy_package():
    heavy = "{'torch', 'brian2', 'rockpool', 'scipy', 'xarray', 'pandas'}"
    script = f"import sys, neurosim.workflows; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
