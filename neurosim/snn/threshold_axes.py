"""Thresholds and factors on them, of any shape that samples, steps and neurons can share."""

from __future__ import annotations

import torch

from neurosim.errors import InputError


def three_axes(
    name: str, value: float | torch.Tensor, like: torch.Tensor, shape: tuple[int, int, int]
) -> torch.Tensor:
    """Return a value as (1 or B, 1 or T, 1 or N), in the type and on the device of a tensor.

    Args:
        name: of the value, for errors.
        value: a number, (N,), or three axes that broadcast to the shape.
        like: the tensor.
        shape: samples, steps and neurons (B, T, N) of a call.

    Raises:
        InputError: the value has another shape, or is not positive throughout.
    """
    value = torch.as_tensor(value, dtype=like.dtype)
    fits = value.ndim == 3 and all(
        size in (1, whole) for size, whole in zip(value.shape, shape, strict=True)
    )
    if not fits and value.numel() != 1 and value.shape != shape[2:]:
        raise InputError(
            f"{name} has shape {tuple(value.shape)}; give a number, one value for each of "
            f"{shape[2]} neurons, or three axes that broadcast to samples, steps and neurons "
            f"{shape}"
        )
    if not bool((value > 0).all()):
        raise InputError(f"{name} holds {value.min().item():g}; thresholds must stay positive")
    if value.device != like.device:
        # A number is checked above where it is, and written there by the GPU: neither waits for it.
        single = value.numel() == 1
        value = like.new_full(value.shape, value.item()) if single else value.to(like.device)
    return value if fits else value.reshape(1, 1, -1)
