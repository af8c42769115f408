"""The steps of LIF neurons with their state in vector registers, written in LLVM's language.

numba keeps the state of a row of neurons in memory from step to step, which costs more than the
arithmetic. Here a block of up to WIDEST vectors of neurons runs through many steps in registers:

    i = (i + x) * beta,  v = v * alpha + i + bias,  s = floor(v / theta) where v >= theta

Most steps have no neuron that spikes twice: only where one does are membranes divided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurosim.snn.kernels.lanes import LANES, call_in, element, pointer, spread_in

WIDEST = 6
"""Vectors of a block: with two of state for each, more do not fit 16 registers."""

# numba's annotations know nothing of the arguments that it adds itself.
_intrinsic: Any = intrinsic
_INT64, _INT32, _BYTE = (ir.IntType(bits) for bits in (64, 32, 8))


class _Arrays:
    """Vectors of arrays in LLVM code."""

    def __init__(self, builder: Any, places: dict[str, Any], strides: dict[str, Any], dtype: Any):
        self.builder, self.places, self.strides = builder, places, strides
        self.align = dtype.bitwidth // 8
        self.vector = ir.VectorType(element(dtype), LANES)
        self.zero = ir.Constant(self.vector, [0.0] * LANES)

    def _at(self, name: str, k: int, t: Any = None) -> Any:
        """Return a pointer to vector k of an array, at step t where it changes with steps."""
        builder, place = self.builder, self.places[name]
        if t is not None:
            place = builder.gep(place, [builder.mul(t, self.strides[name])])
        place = builder.gep(place, [_INT64(k * LANES)])
        return builder.bitcast(place, self.vector.as_pointer())

    def load(self, name: str, k: int, t: Any = None) -> Any:
        return self.builder.load(self._at(name, k, t), align=self.align)

    def store(self, value: Any, name: str, k: int, t: Any = None) -> None:
        self.builder.store(value, self._at(name, k, t), align=self.align)


class _Loop(_Arrays):
    """LLVM code of the forward loop for a number of vectors."""

    def step(self, k: int, t: Any, v: Any, i: Any, delta: bool) -> tuple[Any, ...]:
        """Write a step of vector k as if none spiked twice.

        Returns its new v and i, which neurons spike twice, and the membrane at the decision.
        """
        builder = self.builder
        current = self.load("x", k, t)
        if not delta:
            current = builder.fmul(builder.fadd(i, current), self.load("beta", k))
        u = builder.fmul(v, self.load("alpha", k))
        u = builder.fadd(builder.fadd(u, current), self.load("bias", k))
        self.store(u, "trace", k, t)
        edge = self.load("theta", k, t)
        fires = builder.fcmp_ordered(">=", u, edge)
        many = builder.fcmp_ordered(">=", u, self.load("twice", k, t))
        self.store_bits(fires, k, t)
        return builder.fsub(u, builder.select(fires, edge, self.zero)), current, many, u

    def store_bits(self, bits: Any, k: int, t: Any, plane: Any = None) -> None:
        """Write the bits of vector k at a step, of a plane of digits."""
        builder = self.builder
        place = builder.gep(self.places["octets"], [builder.mul(t, self.strides["octets"])])
        place = builder.gep(place, [_INT64(k) if plane is None else builder.add(plane, _INT64(k))])
        builder.store(builder.bitcast(bits, _BYTE), place)

    def clear_row(self, t: Any, plane: Any) -> None:
        """Clear all octets of a step in a plane of digits; there are at least eight."""
        builder, size = self.builder, self.strides["octets"]
        row = builder.gep(self.places["row"], [builder.add(builder.mul(t, size), plane)])
        entry, loop, end = builder.block, *(builder.append_basic_block(name) for name in "cz")
        builder.branch(loop)
        builder.position_at_end(loop)
        place = builder.phi(_INT64)
        place.add_incoming(_INT64(0), entry)
        word = builder.bitcast(builder.gep(row, [place]), _INT64.as_pointer())
        builder.store(_INT64(0), word, align=1)
        following = builder.add(place, _INT64(8))
        place.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, size), loop, end)
        builder.position_at_end(end)

    def burst(self, membranes: list[Any], t: Any, limit: Any, plane: Any, go: Any) -> list[Any]:
        """Write a step of neurons some of which spike several times; return their new v.

        membranes are those at the decision; digits are written plane by plane while there are any.
        """
        builder, after, counts = self.builder, [], []
        whole = ir.VectorType(_INT32, LANES)
        for k, u in enumerate(membranes):
            edge = self.load("theta", k, t)
            many = call_in(builder, "floor", builder.fdiv(u, edge))
            many = builder.select(builder.fcmp_ordered("<", many, limit), many, limit)
            many = builder.select(builder.fcmp_ordered(">=", u, edge), many, self.zero)
            after.append(builder.fsub(u, builder.fmul(many, edge)))
            counts.append(builder.fptosi(many, whole))
        place = builder.gep(self.places["tops"], [t])
        before = builder.load(place)
        entry, loop, fresh, put, end = (
            builder.block, *(builder.append_basic_block(name) for name in "pfwe")
        )  # fmt: skip
        builder.branch(loop)
        builder.position_at_end(loop)
        digit = builder.phi(_INT64)
        digit.add_incoming(_INT64(0), entry)
        rests = [builder.phi(whole) for _ in counts]
        # The first plane is zero where nobody wrote; others hold anything until a step uses them.
        used = builder.zext(before, _INT64)
        new = builder.icmp_unsigned(">=", digit, used)
        new = builder.and_(new, builder.icmp_unsigned(">", digit, _INT64(0)))
        builder.cbranch(new, fresh, put)
        builder.position_at_end(fresh)
        self.clear_row(t, builder.mul(digit, plane))
        builder.branch(put)
        builder.position_at_end(put)
        left, ones, some = [], ir.Constant(whole, [1] * LANES), None
        bits = ir.VectorType(ir.IntType(1), LANES)
        for k, (count, rest) in enumerate(zip(counts, rests, strict=True)):
            rest.add_incoming(count, entry)
            self.store_bits(builder.trunc(rest, bits), k, t, builder.mul(digit, plane))
            left.append((rest, builder.lshr(rest, ones)))
            some = left[-1][1] if some is None else builder.or_(some, left[-1][1])
        following = builder.add(digit, _INT64(1))
        nonzero = builder.icmp_unsigned("!=", some, ir.Constant(whole, [0] * LANES))
        again = builder.icmp_unsigned("!=", builder.bitcast(nonzero, _BYTE), _BYTE(0))
        digit.add_incoming(following, put)
        for rest, new_rest in left:
            rest.add_incoming(new_rest, put)
        builder.cbranch(again, loop, end)
        builder.position_at_end(end)
        digits = builder.trunc(following, _BYTE)
        more = builder.icmp_unsigned(">", before, digits)
        builder.store(builder.select(more, before, digits), place)
        builder.branch(go)
        return after

    def write(self, vectors: int, delta: bool, others: tuple[Any, ...], end: Any) -> None:
        """Write the loop from the current block on; others: steps, limit, octets of a plane."""
        builder, (steps, limit, plane) = self.builder, others
        entry = builder.block
        name = f"{'d' if delta else 's'}{vectors}"
        loop, slow, go, done = (builder.append_basic_block(name + part) for part in "lbgd")
        before = [(self.load("v", k), self.load("i", k)) for k in range(vectors)]
        builder.branch(loop)
        builder.position_at_end(loop)
        t = builder.phi(_INT64)
        state = [(builder.phi(self.vector), builder.phi(self.vector)) for _ in range(vectors)]
        new = [self.step(k, t, v, i, delta) for k, (v, i) in enumerate(state)]
        any_many = new[0][2]
        for _, _, many, _ in new[1:]:
            any_many = builder.or_(any_many, many)
        bits = builder.bitcast(any_many, _BYTE)
        builder.cbranch(builder.icmp_unsigned("==", bits, _BYTE(0)), go, slow)
        builder.position_at_end(slow)
        late = self.burst([u for *_, u in new], t, limit, plane, go)
        late_end = builder.block
        builder.position_at_end(go)
        membranes = [builder.phi(self.vector) for _ in new]
        for phi, (v, *_), v_late in zip(membranes, new, late, strict=True):
            phi.add_incoming(v, loop)
            phi.add_incoming(v_late, late_end)
        following = builder.add(t, _INT64(1))
        builder.cbranch(builder.icmp_signed("<", following, steps), loop, done)
        t.add_incoming(_INT64(0), entry)
        t.add_incoming(following, go)
        after = [(v, current) for v, (_, current, _, _) in zip(membranes, new, strict=True)]
        for phis, first, values in zip(state, before, after, strict=True):
            for phi, a, b in zip(phis, first, values, strict=True):
                phi.add_incoming(a, entry)
                phi.add_incoming(b, go)
        builder.position_at_end(done)
        for k, (v, i) in enumerate(after):
            self.store(v, "v", k)
            self.store(i, "i", k)
        builder.branch(end)


@_intrinsic
def advance(
    typing_context, x, x_at, x_step, v, v_at, i, i_at, alpha, alpha_at, beta, beta_at, bias,
    bias_at, theta, theta_at, theta_step, twice, twice_at, trace, trace_at, trace_step, octets,
    octets_at, octets_step, tops, tops_at, plane, before, limit, steps, vectors, delta,
):  # fmt: skip
    """Run a block of neurons for some steps.

    Every array is followed by the place in it where the block starts, and by the elements from one
    step to the next where it changes with steps.

    Args:
        typing_context: of numba.
        x: input; v, i: state, in and out; alpha, beta, bias: constants; theta: thresholds.
        twice: membranes below which no neuron spikes more than once; as theta.
        trace: membranes at the spike decision, written.
        octets: spikes of a vector, a bit each, written.
        tops: digits of the largest count of a step, written where a neuron spikes more than once.
        plane: octets from one digit of counts to the next.
        before: octets of a row before those of the block.
        limit: most spikes of a neuron in a step.
        steps: at least one.
        vectors: of the block, 1..WIDEST.
        delta: whether synapses are delta synapses; beta is then not read.
    """
    whole = types.int64
    arrays = {"x": (x, 2), "v": (v, 1), "i": (i, 1), "alpha": (alpha, 1), "beta": (beta, 1)}
    arrays |= {"bias": (bias, 1), "theta": (theta, 2), "twice": (twice, 1), "trace": (trace, 2)}
    arrays |= {"octets": (octets, 2), "tops": (tops, 1)}
    kinds = [kind for array, count in arrays.values() for kind in (array, *[whole] * count)]

    def generate(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        places, strides, (plane, before, limit, steps, vectors, delta) = _taken(
            context, builder, arrays, signature.args, arguments, dtype
        )
        strides["twice"] = strides["theta"]
        places["row"] = builder.gep(places["octets"], [builder.neg(before)])
        loop, others = (
            _Loop(builder, places, strides, dtype),
            (steps, spread_in(builder, limit), plane),
        )
        _variants(
            builder, vectors, delta, lambda n, by_delta, end: loop.write(n, by_delta, others, end)
        )
        return context.get_dummy_value()

    return types.void(*kinds, whole, whole, limit, whole, whole, whole), generate


class _Back(_Arrays):
    """LLVM code of the backward loop for a number of vectors."""

    def step(self, k: int, t: Any, g_v: Any, g_i: Any, delta: bool) -> tuple[Any, Any]:
        """Write a step back of vector k; return its new gradients by v and i."""
        builder = self.builder
        by_reset = builder.fmul(g_v, self.load("theta", k, t))
        by_spike = builder.fsub(self.load("by_spikes", k, t), by_reset)
        g = builder.fadd(g_v, builder.fmul(by_spike, self.load("slope", k, t)))
        g_v = builder.fmul(g, self.load("alpha", k))
        if not delta:
            g = builder.fmul(builder.fadd(g_i, g), self.load("beta", k))
        self.store(g, "to", k, t)
        return g_v, g

    def write(self, vectors: int, delta: bool, steps: Any, end: Any) -> None:
        """Write the loop from the current block on."""
        builder = self.builder
        entry = builder.block
        name = f"{'d' if delta else 's'}{vectors}"
        loop, done = (builder.append_basic_block(name + part) for part in "ld")
        before = [(self.load("g_v", k), self.load("g_i", k)) for k in range(vectors)]
        last = builder.sub(steps, _INT64(1))
        builder.branch(loop)
        builder.position_at_end(loop)
        t = builder.phi(_INT64)
        state = [(builder.phi(self.vector), builder.phi(self.vector)) for _ in range(vectors)]
        after = [self.step(k, t, *pair, delta) for k, pair in enumerate(state)]
        earlier = builder.sub(t, _INT64(1))
        builder.cbranch(builder.icmp_signed(">=", earlier, _INT64(0)), loop, done)
        t.add_incoming(last, entry)
        t.add_incoming(earlier, loop)
        for phis, first, new in zip(state, before, after, strict=True):
            for phi, a, b in zip(phis, first, new, strict=True):
                phi.add_incoming(a, entry)
                phi.add_incoming(b, loop)
        builder.position_at_end(done)
        for k, (g_v, g_i) in enumerate(after):
            self.store(g_v, "g_v", k)
            self.store(g_i, "g_i", k)
        builder.branch(end)


@_intrinsic
def retreat(
    typing_context, by_spikes, by_at, by_step, slope, slope_at, slope_step, theta, theta_at,
    theta_step, alpha, alpha_at, beta, beta_at, g_v, g_v_at, g_i, g_i_at, to, to_at, to_step, steps,
    vectors, delta,
):  # fmt: skip
    """Take the gradients of a block of neurons back over `steps` steps, the last first.

    Arrays are given as for `advance`.

    Args:
        typing_context: of numba.
        by_spikes: gradients by the spikes; slope: derivatives of the spikes by the membrane.
        theta: thresholds; alpha, beta: decays.
        g_v, g_i: gradients by the state after the last step, then before the first.
        to: gradients by the input, written.
        steps: at least one.
        vectors: of the block, 1..WIDEST.
        delta: whether synapses are delta synapses; beta is then not read.
    """
    whole = types.int64
    arrays = {"by_spikes": (by_spikes, 2), "slope": (slope, 2), "theta": (theta, 2)}
    arrays |= {"alpha": (alpha, 1), "beta": (beta, 1), "g_v": (g_v, 1), "g_i": (g_i, 1)}
    arrays["to"] = (to, 2)
    kinds = [kind for array, count in arrays.values() for kind in (array, *[whole] * count)]

    def generate(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        places, strides, (steps, vectors, delta) = _taken(
            context, builder, arrays, signature.args, arguments, dtype
        )
        loop = _Back(builder, places, strides, dtype)
        _variants(
            builder, vectors, delta, lambda n, by_delta, end: loop.write(n, by_delta, steps, end)
        )
        return context.get_dummy_value()

    return types.void(*kinds, whole, whole, whole), generate


def _variants(builder: Any, vectors: Any, delta: Any, write: Callable[..., None]) -> None:
    """Write a loop for each number of vectors, with and without synapses, and the choice of one.

    write(n, by_delta, end) writes one from the current block on and goes to the block `end`.
    """
    end = builder.append_basic_block("end")
    switch = builder.switch(builder.add(builder.mul(delta, _INT64(WIDEST)), vectors), end)
    for by_delta in (False, True):
        for n in range(1, WIDEST + 1):
            block = builder.append_basic_block("entry")
            switch.add_case(_INT64(n + WIDEST * by_delta), block)
            builder.position_at_end(block)
            write(n, by_delta, end)
    builder.position_at_end(end)


def _taken(
    context: Any, builder: Any, arrays: dict[str, Any], kinds: Any, arguments: Any, dtype: Any
) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """Return pointers and strides by name, and the arguments after the arrays."""
    remaining = iter(zip(kinds, arguments, strict=True))
    places, strides = {}, {}
    for name, (_, count) in arrays.items():
        (kind, array), (_, place) = next(remaining), next(remaining)
        number = _BYTE if name in ("octets", "tops") else element(dtype)
        places[name] = pointer(context, builder, kind, array, place, number)
        if count == 2:
            strides[name] = next(remaining)[1]
    return places, strides, [argument for _, argument in remaining]
