"""Time constants that are trained by their logarithms."""

from __future__ import annotations

from typing import Any

import torch
from rockpool.nn.modules import TorchModule
from rockpool.parameters import Parameter

from neurosim.errors import InputError


class TrainedLogarithms(TorchModule):
    """Part of a rockpool module: `tau_mem` and `tau_syn` are exp of `log_tau_mem`, `log_tau_syn`.

    So they are from `_train_logarithms` on, which a module may leave out.
    """

    def __getattr__(self, name: str) -> Any:
        """Return exp of a logarithm that is trained; all else as LIFTorch does."""
        if name in self.__dict__.get("_logarithms", ()):
            return torch.exp(getattr(self, f"log_{name}"))
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a time constant whose logarithm is trained by that; all else as LIFTorch does."""
        if name in self.__dict__.get("_logarithms", ()):
            name, value = f"log_{name}", torch.nn.Parameter(torch.log(torch.as_tensor(value)))
        super().__setattr__(name, value)

    def _train_logarithms(self) -> None:
        """Put the logarithms of trained time constants in their place."""
        if self.leak_mode != "taus":
            raise InputError(f"log_tau=True needs leak_mode 'taus'; it is {self.leak_mode!r}")
        trained = [name for name in ("tau_mem", "tau_syn") if name in self._parameters]
        for name in trained:
            tau = getattr(self, name).detach()
            delattr(self, name)
            setattr(self, f"log_{name}", Parameter(torch.log(tau), shape=[tau.shape]))
        self.__dict__["_logarithms"] = tuple(trained)
