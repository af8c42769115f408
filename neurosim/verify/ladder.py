"""The ladder of equivalence: from theory to the chip, one comparison a rung."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurosim.errors import InputError, UnavailableError
from neurosim.formats import nets
from neurosim.network import Network
from neurosim.provenance import processor, versions
from neurosim.raster import check_raster
from neurosim.verify import float_rungs, integer_rungs, rockpool_rung
from neurosim.verify.ladder_page import Ladder
from neurosim.verify.rung import Rung, Subject, skipped
from neurosim.xylo import chips
from neurosim.xylo.mapping import deploy
from neurosim.xylo.spec import XyloSpec

RUNGS: dict[int, tuple[str, Callable[[Subject], Rung]]] = {
    1: (float_rungs.NAMES[1], float_rungs.theory),
    2: (float_rungs.NAMES[2], float_rungs.trainer),
    3: (float_rungs.NAMES[3], float_rungs.continuous),
    4: (integer_rungs.NAMES[4], integer_rungs.quantisation),
    5: (integer_rungs.NAMES[5], integer_rungs.simulators),
    6: (rockpool_rung.NAME, rockpool_rung.rockpool),
}


def climb(
    model: Any,
    raster: np.ndarray,
    *,
    spec: XyloSpec | None = None,
    labels: np.ndarray | None = None,
    calibration: np.ndarray | None = None,
    chip: str = chips.DEFAULT,
    against: Sequence[str] = ("xylosim",),
    rungs: Sequence[int] = tuple(RUNGS),
    origin: dict[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Ladder:
    """Climb the ladder of equivalence with a model and a raster.

    A rung that the model cannot climb (recurrence in continuous time, a net that the chip cannot
    hold, integers without a float net) is `skipped` with the reason; it counts neither way.

    Args:
        model: a net in any form, see `neurosim.formats.nets`; one of integers alone, such as a
            XyloSpec, climbs the integer rungs.
        raster: (samples, time, channels) event counts 0..255.
        spec: the net on a chip; its own, or deployed here, if left out.
        labels: (samples,) classes of the samples, for accuracies.
        calibration: events that integer scales are chosen on where it is deployed here.
        chip: where it is deployed here.
        against: engines that run the integers beside brian2 on rung 5; "board" where there is one.
        rungs: numbers of those to climb.
        origin: where model and raster come from, for the report; JSON values.
        progress: called with the name of each rung before it.

    Raises:
        InputError: the model or raster is refused, or a rung is not known.
    """
    if unknown := [n for n in rungs if n not in RUNGS]:
        raise InputError(
            f"rung {unknown[0]} is not known; choose from {', '.join(map(str, RUNGS))}"
        )
    net = nets.one(model)
    network, spec = net.network, net.spec if spec is None else spec
    raster = _checked(net, raster, labels)
    refused: str | None = None
    if network and spec is None and max(rungs) >= 4:
        if progress:
            progress("deploy")
        spec, refused = _deployed(network, chip, calibration)
    subject = Subject(raster, network, spec, labels, calibration, chip, tuple(against))
    climbed = []
    for number in rungs:
        name, rung = RUNGS[number]
        if progress:
            progress(name)
        if number >= 4 and refused:
            climbed.append(skipped(number, name, refused))
            continue
        try:
            climbed.append(rung(subject))
        except (InputError, UnavailableError) as error:
            climbed.append(skipped(number, name, error))
    return Ladder(tuple(climbed), _provenance(subject, origin))


def _checked(net: nets.Net, raster: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Return the raster as the engines take it."""
    if net.network is None and net.spec is None:
        why = net.origin.get("no Network, since", "a NIR graph is run by `ns.verify` alone")
        raise InputError(f"{net.name} cannot climb the ladder: {why}")
    raster = check_raster(raster, net.channels)
    if labels is not None and len(labels) != len(raster):
        raise InputError(f"labels are {len(labels)} for {len(raster)} samples")
    return raster


def _deployed(
    network: Network, chip: str, calibration: np.ndarray | None
) -> tuple[XyloSpec | None, str | None]:
    """Return the network on a chip, or why it does not fit."""
    try:
        return deploy(network, chip, calibration=calibration), None
    except InputError as error:
        return None, f"{chip} cannot hold the net: {error}"


def _provenance(subject: Subject, origin: dict[str, Any] | None) -> dict[str, Any]:
    network, spec, raster = subject.network, subject.spec, subject.raster
    return {
        **(origin or {}),
        "network": network.digest() if network else None,
        "layers": list(network.shape) if network else None,
        "dt": network.dt if network else spec.dt if spec else None,
        "spec": spec.digest() if spec else None,
        "chip": spec.chip if spec else None,
        "raster": hashlib.sha256(raster.tobytes()).hexdigest()[:16],
        "raster shape": list(raster.shape),
        "events": int(raster.sum(dtype=np.int64)),
        **processor(),
        "versions": versions(),
    }
