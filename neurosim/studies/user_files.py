"""Studies of the user's own files look for them before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neurosim.data import catalogue
from neurosim.errors import UnavailableError
from neurosim.studies.study import Case


def look_for(cases: Sequence[Case], axis: str, sets: Mapping[str, str]) -> None:
    """Look for the files of all data sets that some cases read.

    Args:
        cases: that are to be run.
        axis: whose values name the data.
        sets: name in `neurosim data list` of the set behind each value.

    Raises:
        UnavailableError: those of a set are missing.
    """
    missing = {}
    for value, name in sets.items():
        try:
            catalogue.find(name)
        except UnavailableError as error:
            missing[value] = str(error)
    wanted = [v for v in dict.fromkeys(case[axis] for case in cases) if v in missing]
    if wanted:
        text = missing[wanted[0]]
        if others := " and ".join(sets[value] for value in wanted[1:]):
            text += f"; {others} must be brought too: see `neurosim data list`"
        if there := ",".join(value for value in sets if value not in missing):
            text += f"; or run what is there: --only {axis}={there}"
        raise UnavailableError(text)
