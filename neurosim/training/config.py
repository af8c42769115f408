"""What a training run is made of; read from a preset, a TOML file or keywords."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurosim.errors import InputError


class TrainConfig(BaseModel):
    """Settings of a run. Two runs with equal settings give equal weights on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    hidden: tuple[int, ...] = (48, 48, 48)
    """Neurons of the hidden layers."""
    threshold: tuple[float, float] = (1.0, 1.0)
    """Threshold scale of the hidden layers: each batch draws one from U(low, high) (ASPEN)."""
    threshold_levels: int | None = Field(None, ge=2)
    """Draw one of so many equally spaced scales instead, low and high among them."""
    threshold_matched: bool = False
    """Move the ends inwards until the levels have the variance of U(low, high)."""
    threshold_per: Literal["network", "layer", "neuron"] = "network"
    """What shares a draw."""
    threshold_when: Literal["batch", "sample", "step"] = "batch"
    """When it is renewed."""
    threshold_register: int | None = Field(None, ge=1)
    """Draw only multiples of 1/register, which a chip whose threshold is that can express."""
    threshold_widen: int = Field(0, ge=0)
    """Epochs in which the law grows from the point nearest 1 to its full width."""
    decay_shifts: tuple[int, ...] = (2, 3, 4, 5)
    """Decays are 1 - 2^-k, exact on the chip; k cycles through these in each layer."""
    epochs: int = Field(40, ge=1)
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    """Peak of Adam's rate; it falls to zero along a cosine."""
    weight_gain: float = Field(0.3, gt=0)
    """Initial weights are normal with standard deviation gain * leak / sqrt(n_in), leak = 1 - beta.

    A synapse sums an event over 1 / leak steps: so scaled, all time constants drive alike."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of a label spread over all classes: people who move unlike others cost less."""
    gain_spread: tuple[float, float, float] = (0.3, 0.3, 0.2)
    """Spread of the random gains of a window, its axes and its channels (`augment.random_gain`)."""
    spike_penalty: float = Field(0.1, ge=0)
    """Price of one spike a step of every hidden neuron, added to the loss."""
    logit_scale: float = Field(0.05, gt=0)
    """Cross-entropy sees the output spike counts times this."""
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> TrainConfig:
        low, high = self.threshold
        if not 0 < low <= high:
            raise ValueError(f"threshold {self.threshold} must be 0 < low <= high")
        if self.threshold_matched and self.threshold_levels is None:
            raise ValueError("threshold_matched needs threshold_levels, whose variance it matches")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden {self.hidden} needs at least one layer of one neuron")
        if min(self.gain_spread) < 0:
            raise ValueError(f"gain_spread {self.gain_spread} must not be negative")
        if not self.decay_shifts or not all(1 <= k <= 15 for k in self.decay_shifts):
            raise ValueError(f"decay_shifts {self.decay_shifts} must lie in 1..15")
        return self


PRESETS: dict[str, dict[str, Any]] = {
    "fixed": {"threshold": (1.0, 1.0)},
    "aspen": {"threshold": (1.0, 1.5)},
}
"""Wrist-IMU nets: trained at one threshold, and at thresholds drawn for every batch."""


def load(source: str | Path | TrainConfig, **changes: Any) -> TrainConfig:
    """Return the configuration of a preset or TOML file, some values changed.

    Raises:
        InputError: no such preset or file, an unknown key (the nearest is suggested), a bad value.
    """
    if isinstance(source, TrainConfig):
        values = source.model_dump()
    elif str(source) in PRESETS:
        values = dict(PRESETS[str(source)])
    else:
        values = _read(Path(source))
    try:
        return TrainConfig(**{**values, **changes})
    except ValidationError as error:
        raise InputError(f"{source}: {_explain(error)}") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: neither a file nor a preset; presets are {', '.join(PRESETS)}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error})") from error


def _explain(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, TrainConfig.model_fields, n=1)
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else f"known: {', '.join(TrainConfig.model_fields)}"
        )
        return f"key {key!r} is unknown; {hint}"
    value = "" if fault["type"] == "value_error" else f" (got {fault['input']!r})"
    return f"{key}: {fault['msg']}{value}".removeprefix(": ")
