"""Design rules: what a specification must obey before a simulator or a chip may see it.

`fields.normalise` has turned the values into integer arrays of the right shape; each rule
then looks at one thing and yields violations. XyloSim itself checks little of this: a threshold of
zero fires without end, weights wrap, an alias of a neuron that is not there crashes (measured with
xylosim 0.1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.xylo import chips

if TYPE_CHECKING:
    from neurosim.xylo.spec import XyloSpec

REGISTER_MAX = 32767
"""Largest value of a 16-bit register or state."""
REGISTER_MIN = -REGISTER_MAX - 1
DASH_MAX = 15
"""Largest decay shift: a register of 4 bits."""
WEIGHT_SHIFT_MAX = 8
"""Largest left shift with which an 8-bit weight stays within 16 bits."""


@dataclass(frozen=True)
class Violation:
    """One broken rule."""

    rule: str
    where: str
    """The entry, with the layer and the neuron that it belongs to."""
    value: Any
    limit: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where} is {self.value}, allowed is {self.limit}: {self.remedy}"


class RuleError(InputError):
    """A specification breaks design rules; `violations` holds all of them."""

    def __init__(self, violations: list[Violation]) -> None:
        self.violations = violations
        super().__init__(
            f"XyloSpec breaks {len(violations)} design rule(s): {'; '.join(map(str, violations))}"
        )

    def __reduce__(self) -> tuple[type[RuleError], tuple[list[Violation]]]:
        """Pickle by the violations, so that a worker's error arrives as it was."""
        return type(self), (self.violations,)


def neuron(spec: XyloSpec, hidden_id: int) -> str:
    """Name a hidden neuron by layer, where the layers are known."""
    first = 0
    for k, size in enumerate(spec.layers):
        if hidden_id < first + size:
            return f"layer {k}, neuron {hidden_id - first}"
        first += size
    return f"hidden neuron {hidden_id}"


def place(spec: XyloSpec, name: str, index: tuple[int, ...]) -> str:
    """Name an entry of an array with the neuron that it belongs to, a weight to its target."""
    if not index:
        return name
    target = index[1] if name.startswith("weights") else index[0]
    owner = f"output neuron {target}" if name.endswith("_out") else neuron(spec, target)
    return f"{name}{list(index)} ({owner})"


# --- rules of all chips -----------------------------------------------------------------------


def _outside(
    spec: XyloSpec, names: tuple[str, ...], low: int, high: int, remedy: str
) -> Iterator[Violation]:
    """Yield the first entry of each array that leaves low..high, and how many do."""
    for name in names:
        array = np.asarray(getattr(spec, name))
        bad = np.argwhere((array < low) | (array > high))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            value, limit = f"{array[index]}{_more(len(bad))}", f"{low}..{high}"
            yield Violation(name, place(spec, name, index), value, limit, remedy)


def weights_fit_8_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Weights are signed bytes."""
    names = ("weights_in", "weights_rec", "weights_out")
    yield from _outside(spec, names, -128, 127, "quantise with a smaller scale")


def thresholds_are_positive(spec: XyloSpec) -> Iterator[Violation]:
    """A threshold of zero or below fires without end; the register has 16 bits."""
    names = ("threshold", "threshold_out")
    yield from _outside(
        spec, names, 1, REGISTER_MAX, "scale the neuron's weights and threshold together"
    )


def biases_fit_16_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Biases are signed 16-bit words."""
    yield from _outside(
        spec,
        ("bias", "bias_out"),
        REGISTER_MIN,
        REGISTER_MAX,
        "quantise with a smaller scale",
    )


def decays_fit_4_bit(spec: XyloSpec) -> Iterator[Violation]:
    """Decay shifts are 4-bit registers."""
    names = ("dash_mem", "dash_mem_out", "dash_syn", "dash_syn_2", "dash_syn_out")
    yield from _outside(spec, names, 0, DASH_MAX, "choose a time constant between dt and 32768 dt")


def weight_shifts_fit(spec: XyloSpec) -> Iterator[Violation]:
    """A weight shifted by more than 8 leaves 16 bits."""
    names = ("weight_shift_in", "weight_shift_rec", "weight_shift_out")
    yield from _outside(spec, names, 0, WEIGHT_SHIFT_MAX, "use a smaller shift and larger weights")


def aliases_are_single(spec: XyloSpec) -> Iterator[Violation]:
    """The chip has one alias register per neuron."""
    many = [i for i, targets in enumerate(spec.aliases) if len(targets) > 1]
    if many:
        where = f"aliases[{many[0]}] ({neuron(spec, many[0])})"
        value = f"{spec.aliases[many[0]]}{_more(len(many))}"
        remedy = "keep one target; reach the others by weights, one step later"
        yield Violation("alias", where, value, "one target", remedy)


