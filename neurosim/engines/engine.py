"""What all engines share: how a model and a raster are checked, and how a Recording is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from neurosim.errors import InputError
from neurosim.raster import check_raster
from neurosim.recording import Recording, variables_of

Records = Sequence[Mapping[str, np.ndarray]]
"""Of each population, arrays (samples, time, neurons) by variable."""


class Model(Protocol):
    """What an engine reads of any model, such as a Network or a XyloSpec."""

    @property
    def dt(self) -> float:
        """Time step in seconds."""
        ...

    @property
    def channels(self) -> int:
        """Number of input channels."""
        ...

    @property
    def synapses(self) -> int:
        """Most synapses of a neuron."""
        ...

    @property
    def lag(self) -> int:
        """Empty steps that follow a raster, so that its last events reach the output."""
        ...

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations that are recorded."""
        ...

    def digest(self) -> str:
        """Return a hash of everything that determines the dynamics."""
        ...


def not_finite(*, sample: int, layer: int) -> str:
    """Say which layer of a net of floats blew up."""
    return (
        f"layer {layer}: a membrane or current is no longer finite in sample {sample}; lower the "
        "weights that reach it, or the counts of the raster"
    )


class Engine(ABC):
    """Runs models of some classes; a subclass says which, and how, in `_run`."""

    name: str
    models: ClassVar[tuple[type[Any], ...]]
    """Classes of the models that it runs."""

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
    ) -> Recording:
        """Run all samples of a raster, each from a zero state; `model.lag` empty steps follow.

        Args:
            model: of one of the classes in `models`.
            raster: (samples, time, channels) event counts 0..255. The engines "nir" and
                "nir-numpy" also read currents, any finite numbers.
            record: any of `spikes`, `v_mem`, `i_syn`; spikes are always recorded, and currents of
                both synapses where a model has two.
            seed: of what is random; without effect where nothing is.

        Returns:
            Arrays of each of the model's populations.

        Raises:
            InputError: the engine does not run such a model, the raster does not fit it, or a name
                of `record` is unknown.
            UnavailableError: the simulator, a compiler or a board is missing.
        """
        return self._recorded(model, raster, record, seed)

    def _recorded(
        self,
        model: object,
        raster: np.ndarray,
        record: Sequence[str],
        seed: int | None,
        **options: Any,
    ) -> Recording:
        """Check, run with an engine's own options, and gather what was recorded by variable."""
        accepted = self._accepted(model)
        variables = variables_of(record, accepted.synapses)
        records, details = self._run(accepted, self._events(accepted, raster), variables, **options)
        arrays: dict[str, Any] = {
            name: tuple(_variable(arrays, name) for arrays in records) for name in variables
        }
        provenance = {"engine": self.name, **details, "model": accepted.digest(), "seed": seed}
        return Recording(
            **arrays, dt=accepted.dt, populations=accepted.populations, provenance=provenance
        )

    @abstractmethod
    def _run(
        self, model: Any, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        """Run a model that was checked.

        Args:
            model: of one of the classes in `models`.
            raster: what `_events` gave.
            variables: what to record.

        Returns:
            The records of each population, which may hold more than was requested, and what the
            provenance says beside engine, model and seed. Only a second synapse that no neuron of
            a population has may be missing.
        """

    def _accepted(self, model: Any) -> Model:
        if not isinstance(model, self.models):
            known = " or a ".join(kind.__name__ for kind in self.models)
            raise InputError(f"engine {self.name} runs a {known}, got {type(model).__name__}")
        accepted: Model = model
        return accepted

    def _events(self, model: Model, raster: np.ndarray) -> np.ndarray:
        """Return the raster as contiguous uint8 counts, the model's lag appended."""
        raster = check_raster(raster, model.channels)
        return np.pad(raster, ((0, 0), (0, model.lag), (0, 0))) if model.lag else raster


def _variable(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a population's array; no current flows in a second synapse that it does not have."""
    if name == "i_syn_2" and name not in arrays:
        return np.zeros_like(arrays["i_syn"])
    return arrays[name]


class _Hashed(Protocol):
    def digest(self) -> str: ...


M = TypeVar("M", bound=_Hashed)


@dataclass(frozen=True)
class ByDigest(Generic[M]):
    """A model as a key of a cache: equal where the dynamics are equal."""

    model: M = field(compare=False)
    digest: str

    @classmethod
    def of(cls, model: M) -> ByDigest[M]:
        """Return the key of a model."""
        return cls(model, model.digest())
