"""The homeostat's units as Brian2 objects: a group, and the links between its units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.equations import groups, homeostasis
from neurosim.equations.sandbox import load

if TYPE_CHECKING:
    from neurosim.equations.declaration import Declaration


def chain(units: int) -> np.ndarray:
    """Return the adjacency (units, units) of a chain: neighbouring layers, as in AHSAR."""
    return np.eye(units, k=1) + np.eye(units, k=-1)


def units(
    model: Declaration,
    graph: np.ndarray,
    clock: Any,
    parameters: Mapping[str, Any],
    *,
    context: str = "",
    centred: bool = True,
    name: str = "units",
) -> tuple[Any, list[Any]]:
    """Return units on a graph, and their links; within a step they sense, compare and act.

    They sense in the slot "start", order 2; what is compared is there before "groups", order 0.

    Args:
        model: HOMEOSTAT_MAP or HOMEOSTAT.
        graph: (units, units) adjacency, symmetric; weights of the diffusion.
        clock: of the units, a Brian2 Clock.
        parameters: by name, a number or (units,).
        context: further equations.
        centred: whether the reference is the mean log rate of all units; else the caller sets it.
        name: of the group, and the start of those of the links.

    Raises:
        InputError: a name is unknown, or a value out of bounds or of a wrong shape.
    """
    brian2 = load()
    members = groups.neurons(
        model,
        len(graph),
        parameters=parameters,
        per_neuron=model.parameters,
        context=context,
        steps=False,
        name=name,
        clock=clock,
    )
    if model.step:
        members.run_regularly(model.step["sense"], when="start", order=2, clock=clock)
        members.run_regularly(model.step["act"], when="groups", order=1, clock=clock)
    links = []
    if centred:
        centring = homeostasis.CENTRING.equations
        links.append(brian2.Synapses(members, members, centring, clock=clock, order=-1,
                                     name=f"{members.name}_centring"))  # fmt: skip
        links[-1].connect()
    if graph.any():
        diffusion = homeostasis.DIFFUSION.equations
        links.append(brian2.Synapses(members, members, diffusion, clock=clock, order=-1,
                                     name=f"{members.name}_diffusion"))  # fmt: skip
        pre, post = np.nonzero(graph)
        links[-1].connect(i=pre, j=post)
        links[-1].weight = graph[pre, post]
    return members, links
