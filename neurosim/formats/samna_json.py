"""samna's own JSON of a chip's configuration, as `XyloConfiguration.to_json()` writes it.

The form was derived from the one file of samna's that is public, for Xylo Audio 2 (in rockpool's
repository, tests/tests_default/test_samna_config.json), and from the names that rockpool 3.1 sets
for the other chips; samna itself was not at hand to try it. It is cereal's: all lies in `value0`,
names are camelCase (but `syn2_weights` of the input), a matrix has `dimensions`, `offsets` and
`values`, an optional value is `{"nullopt": true}` or `{"nullopt": false, "data": ...}`.

A configuration holds integers alone: time step, layers and front end are not in it; `XyloSpec.save`
keeps them. samna's reader wants every field of its version. Those of Audio 2 are written as in the
file named above; for the other chips, give `save` a file that samna wrote there
(`XyloConfiguration().to_json()`), whose other fields are kept.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError, shown
from neurosim.formats import samna
from neurosim.outside import JSON_BYTES
from neurosim.xylo import chips
from neurosim.xylo.chips import Chip
from neurosim.xylo.spec import XyloSpec

ROOT = "value0"
LIKE_SAMNA = {"input": {"syn2_weights": "syn2_weights"}}
"""Names within a part that samna does not write in camelCase."""

OTHER_FIELDS: dict[str, dict[str, Any]] = {
    "xylo-audio-2": {
        **dict.fromkeys(("operationMode", "timeResolutionWrap"), 0),
        "hibernationModeTimeResolutionWrap": 0,
        **dict.fromkeys(
            ("directFetchStateRam", "enableHibernationMode", "clearNetworkState"), False
        ),
        "debug": {
            **dict.fromkeys(
                (
                    "keepInterrupt",
                    "alwaysUpdateOmpStat",
                    "rstPadPullSelect",
                    "biasClockEnable",
                    "isyn2ClockEnable",
                    "inputSelectEnable",
                    "ramLightSleep",
                    "ramDeepSleep",
                    "debugStatusUpdateEnable",
                    "monitorDebugEnable",
                ),
                False,
            ),
            "enableRstPadPull": True,
            "monitors": {f"value{i}": 0 for i in range(4)},
            **dict.fromkeys(
                (
                    "ramWakeUpSettleTime",
                    "inputWriteSelect",
                    "inputReadSelect",
                    "ramManualSleepControl",
                    "ramAutoSleepControl",
                ),
                0,
            ),
            **{"peInternalSelect": 3, "peFsmSelect": 7, "peEngineSelect": 7},
            **dict.fromkeys(("peAccessRamFsmSelect", "memShellRamArbiterSelect"), 31),
            **dict.fromkeys(("readTimingSelect", "writeTimingSelect"), 1),
            **{
                f"monitorNeuron{name}": {"nullopt": True}
                for name in ("VMem", "ISyn", "ISyn2", "Spike")
            },
        },
    }
}
"""By chip: fields of a file of samna's that a net does not set, as they stand there."""


def load(path: str | Path, *, chip: str | None = None, dt: float = 1e-3) -> XyloSpec:
    """Read a configuration of samna's; all design rules are checked.

    Args:
        path: a file of `config.to_json()`, as rockpool's `save_config` writes it.
        chip: the chip; told by the fields when None.
        dt: time step in seconds, which the file does not hold.

    Raises:
        InputError: the file is missing, damaged, no configuration of a Xylo, or breaks a rule.
    """
    path = Path(path)
    values = outside.json_of(path, JSON_BYTES)
    with outside.reading(path, "configuration of samna's"):
        body = values.get(ROOT) if isinstance(values, dict) else None
        if not isinstance(body, dict):
            raise InputError(f"holds no {ROOT!r}; samna writes all of a configuration there")
        of = chips.get(chip) if chip is not None else _chip(body)
        if _camel(of.samna.hidden) not in body:
            raise InputError(f"is no configuration of {of.name}: it has no {of.samna.hidden!r}")
        fields = {name: body[_camel(name)] for name in ("input", of.samna.hidden, "readout")}
        fields = {name: _part(part, name) for name, part in fields.items()}
        flags = ["bias_enable", *(["synapse2_enable"] if of.synapses == 2 else [])]
        fields |= {name: _flag(body, _camel(name)) for name in flags}
        return samna.from_configuration(fields, of.name, dt=dt)


def save(spec: XyloSpec, path: str | Path, *, like: str | Path | None = None) -> Path:
    """Write a specification as samna's JSON, whole or not at all.

    Args:
        spec: for a chip. Its time step, layers, relays and front end are not in the file.
        path: of the file.
        like: a file of samna's for the same chip, whose other fields are kept.

    Raises:
        InputError: the specification is for no chip, or `like` is a configuration of another one.
    """
    chip = samna.chip_of(spec)
    body = copy.deepcopy(OTHER_FIELDS.get(chip.name, {}))
    if like is not None:
        load(like, chip=chip.name)
        body = outside.json_of(like, JSON_BYTES)[ROOT]
    text = json.dumps({ROOT: _merged(body, _written(spec, chip))}, indent=4)
    store.write_text(Path(path), text)
    return Path(path)


