"""Settings of a training run: the keys of its TOML file, ready presets, and how both are read."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurosim import outside
from neurosim.errors import InputError, shown
from neurosim.training.recording_files import RecordingFiles

Loss = Literal["counts", "early", "rates", "membrane"]
Per = Literal["network", "layer", "neuron"]
When = Literal["batch", "sample", "step"]
PER: tuple[Per, ...] = get_args(Per)
"""What may share a draw of the threshold."""
WHEN: tuple[When, ...] = get_args(When)
"""How often a draw may be renewed."""
LOGIT_SCALES: dict[str, float] = {"counts": 0.05, "early": 0.05, "rates": 20.0, "membrane": 5.0}
"""Log odds that a spike, a spike a step, or a threshold's worth of membrane stands for."""
WEIGHT_GAINS = {"layered": 0.3, "synnet": 3.0}
"""With which all layers of a net fire on wrist recordings before it has learnt anything."""

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
"""What differs from the defaults, by name. Wrist recordings: at one threshold; at thresholds drawn
for every batch from a continuous law, and from a discrete one of equal variance; with a homeostat.
Images: with a homeostat, through time and rate-based."""


MOST_EPOCHS, MOST_LAYERS, MOST_NEURONS = 10**6, 100, 100_000
LARGEST_SCALE, LARGEST_SPREAD = 1e9, 10.0
FILE_BYTES = 2**16
"""Of a file of settings: reading one takes a time that grows with the square of a key's length."""


Settings = TypeVar("Settings", bound=BaseModel)


