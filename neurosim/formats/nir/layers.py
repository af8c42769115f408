"""NIR's nodes without state: weights, scaling, convolution, pooling; in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats.nir.convention import numbers
from neurosim.indices import whole

if TYPE_CHECKING:
    import torch

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
Shape = tuple[int, ...]


def core(shape: Shape) -> Shape:
    """Return a shape without the leading axes of length 1, which a source's batch leaves."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 and core(shape[1:]) else shape


def same_axes(one: Shape, other: Shape) -> bool:
    """Return whether shapes hold the same values in the same order: equal axes, or one is flat."""
    one, other = core(tuple(one)), core(tuple(other))
    return one == other or (math.prod(one) == math.prod(other) and 1 in (len(one), len(other)))


def spread(value: Any, signal: Shape) -> np.ndarray:
    """Return a parameter in the shape of a signal; one value serves the whole signal.

    Raises:
        InputError: it has other axes.
    """
    array = numbers("its parameter", value)
    if array.size == 1:
        array = np.broadcast_to(array.reshape(()), signal)
    elif not same_axes(array.shape, signal):
        raise InputError(
            f"has shape {array.shape} and the signal {tuple(signal)}; axes must agree, or one of "
            "them be flat"
        )
    axes: np.ndarray = array.reshape(signal)
    return axes


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
    weight = numbers("its weight", node.weight)
    if weight.ndim != 2:
        raise InputError(f"its weight has shape {weight.shape}; a matrix runs")
    if x.shape[-1] != weight.shape[1] and int(np.prod(x.shape[2:])) == weight.shape[1]:
        x = x.reshape(*x.shape[:2], -1)
    product: np.ndarray = x @ weight.T
    return product


def _affine(node: Any, x: np.ndarray) -> np.ndarray:
    product = _linear(node, x)
    shifted: np.ndarray = product + spread(node.bias, product.shape[-1:])
    return shifted


def _scale(node: Any, x: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = x * spread(node.scale, x.shape[2:])
    return scaled


def _threshold(node: Any, x: np.ndarray) -> np.ndarray:
    above: np.ndarray = x > spread(node.threshold, x.shape[2:])
    return above.astype(float)


def _flatten(node: Any, x: np.ndarray) -> np.ndarray:
    _check_stated(node, x)
    axes = x.ndim - 2
    start, end = (int(d) + axes if int(d) < 0 else int(d) for d in (node.start_dim, node.end_dim))
    shape = x.shape[2:]
    if not 0 <= start <= end < axes:
        # Some writers count the batch as axis 0: flattening all from axis 1 on keeps the first.
        raise InputError(f"it flattens axes {start} to {end} of a signal with {axes} axes")
    middle = int(np.prod(shape[start : end + 1]))
    return x.reshape(*x.shape[:2], *shape[:start], middle, *shape[end + 1 :])


def _pair(node: Any, name: str) -> Pair:
    """Return rows and columns of what a node states, one number for both or two.

    Raises:
        InputError: they are no whole numbers, or more than two.
    """
    pair = np.atleast_1d(np.asarray(getattr(node, name)))
    if pair.shape not in ((1,), (2,)):
        raise InputError(f"its {name} has shape {pair.shape}; give one number, or rows and columns")
    return (whole(f"its {name}", pair[0]), whole(f"its {name}", pair[-1]))


def _images(
    x: np.ndarray, size: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> torch.Tensor:
    """Return a signal as padded images (steps * samples, channels, rows, columns), float64.

    Raises:
        InputError: it has other axes, or a kernel of that size does not fit into it.
    """
    import torch

    if x.ndim != 5:
        raise InputError(f"a kernel of {size} does not fit a signal of shape {x.shape[2:]}")
    room = [n + 2 * p for n, p in zip(x.shape[3:], padding, strict=True)]
    full = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    if room[0] < full[0] or room[1] < full[1] or min(*stride, *size, *dilation) < 1:
        raise InputError(f"a kernel of {size} does not fit a signal of shape {x.shape[2:]}")
    images = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)).flatten(0, 1)
    edges = (padding[1], padding[1], padding[0], padding[0])
    return torch.nn.functional.pad(images, edges)


def _signal(images: torch.Tensor, x: np.ndarray) -> np.ndarray:
    """Return images as a signal with the steps and samples of another one."""
    array: np.ndarray = images.numpy()
    return array.reshape(*x.shape[:2], *array.shape[1:])


def _conv2d(node: Any, x: np.ndarray) -> np.ndarray:
    import torch

    weight = numbers("its weight", node.weight)
    stride, dilation = _pair(node, "stride"), _pair(node, "dilation")
    groups = whole("its groups", node.groups)
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    out, inner = weight.shape[:2]
    if x.ndim != 5 or x.shape[2] != inner * groups or out % groups:
        raise InputError(f"its weight {weight.shape} in {groups} groups does not fit {x.shape[2:]}")
    stated = None if node.input_shape is None else _pair(node, "input_shape")
    if stated not in (None, x.shape[3:]):
        raise InputError(f"it states images of {stated} and receives {x.shape[3:]}")
    size = (weight.shape[2], weight.shape[3])
    if isinstance(padding, str):
        reach = [(n - 1) * d for n, d in zip(size, dilation, strict=True)]
        if padding == "same" and any(n % 2 for n in reach):
            raise InputError("padding 'same' of an even kernel is not symmetric; give numbers")
        pad = (reach[0] // 2, reach[1] // 2) if padding == "same" else (0, 0)
    else:
        pad = _pair(node, "padding")
    images = _images(x, size, stride, pad, dilation)
    kernels = torch.from_numpy(weight)
    bias = torch.from_numpy(np.broadcast_to(numbers("its bias", node.bias), out).copy())
    convolve = torch.nn.functional.conv2d
    return _signal(convolve(images, kernels, bias, stride, 0, dilation, groups), x)


def _sum_pool(node: Any, x: np.ndarray) -> np.ndarray:
    import torch

    size, stride = _pair(node, "kernel_size"), _pair(node, "stride")
    images = _images(x, size, stride, _pair(node, "padding"))
    return _signal(torch.nn.functional.avg_pool2d(images, size, stride, divisor_override=1), x)


def _avg_pool(node: Any, x: np.ndarray) -> np.ndarray:
    rows, columns = _pair(node, "kernel_size")
    return _sum_pool(node, x) / (rows * columns)


def _identity(node: Any, x: np.ndarray) -> np.ndarray:
    _check_stated(node, x)
    return x


def _check_stated(node: Any, x: np.ndarray) -> None:
    """Refuse a signal of as many values as the node states, on other axes.

    A stated shape of another size comes from a batch that its source left in.
    """
    stated = (getattr(node, "input_type", None) or {}).get("input")
    shape = () if stated is None else tuple(int(n) for n in np.atleast_1d(stated))
    if math.prod(shape) == math.prod(x.shape[2:]) and not same_axes(shape, x.shape[2:]):
        raise InputError(f"it states signals of shape {shape} and receives {x.shape[2:]}")


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
