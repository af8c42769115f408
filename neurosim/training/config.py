"""What a training run is made of; read from a preset, a TOML file or keywords."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurosim.errors import InputError
from neurosim.training.presets import PRESETS

LOGIT_SCALES = {"counts": 0.05, "rates": 20.0, "membrane": 5.0}
"""Log odds that a spike, a spike a step, or a threshold's worth of membrane stands for."""
WEIGHT_GAINS = {"layered": 0.3, "synnet": 3.0}
"""With which all layers of a net fire on wrist recordings before it has learnt anything."""


class TrainConfig(BaseModel):
    """Settings of a run. Two runs with equal settings give equal weights on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # --- what is learnt, by which net -----------------------------------------------------------
    task: Literal["imu", "digits", "digits-events"] = "imu"
    """Wrist recordings, or images: written digits shown as currents, or as events."""
    net: (
        Literal["layered", "synnet", "mlp", "small-vgg", "small-resnet", "vgg13", "resnet18"] | None
    ) = None
    """Architecture; "layered" for recordings, which "synnet" is for too, "small-vgg" for images.

    `nets.layered` has the same time constants in all hidden layers; a SynNet (`synnet.synnet`) has
    2, 4, 8, 8, ... synaptic ones from 2 steps up, each twice the last, and membranes of 2 steps."""
    method: Literal["bptt", "rate"] = "bptt"
    """Surrogate gradients through time, or rate-based backpropagation (images only)."""
    steps: int = Field(6, ge=1)
    """Time steps of an image; recordings have their own."""
    mode: Literal["multi", "single"] = "multi"
    """Image nets run all steps of a layer at once, or step by step (`image_nets.ImageNet`)."""
    batch_norm: bool = True
    """Whether image nets have BatchNorm."""
    hidden: tuple[int, ...] = (48, 48, 48)
    """Neurons of the hidden layers of the nets for recordings."""
    decay_shifts: tuple[int, ...] = (2, 3, 4, 5)
    """Decays are 1 - 2^-k, exact on the chip; k cycles through these in each layer ("layered")."""
    weight_gain: float = Field(WEIGHT_GAINS["layered"], gt=0)
    """Initial weights are normal with deviation gain * leak / sqrt(n_in) (nets for recordings).

    The leak is 1 - beta. A synapse sums an event over 1 / leak steps: so scaled, all time constants
    drive alike. Left out, what WEIGHT_GAINS has for the net."""

    # --- stochastic thresholds (ASPEN) ----------------------------------------------------------
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

    # --- homeostat (AHSAR) ----------------------------------------------------------------------
    homeostat: bool = False
    """Regulate the layers' thresholds while training (`training.Homeostat`)."""
    relaxation: bool = True
    """False leaves out the homeostat's relaxation to its baseline."""
    diffusion: bool = True
    """False leaves out its diffusion between neighbouring layers."""
    global_gain: bool = True
    """False leaves out its outer loop, one factor on all thresholds, renewed every epoch."""
    common_mode: bool = False
    """Hold log rates to a reference instead of to their mean."""
    target_rate: float | None = Field(None, gt=0)
    """That reference, spikes per neuron and step; the first batch's geometric mean if left out."""
    homeostat_ticks: Literal["batch", "step", "block"] = "batch"
    """Control ticks: one a batch; one a time step, each with its threshold; one a layer."""

    # --- optimisation ---------------------------------------------------------------------------
    epochs: int = Field(40, ge=1)
    batch_size: int = Field(128, ge=1)
    """Samples of a step; of each process, where several train together."""
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    """Peak of the rate; it falls to zero along a cosine."""
    warm_up: int = Field(0, ge=0)
    """Epochs in which the rate rises to its peak in a line."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of SGD."""
    weight_decay: float = Field(0.0, ge=0)
    """Added to the gradient (Adam, SGD) or decoupled from it (AdamW)."""
    clip: float | None = Field(None, gt=0)
    """Largest Euclidean norm of the gradient of all weights."""
    patience: int | None = Field(None, ge=1)
    """Stop after so many epochs without a lower validation loss, and keep the best weights."""

    # --- loss and data --------------------------------------------------------------------------
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of a label spread over all classes: people who move unlike others cost less."""
    gain_spread: tuple[float, float, float] = (0.3, 0.3, 0.2)
    """Spread of the random gains of a window, its axes and its channels (`augment.random_gain`)."""
    loss: Literal["counts", "rates", "membrane"] = "counts"
    """What cross-entropy sees of the readout of "layered" (`training.losses`).

    Spike counts, spikes a step, or each class's largest membrane over time. The net decides by the
    same; a chip counts spikes, so deploy nets of the first two."""
    logit_scale: float = Field(LOGIT_SCALES["counts"], gt=0)
    """Times this: left out, what LOGIT_SCALES has for the loss."""
    spike_penalty: float = Field(0.1, ge=0)
    """Price of one spike a step of every hidden neuron, added to the loss ("layered" only)."""
    saturation_penalty: float = Field(0.0, ge=0)
    """Price of squared spikes a step beyond half of what a chip's neuron can fire ("layered")."""

    # --- machine --------------------------------------------------------------------------------
    seed: int = Field(0, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(None, ge=1)
    """CPU threads; None is what suits the net and the machine."""

    @model_validator(mode="before")
    @classmethod
    def _scaled(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        by_choice = {
            "logit_scale": LOGIT_SCALES.get(str(values.get("loss"))),
            "weight_gain": WEIGHT_GAINS.get(str(values.get("net"))),
        }
        return {k: v for k, v in by_choice.items() if v is not None} | values

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

    @model_validator(mode="after")
    def _together(self) -> TrainConfig:
        if self.task == "imu" and self.net not in (None, *WEIGHT_GAINS):
            raise ValueError(f"net {self.net!r} is for images; task 'imu' has 'layered', 'synnet'")
        if self.task != "imu" and self.net in WEIGHT_GAINS:
            raise ValueError(f"net {self.net!r} is for task 'imu'; {self.task!r} has 'small-vgg'")
        if self.task == "imu" and self.method == "rate":
            raise ValueError("method 'rate' needs an image task, 'digits' or 'digits-events'")
        if self.target_rate is not None and not self.common_mode:
            raise ValueError(f"target_rate {self.target_rate} is for common_mode = true only")
        if self.warm_up >= self.epochs and self.warm_up:
            raise ValueError(f"warm_up {self.warm_up} must be fewer than {self.epochs} epochs")
        return self

    @property
    def architecture(self) -> str:
        """The net, the task's own where none is named."""
        return self.net or ("layered" if self.task == "imu" else "small-vgg")


def load(source: str | Path | TrainConfig, **changes: Any) -> TrainConfig:
    """Return the configuration of a preset, TOML file or run's folder, some values changed.

    A file may start from a preset: `preset = "aspen"`.

    Raises:
        InputError: no such preset or file, an unknown key (the nearest is suggested), a bad value.
    """
    if isinstance(source, TrainConfig):
        values = source.model_dump()
    elif str(source) in PRESETS:
        values = dict(PRESETS[str(source)])
    elif (folder := Path(source)).is_dir():
        values = _of_run(folder)
    else:
        values = _read(Path(source))
        base = values.pop("preset", None)
        if base is not None and base not in PRESETS:
            raise InputError(f"{source}: preset is {base!r}; {_nearest(base, PRESETS)}")
        values = {**PRESETS.get(base, {}), **values}
    try:
        return TrainConfig(**{**values, **changes})
    except ValidationError as error:
        raise InputError(f"{source}: {_explain(error)}") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: neither a file nor a preset; {_nearest(str(path), PRESETS)}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error})") from error


def _of_run(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder}: no folder of a run ({error})") from error


def _nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was meant, or which there are."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _explain(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"key {key!r} is unknown; {_nearest(key, TrainConfig.model_fields)}"
    value = "" if fault["type"] == "value_error" else f" (got {fault['input']!r})"
    return f"{key}: {fault['msg']}{value}".removeprefix(": ")
