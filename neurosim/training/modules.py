"""LIF: rockpool's LIFTorch, evolved by fused kernels in time linear in the steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from rockpool.nn.modules.torch.lif_torch import LIFBaseTorch, LIFTorch

from neurosim.errors import InputError
from neurosim.training import fused, stepwise
from neurosim.training.surrogates import surrogate_of


class _Constants(NamedTuple):
    """What a layer computes with, in the type of its input."""

    recurrent: torch.Tensor | None
    """(N, N * S)."""
    alpha: torch.Tensor
    """(N,)."""
    beta: torch.Tensor
    """(N, S)."""
    bias: torch.Tensor
    """(N,)."""
    theta: torch.Tensor
    """(1 or B, 1 or T, 1 or N)."""


class LIF(LIFTorch):
    """A layer of current-based leaky integrate-and-fire neurons; a drop-in for LIFTorch.

    Constructor arguments, parameters, state, graph and results are those of
    `rockpool.nn.modules.LIFTorch`:

        i = (i + x + s_before W_rec) exp(-dt / tau_syn)
        v = v exp(-dt / tau_mem) + sum over synapses of i + noise + bias
        s = min(floor(v / threshold), max_spikes_per_dt) where v >= threshold, else 0
        v = v - s threshold

    On the CPU, in float32 and float64, with PeriodicExponential or StepPWL, a call runs in numba
    kernels; otherwise in a torch loop. Both are linear in the number of steps, LIFTorch is
    quadratic. Spikes are the same to the last bit. Gradients differ from LIFTorch's by less than
    1e-5 of their maximum, or with `exact=True` by nothing (input and weights; those of time
    constants, bias, threshold and recurrent weights are sums over time in another order).

    State: every call starts from the module's state, as in LIFTorch, and the state after the call
    is returned by `evolve`. The module keeps it only after a batch of one sample, which may be a
    stream in pieces. After a larger batch LIFTorch would let the end of sample 0 seed all samples
    of the next batch; here the state stays what it was, so that batches do not influence each
    other. Before a new stream, call `reset_state(net)`.

    Args:
        *args: as for LIFTorch.
        exact: gradients equal LIFTorch's to the last bit; four to six times slower.
        **kwargs: as for LIFTorch.
    """

    threshold_scale: float | torch.Tensor
    """Factor on the thresholds in the forward pass; neither a parameter nor saved.

    A number, or a tensor (N,), (B, 1, 1), (B, 1, N), (1, T, 1) or any shape of three axes that
    broadcasts to samples, steps and neurons (B, T, N): a draw for each batch, sample or step.
    """

    def __init__(self, *args: Any, exact: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.exact = exact
        self.threshold_scale = 1.0
        self._end: dict[str, torch.Tensor] = {}

    def evolve(
        self, input_data: torch.Tensor, record: bool = False
    ) -> tuple[torch.Tensor, dict, dict]:
        """Evolve as LIFTorch does: return spikes, the state of sample 0 at the end, the record.

        Args:
            input_data: (B, T, N * S) or (T, N * S) synaptic input, synapses of a neuron adjacent.
            record: return vmem (B, T, N), isyn and irec (B, T, N, S), spikes (B, T, N).
        """
        spikes, state, recorded = super().evolve(input_data, record)
        state = {**state, **self._end}
        self._end.clear()
        return spikes, state, recorded

    def forward(self, input_data: torch.Tensor) -> torch.Tensor:
        """Return the spikes (B, T, N) that the input (B, T, N * S) causes."""
        x, _ = self._auto_batch(input_data)
        dtype = torch.promote_types(x.dtype, self.threshold.dtype)
        x = x.to(dtype).contiguous()
        synapses = (self.size_out, self.n_synapses)
        alpha, beta = self._decays()
        alpha = alpha.to(x).expand(self.size_out)
        beta = beta.to(x).expand(synapses)
        bias = self.bias.to(x).expand(self.size_out)
        recurrent = self.w_rec.to(x).contiguous() if self._has_rec else None
        constants = _Constants(recurrent, alpha, beta, bias, self._theta(x))
        start = tuple(self._state(name, x) for name in ("vmem", "isyn", "spikes"))
        surrogate = self._surrogate(x)
        evolve = self._evolve_stepwise if surrogate is None else self._evolve_fused
        spikes, vmem, isyn = evolve(x, constants, self._noise(x), start, surrogate)
        if self._record:
            self._keep_record(spikes, vmem, isyn, recurrent, start[2])
        return spikes

    def _evolve_fused(
        self,
        x: torch.Tensor,
        constants: _Constants,
        noise: torch.Tensor | None,
        start: tuple[torch.Tensor, ...],
        surrogate: Any,
    ) -> tuple[torch.Tensor, ...]:
        setting = fused.Setting(
            surrogate=surrogate,
            window=self.learning_window,
            max_spikes=self.max_spikes_per_dt,
            exact=self.exact,
            record=self._record,
            noise=noise,
            vmem=start[0],
            isyn=start[1],
            spikes=start[2],
        )
        recurrent, alpha, beta, bias, theta = constants
        spikes, vmem, isyn = fused.lif(
            x,
            recurrent,
            alpha.contiguous(),
            beta.reshape(-1).contiguous(),
            bias.contiguous(),
            theta.expand(*theta.shape[:2], self.size_out).contiguous(),
            setting,
        )
        self._keep_state(len(x), setting.vmem[0], setting.isyn[0], spikes[0, -1])
        return spikes, vmem, isyn

    def _evolve_stepwise(
        self,
        x: torch.Tensor,
        constants: _Constants,
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
        self._keep_state(len(x), vmem[0, -1], isyn[0, -1], spikes[0, -1])
        return spikes, vmem, isyn

    def _surrogate(self, x: torch.Tensor) -> type[torch.autograd.Function] | None:
        """Return the surrogate if the kernels can do this call, or None."""
        fits = (
            x.device.type == "cpu"
            and x.dtype in (torch.float32, torch.float64)
            and self.learning_window.numel() == self.max_spikes_per_dt.numel() == 1
        )
        return surrogate_of(self.spike_generation_fn) if fits else None

    def _decays(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the decays per step of membrane and currents.

        LIFTorch's attributes work out all forms of the leak with every access.
        """
        if self.leak_mode == "taus" and not hasattr(type(self), "alpha"):
            return torch.exp(-self.dt / self.tau_mem), torch.exp(-self.dt / self.tau_syn)
        return self.alpha, self.beta

    def _theta(self, x: torch.Tensor) -> torch.Tensor:
        """Return the thresholds as (1 or B, 1 or T, 1 or N)."""
        theta = self.threshold.to(x).reshape(1, 1, -1)
        if isinstance(self.threshold_scale, float) and self.threshold_scale == 1.0:
            return theta
        scale = torch.as_tensor(self.threshold_scale).to(x)
        target = (*x.shape[:2], self.size_out)
        fits = scale.ndim == 3 and all(
            have in (1, need) for have, need in zip(scale.shape, target, strict=True)
        )
        if not fits and scale.numel() != 1 and scale.shape != target[2:]:
            raise InputError(
                f"threshold_scale has shape {tuple(scale.shape)}; give a number, one value for "
                f"each of {self.size_out} neurons, or three axes that broadcast to samples, steps "
                f"and neurons {target}"
            )
        if not bool((scale > 0).all()):
            raise InputError(
                f"threshold_scale holds {scale.min().item():g}; thresholds must stay positive"
            )
        return theta * (scale if fits else scale.reshape(1, 1, -1))

    def _noise(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return the membrane noise (B, T, N), drawn as LIFTorch draws it, or None."""
        if float(self.noise_std) == 0.0:
            return None
        amplitude = self.noise_std * torch.sqrt(torch.tensor(self.dt))
        shape = (*x.shape[:2], self.size_out)
        return (amplitude * torch.randn(shape, device=x.device)).to(x)

    def _state(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Return the stored state: (N,), or (N, S) for isyn."""
        shape = (self.size_out, self.n_synapses) if name == "isyn" else (self.size_out,)
        return getattr(self, name).to(x).expand(shape)

    def _keep_state(self, samples: int, *end: torch.Tensor) -> None:
        """Have `evolve` return the state of sample 0, and keep it if there is no other sample."""
        for name, value in zip(("vmem", "isyn", "spikes"), end, strict=True):
            self._end[name] = value.detach().clone()
        if samples == 1:
            for name, value in self._end.items():
                setattr(self, name, value)

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
            irec = (torch.cat([first, spikes[:, :-1]], 1) @ recurrent).reshape(shape)
        self._record_dict = {
            "vmem": vmem,
            "isyn": isyn.reshape(shape),
            "irec": irec,
            "spikes": spikes,
        }


def reset_state(net: torch.nn.Module) -> None:
    """Set membrane, currents and spikes of all LIF layers of a net to zero."""
    for module in torch.nn.Module.modules(net):
        if isinstance(module, LIFBaseTorch):
            for name in ("vmem", "isyn", "spikes"):
                setattr(module, name, torch.zeros_like(getattr(module, name)))
