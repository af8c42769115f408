"""A declared threshold rule for the neurons of a Brian2 group that a script has already.

The rule runs in a group of its own, with a unit for each neuron; the neurons' threshold follows its
scale in every step, and a spike of a neuron runs the rule's reset in its unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.equations import get, groups
from neurosim.equations.declaration import Declaration
from neurosim.errors import InputError
from neurosim.homeostat.brian2_thresholds import NAME, SCALE, ThresholdSetter, check_runtime, owner


class AttachedRule:
    """A threshold rule on groups of a Brian2 network; `attach` makes it."""

    def __init__(self, rule: Declaration, units: Sequence[Any], setters: Sequence[Any]) -> None:
        self.rule = rule
        self.units = tuple(units)
        """NeuronGroups, one for each group, whose variables are those of the rule."""
        self._setters = tuple(setters)

    def __repr__(self) -> str:
        names = ", ".join(setter.group.name for setter in self._setters)
        return f"AttachedRule {self.rule.name} on {names}"

    def detach(self) -> None:
        """Put back the thresholds and resets that the groups had.

        Raises:
            InputError: the network is a program.
        """
        check_runtime("detach")
        for setter in self._setters:
            setter.detach()


def attach_rule(
    members: Sequence[Any],
    variables: Sequence[str],
    rests: Sequence[Any],
    rule: str | Declaration,
    **parameters: Any,
) -> AttachedRule:
    """Attach a rule to groups.

    Args:
        members: NeuronGroups.
        variables: of each group, that its threshold is set by.
        rests: of each group, the potential that its threshold counts from.
        rule: a declared rule that fills the slot "threshold", or its name.
        parameters: of the rule, as for `Declaration.neurons`.

    Raises:
        InputError: the rule sets no threshold or reads what the groups do not have, or a group is
            part of another.
    """
    rule = get(rule) if isinstance(rule, str) else rule
    if rule.fills != "threshold" or rule.needs:
        raise InputError(
            f"{rule.name} sets no threshold; rules that do are those that fill the slot 'threshold'"
        )
    for group in members:
        if owner(group) is not group:
            raise InputError(
                f"{group.name} is part of {owner(group).name}; rules take whole groups"
            )
    units, setters = [], []
    try:
        for group, variable, rest in zip(members, variables, rests, strict=True):
            unit, setter = _attach(group, variable, rest, rule, parameters)
            units.append(unit)
            setters.append(setter)
    except InputError:
        for setter in setters:
            setter.detach()
        raise
    return AttachedRule(rule, units, setters)


def _attach(
    group: Any, variable: str, rest: Any, rule: Declaration, parameters: dict[str, Any]
) -> tuple[Any, ThresholdSetter]:
    """Return the units of a rule and what they set."""
    units = groups.neurons(
        rule,
        len(group),
        name=f"{group.name}_rule*",
        clock=group.clock,
        order=group.order,
        threshold=None,
        reset=None,
        **parameters,
    )
    setter = ThresholdSetter(group, variable, rest)
    setter.follow(units, SCALE)
    setter.every(group.clock, when="before_thresholds")
    setter.holds(group, units)
    if rule.reset:
        _add_reset(setter, units, rule)
    return units, setter


def _add_reset(setter: ThresholdSetter, units: Any, rule: Declaration) -> None:
    """Let a spike of a neuron run the reset of the rule in its unit."""
    group, code = setter.group, rule.reset or ""
    names = {}
    for name in sorted(set(NAME.findall(code)) & set(units.variables)):
        names[name] = f"{setter.variable}_{name}"
        setter.refer(names[name], units, name)
    code = "\n".join(line.strip() for line in code.splitlines())
    code = NAME.sub(lambda name: names.get(name[0], name[0]), code)
    before = group.event_codes.get("spike")
    if before is None:
        setter.holds(group, group.run_on_event("spike", code, when="resets"))

        def put_back() -> None:
            del group.event_codes["spike"], group.resetter["spike"]
    else:
        lines = [line.strip() for line in before.splitlines() if line.strip()]
        group.event_codes["spike"] = "\n".join([*lines, code])

        def put_back() -> None:
            group.event_codes["spike"] = before

    setter.on_detach(put_back)
