"""Shared by all tests: seeds, hypothesis profile, small nets and specifications."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from importlib.util import find_spec

# Workers share the cores: a thread for each core in each of them costs a third more time. Before
# numpy and torch load, which read it once.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# With all libraries loaded a whole collection of garbage takes half a second; Python would make
# many, 7 % of all time. Tests that ask what is left behind collect themselves.
gc.set_threshold(50_000, 20, 20)

settings.register_profile(
    "default",
    deadline=None,  # the first example of a test compiles
    derandomize=True,  # the same examples every time
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the demo, the longest fixture, so that no worker waits for it at the end."""
    items.sort(key=lambda item: "test_demo.py" not in item.nodeid)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def pytest_make_parametrize_id(config, val, argname):
    """Name contents of files by their argument: archives hold the time, and workers must agree."""
    return argname if isinstance(val, bytes) else None


# Rooms that need no torch are tested without it, too: what needs it is skipped there.
if find_spec("torch") is None:
    WITHOUT_TORCH = "torch is not installed"

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
        report = yield
        if report.failed and "No module named 'torch'" in str(report.longrepr):
            report.outcome = "skipped"
            report.longrepr = (str(collector.path), 0, f"Skipped: {WITHOUT_TORCH}")
        return report

    def _skip() -> Iterator[None]:
        try:
            return (yield)
        except ModuleNotFoundError as error:
            if error.name == "torch":
                pytest.skip(WITHOUT_TORCH)
            raise

    pytest_runtest_setup = pytest_runtest_call = pytest.hookimpl(wrapper=True)(_skip)