class TrainConfig(BaseModel):
    """Settings of a run. Two runs with equal settings give equal weights on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    # --- what is learnt, by which net -----------------------------------------------------------
    task: Literal["imu", "digits", "digits-events"] = "imu"
    """Samples: "imu", wrist recordings; "digits", written digits as constant currents;
    "digits-events", the same digits as the events of a moving camera."""
    net: (
        Literal["layered", "synnet", "mlp", "small-vgg", "small-resnet", "vgg13", "resnet18"] | None
    ) = None
    """Architecture: "layered" (the default) or "synnet" for task "imu", the others for images
    ("small-vgg" by default).

    "layered" has the same time constants in all hidden layers (`snn.layered`). "synnet" has 2, 4,
    8, 8, ... synaptic ones a layer, of 2, 4, 8, ... time steps, and membranes of 2 time steps
    (`snn.synnet`)."""
    method: Literal["bptt", "rate"] = "bptt"
    """Gradients: "bptt", through time with surrogates; "rate", rate-based (image tasks only)."""
    steps: int = Field(6, ge=1, le=10_000)
    """Time steps for which an image is shown, from 1; recordings have their own number."""
    mode: Literal["multi", "single"] = "multi"
    """Order in which image nets compute: "multi", all steps of a layer, then the next layer;
    "single", all layers of a step, then the next step. Without BatchNorm both give the same."""
    batch_norm: bool = True
    """Whether image nets have BatchNorm after each convolution or linear layer."""
    hidden: tuple[int, ...] = (48, 48, 48)
    """Neurons of each hidden layer, from 1 (task "imu")."""
    decay_shifts: tuple[int, ...] = (2, 3, 4, 5)
    """Decays a step are 1 - 2^-k, which a Xylo has exactly; the neurons of each layer take these k,
    1..15, for membrane and synapse in all pairs ("layered")."""
    weight_gain: float = Field(WEIGHT_GAINS["layered"], gt=0, le=1e6)
    """Initial weights are normal with standard deviation weight_gain (1 - beta) / sqrt(n_in), where
    beta is the decay a step of the synapse they lead to (task "imu"); above 0, 0.3 for "layered"
    and 3 for "synnet" by default."""

    # --- stochastic thresholds (ASPEN) ----------------------------------------------------------
    threshold: tuple[float, float] = (1.0, 1.0)
    """Lowest and highest threshold scale, both above 0: in training the thresholds of the hidden
    layers are multiplied by draws that are uniform between them (ASPEN)."""
    threshold_levels: int | None = Field(None, ge=2, le=10_000)
    """Draw one of so many equally spaced scales instead, both ends among them; from 2."""
    threshold_matched: bool = False
    """Whether the ends move inwards until the levels have the variance of uniform draws."""
    threshold_per: Per = "network"
    """What shares a draw: all hidden layers, the neurons of a layer, or nothing ("neuron")."""
    threshold_when: When = "batch"
    """How often it is renewed: for each batch, each sample, or each time step of a batch."""
    threshold_register: int | None = Field(None, ge=1, le=32767)
    """Draw only multiples of 1/threshold_register, which a chip can express that has this integer,
    1..32767, in its threshold registers at scale 1."""
    threshold_widen: int = Field(0, ge=0, le=MOST_EPOCHS)
    """Epochs in which the range grows from the scale nearest 1 to its full width; 0: none."""

    # --- homeostat (AHSAR) ----------------------------------------------------------------------
    homeostat: bool = False
    """Whether thresholds are regulated while training, so that layers stay equally active."""
    relaxation: bool = True
    """Whether the homeostat's states relax to their baseline (gamma)."""
    diffusion: bool = True
    """Whether its states diffuse between neighbouring layers (D)."""
    global_gain: bool = True
    """Whether it has an outer loop: one factor on all thresholds, renewed every epoch."""
    common_mode: bool = False
    """Whether it holds the logarithms of the rates to a reference instead of to their mean."""
    target_rate: float | None = Field(None, gt=0, le=1e6)
    """That reference in spikes per neuron and time step, above 0; by default the geometric mean of
    the layers' rates in the first batch."""
    homeostat_ticks: Literal["batch", "step", "block"] = "batch"
    """How often it acts: once a batch; as often as a sample has time steps, each with the threshold
    of its tick; or once for each layer (each stage of an image net)."""

    # --- optimisation ---------------------------------------------------------------------------
    epochs: int = Field(40, ge=1, le=MOST_EPOCHS)
    """Passes over the training samples, from 1."""
    batch_size: int = Field(128, ge=1, le=10**6)
    """Samples of an optimisation step, from 1; of each process, where several train together."""
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    """Rule by which weights follow their gradients: torch's Adam, AdamW or SGD."""
    learning_rate: float = Field(1e-3, gt=0, le=1e3)
    """Largest learning rate, above 0; it falls to zero along a cosine."""
    warm_up: int = Field(0, ge=0, le=MOST_EPOCHS)
    """Epochs, fewer than `epochs`, in which the learning rate first rises in a line."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD, 0 to below 1."""
    weight_decay: float = Field(0.0, ge=0, le=1e3)
    """Pull of weights to zero, from 0: in the gradient (Adam, SGD) or apart from it (AdamW)."""
    clip: float | None = Field(None, gt=0, le=1e12)
    """Largest Euclidean norm of the gradient of all weights together, above 0; None: any."""
    patience: int | None = Field(None, ge=1, le=MOST_EPOCHS)
    """Stop after so many epochs, from 1, without a lower validation loss and keep the weights of
    the lowest; None: keep the last ones."""

    # --- loss and data --------------------------------------------------------------------------
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of a label that is spread over all classes, 0 to below 1: people who move unlike others
    then cost less."""
    gain_spread: tuple[float, float, float] = (0.3, 0.3, 0.2)
    """Standard deviations, from 0, of the logarithms of the random gains by which training windows,
    their axes and their channels are made louder or softer (task "imu"); gravity's have none."""
    loss: Loss = "counts"
    """What cross-entropy takes for the evidence of a class (task "imu"): its neuron's spikes
    ("counts"), the same after each 16th of the window, all alike ("early": for nets that decide
    before it ends), its spikes a time step, or its largest membrane in units of the threshold.

    The net decides by the same; a chip counts spikes, so deploy nets of the first three."""
    logit_scale: float = Field(LOGIT_SCALES["counts"], gt=0, le=1e6)
    """Log odds for each unit of that evidence, above 0 (task "imu"); by default 0.05 a spike, 20
    for a spike in every step, 5 for a membrane at threshold."""
    spike_penalty: float = Field(0.1, ge=0, le=1e6)
    """Price, from 0, of one spike per hidden neuron and time step, in the loss (task "imu")."""
    saturation_penalty: float = Field(0.0, ge=0, le=1e6)
    """Price, from 0, of the squared spikes a neuron fires in a step beyond 15, half of what a
    chip's neuron can fire (task "imu")."""

    data: RecordingFiles | None = None
    """Recordings of the user's own, or another set (task "imu"); recordings of an event camera, as
    frames in so many steps (task "digits"); None: the task's."""
    class_weights: bool | None = None
    """Whether classes weigh alike in the loss however many windows they have; by default where the
    recordings are the user's own."""

    # --- machine --------------------------------------------------------------------------------
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed, from 0, of weights, order of samples, thresholds and gains."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the net computes; "auto" is a GPU for image nets, where there is one, else the CPU."""
    threads: int | None = Field(None, ge=1, le=1024)
    """CPU threads, from 1; None: what suits the net and the machine, at most 8."""

    @model_validator(mode="before")
    @classmethod
    def _scaled(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        by_choice = {
            "logit_scale": LOGIT_SCALES.get(str(values.get("loss"))),
            "weight_gain": WEIGHT_GAINS.get(str(values.get("net"))),
        }
        plain = {name: exact(value) for name, value in values.items()}
        return {k: v for k, v in by_choice.items() if v is not None} | plain

    @model_validator(mode="after")
    def _ordered(self) -> TrainConfig:
        low, high = self.threshold
        if not 0 < low <= high <= LARGEST_SCALE:
            raise ValueError(f"threshold {self.threshold} must be 0 < low <= high <= 1e9")
        if self.threshold_matched and self.threshold_levels is None:
            raise ValueError("threshold_matched needs threshold_levels, whose variance it matches")
        if not 1 <= len(self.hidden) <= MOST_LAYERS or not all(
            1 <= n <= MOST_NEURONS for n in self.hidden
        ):
            raise ValueError(
                f"hidden {shown(self.hidden)} must be 1 to {MOST_LAYERS} layers of 1 to "
                f"{MOST_NEURONS} neurons"
            )
        if not all(0 <= spread <= LARGEST_SPREAD for spread in self.gain_spread):
            raise ValueError(f"gain_spread {self.gain_spread} must lie in 0..10")
        if not self.decay_shifts or not all(1 <= k <= 15 for k in self.decay_shifts):
            raise ValueError(f"decay_shifts {shown(self.decay_shifts)} must lie in 1..15")
        return self

    @model_validator(mode="after")
    def _together(self) -> TrainConfig:
        if self.task == "imu" and self.net not in (None, *WEIGHT_GAINS):
            raise ValueError(f"net {self.net!r} is for images; task 'imu' has 'layered', 'synnet'")
        if self.task != "imu" and self.net in WEIGHT_GAINS:
            raise ValueError(f"net {self.net!r} is for task 'imu'; {self.task!r} has 'small-vgg'")
        if self.task == "imu" and self.method == "rate":
            raise ValueError("method 'rate' needs an image task, 'digits' or 'digits-events'")
        if self.task == "digits-events" and self.data is not None:
            raise ValueError("data of a camera are events already; say task 'digits' for its nets")
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
    where = source if not isinstance(source, TrainConfig) else "settings"
    if isinstance(source, TrainConfig):
        values = source.model_dump()
    elif str(source) in PRESETS:
        values = dict(PRESETS[str(source)])
    elif (folder := Path(source)).is_dir():
        values = _of_run(folder)
    else:
        values = _read(Path(source))
        base = values.pop("preset", None)
        if base is not None and not (isinstance(base, str) and base in PRESETS):
            raise InputError(
                f"{source}: preset is {shown(base, form=repr)}; {_nearest(str(base), PRESETS)}"
            )
        values = {**(PRESETS[base] if base else {}), **values}
    return checked(TrainConfig, {**values, **changes}, where)


def checked(kind: type[Settings], values: Mapping[str, Any], where: Any) -> Settings:
    """Return settings of a kind.

    Args:
        kind: `TrainConfig`, or a part of it.
        values: by name.
        where: they come from, for messages.

    Raises:
        InputError: an unknown key (the nearest is suggested), or a bad value.
    """
    try:
        return kind(**exact(dict(values)))
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error, kind)}") from None