def aliases_are_in_range(spec: XyloSpec) -> Iterator[Violation]:
    """An alias names a hidden neuron."""
    odd = [
        (i, target)
        for i, targets in enumerate(spec.aliases)
        for target in targets
        if not 0 <= target < spec.hidden
    ]
    if odd:
        i, target = odd[0]
        where, value = f"aliases[{i}] ({neuron(spec, i)})", f"{target}{_more(len(odd))}"
        remedy = "name a hidden neuron of this net"
        yield Violation("alias", where, value, f"0..{spec.hidden - 1}", remedy)


def _more(count: int) -> str:
    return f" ({count} such entries)" if count > 1 else ""


# --- rules that need to know the chip -----------------------------------------------------------


@dataclass(frozen=True)
class Resource:
    """How much of one thing a net uses, and how much there is."""

    what: str
    used: int
    limit: int

    @property
    def over(self) -> int:
        """By how much the limit is passed; 0 where it is kept."""
        return max(self.used - self.limit, 0)


def resources(chip: chips.Chip, shape: dict[str, int]) -> list[Resource]:
    """Return what a net of some shape uses of a chip's numbers.

    Args:
        chip: the chip.
        shape: channels, hidden, outputs, synapses, input_neurons and output_neurons of the net.
    """
    return [
        Resource("input channels", shape["channels"], chip.inputs),
        Resource("hidden neurons", shape["hidden"], chip.hidden),
        Resource("output neurons", shape["outputs"], chip.outputs),
        Resource("synapses per neuron", shape["synapses"], chip.synapses),
        Resource("neurons that see the input", shape["input_neurons"], chip.input_neurons),
        Resource("neurons that feed the output", shape["output_neurons"], chip.output_neurons),
    ]


def usage(spec: XyloSpec) -> list[Resource]:
    """Return what a specification uses of its chip, recurrent connections among it."""
    chip = chips.get(spec.chip or "")
    fanout = connections(spec)
    return [
        *resources(chip, spec.shape),
        Resource("largest fan-out", int(fanout.max()), chip.fanout),
        Resource("recurrent connections", int(fanout.sum()), chip.connections),
    ]


def connections(spec: XyloSpec) -> np.ndarray:
    """Return (N,) how many hidden neurons each reaches; see `chips` on what counts."""
    reached: np.ndarray = np.count_nonzero(spec.weights_rec.any(axis=2), axis=1)
    return reached


def too_much(chip: chips.Chip, used: list[Resource]) -> Iterator[Violation]:
    """Yield what passes a limit of the chip, and how far."""
    for resource in (r for r in used if r.over):
        remedy = f"use {resource.over} fewer, or a larger chip than {chip.name}"
        limit = f"at most {resource.limit}"
        yield Violation(resource.what, f"number of {resource.what}", resource.used, limit, remedy)


def sizes_fit_the_chip(spec: XyloSpec) -> Iterator[Violation]:
    """Channels, neurons and synapses lie within the chip's numbers."""
    chip = chips.get(spec.chip or "")
    yield from too_much(chip, resources(chip, spec.shape))


def fanout_fits_the_chip(spec: XyloSpec) -> Iterator[Violation]:
    """No neuron reaches more hidden neurons than the chip can store for it."""
    chip = chips.get(spec.chip or "")
    fanout = connections(spec)
    if fanout.max() > chip.fanout:
        worst, passing = int(fanout.argmax()), int((fanout > chip.fanout).sum())
        where = f"fan-out of {neuron(spec, worst)}"
        value = f"{fanout[worst]}{_more(passing)}"
        remedy = f"prune {fanout[worst] - chip.fanout} of its connections"
        yield Violation("fan-out", where, value, f"at most {chip.fanout}", remedy)


def connections_fit_the_chip(spec: XyloSpec) -> Iterator[Violation]:
    """All recurrent connections lie within the chip's memory."""
    chip = chips.get(spec.chip or "")
    total, limit = int(connections(spec).sum()), chip.connections
    if total > limit:
        where, remedy = "number of recurrent connections", f"prune {total - limit} of them"
        yield Violation("memory", where, total, f"at most {limit}", remedy)


RULES: list[Callable[[XyloSpec], Iterator[Violation]]] = [
    weights_fit_8_bit,
    thresholds_are_positive,
    biases_fit_16_bit,
    decays_fit_4_bit,
    weight_shifts_fit,
    aliases_are_single,
    aliases_are_in_range,
]
"""Rules of all chips, checked for every specification."""

CHIP_RULES: list[Callable[[XyloSpec], Iterator[Violation]]] = [
    sizes_fit_the_chip,
    fanout_fits_the_chip,
    connections_fit_the_chip,
]
"""Rules that need to know the chip."""


def enforce(spec: XyloSpec) -> None:
    """Check all rules.

    Raises:
        RuleError: with every violation found.
    """
    checked = RULES + (CHIP_RULES if spec.chip is not None else [])
    violations = [violation for rule in checked for violation in rule(spec)]
    if violations:
        raise RuleError(violations)
