"""Vectors of LANES floats as values in numba kernels, on any processor that LLVM knows.

numba leaves vectors to LLVM's loop vectoriser, which takes short rows and their ends number by
number. Here the vector is written out: `load` reads LANES neighbours of an array, + - * / and
comparisons act on all lanes, `store` writes them. LLVM splits or joins lanes for the machine at
hand. The functions take single floats too, so that a formula is written once for both.

Arrays are contiguous, and places in them are counted in elements from their start; nothing checks
the bounds.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.extending import register_model
from numba.extending import intrinsic, overload
from numba.np import arrayobj

LANES = 8
"""Floats of a vector: 256 bits of float32, which compilers split or join."""

# numba's annotations know nothing of the arguments that it adds itself.
_intrinsic: Any = intrinsic
_BYTE, _INT32, _INT64, _BIT = (ir.IntType(bits) for bits in (8, 32, 64, 1))
INSIDE: Any = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that only compiled ones call. Ways in from Python and from C for each of
them would take a quarter of the time that kernels take to compile."""
_ALWAYS: Any = {**INSIDE, "_nrt": False}


class Lanes(types.Type):
    """The type of a vector of floats."""

    def __init__(self, dtype: types.Float):
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


class Choice(types.Type):
    """The type of what a comparison of vectors gives."""

    def __init__(self) -> None:
        super().__init__(name="Choice")


_CHOICE = Choice()
_BITS = ir.VectorType(_BIT, LANES)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes):
        super().__init__(dmm, fe_type, _vector(fe_type.dtype))


@register_model(Choice)
class _ChoiceModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Choice):
        super().__init__(dmm, fe_type, _BITS)


def element(dtype: types.Float) -> ir.Type:
    """Return LLVM's type of a float."""
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def _vector(dtype: types.Float) -> ir.VectorType:
    return ir.VectorType(element(dtype), LANES)


def pointer(
    context: Any, builder: Any, array_type: types.Array, array: Any, place: Any, kind: ir.Type
) -> Any:
    """Return a pointer of a kind to the element of an array at a place (int64)."""
    data = arrayobj.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())


def spread_in(builder: Any, value: Any) -> Any:
    """Return a vector whose lanes all hold a float."""
    kind = ir.VectorType(value.type, LANES)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _INT32(0))
    zeros = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def call_in(builder: Any, name: str, *arguments: Any) -> Any:
    """Call LLVM's function of that name of vectors."""
    kind = arguments[0].type
    bits = 32 if kind.element == ir.FloatType() else 64
    function = ir.FunctionType(kind, [kind] * len(arguments))
    full = f"llvm.{name}.v{LANES}f{bits}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, full), arguments)


