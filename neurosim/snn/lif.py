"""LIF: rockpool's LIFTorch, evolved by fused kernels in time linear in the steps."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.snn import stepwise
from neurosim.snn.kernels import fused, layer
from neurosim.snn.rockpool_modules import LIFTorch, TorchModule, parameters
from neurosim.snn.surrogates import surrogate_of
from neurosim.snn.threshold_axes import three_axes

STATES = ("vmem", "isyn", "spikes")
"""Buffers that hold where the neurons of a LIFTorch stand."""
CONSTANTS = frozenset((
    "tau_mem", "tau_syn", "alpha", "beta", "dash_mem", "dash_syn", "log_tau_mem", "log_tau_syn",
    "bias", "threshold",
))  # fmt: skip
"""What a LIF's constants come from, in one or other form."""


class TrainedLogarithms(TorchModule):
    """Part of a rockpool module that may train time constants by their logarithms.

    From `_train_logarithms` on, `tau_mem` and `tau_syn` are exp of `log_tau_mem`, `log_tau_syn`.
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
            setattr(self, f"log_{name}", parameters.Parameter(torch.log(tau), shape=[tau.shape]))
        self.__dict__["_logarithms"] = tuple(trained)


class LIF(TrainedLogarithms, LIFTorch):
    """A layer of current-based leaky integrate-and-fire neurons; a drop-in for LIFTorch.

    Constructor arguments, parameters, state, graph and results are those of
    `rockpool.nn.modules.LIFTorch`:

        i = (i + x + s_before W_rec) exp(-dt / tau_syn)
        v = v exp(-dt / tau_mem) + sum over synapses of i + noise + bias
        s = min(floor(v / threshold), max_spikes_per_dt) where v >= threshold, else 0
        v = v - s threshold

    On the CPU, in float32 and float64, with the surrogates of `neurosim.snn.surrogates`, a
    call runs in numba kernels; on a CUDA device, where triton is installed, layers without
    recurrence and of at most two synapses run in Triton's; all else in a torch loop. All are linear
    in the number of steps, LIFTorch is quadratic. Spikes are the same to the last bit. Gradients
    differ from LIFTorch's by less than 1e-5 of their maximum, or with `exact=True` by nothing
    (input and weights; those of time constants, bias, threshold and recurrent weights are sums over
    time in another order).

    State: `vmem`, `isyn` and `spikes` are where the last call ended, detached, and the next call
    starts there, as in LIFTorch: a stream may come in pieces. After a batch they are those of its
    sample 0, and all samples of the next call start from them, whatever its size. Samples that are
    to start from rest, as in training, need `reset_state(net)` before each call.

    Args:
        *args: as for LIFTorch.
        exact: gradients equal LIFTorch's to the last bit; four to six times slower.
        synapse: False for delta synapses: the input goes straight to the membrane,
            v = v exp(-dt / tau_mem) + x + s_before W_rec + ..., one input per neuron, no tau_syn.
            For neurons with several spikes a step, a leak of their own, a bias, noise, recurrence
            or a rockpool surrogate. Where all share one decay, spike once a step and have none of
            these, `Spiking` gives the same spikes to the last bit and takes two thirds to three
            quarters of the time; it also resets to zero, takes images, and goes step by step.
        log_tau: train ln tau (`log_tau_mem`, `log_tau_syn`) in place of tau. A step of Adam moves a
            parameter by about its learning rate, whatever its size: 1e-3 would change a tau of 10
            ms by 10 %, but changes exp(ln tau) by 0.1 %. tau_mem and tau_syn are then read-only.
        **kwargs: as for LIFTorch.

    Raises:
        InputError: the settings do not fit each other; in a call, the input or what it leads to is
            not a finite number, which the spikes alone would hide.
    """

    threshold_scale: float | torch.Tensor
    """Factor on the thresholds in the forward pass; neither a parameter nor saved.

    A number, or a tensor (N,), (B, 1, 1), (B, 1, N), (1, T, 1) or any shape of three axes that
    broadcasts to samples, steps and neurons (B, T, N): a draw for each batch, sample or step.
    """

    mean_rate: torch.Tensor | None
    """Spikes per neuron and step of the last call, a detached scalar."""

    def __init__(
        self,
        *args: Any,
        exact: bool = False,
        synapse: bool = True,
        log_tau: bool = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.exact, self.synapse = exact, synapse
        self.threshold_scale, self.mean_rate = 1.0, None
        if not synapse:
            self._leave_out_synapses(kwargs)
        if log_tau:
            self._train_logarithms()

    def as_graph(self) -> Any:
        """Return rockpool's graph of the layer.

        Raises:
            InputError: it has delta synapses, which rockpool's graphs and chips do not know.
        """
        if not self.synapse:
            raise InputError("synapse=False has no place in a rockpool graph; use synapse=True")
        return super().as_graph()

    def evolve(
        self, input_data: torch.Tensor, record: bool = False
    ) -> tuple[torch.Tensor, dict, dict]:
        """Evolve as LIFTorch does: return spikes, the state at the end (of sample 0), the record.

        Args:
            input_data: (B, T, N * S) or (T, N * S) synaptic input, synapses of a neuron adjacent.
            record: return vmem (B, T, N), isyn and irec (B, T, N, S), spikes (B, T, N).
        """
        # LIFTorch's own evolve, without the registries of rockpool, which take longer than a step.
        held = self.__dict__
        held["_record"] = record
        spikes = torch.nn.Module.__call__(self, input_data)
        recorded = held["_record_dict"] if record else {}
        held["_record_dict"] = {}
        return spikes, {name: self._held(name) for name in STATES}, recorded

    def reset_state(self) -> LIF:
        """Put the neurons to rest; return the module."""
        # Rockpool's own reset takes longer than a small call.
        self._keep_state(*(torch.zeros_like(self._held(name)) for name in STATES))
        return self

    def forward(self, input_data: torch.Tensor) -> torch.Tensor:
        """Return the spikes (B, T, N) that the input (B, T, N * S) causes."""
        x, _ = self._auto_batch(input_data)
        threshold = self.threshold
        if x.dtype != threshold.dtype:
            x = x.to(torch.promote_types(x.dtype, threshold.dtype))
        x = x.contiguous()
        alpha, beta = self._decays()
        alpha = alpha.to(x).expand(self.size_out)
        beta = None if beta is None else beta.to(x).expand(self.size_out, self.n_synapses)
        bias = self.bias.to(x).expand(self.size_out)
        recurrent = self.w_rec.to(x).contiguous() if self._has_rec else None
        constants = stepwise.Constants(recurrent, alpha, beta, bias, self._theta(threshold, x))
        start = tuple(self._state(name, x) for name in STATES)
        surrogate = self._surrogate(x)
        if not x.shape[0] * x.shape[1]:
            evolve = self._stay
        else:
            evolve = self._evolve_stepwise if surrogate is None else self._evolve_fused
        spikes, vmem, isyn = evolve(x, constants, self._noise(x), start, surrogate)
        if self._record:
            self._keep_record(spikes, vmem, isyn, recurrent, start[2])
        return spikes

    def as_layer(self, x: torch.Tensor) -> layer.Layer | None:
        """Return what fused kernels need of these neurons, or None where they cannot do this call.

        Args:
            x: (B, T, channels) input of the linear layer before the neurons.
        """
        surrogate, n = self._surrogate(x), self.size_out
        if surrogate is None:
            return None
        cells = self._cells(x)
        if cells is None:
            return None
        vmem, isyn = (self._held(name).to(x.dtype).numpy() for name in ("vmem", "isyn"))
        isyn = isyn.reshape(n, 1)[:, 0] if isyn.size == n else isyn
        return layer.Layer(cells, surrogate, vmem, isyn)

    def _cells(self, x: torch.Tensor) -> layer.kernels.Cells | None:
        """Return the constants for kernels; those of the last call if none has changed since."""
        window, limit = (self._number(n) for n in ("learning_window", "max_spikes_per_dt"))
        scale, n = self.threshold_scale, self.size_out
        places = self._parameters, self._buffers, self.__dict__
        values = [
            value.numpy(force=True).tobytes() if isinstance(value, torch.Tensor) else repr(value)
            for place in places
            for name, value in place.items()
            if name in CONSTANTS
        ]
        key = (x.dtype, window, limit, self.dt, *values)
        known: Any = self.__dict__.get("_known_cells")
        if known is None or known[0] != key:
            of_v, of_i = self._decays()
            arrays = (
                of_v.detach().to(x).expand(n).numpy(),
                np.empty(0) if of_i is None else of_i.detach().to(x).expand(n, 1)[:, 0].numpy(),
                self.bias.detach().to(x).expand(n).numpy(),
            )
            known = key, arrays, None, None
        elif known[2] is not None and isinstance(scale, float) and scale == known[2]:
            return known[3]
        theta = self._theta(self.threshold, x).detach()
        alpha, beta, bias = known[1]
        thresholds = theta.expand(*theta.shape[:2], n).numpy()
        cells = layer.constants(alpha, beta, bias, thresholds, limit, window)
        number = scale if isinstance(scale, float) else None
        self.__dict__["_known_cells"] = *known[:2], number, cells
        return cells

    def end_layer(self, run: layer.Layer, dtype: torch.dtype) -> None:
        """Keep state and mean rate after a call in a type."""
        spikes = run.spikes
        assert spikes is not None
        assert run.last is not None
        rate = torch.tensor(run.count / (spikes.rows * spikes.neurons), dtype=dtype)
        self.__dict__["mean_rate"] = rate
        with torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext():
            for name, end in zip(STATES, (run.vmem, run.isyn[:, None], run.last), strict=True):
                self._buffers[name] = torch.from_numpy(end)

    def _evolve_fused(
        self,
        x: torch.Tensor,
        constants: stepwise.Constants,
        noise: torch.Tensor | None,
        start: tuple[torch.Tensor, ...],
        surrogate: Any,
    ) -> tuple[torch.Tensor, ...]:
        on_gpu = self._on_gpu(x)
        held: Any = self._number if on_gpu else self._held
        setting = fused.Setting(
            surrogate=surrogate,
            window=held("learning_window"),
            max_spikes=held("max_spikes_per_dt"),
            exact=self.exact,
            record=self._record,
            noise=noise,
            vmem=start[0],
            isyn=start[1],
            spikes=start[2],
        )
        recurrent, alpha, beta, bias, theta = constants
        rows = (
            alpha.contiguous(),
            x.new_empty(0) if beta is None else beta.reshape(-1).contiguous(),
            bias.contiguous(),
            theta.expand(*theta.shape[:2], self.size_out).contiguous(),
        )
        if on_gpu:
            from neurosim.snn.kernels import triton_lif

            spikes, vmem, isyn = triton_lif.lif(x, *rows, setting)
        else:
            spikes, vmem, isyn = fused.lif(x, recurrent, *rows, setting)
        self.__dict__["mean_rate"] = setting.rate
        self._keep_state(setting.vmem[0], setting.isyn[0], spikes[0, -1])
        return spikes, vmem, isyn

    def _evolve_stepwise(
        self,
        x: torch.Tensor,
        constants: stepwise.Constants,
        noise: torch.Tensor | None,
        start: tuple[torch.Tensor, ...],
        surrogate: Any,
    ) -> tuple[torch.Tensor, ...]:
        def spike(v: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
            return self.spike_generation_fn(
                v, threshold, self.learning_window, self.max_spikes_per_dt
            )

        x = x.reshape(*x.shape[:2], self.size_out, self.n_synapses)
        spikes, vmem, isyn = stepwise.lif(x, *constants, noise, start, spike)
        if not bool(torch.isfinite(vmem[:, -1].sum() + isyn[:, -1].sum())):
            raise InputError(fused.not_finite(x.flatten(2)))
        self.__dict__["mean_rate"] = spikes.detach().mean()
        currents = isyn[0, -1] if self.synapse else start[1]  # delta synapses keep nothing
        self._keep_state(vmem[0, -1], currents, spikes[0, -1])
        return spikes, vmem, isyn

    def _stay(
        self,
        x: torch.Tensor,
        constants: stepwise.Constants,
        noise: torch.Tensor | None,
        start: tuple[torch.Tensor, ...],
        surrogate: Any,
    ) -> tuple[torch.Tensor, ...]:
        """Return what no steps, or no samples, give; the state stays where it is."""
        self.__dict__["mean_rate"] = x.new_zeros(())
        series = x.new_zeros(*x.shape[:2], self.size_out)
        return series, series.clone(), x.clone()

    def _surrogate(self, x: torch.Tensor) -> type[torch.autograd.Function] | None:
        """Return the surrogate if kernels can do this call, or None."""
        fits = (
            (x.device.type == "cpu" or self._on_gpu(x))
            and x.dtype in (torch.float32, torch.float64)
            and self._held("learning_window").numel() == 1
            and self._held("max_spikes_per_dt").numel() == 1
        )
        return surrogate_of(self.spike_generation_fn) if fits else None

    def _on_gpu(self, x: torch.Tensor) -> bool:
        """Return whether the call is one for the Triton kernels."""
        return (
            x.device.type == "cuda"
            and _has_triton()
            and not (self._has_rec or self.exact)
            and self.n_synapses <= 2
        )

    def _decays(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the decays per step of membrane and currents.

        LIFTorch's attributes work out all forms of the leak with every access.
        """
        if self.leak_mode == "taus" and not hasattr(type(self), "alpha"):
            alpha = decay(self.tau_mem, self.dt)
            return alpha, decay(self.tau_syn, self.dt) if self.synapse else None
        return self.alpha, self.beta if self.synapse else None

    def _leave_out_synapses(self, arguments: dict[str, Any]) -> None:
        """Drop the parameters of the synapses."""
        named = [name for name in ("tau_syn", "beta", "dash_syn") if name in arguments]
        if named:
            raise InputError(f"synapse=False leaves no use for {named[0]}; leave it out")
        if self.n_synapses != 1:
            raise InputError(
                f"synapse=False takes one input per neuron; the shape gives {self.n_synapses}"
            )
        delattr(
            self, {"taus": "tau_syn", "decays": "beta", "bitshifts": "dash_syn"}[self.leak_mode]
        )

    def _theta(self, threshold: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return the scaled thresholds as (1 or B, 1 or T, 1 or N)."""
        theta = threshold.to(x).reshape(1, 1, -1)
        scale = self.threshold_scale
        if isinstance(scale, float) and scale == 1.0:
            return theta
        shape = (*x.shape[:2], self.size_out)
        return theta * three_axes("threshold_scale", scale, x, shape)

    def _noise(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return the membrane noise (B, T, N), drawn as LIFTorch draws it, or None."""
        if self._number("noise_std") == 0.0:
            return None
        amplitude = self.noise_std * torch.sqrt(torch.tensor(self.dt))
        shape = (*x.shape[:2], self.size_out)
        return (amplitude * torch.randn(shape, device=x.device)).to(x)

    def _state(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Return a copy of the stored state: (N,), or (N, S) for isyn.

        The backward pass reads it, whatever becomes of the module's own until then.
        """
        shape = (self.size_out, self.n_synapses) if name == "isyn" else (self.size_out,)
        state = self._held(name).to(x, copy=True)
        return state if state.shape == shape else state.expand(shape)

    def _held(self, name: str) -> torch.Tensor:
        """Return a buffer, past LIFTorch's attributes, which take longer than small kernels."""
        value = self._buffers.get(name)
        return getattr(self, name) if value is None else value

    def _number(self, name: str) -> float:
        """Return a buffer of one element as a number; a GPU is asked when it has changed, only."""
        value = self._held(name)
        if not isinstance(value, torch.Tensor) or value.device.type == "cpu":
            return float(value)
        known = self.__dict__.setdefault("_numbers", {})
        last = known.get(name)
        if last is None or last[0] is not value or last[1] != value._version:
            last = known[name] = (value, value._version, float(value))
        return float(last[2])

    def _keep_state(self, *end: torch.Tensor) -> None:
        """Have the next call start from vmem (N,), isyn (N, S) and spikes (N,)."""
        with torch.inference_mode(False):  # what was computed in it could not be loaded into
            for name, value in zip(STATES, end, strict=True):
                self._buffers[name] = value.detach().clone()

    def _keep_record(
        self,
        spikes: torch.Tensor,
        vmem: torch.Tensor,
        isyn: torch.Tensor,
        recurrent: torch.Tensor | None,
        spikes_before: torch.Tensor,
    ) -> None:
        """Fill rockpool's dictionary of recorded series."""
        shape = (*spikes.shape[:2], self.size_out, self.n_synapses)
        if recurrent is None:
            irec = spikes.new_zeros(shape)
        else:
            first = spikes_before.expand(len(spikes), 1, -1)
            before = torch.cat([first, spikes], 1)[:, : spikes.shape[1]]
            irec = (before @ recurrent).reshape(shape)
        self._record_dict = {
            "vmem": vmem,
            "isyn": isyn.reshape(shape),
            "irec": irec,
            "spikes": spikes,
        }


def decay(tau: torch.Tensor, dt: float) -> torch.Tensor:
    """Return exp(-dt / tau), what is left after a step of dt [s] with time constant tau [s]."""
    return torch.exp(-dt / tau)


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None