# --- reading --------------------------------------------------------------------------------------


def _chip(body: Mapping[str, Any]) -> Chip:
    """Return the chip that fields belong to."""
    for chip in chips.CHIPS.values():
        two = "synapse2Enable" in body
        if _camel(chip.samna.hidden) in body and two == (chip.synapses == 2):
            return chip
    raise InputError(
        f"is no configuration of {', '.join(chips.CHIPS)}: it has {shown(', '.join(body), 100)}"
    )


def _part(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return input, hidden population or readout under the names that samna has in Python."""
    fields = {_snake(key): value for key, value in part.items()}
    read: dict[str, Any] = {
        key: _matrix(fields[key], f"{name}.{key}") for key in fields if "weights" in key
    }
    read["weight_bit_shift"] = _integer(fields["weight_bit_shift"], f"{name}.weightBitShift")
    if "neurons" in fields:
        read["neurons"] = [_neuron(neuron, name) for neuron in fields["neurons"]]
    if "aliasing" in fields:
        read["aliasing"] = _flag(fields, "aliasing")
    return read


def _neuron(neuron: Mapping[str, Any], where: str) -> dict[str, int]:
    fields = {_snake(key): value for key, value in neuron.items()}
    alias = fields.pop("alias_target", None)
    if alias is not None and not _flag(alias, "nullopt"):
        fields["alias_target"] = alias["data"]
    return {key: _integer(value, f"{where}.neurons: {key}") for key, value in fields.items()}


def _matrix(matrix: Mapping[str, Any], where: str) -> np.ndarray:
    """Return a matrix of cereal's, whose offsets are steps through its values."""
    rows, columns = (_integer(matrix["dimensions"][f"value{i}"], where) for i in (0, 1))
    steps = tuple(_integer(matrix["offsets"][f"value{i}"], where) for i in (0, 1))
    values = [_integer(value, where) for value in matrix["values"]]
    if min(rows, columns) < 0 or rows * columns != len(values):
        raise InputError(f"{where} is {rows} x {columns}, but has {len(values)} values")
    if not values:
        return np.zeros((rows, columns), dtype=np.int64)
    place = np.add.outer(np.arange(rows) * steps[0], np.arange(columns) * steps[1])
    if not np.array_equal(np.unique(place), np.arange(len(values))):
        raise InputError(f"{where}: offsets {steps} do not lead through {rows} x {columns} values")
    read: np.ndarray = np.array(values, dtype=np.int64)[place]
    return read


def _integer(value: Any, where: str) -> int:
    if type(value) is not int or abs(value) >= 2**31:
        raise InputError(f"{where} holds {shown(value)}; a configuration holds integers")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    if not isinstance(fields[name], bool):
        raise InputError(f"{name} is {shown(fields[name])}; it is true or false")
    return bool(fields[name])


# --- writing --------------------------------------------------------------------------------------


def _written(spec: XyloSpec, chip: Chip) -> dict[str, Any]:
    """Return the fields that a net sets, under the names of the file."""
    fields = samna.configuration(spec)
    for part in ("input", chip.samna.hidden):
        if chip.synapses == 2 and "syn2_weights" not in fields[part]:
            fields[part]["syn2_weights"] = np.zeros_like(fields[part]["weights"]).tolist()
    for neuron in fields[chip.samna.hidden]["neurons"]:
        alias = neuron.get("alias_target")
        neuron["alias_target"] = (
            {"nullopt": True} if alias is None else {"nullopt": False, "data": alias}
        )
    return {_camel(name): _renamed(value, name) for name, value in fields.items()}


def _renamed(value: Any, part: str) -> Any:
    """Return a value with names in camelCase, matrices in cereal's form."""
    if isinstance(value, dict):
        own = LIKE_SAMNA.get(part, {})
        return {
            own.get(name, _camel(name)): (
                _cereal(inner) if "weights" in name else _renamed(inner, name)
            )
            for name, inner in value.items()
        }
    return [_renamed(inner, part) for inner in value] if isinstance(value, list) else value


def _cereal(rows: list[list[int]]) -> dict[str, Any]:
    shape = np.shape(rows)
    return {
        "dimensions": {"value0": shape[0], "value1": shape[1]},
        "offsets": {"value0": shape[1], "value1": 1},
        "values": [value for row in rows for value in row],
    }


def _merged(body: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with ours in their places; a neuron keeps what ours does not say."""
    merged = dict(body)
    for name, value in ours.items():
        before = body.get(name)
        if name == "neurons" and isinstance(before, list) and before:
            merged[name] = [{**before[0], **neuron} for neuron in value]
        elif isinstance(value, dict) and isinstance(before, dict) and "nullopt" not in value:
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
