"""Float tricks for numba kernels: a power of two that vectorises, subnormal numbers as zero.

numba has neither: its exp calls libm neuron by neuron, and subnormal numbers, where the gradients
of quiet neurons end up, cost a hundred times as much as others.
"""

from __future__ import annotations

import math
import platform
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.compiler import Compiler
from numba.extending import intrinsic, overload

from neurosim.compiled import compiled
from neurosim.snn.kernels import lanes

_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "_nrt": False}


class _Apart(Compiler):
    """Compiles for arrays that share no memory, so that loops over many of them vectorise."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.state.flags.noalias = True


_INLINE: Any = {**_OPTIONS, **lanes.INSIDE, "pipeline_class": _Apart}

kernel: Any = partial(compiled, **_OPTIONS, no_cfunc_wrapper=True)
"""Compile a kernel. It does without reference counts (_nrt), which cost more than the arithmetic,
and hence can allocate nothing."""

part: Any = partial(compiled, **_INLINE)
"""Compile a part of kernels. It must not write an array that it also takes under another name.
Only compiled functions call it: from Python it cannot be called, and nothing says so."""

reduction: Any = partial(compiled, **{**_INLINE, "fastmath": {"reassoc", "nsz"}})
"""Compile a part that adds up; in any order, so that it vectorises."""

# numba's annotations know nothing of the arguments that it adds itself.
_intrinsic: Any = intrinsic

_X86 = platform.machine().lower() in ("x86_64", "amd64")
# MXCSR: flush to zero, denormals are zero. ARM's FPCR: FZ.
_FLUSH = np.uint32(0x8040) if _X86 else np.uint64(1 << 24)
_WORD = ir.IntType(32) if _X86 else ir.IntType(64)
_INT = types.uint32 if _X86 else types.uint64


def exp2_of_negative(y):
    """Return 2^y for y <= 0."""
    return math.pow(2.0, y)


# 2^f for |f| <= 1/2 at the Chebyshev nodes: relative error below 2e-7, the rounding of float32.
_C = np.polynomial.Chebyshev.interpolate(np.exp2, 5, [-0.5, 0.5])
_C0, _C1, _C2, _C3, _C4, _C5 = _C.convert(kind=np.polynomial.Polynomial).coef.astype(np.float32)
_HALF, _LEAST = np.float32(0.5), np.float32(-126.0)
_EXPONENT_BIAS, _MANTISSA = np.int32(127), np.int32(23)


@overload(exp2_of_negative, jit_options=_INLINE)
def _exp2_of_negative(y):
    if y == types.float64:
        return lambda y: math.pow(2.0, y)
    if y == lanes.Lanes(types.float64):
        return lambda y: lanes.power_of_two(y)

    def polynomial(y):
        y = lanes.greatest(y, _LEAST)
        k = lanes.floor(y + _HALF)
        f = y - k
        p = lanes.multiply_add(_C5, f, _C4)
        p = lanes.multiply_add(p, f, _C3)
        p = lanes.multiply_add(p, f, _C2)
        p = lanes.multiply_add(p, f, _C1)
        return lanes.multiply_add(p, f, _C0) * _whole_power(k)

    return polynomial


def _whole_power(k):
    """Return 2^k for a whole number -126 <= k <= 127."""
    return 2.0**k


@overload(_whole_power, jit_options=_INLINE)
def _whole_power_of(k):
    if k == types.float32:
        return lambda k: _float_of_bits((np.int32(k) + _EXPONENT_BIAS) << _MANTISSA)
    return lambda k: lanes.whole_power_of_two(k)


@_intrinsic
def _float_of_bits(typing_context, bits):
    """Read an int32 as the float32 with these bits."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@part
def start_flushing(flush):
    """Flush subnormal numbers to zero from here on if asked to; return the mode to go back to."""
    mode = _mode()
    if flush:
        set_mode(mode | _FLUSH)
    return mode


@_intrinsic
def _mode(typing_context):
    """Return this thread's floating-point control register."""

    def generate(context, builder, signature, arguments):
        if not _X86:
            return builder.call(_llvm(builder, "llvm.aarch64.get.fpcr", _WORD, []), [])
        pointer = cgutils.alloca_once(builder, _WORD)
        get = _llvm(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [pointer.type])
        builder.call(get, [pointer])
        return builder.load(pointer)

    return _INT(), generate


@_intrinsic
def set_mode(typing_context, mode):
    """Write this thread's floating-point control register."""

    def generate(context, builder, signature, arguments):
        if not _X86:
            put = _llvm(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [_WORD])
            builder.call(put, arguments)
        else:
            pointer = cgutils.alloca_once_value(builder, arguments[0])
            put = _llvm(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type])
            builder.call(put, [pointer])
        return context.get_dummy_value()

    return types.void(_INT), generate


def _llvm(builder, name, result, arguments):
    """Return LLVM's function of that name."""
    kind = ir.FunctionType(result, arguments)
    return cgutils.get_or_insert_function(builder.module, kind, name)
