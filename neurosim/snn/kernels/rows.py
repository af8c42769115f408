"""Sums of rows of a table in vector registers: over the set bits of a word, and with factors.

A row of neurons at one time step is one word for 64 neurons, bit n set where neuron n spiked. The
loop finds set bits one by one (count trailing zeros, clear the lowest). Rows of the table are taken
in blocks of up to WIDEST vectors, for each number of which there is a loop of its own, so that the
sums of a block stay in registers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurosim.snn.kernels.floats import part
from neurosim.snn.kernels.lanes import LANES, element, multiply_add_in, pointer, spread_in

WIDEST = 8
"""Vectors of a block."""
BLOCK = WIDEST * LANES
"""Floats of a block."""
WIDEST_PRODUCT = 6
"""Vectors of a block in `two_rows`: with sums of two rows, more do not fit 16 registers."""

# numba's annotations know nothing of the arguments that it adds itself.
_intrinsic: Any = intrinsic
_INT64 = ir.IntType(64)


class _Bits:
    """LLVM code of a loop over the set bits of a word, for each number of vectors."""

    def __init__(self, builder: Any, word: Any, vectors: Any):
        self.builder, self.word = builder, word
        self.start = builder.block
        self.end = builder.append_basic_block("end")
        some = builder.append_basic_block("some")
        empty = builder.icmp_unsigned("==", word, _INT64(0))
        builder.cbranch(empty, self.end, some)
        builder.position_at_end(some)
        self.switch = builder.switch(vectors, self.end)

    def loops(self, body: Any) -> None:
        """Write all loops; body(n) returns what is done at a bit, and after the last."""
        builder = self.builder
        for n in range(1, WIDEST + 1):
            entry, loop, leave = (builder.append_basic_block(f"{w}{n}") for w in ("e", "l", "x"))
            self.switch.add_case(_INT64(n), entry)
            builder.position_at_end(entry)
            at_bit, after = body(n, entry, loop)
            builder.branch(loop)
            builder.position_at_end(loop)
            word = builder.phi(_INT64)
            at_bit(word)
            rest = builder.and_(word, builder.sub(word, _INT64(1)))
            word.add_incoming(self.word, entry)
            word.add_incoming(rest, loop)
            builder.cbranch(builder.icmp_unsigned("==", rest, _INT64(0)), leave, loop)
            builder.position_at_end(leave)
            after()
            builder.branch(self.end)
        builder.position_at_end(self.end)


class _Table:
    """Vectors of the rows of a table in LLVM code."""

    def __init__(self, builder: Any, start: Any, stride: Any, dtype: types.Float):
        self.builder, self.start, self.stride = builder, start, stride
        self.align = dtype.bitwidth // 8
        self.floats = element(dtype)
        self.vector = ir.VectorType(self.floats, LANES)

    def at(self, base: Any, k: int) -> Any:
        """Return the address of vector k from a pointer to floats on."""
        where = self.builder.gep(base, [_INT64(k * LANES)])
        return self.builder.bitcast(where, self.vector.as_pointer())

    def row(self, word: Any) -> Any:
        """Return a pointer to the row that the lowest bit of a word stands for."""
        bit = self.builder.cttz(word, ir.Constant(ir.IntType(1), 1))
        return self.builder.gep(self.start, [self.builder.mul(bit, self.stride)])

    def load(self, base: Any, k: int) -> Any:
        return self.builder.load(self.at(base, k), align=self.align)

    def store(self, value: Any, base: Any, k: int) -> None:
        self.builder.store(value, self.at(base, k), align=self.align)


def _prepare(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, Any, Any]:
    """Return table, pointer to the single row, and loops of the arguments of both functions."""
    word, table, start, stride, row, at, vectors = arguments
    kinds, dtype = signature.args, signature.args[1].dtype
    first = pointer(context, builder, kinds[1], table, start, element(dtype))
    single = pointer(context, builder, kinds[4], row, at, element(dtype))
    return _Table(builder, first, stride, dtype), single, _Bits(builder, word, vectors)


def _signature(table: Any, row: Any) -> Any:
    whole = types.int64
    return types.void(types.uint64, table, whole, whole, row, whole, whole)


@_intrinsic
def _sum_block(typing_context, word, table, start, stride, row, at, vectors):
    def generate(context, builder, signature, arguments):
        rows, to, bits = _prepare(context, builder, signature, arguments)

        def body(n: int, entry: Any, loop: Any) -> tuple[Any, Any]:
            before = [rows.load(to, k) for k in range(n)]
            sums: list[Any] = []

            def at_bit(word: Any) -> None:
                phis = [builder.phi(rows.vector) for _ in range(n)]
                base = rows.row(word)
                for k, phi in enumerate(phis):
                    sums.append(builder.fadd(phi, rows.load(base, k)))
                    phi.add_incoming(before[k], entry)
                    phi.add_incoming(sums[k], loop)

            def after() -> None:
                for k in range(n):
                    rows.store(sums[k], to, k)

            return at_bit, after

        bits.loops(body)
        return context.get_dummy_value()

    return _signature(table, row), generate


@_intrinsic
def _add_block(typing_context, word, table, start, stride, row, at, vectors):
    def generate(context, builder, signature, arguments):
        rows, source, bits = _prepare(context, builder, signature, arguments)

        def body(n: int, entry: Any, loop: Any) -> tuple[Any, Any]:
            values = [rows.load(source, k) for k in range(n)]

            def at_bit(word: Any) -> None:
                base = rows.row(word)
                for k, value in enumerate(values):
                    rows.store(builder.fadd(rows.load(base, k), value), base, k)

            return at_bit, lambda: None

        bits.loops(body)
        return context.get_dummy_value()

    return _signature(table, row), generate


@part
def add_rows(words, at, count, table, column, stride, vectors, to, place):
    """Add up rows of a table for the set bits of words[at : at + count].

    Row n of the table, for bit n counted over all words, starts at element n * stride; `vectors`
    (at most WIDEST) vectors of it from `column` on are added to the array `to` from `place` on.
    """
    for w in range(count):
        _sum_block(words[at + w], table, column + 64 * w * stride, stride, to, place, vectors)


@part
def add_to_rows(words, at, count, table, column, stride, vectors, row, place):
    """Add a row to rows of a table, for the set bits of words[at : at + count]; see `add_rows`."""
    for w in range(count):
        _add_block(words[at + w], table, column + 64 * w * stride, stride, row, place, vectors)


@_intrinsic
def two_rows(
    typing_context, factors, first, second, factor_step, count, table, column, stride, to, to_first,
    to_second, vectors,
):  # fmt: skip
    """Add the products of two rows of factors with a block of a table's columns to two rows.

    Args:
        typing_context: of numba.
        factors: array with both rows; first, second: where they begin; factor_step: elements from
            one factor to the next.
        count: factors of a row, rows of the table; at least one.
        table: the table; column: where the block begins in its first row.
        stride: elements from a row of the table to the next.
        to: array that is added to; to_first, to_second: where its rows begin, which may be the
            same if the factors are.
        vectors: of the block, 1..WIDEST_PRODUCT.
    """

    def generate(context, builder, signature, arguments):
        factors, one, other, step, count, table, column, stride, to, *places, vectors = arguments
        kinds, dtype = signature.args, signature.args[0].dtype
        floats = element(dtype)
        align = dtype.bitwidth // 8
        scalars = [
            pointer(context, builder, kinds[0], factors, place, floats) for place in (one, other)
        ]
        start = pointer(context, builder, kinds[5], table, column, floats)
        rows = _Table(builder, start, stride, dtype)
        results = [pointer(context, builder, kinds[8], to, place, floats) for place in places]
        end = builder.append_basic_block("end")
        switch = builder.switch(vectors, end)
        for n in range(1, WIDEST_PRODUCT + 1):
            entry, loop, leave = (builder.append_basic_block(f"{w}{n}") for w in ("e", "l", "x"))
            switch.add_case(_INT64(n), entry)
            builder.position_at_end(entry)
            first = [rows.load(result, k) for result in results for k in range(n)]
            builder.branch(loop)
            builder.position_at_end(loop)
            j = builder.phi(_INT64)
            before = [builder.phi(rows.vector) for _ in range(2 * n)]
            base = builder.gep(start, [builder.mul(j, stride)])
            place = builder.mul(j, step)
            spread = [
                spread_in(builder, builder.load(builder.gep(scalar, [place]), align=align))
                for scalar in scalars
            ]
            after: list[Any] = [None] * (2 * n)
            for k in range(n):
                value = rows.load(base, k)
                for r, factor in enumerate(spread):
                    place = r * n + k
                    after[place] = multiply_add_in(builder, factor, value, before[place])
            following = builder.add(j, _INT64(1))
            j.add_incoming(_INT64(0), entry)
            j.add_incoming(following, loop)
            for phi, old, value in zip(before, first, after, strict=True):
                phi.add_incoming(old, entry)
                phi.add_incoming(value, loop)
            builder.cbranch(builder.icmp_signed("<", following, count), loop, leave)
            builder.position_at_end(leave)
            for r, result in enumerate(results):
                for k in range(n):
                    rows.store(after[r * n + k], result, k)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    whole = types.int64
    signature = types.void(
        factors, whole, whole, whole, whole, table, whole, whole, to, whole, whole, whole
    )
    return signature, generate


@part
def add_product(factors, row_step, factor_step, rows, count, table, stride, to, width):
    """Add the product of a matrix of factors (rows, count) with a table (count, width) to `to`.

    Element (r, j) of the factors lies at r * row_step + j * factor_step; `width` is that of the
    table in whole vectors, row j of which starts at j * stride; rows of `to` follow each other.
    """
    for r in range(0, rows, 2):
        other = min(r + 1, rows - 1)
        for n in range(0, width, WIDEST_PRODUCT * LANES):
            vectors = min(WIDEST_PRODUCT, (width - n) // LANES)
            two_rows(
                factors, r * row_step, other * row_step, factor_step, count, table, n, stride, to,
                r * width + n, other * width + n, vectors,
            )  # fmt: skip
