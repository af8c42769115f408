"""Factors on thresholds, of any shape that samples, steps and neurons can share."""

from __future__ import annotations

import torch

from neurosim.errors import InputError


def three_axes(
    scale: float | torch.Tensor, like: torch.Tensor, target: tuple[int, int, int]
) -> torch.Tensor:
    """Return a scale as (1 or B, 1 or T, 1 or N), in the type and on the device of a tensor.

    Args:
        scale: a number, (N,), or three axes that broadcast to the target.
        like: the tensor.
        target: (B, T, N).

    Raises:
        InputError: it has another shape, or is not positive throughout.
    """
    scale = torch.as_tensor(scale).to(like)
    fits = scale.ndim == 3 and all(
        have in (1, need) for have, need in zip(scale.shape, target, strict=True)
    )
    if not fits and scale.numel() != 1 and scale.shape != target[2:]:
        raise InputError(
            f"threshold_scale has shape {tuple(scale.shape)}; give a number, one value for "
            f"each of {target[2]} neurons, or three axes that broadcast to samples, steps "
            f"and neurons {target}"
        )
    if not bool((scale > 0).all()):
        raise InputError(
            f"threshold_scale holds {scale.min().item():g}; thresholds must stay positive"
        )
    return scale if fits else scale.reshape(1, 1, -1)
