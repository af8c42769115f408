"""Declared synapses as Brian2 Synapses, handed over in the order that makes them fast.

Brian2 keeps the numbers of its synapses by source. Where the synapses of a source lie side by side,
a spike reads them in one sweep; in the order of the targets, as a fixed in-degree is usually drawn,
each one is a cache miss, and a network runs several times slower.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurosim.equations.functions import brian2_functions
from neurosim.equations.groups import assign, check_dimension, example, seed_of
from neurosim.equations.sandbox import forget, load, program, sandbox
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations.declaration import Declaration

OPTIONS = ("codeobj_class", "dtype", "method", "name", "namespace", "order")
"""Options of Brian2's Synapses that `synapses` hands on."""

_TARGETS = re.compile(r"\b([A-Za-z]\w*)_post\b")
_MULTIPLICITY = re.compile(r"\bspikes_pre\b")


def sort_synapses(i: npt.ArrayLike, j: npt.ArrayLike, *values: Any) -> tuple[Any, ...]:
    """Return the sources, targets and values of synapses in ascending order of their sources.

    Synapses of one source keep their order among themselves.

        i, j, delays = sort_synapses(i, j, delays)
        synapses.connect(i=i, j=j)

    Args:
        i: (synapses,) number of each one's source.
        j: (synapses,) number of each one's target.
        values: arrays or Brian2 quantities (synapses,), like weights and delays.

    Returns:
        i, j and the values, each (synapses,); the arrays given where they are in order already.

    Raises:
        InputError: a shape does not fit, or i or j are no whole numbers.
    """
    sources, targets = _indices("i", i), _indices("j", j)
    if sources.shape != targets.shape:
        raise InputError(f"j has shape {targets.shape}; it needs that of i, {sources.shape}")
    for k, value in enumerate(values):
        if np.shape(value) != sources.shape:
            raise InputError(
                f"values {k} have shape {np.shape(value)}; they need that of i, {sources.shape}"
            )
    if (sources[1:] >= sources[:-1]).all():
        return (sources, targets, *values)
    order = np.argsort(sources, kind="stable")
    return tuple(
        (value if hasattr(value, "dim") else np.asarray(value))[order]
        for value in (sources, targets, *values)
    )


def _indices(name: str, value: npt.ArrayLike) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise InputError(
            f"{name} has shape {array.shape} and numbers like {array.dtype}; it needs whole "
            "numbers (synapses,)"
        )
    return array if array.size else array.astype(np.int32)


