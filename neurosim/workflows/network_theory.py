"""What theory says about one trained net: spikes, gates, feedback, gains; without running it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis import homeostasis
from neurosim.analysis.networks import effective_jacobian, mean_field
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.network import THRESHOLD_SCALES, Network
from neurosim.run import Run
from neurosim.workflows.run_data import windows_of

if TYPE_CHECKING:
    from neurosim.data import Dataset

BIN_STEPS = 16
"""Steps over which the input's rate is taken as constant."""
WINDOWS = 32
SILENT = 1e-4
"""Spikes per neuron and step below which a layer is called silent."""


@dataclass(frozen=True)
class NetworkTheory(Frozen):
    """Predictions for a net behind its front end; layers in order, the readout last."""

    steps: int
    """Steps of a window."""
    counts: dict[float, np.ndarray]
    """Spikes of each layer in a window (layers,), by threshold scale."""
    gates: np.ndarray
    """(layers,) mean gate of the surrogate at scale 1."""
    norms: np.ndarray
    """(layers,) spectral norm of the effective Jacobian."""
    sensitivity: np.ndarray
    """(hidden layers,) -d ln r / d ln threshold."""
    coupling: np.ndarray
    """(hidden layers,) d ln r / d ln(rates read)."""
    feedback: int
    """1 where AHSAR's centring would feed disagreements of the hidden layers, else -1."""
    gains: homeostasis.Loop | None
    """Recommended gains; None where none settle."""
    silent: dict[float, tuple[int, ...]]
    """Layers that are almost silent, by threshold scale."""


def predict(network: Network, raster: np.ndarray) -> NetworkTheory:
    """Predict everything from the weights and the event rates of some windows.

    Args:
        network: hidden layers and a readout.
        raster: (windows, steps, channels) event counts; only their rates in bins are used.
    """
    windows, steps, channels = raster.shape
    kept = steps - steps % BIN_STEPS
    bins = raster[:, :kept].reshape(windows, -1, BIN_STEPS, channels).mean(axis=2)
    sizes = np.array(network.shape[1:])
    depth = len(sizes)
    counts = {}
    for scale in THRESHOLD_SCALES:
        prediction = mean_field.predict(network, bins, threshold_scale=scale, bin_steps=BIN_STEPS)
        counts[scale] = np.array([BIN_STEPS * r.sum(axis=(1, 2)).mean() for r in prediction.rates])
        if scale == 1.0:
            rates = [bins.mean(axis=(0, 1)), *(r.mean(axis=(0, 1)) for r in prediction.rates)]
    gates = effective_jacobian.network_gates(network, rates)
    hidden = Network(network.layers[:-1], network.dt)
    coupling = homeostasis.coupling_from_network(hidden, rates[:depth])
    feedback, gains = _homeostat(coupling)
    return NetworkTheory(
        steps=kept,
        counts=counts,
        gates=np.array([g.mean() for g in gates]),
        norms=effective_jacobian.passage(network, gates).norms,
        sensitivity=coupling.sensitivity,
        coupling=coupling.coupling,
        feedback=feedback,
        gains=gains,
        silent={
            scale: tuple(int(k) for k in np.flatnonzero(count / (kept * sizes) < SILENT))
            for scale, count in counts.items()
        },
    )


def predict_run(run: Run | str | Path, *, dataset: Dataset | None = None) -> NetworkTheory:
    """Predict everything for a run's net, on WINDOWS of its training windows.

    Args:
        run: a run of a layered net, or its folder.
        dataset: encoded windows that the run was trained on; looked for when None, see
            `run_data.dataset_of`.

    Raises:
        InputError: there is no such run, or its data are not found.
    """
    run = Run.load(run)
    network = run.layered
    train = windows_of(run, dataset).train.raster
    chosen = np.linspace(0, len(train) - 1, WINDOWS).astype(int)
    return predict(network, train[chosen])


def _homeostat(
    coupling: homeostasis.Coupling,
) -> tuple[int, homeostasis.Loop | None]:
    """Return the sign of AHSAR's feedback on these layers, and gains that work."""
    response: dict[str, Any] = {
        "sensitivity": tuple(coupling.sensitivity),
        "coupling": tuple(coupling.coupling),
    }
    layers = len(coupling.sensitivity)
    plain = homeostasis.Loop(beta=1e-3, gamma=0.0, D=0.0, layers=layers, **response)
    sign = homeostasis.feedback_sign(plain)
    for centring in (1.0, 0.0):
        try:
            return sign, homeostasis.recommend(layers, steps=50, centring=centring, **response)
        except InputError:
            continue
    return sign, None