def multiply_add_in(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once where the processor does that as fast."""
    return call_in(builder, "fmuladd", a, b, c)


# --- memory -------------------------------------------------------------------------------------


@_intrinsic
def load(typing_context, array, place):
    """Return the LANES floats of an array from a place on."""

    def generate(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        where = pointer(
            context, builder, signature.args[0], arguments[0], arguments[1], _vector(dtype)
        )
        return builder.load(where, align=dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.int64), generate


@_intrinsic
def store(typing_context, array, place, value):
    """Write LANES floats into an array from a place on."""

    def generate(context, builder, signature, arguments):
        kind, dtype = signature.args[0], signature.args[0].dtype
        where = pointer(context, builder, kind, arguments[0], arguments[1], _vector(dtype))
        builder.store(arguments[2], where, align=dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


def _first(builder: Any, count: Any) -> Any:
    """Return which lanes are among the first `count` (int64)."""
    numbers = ir.Constant(ir.VectorType(_INT64, LANES), list(range(LANES)))
    return builder.icmp_signed("<", numbers, spread_in(builder, count))


def _masked(builder: Any, name: str, dtype: types.Float, result: Any, arguments: Any) -> Any:
    kinds = [argument.type for argument in arguments]
    # Pointers in the name as LLVM spells them: without types since its version 15.
    full = f"llvm.masked.{name}.v{LANES}f{dtype.bitwidth}.p0"
    function = ir.FunctionType(result, kinds)
    return builder.call(cgutils.get_or_insert_function(builder.module, function, full), arguments)


@_intrinsic
def load_first(typing_context, array, place, count):
    """Return the floats of an array from a place on, at most `count` of them, then zeros."""

    def generate(context, builder, signature, arguments):
        dtype, kind = signature.args[0].dtype, _vector(signature.args[0].dtype)
        where = pointer(context, builder, signature.args[0], arguments[0], arguments[1], kind)
        zeros = ir.Constant(kind, [0.0] * LANES)
        wanted = _first(builder, arguments[2])
        align = _INT32(dtype.bitwidth // 8)
        return _masked(builder, "load", dtype, kind, [where, align, wanted, zeros])

    return Lanes(array.dtype)(array, types.int64, types.int64), generate


@_intrinsic
def store_first(typing_context, array, place, count, value):
    """Write at most `count` floats into an array from a place on."""

    def generate(context, builder, signature, arguments):
        array, place, count, value = arguments
        dtype, kind = signature.args[0].dtype, _vector(signature.args[0].dtype)
        where = pointer(context, builder, signature.args[0], array, place, kind)
        align = _INT32(dtype.bitwidth // 8)
        wanted = _first(builder, count)
        _masked(builder, "store", dtype, ir.VoidType(), [value, where, align, wanted])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, value), generate


# --- arithmetic ---------------------------------------------------------------------------------


def _lanes_of(*kinds: Any) -> Lanes | None:
    """Return the type of vectors among operands, if there is one and the others are numbers."""
    lanes = [kind for kind in kinds if isinstance(kind, Lanes)]
    others = [kind for kind in kinds if not isinstance(kind, Lanes | types.Number)]
    return lanes[0] if lanes and not others else None


def _operands(context: Any, builder: Any, signature: Any, arguments: Any, lanes: Lanes) -> list:
    """Return operands as vectors."""
    return [
        value
        if isinstance(kind, Lanes)
        else spread_in(builder, context.cast(builder, value, kind, lanes.dtype))
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


def _define(operation: Any, emit: Any, result: Any = None) -> None:
    """Let an operation of two operands work on vectors; emit(builder, a, b) writes it."""

    @_intrinsic
    def on_vectors(typing_context, a, b):
        lanes: Any = _lanes_of(a, b)

        def generate(context, builder, signature, arguments):
            return emit(builder, *_operands(context, builder, signature, arguments, lanes))

        return (result or lanes)(a, b), generate

    @overload(operation, jit_options=_ALWAYS)
    def choose(a, b):
        return (lambda a, b: on_vectors(a, b)) if _lanes_of(a, b) is not None else None


_define(operator.add, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_define(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))
_define(operator.ge, lambda builder, a, b: builder.fcmp_ordered(">=", a, b), _CHOICE)


@_intrinsic
def _negative(typing_context, a):
    def generate(context, builder, signature, arguments):
        return builder.fneg(arguments[0])

    return a(a), generate


@overload(operator.neg, jit_options=_ALWAYS)
def _neg(a):
    return (lambda a: _negative(a)) if isinstance(a, Lanes) else None


def floor(x):
    """Return the largest whole number that is not above x."""
    return math.floor(x)


def least(a, b):
    """Return the smaller one of two."""
    return min(a, b)


def greatest(a, b):
    """Return the larger one of two."""
    return max(a, b)


def size_of(x):
    """Return x without its sign."""
    return abs(x)


def select(condition, a, b):
    """Return a where a condition holds, else b."""
    return a if condition else b


def multiply_add(a, b, c):
    """Return a b + c, rounded once where the processor does that as fast."""
    return a * b + c


_define(least, lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
_define(greatest, lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))


def _function(name: str) -> Any:
    @_intrinsic
    def on_vector(typing_context, a):
        def generate(context, builder, signature, arguments):
            return call_in(builder, name, *arguments)

        return a(a), generate

    return on_vector


_floor, _size = _function("floor"), _function("fabs")


@overload(floor, jit_options=_ALWAYS)
def _floor_of(x):
    return (lambda x: _floor(x)) if isinstance(x, Lanes) else (lambda x: np.floor(x))


@overload(size_of, jit_options=_ALWAYS)
def _size_of(x):
    return (lambda x: _size(x)) if isinstance(x, Lanes) else (lambda x: abs(x))


@overload(least, jit_options=_ALWAYS)
def _least_of(a, b):
    return None if _lanes_of(a, b) is not None else (lambda a, b: min(a, b))


@overload(greatest, jit_options=_ALWAYS)
def _greatest_of(a, b):
    return None if _lanes_of(a, b) is not None else (lambda a, b: max(a, b))


@_intrinsic
def _select(typing_context, condition, a, b):
    lanes = _lanes_of(a, b) or Lanes(a)

    def generate(context, builder, signature, arguments):
        kinds = signature.return_type(*signature.args[1:])
        values = _operands(context, builder, kinds, arguments[1:], lanes)
        return builder.select(arguments[0], *values)

    return lanes(condition, a, b), generate


@overload(select, jit_options=_ALWAYS)
def _select_of(condition, a, b):
    if isinstance(condition, Choice):
        return lambda condition, a, b: _select(condition, a, b)
    return lambda condition, a, b: a if condition else b


@_intrinsic
def _fused(typing_context, a, b, c):
    lanes: Any = _lanes_of(a, b, c)

    def generate(context, builder, signature, arguments):
        values = _operands(context, builder, signature, arguments, lanes)
        return multiply_add_in(builder, *values)

    return lanes(a, b, c), generate


@overload(multiply_add, jit_options={**_ALWAYS, "fastmath": {"contract"}})
def _multiply_add_of(a, b, c):
    if _lanes_of(a, b, c) is not None:
        return lambda a, b, c: _fused(a, b, c)
    return lambda a, b, c: a * b + c


@_intrinsic
def spread(typing_context, value):
    """Return a vector whose lanes all hold a float."""

    def generate(context, builder, signature, arguments):
        return spread_in(builder, arguments[0])

    return Lanes(value)(value), generate


# --- bits ---------------------------------------------------------------------------------------


@_intrinsic
def bits_of(typing_context, condition):
    """Return an unsigned number whose bit k is the condition in lane k."""

    def generate(context, builder, signature, arguments):
        return builder.zext(builder.bitcast(arguments[0], _BYTE), _INT64)

    return types.uint64(condition), generate


@_intrinsic
def ones_in(typing_context, word):
    """Return how many bits of a word (uint64) are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@_intrinsic
def lanes_where(typing_context, bits, value):
    """Return a vector that is `value` in lane k where bit k (of a uint8) is set, else 0."""

    def generate(context, builder, signature, arguments):
        bits, value = arguments
        zeros = ir.Constant(_vector(signature.args[1]), [0.0] * LANES)
        return builder.select(builder.bitcast(bits, _BITS), spread_in(builder, value), zeros)

    return Lanes(value)(types.uint8, value), generate


@_intrinsic
def lane(typing_context, vector, k):
    """Return lane k of a vector."""

    def generate(context, builder, signature, arguments):
        return builder.extract_element(arguments[0], arguments[1])

    return vector.dtype(vector, types.int64), generate


@_intrinsic
def power_of_two(typing_context, y):
    """Return 2^y lane by lane, by libm."""

    def generate(context, builder, signature, arguments):
        return call_in(builder, "exp2", *arguments)

    return y(y), generate


@_intrinsic
def whole_power_of_two(typing_context, k):
    """Return 2^k for whole numbers -126 <= k <= 127 of float32."""

    def generate(context, builder, signature, arguments):
        whole = ir.VectorType(_INT32, LANES)
        bias, places = (ir.Constant(whole, [value] * LANES) for value in (127, 23))
        exponent = builder.add(builder.fptosi(arguments[0], whole), bias)
        return builder.bitcast(builder.shl(exponent, places), _vector(types.float32))

    return k(k), generate
