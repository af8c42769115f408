"""Specifications as others keep them: JSON in the vendor's field names, rockpool's dictionary.

Our own file, `XyloSpec.save`, holds everything and is the one to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim import outside, store
from neurosim.errors import InputError
from neurosim.formats import samna
from neurosim.outside import JSON_BYTES
from neurosim.readout import Rule
from neurosim.xylo import chips
from neurosim.xylo.spec import XyloSpec

KIND, VERSION = "xylo-configuration", 1
DERIVED = ("table", "limit", "says")
"""What the file says of a rule of decision beside its limits: they follow from these."""


def save_json(spec: XyloSpec, path: str | Path) -> Path:
    """Write a JSON file with the fields of the vendor's configuration object.

    `configuration` holds the fields, nested as in samna; `neurosim` holds what such an object
    does not: chip, time step, layers, front end, and the rule by which a microcontroller decides.
    On a machine with a board, `load_json` and `samna.to_samna` make the object from it.

    Raises:
        InputError: the specification is for no chip.
    """
    front_end = None if spec.front_end is None else dict(spec.front_end)
    ours = {"kind": KIND, "version": VERSION, "chip": spec.chip, "dt": spec.dt}
    ours |= {"layers": spec.layers, "relays": spec.relays, "front_end": front_end}
    if spec.decision.early:
        ours["decision"] = _decision(spec.decision)
    ours |= {"output_neurons": len(spec.weights_out), "dash_syn_2": spec.dash_syn_2.tolist()}
    text = json.dumps({"neurosim": ours, "configuration": samna.configuration(spec)}, indent=1)
    store.write_text(Path(path), text)
    return Path(path)


def _decision(rule: Rule) -> dict[str, Any]:
    """Return a rule with all that a microcontroller needs to follow it."""
    table = {} if rule.posterior is None else {"table": rule.table, "limit": rule.limit}
    return {**rule.to_dict(), **table, "says": rule.says}


def load_json(path: str | Path) -> XyloSpec:
    """Read what `save_json` wrote; all design rules are checked again.

    Raises:
        InputError: the file is missing, damaged or no configuration.
    """
    path = Path(path)
    values = outside.json_of(path, JSON_BYTES)
    with outside.reading(path, "configuration of a chip"):
        ours, fields = values["neurosim"], values["configuration"]
        if ours["kind"] != KIND or ours["version"] != VERSION:
            raise InputError(f"holds {ours['kind']} version {ours['version']}, this reads {KIND} 1")
        chip = chips.get(ours["chip"])
        if chip.samna.readout_from_all:
            fields["readout"]["weights"] = fields["readout"]["weights"][-ours["output_neurons"] :]
        names = ["dt", "layers", "relays", "front_end"]
        if chip.synapses == 1:
            names.append("dash_syn_2")  # a register that the chip's neurons do not have
        extra = {name: ours[name] for name in names}
        rule = {k: v for k, v in ours.get("decision", {}).items() if k not in DERIVED}
        return samna.from_configuration(fields, chip.name, **extra, decision=rule)


def to_rockpool(spec: XyloSpec) -> dict[str, Any]:
    """Return rockpool's specification in fresh arrays.

    `XyloSim.from_specification(**it)` runs it. The hidden bias stands there under both names that
    rockpool gives it: `bias` for its simulator, `bias_hidden` for its `config_from_specification`,
    which would leave it out otherwise.
    """
    return {**spec.specification(), "bias_hidden": spec.bias.copy()}


def from_rockpool(specification: Mapping[str, Any], **extra: Any) -> XyloSpec:
    """Read a quantised specification as rockpool's mapper and quantisers make it.

    Args:
        specification: integers, also as whole floats; `mapped_graph` is left out, `bias_hidden` is
            read where there is no `bias`.
        extra: what rockpool does not say: chip, layers, front_end, decision.

    Raises:
        InputError: a key is unknown, a value is no integer (quantise first) or breaks a rule, or
            `bias` and `bias_hidden` differ.
    """
    if not isinstance(specification, Mapping):
        raise InputError(f"specification is {type(specification).__name__}; give a dictionary")
    values = {k: v for k, v in specification.items() if k != "mapped_graph"}
    hidden = values.pop("bias_hidden", None)
    if hidden is not None:
        bias = values.setdefault("bias", hidden)
        if bias is not None and list(bias) != list(hidden):
            raise InputError("bias and bias_hidden differ; leave one of them out")
        values["bias"] = hidden
    clash = set(extra) & set(values)
    if clash:
        raise InputError(f"{min(clash)} is given twice, in the specification and beside it")
    return XyloSpec(**values, **extra)