def folder_of(source: str | Path | TrainConfig) -> Path:
    """Return where a run is saved by default: runs/NAME, or the run's folder that is repeated."""
    if isinstance(source, str | Path) and Path(source).is_dir():
        return Path(source)
    return Path("runs") / (Path(source).stem if isinstance(source, str | Path) else "run")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: neither a file nor a preset; {_nearest(str(path), PRESETS)}")
    text = outside.text_of(path, FILE_BYTES)
    with outside.reading(path, "TOML file"):
        return tomllib.loads(text)


def _of_run(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder}: no folder of a run: it holds no config.json")
    values = outside.json_of(path, FILE_BYTES)
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds no settings but {shown(values)}")
    return values


def exact(value: Any) -> Any:
    """Return lists, also in tables, as tuples and numpy's numbers as Python's own.

    Exact types are demanded of settings.
    """
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(exact(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def _nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was meant, or which there are."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _explain(error: ValidationError, kind: type[BaseModel]) -> str:
    fault = error.errors()[0]
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        within = RecordingFiles if len(fault["loc"]) > 1 else kind
        near = _nearest(str(fault["loc"][-1]), within.model_fields)
        return f"key {shown(key)!r} is unknown; {near}"
    value = "" if fault["type"] == "value_error" else f" (got {shown(fault['input'], form=repr)})"
    return f"{shown(key)}: {fault['msg']}{value}".removeprefix(": ")
