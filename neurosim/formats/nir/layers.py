"""NIR's nodes without state: weights, scaling, convolution, pooling; numpy, float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import InputError

KINDS = (
    "Linear",
    "Affine",
    "Scale",
    "Threshold",
    "Identity",
    "Flatten",
    "Conv2d",
    "AvgPool2d",
    "SumPool2d",
)


Pair = tuple[int, int]


def apply(name: str, node: Any, x: np.ndarray) -> np.ndarray:
    """Return what a node makes of a signal.

    Args:
        name: of the node, for errors.
        node: of nir.
        x: (steps, samples, *shape).

    Raises:
        InputError: the signal's shape does not fit the node.
    """
    try:
        return _APPLY[type(node).__name__](node, x)
    except InputError as error:
        raise InputError(f"node {name}: {error}") from error
    except (ValueError, IndexError, TypeError) as error:
        raise InputError(
            f"node {name} ({type(node).__name__}) cannot take a signal of shape {x.shape[2:]} "
            f"({error})"
        ) from error


def _linear(node: Any, x: np.ndarray) -> np.ndarray:
    weight = np.asarray(node.weight, dtype=float)
    if weight.ndim != 2:
        raise InputError(f"its weight has shape {weight.shape}; a matrix runs")
    if x.shape[-1] != weight.shape[1] and int(np.prod(x.shape[2:])) == weight.shape[1]:
        x = x.reshape(*x.shape[:2], -1)
    return x @ weight.T


def _affine(node: Any, x: np.ndarray) -> np.ndarray:
    return _linear(node, x) + np.asarray(node.bias, dtype=float)


def _scale(node: Any, x: np.ndarray) -> np.ndarray:
    return x * np.asarray(node.scale, dtype=float)


def _threshold(node: Any, x: np.ndarray) -> np.ndarray:
    return (x > np.asarray(node.threshold, dtype=float)).astype(float)


def _flatten(node: Any, x: np.ndarray) -> np.ndarray:
    axes = x.ndim - 2
    start, end = (int(d) + axes if int(d) < 0 else int(d) for d in (node.start_dim, node.end_dim))
    shape = x.shape[2:]
    if not 0 <= start <= end < axes:
        # Some writers count the batch as axis 0: flattening all from axis 1 on keeps the first.
        raise InputError(f"it flattens axes {start} to {end} of a signal with {axes} axes")
    middle = int(np.prod(shape[start : end + 1]))
    return x.reshape(*x.shape[:2], *shape[:start], middle, *shape[end + 1 :])


def _pair(value: Any) -> Pair:
    pair = np.atleast_1d(np.asarray(value)).astype(int)
    return (int(pair[0]), int(pair[-1]))


def _padded(x: np.ndarray, padding: Pair) -> np.ndarray:
    edges = [(p, p) for p in padding]
    return np.pad(x, ((0, 0),) * (x.ndim - 2) + tuple(edges))


def _windows(x: np.ndarray, size: Pair, stride: Pair, dilation: Pair = (1, 1)) -> np.ndarray:
    """Return (..., rows, columns, *size) views of all places of a kernel."""
    full = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    if x.ndim != 5 or min(x.shape[-2] - full[0], x.shape[-1] - full[1]) < 0 or min(stride) < 1:
        raise InputError(f"a kernel of {size} does not fit a signal of shape {x.shape[2:]}")
    view = np.lib.stride_tricks.sliding_window_view(x, full, axis=(-2, -1))  # type: ignore[call-overload]
    view = view[..., :: stride[0], :: stride[1], :, :]
    return view[..., :: dilation[0], :: dilation[1]]


def _conv2d(node: Any, x: np.ndarray) -> np.ndarray:
    weight = np.asarray(node.weight, dtype=float)
    stride, dilation, groups = _pair(node.stride), _pair(node.dilation), int(node.groups)
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    out, inner = weight.shape[:2]
    if x.ndim != 5 or x.shape[2] != inner * groups or out % groups:
        raise InputError(f"its weight {weight.shape} in {groups} groups does not fit {x.shape[2:]}")
    if isinstance(padding, str):
        reach = [(n - 1) * d for n, d in zip(weight.shape[2:], dilation, strict=True)]
        if padding == "same" and any(n % 2 for n in reach):
            raise InputError("padding 'same' of an even kernel is not symmetric; give numbers")
        pad = (reach[0] // 2, reach[1] // 2) if padding == "same" else (0, 0)
    else:
        pad = _pair(padding)
    view = _windows(_padded(x, pad), (weight.shape[2], weight.shape[3]), stride, dilation)
    parts = [
        np.einsum("tbcyxhw,ochw->tboyx", view[:, :, g * inner : (g + 1) * inner], share)
        for g, share in enumerate(np.split(weight, groups))
    ]
    bias = np.asarray(node.bias, dtype=float).reshape(-1, 1, 1)
    return np.concatenate(parts, axis=2) + bias


def _sum_pool(node: Any, x: np.ndarray) -> np.ndarray:
    size = _pair(node.kernel_size)
    return _windows(_padded(x, _pair(node.padding)), size, _pair(node.stride)).sum(axis=(-2, -1))


def _avg_pool(node: Any, x: np.ndarray) -> np.ndarray:
    rows, columns = _pair(node.kernel_size)
    return _sum_pool(node, x) / (rows * columns)


def _identity(node: Any, x: np.ndarray) -> np.ndarray:
    return x


_APPLY = {
    "Identity": _identity,
    "Linear": _linear,
    "Affine": _affine,
    "Scale": _scale,
    "Threshold": _threshold,
    "Flatten": _flatten,
    "Conv2d": _conv2d,
    "AvgPool2d": _avg_pool,
    "SumPool2d": _sum_pool,
}