def synapses(
    declaration: Declaration,
    pre: Any,
    post: Any,
    event: str | None = None,
    *,
    weight: Any = None,
    delay: Any = None,
    i: Any = None,
    j: Any = None,
    values: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Return Brian2 Synapses of a declared event; `Declaration.synapses` says how it is used."""
    brian2 = load()
    code = _code(declaration, pre, post, event_of(declaration, event))
    connect = {name: options.pop(name) for name in _CONNECT if name in options}
    for name in options:
        if name not in OPTIONS:
            known = ", ".join((*OPTIONS, *_CONNECT))
            raise InputError(f"synapses has no argument {name!r}; the others are {known}")
    settings = dict(values or {}) | ({} if weight is None else {"w": weight})
    model = brian2.Equations(declaration.synapse)
    for name, value in settings.items():
        _check(declaration, model, name, value)
    if "w" in model and "w" not in settings:
        raise InputError(f"weight is missing: give one, like weight={example(model['w'])}")
    if delay is not None and not isinstance(delay, str):
        _check_delay(delay)
    own = {name: value for name, value in settings.items() if np.ndim(value)}
    if np.ndim(delay):
        own["delay"] = delay
    if own and not (_is_array(i) and _is_array(j)):
        raise InputError(
            f"{next(iter(own))} is an array; give the synapses it belongs to as arrays i and j"
        )
    if _is_array(i) and _is_array(j):
        i, j, *sorted_values = sort_synapses(i, j, *own.values())
        own = dict(zip(own, sorted_values, strict=True))
    elif isinstance(i, str):
        i, j = _drawn(pre, post, i, connect)
        connect = {}
    settings |= {name: value for name, value in own.items() if name != "delay"}
    shared = [n for n, v in settings.items() if not np.ndim(v) and not isinstance(v, str)]
    namespace = {
        **brian2_functions(declaration.functions),
        **declaration.namespace,
        **(options.pop("namespace", None) or {}),
    }
    links = brian2.Synapses(
        pre,
        post,
        _flagged(declaration.synapse, shared),
        on_pre=code,
        delay=None if "delay" in own or isinstance(delay, str) else delay,
        namespace=namespace,
        **options,
    )
    links.connect(**{k: v for k, v in {"i": i, "j": j, **connect}.items() if v is not None})
    for name, value in settings.items():
        assign(links, name, value)
    if "delay" in own or isinstance(delay, str):
        links.pre.delay = own.get("delay", delay)
    return links


_CONNECT = ("condition", "p", "n", "skip_if_invalid")
"""Arguments of Brian2's `connect` beside i and j."""


def event_of(declaration: Declaration, event: str | None) -> str:
    """Return the name of an event; without one the only event, or "receive".

    Raises:
        InputError: there is no such event.
    """
    if event is None:
        event = next(iter(declaration.events)) if len(declaration.events) == 1 else "receive"
    if event not in declaration.events:
        known = ", ".join(declaration.events) or "none"
        raise InputError(f"{declaration.name} has no event {event!r}; it has {known}")
    return event


def _code(declaration: Declaration, pre: Any, post: Any, event: str) -> str:
    """Return what a presynaptic spike does; one that counts once where the source counts none."""
    code = declaration.events[event]
    for role, group in (("pre", pre), ("post", post)):
        if not hasattr(group, "variables"):
            raise InputError(f"{role} is {group!r}; it needs a group of Brian2")
    own = set(declaration.synapse.replace(":", " ").split())
    for name in _TARGETS.findall(code):
        if name not in post.variables and f"{name}_post" not in own:
            raise InputError(
                f"post ({post.name}) has no variable {name!r}, which the event {event!r} of "
                f"{declaration.name} changes; make it with the neurons of that model"
            )
    return code if "spikes" in pre.variables else _MULTIPLICITY.sub("1", code)


def _check(declaration: Declaration, model: Any, name: str, value: Any) -> None:
    """Refuse a value of a synapse's variable that has another dimension."""
    if name not in model or model[name].type == "subexpression":
        known = ", ".join(n for n in model if model[n].type != "subexpression") or "none"
        raise InputError(
            f"a synapse of {declaration.name} has no variable {name!r}; it has {known}"
        )
    if isinstance(value, str):
        return
    check_dimension("weight" if name == "w" else name, value, model[name])


def _check_delay(delay: Any) -> None:
    brian2 = load()
    if getattr(delay, "dim", None) is not brian2.second.dim:
        raise InputError(f"delay is {delay}; it needs a time, like 1.5*ms")
    if np.ndim(delay) > 1 or not (np.asarray(delay) >= 0).all():
        raise InputError(f"delay is {delay}; it needs times of 0 or more, one or (synapses,)")


def _drawn(pre: Any, post: Any, rule: str, connect: dict[str, Any]) -> tuple[Any, Any]:
    """Return the synapses (synapses,) that Brian2 draws target by target, sorted by source.

    They are drawn in Brian2's runtime, for a program too.
    """
    seed = _next_seed()
    brian2 = load()
    refusals = (KeyError, ValueError, IndexError, SyntaxError, brian2.BrianObjectException)
    with sandbox():
        brian2.seed(seed)
        ends = [brian2.NeuronGroup(len(group), "x : 1") for group in (pre, post)]
        links = brian2.Synapses(*ends)
        reason = ""
        try:
            links.connect(i=rule, namespace={}, **connect)
            i, j = np.array(links.i[:]), np.array(links.j[:])
        except refusals as error:
            reason = " ".join(str(error.__cause__ or error).split())
        del ends, links
        forget()
    if reason:
        raise InputError(
            f"i is {rule!r}: {reason}; such a rule may use j, k, N_pre, N_post and numbers only; "
            "write what a source connects to as j='...', or give arrays i and j"
        )
    return sort_synapses(i, j)[:2]


def _next_seed() -> int:
    """Return a seed that follows from the session's own, and another one each time."""
    device = program()
    if device is None:
        return int(np.random.randint(2**31))  # noqa: NPY002 (what `brian2.seed` seeds)
    seed = seed_of(device)
    entropy = None if seed is None else [seed, len(device.main_queue)]
    return int(np.random.default_rng(entropy).integers(2**31))


def _is_array(value: Any) -> bool:
    return value is not None and not isinstance(value, str) and bool(np.ndim(value))


def _flagged(model: str, shared: list[str]) -> str:
    """Return a synapse's equations with some variables shared by all synapses."""
    for name in shared:
        model = re.sub(
            rf"(?m)^(\s*{name}\s*:[^#(\n]*?)(\s*#.*)?$", r"\1 (constant, shared)\2", model
        )
    return model
