"""For other people's test suites: an assertion that engines agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.network import Network
from neurosim.verify.check import STATES, Report, verify
from neurosim.xylo.spec import XyloSpec

INTEGER_ENGINES = ("brian2", "xylosim")
FLOAT_ENGINES = ("brian2", "torch")


def assert_equivalent(
    model: Any,
    raster: np.ndarray,
    engines: Sequence[str] | None = None,
    *,
    rounding: bool = True,
    spikes: int = 1,
    record: Sequence[str] = STATES,
) -> Report:
    """Assert that engines agree on every spike and state of a model, for use in pytest.

    Args:
        model: a XyloSpec, a Network, or a rockpool module, which is read as a Network.
        raster: (samples, time, channels) event counts.
        engines: names; brian2 and xylosim for a XyloSpec, brian2 and torch for a Network.
        rounding: let floats differ where the computed error bound explains it.
        spikes: least number of spikes; fewer prove nothing and fail.
        record: variables compared.

    Returns:
        The report.

    Raises:
        AssertionError: with the first value that differs, or the number of spikes.
        InputError: the model or the raster is refused.
    """
    __tracebackhide__ = True  # pytest shows the caller's line
    if not isinstance(model, XyloSpec | Network):
        model = Network.from_rockpool(model)
    if engines is None:
        engines = INTEGER_ENGINES if isinstance(model, XyloSpec) else FLOAT_ENGINES
    report = verify(model, raster, engines, record=record, workers=1)
    for name, verdict in zip(report.engines[1:], report.verdicts, strict=True):
        pair = f"{report.engines[0]} and {name}"
        if verdict.spikes < spikes:
            raise AssertionError(
                f"{pair} agree on {verdict.spikes} spikes, at least {spikes} are needed to prove "
                "anything: use a raster that drives the net"
            )
        if not verdict.passed:
            raise AssertionError(f"{pair} differ: {verdict.first}")
        if not (rounding or verdict.exact):
            raise AssertionError(
                f"{pair} differ by rounding in {sum(verdict.differing.values())} values"
            )
    return report
