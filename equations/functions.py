"""Functions that equations may call beside Brian2's own: 16-bit integer arithmetic of a chip.

Each is stated for every target: numpy, C++ and Cython give the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurosim.equations.sandbox import load

Integers = npt.NDArray[np.integer[Any]]


def leak(x: Integers, shift: Integers) -> Integers:
    """Decay of x in a step: x >> shift, rounding down, and at least one towards zero."""
    shifted = np.right_shift(x, shift)
    return np.where(shifted == 0, np.sign(x), shifted)


def saturate(x: Integers) -> Integers:
    """X held in 16 bits."""
    return np.clip(x, -32768, 32767)


def word(x: Integers) -> Integers:
    """The low 16 bits of x, read as two's complement: 32768 becomes -32768."""
    return (np.asarray(x) + 32768) % 65536 - 32768


def crossings(v: Integers, threshold: Integers, most: Integers) -> Integers:
    """How many times the threshold fits into v: 0..most."""
    return np.clip(np.asarray(v) // threshold, 0, most)


@dataclass(frozen=True)
class IntegerFunction:
    """A function of integers for all of Brian2's targets."""

    python: Callable[..., Integers]
    arguments: int
    cpp: str
    cython: str


# `crossings` divides floats because processors divide them many at a time. It is exact: for
# 0 < v, threshold < 2**15 a quotient below an integer k is at most k (1 - 1/v) < k (1 - 2**-15),
# and rounding to a 24-bit significand moves it by a factor of at most 1 + 2**-24.
TABLE: dict[str, IntegerFunction] = {
    "leak": IntegerFunction(
        leak,
        2,
        """static inline int32_t leak(int32_t x, int32_t shift) {
            const int32_t shifted = x >> shift;
            return shifted == 0 ? (x > 0) - (x < 0) : shifted;
        }""",
        """cdef int leak(int x, int shift) noexcept:
            cdef int shifted = x >> shift
            return (x > 0) - (x < 0) if shifted == 0 else shifted""",
    ),
    "saturate": IntegerFunction(
        saturate,
        1,
        """static inline int32_t saturate(int32_t x) {
            return x < -32768 ? -32768 : (x > 32767 ? 32767 : x);
        }""",
        """cdef int saturate(int x) noexcept:
            return -32768 if x < -32768 else (32767 if x > 32767 else x)""",
    ),
    "word": IntegerFunction(
        word,
        1,
        "static inline int32_t word(int32_t x) { return (int16_t)x; }",
        """cdef int word(int x) noexcept:
            return ((x + 32768) & 65535) - 32768""",
    ),
    "crossings": IntegerFunction(
        crossings,
        3,
        """static inline int32_t crossings(int32_t v, int32_t threshold, int32_t most) {
            const int32_t times = (int32_t)((float)v / (float)threshold);
            return times < 0 ? 0 : (times > most ? most : times);
        }""",
        """cdef int crossings(int v, int threshold, int most) noexcept:
            cdef int times = v // threshold if v > 0 else 0
            return most if times > most else times""",
    ),
}


def brian2_functions(names: tuple[str, ...]) -> dict[str, Any]:
    """Return Brian2 Functions by name, for the namespace of a group."""
    brian2 = load()
    namespace = {}
    for name in names:
        entry = TABLE[name]
        function = brian2.Function(
            entry.python,
            arg_units=[1] * entry.arguments,
            return_unit=1,
            arg_types=["integer"] * entry.arguments,
            return_type="integer",
            stateless=True,
        )
        function.implementations.add_implementation("cpp", entry.cpp, name=name)
        function.implementations.add_implementation("cython", entry.cython, name=name)
        # brian2cuda also compiles for the processor what runs on the card.
        on_gpu = entry.cpp.replace("static inline", "__host__ __device__ static inline")
        function.implementations.add_implementation("cuda", on_gpu, name=name)
        namespace[name] = function
    return namespace
