"""Ready settings of training runs, by name: what differs from `TrainConfig`'s defaults."""

from __future__ import annotations

from typing import Any

_ASPEN: dict[str, Any] = {"threshold": (1.0, 1.5)}
_AHSAR_IMAGES: dict[str, Any] = {
    "task": "digits",
    "homeostat": True,
    "weight_decay": 5e-4,
    "epochs": 50,
    "label_smoothing": 0.0,
    "spike_penalty": 0.0,
}
"""AHSAR, section 5.1: Adam at 1e-3, weight decay, cosine, batches of 128, 50 epochs, T = 6."""

PRESETS: dict[str, dict[str, Any]] = {
    "fixed": {"threshold": (1.0, 1.0)},
    "aspen": _ASPEN,
    "aspen-imu": _ASPEN,
    "aspen-imu-discrete": {**_ASPEN, "threshold_levels": 5, "threshold_matched": True},
    "ahsar-imu": {"homeostat": True},
    "ahsar-digits": _AHSAR_IMAGES,
    "ahsar-digits-events": {**_AHSAR_IMAGES, "task": "digits-events"},
    "ahsar-digits-rate": {**_AHSAR_IMAGES, "method": "rate"},
}
"""Wrist recordings: trained at one threshold, at thresholds drawn for every batch from a continuous
and from a discrete law of equal variance, with a homeostat. Images: with a homeostat, through time
and rate-based."""
