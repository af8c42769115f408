"""AHSAR: a homeostat that keeps the layers of a net equally active while it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from neurosim.analysis.homeostasis.loop import Loop
from neurosim.errors import InputError
from neurosim.homeostat import controlled_layers
from neurosim.homeostat.controlled_layers import ControlledLayer
from neurosim.homeostat.controller import FLOOR, WINDUP, GlobalGain, LayerControl
from neurosim.homeostat.gains import gains_for, measured_response, warn_of

EVALUATION_MOMENTUM = 0.1
"""Weight of an optimisation step in the scales that evaluation uses (AHSAR, section 5.1)."""


class Homeostat:
    """AHSAR (section 4): layers that fire more than the others get higher thresholds.

        homeostat = Homeostat.attach(net, events=batch)
        ...  # a batch: forward, backward, optimiser.step()
        homeostat.step()
        ...  # an epoch:
        with homeostat.evaluating():
            loss = validate(net)
        homeostat.end_epoch(loss)
        ...
        scales = homeostat.evaluation_scales  # Network.with_threshold([*scales, 1.0])
        homeostat.detach()

    Rates are means of the spikes that the forward pass returns, read detached by forward hooks;
    scales are constants to autograd. There are no parameters. Scales of `ThresholdSampler` multiply
    those of the homeostat; call `step` after their context has ended.
    """

    def __init__(
        self,
        layers: Sequence[ControlledLayer],
        units: Sequence[Sequence[int]],
        control: LayerControl,
        *,
        gain: GlobalGain | None,
        target: float | None,
        write: str,
    ):
        self.layers, self.units, self.control = layers, units, control
        self.gain, self.write = gain, write
        self._target = target
        self._scales = np.tile(control.loop.scale(control.c), (control.loop.ticks, 1))
        self._evaluation = self._scales[-1].copy()
        self._energy: list[float] = []
        self._history: list[tuple[np.ndarray, ...]] = []
        self._write(self._tick_scales())

    @classmethod
    def attach(
        cls,
        net: torch.nn.Module,
        *,
        events: torch.Tensor | None = None,
        loop: Loop | None = None,
        ticks: int | None = None,
        blocks: Sequence[Sequence[int]] | None = None,
        write: str = "end",
        relaxation: bool = True,
        diffusion: bool = True,
        gain: GlobalGain | bool | None = True,
        common_mode: bool = False,
        target: float | None = None,
        readout: bool = False,
        floor: float = FLOOR,
        windup: float = WINDUP,
    ) -> Homeostat:
        """Attach to the spiking layers of a net, and warn if the loop would misbehave.

        Args:
            net: any net with spiking layers that `controlled_layers.find` knows.
            events: a typical batch (B, T, channels): how the layers respond is measured on it.
            loop: gains; `homeostat.recommend` for that response when left out (without events: for
                uncoupled layers whose rates fall as 1/threshold).
            ticks: control ticks in an optimisation step: T for AHSAR's step mode, the number of
                blocks for its rate mode; that of `loop`, or else of the blocks, or 1, by default.
                T ticks with the rates held act as one with larger gains.
            blocks: groups of layers, by index, with one state each (AHSAR's virtual blocks).
            write: which scales the next batch has (AHSAR, 4.3). "end": those after the last tick;
                "step": step t those after tick t; "block": unit k those after tick k.
            relaxation: False leaves out gamma.
            diffusion: False leaves out D.
            gain: the global gain, True for its default, False or None for none.
            common_mode: hold log rates to a reference instead of to their mean, which also stands
                where coupled layers give the centred loop positive feedback. The global gain
                then lowers the reference.
            target: the reference as a rate; the geometric mean of the first batch by default.
            readout: control a spiking layer at the end of the net too.
            floor: spikes per neuron and step; a rate below counts as this much.
            windup: bound on kappa |c - c0|, inf for none.

        Raises:
            InputError: the settings do not fit each other or the net.
        """
        layers = controlled_layers.find(net, readout=readout)
        units = [[k] for k in range(len(layers))]
        if blocks is not None:
            units = [list(block) for block in blocks]
        if sorted(k for unit in units for k in unit) != list(range(len(layers))):
            raise InputError(f"blocks are {units}; each of the layers 0..{len(layers) - 1} once")
        response = None
        if events is not None:
            response = measured_response(net, events, blocks=units, readout=readout, floor=floor)
        if ticks is None and blocks is not None:
            ticks = len(units)
        loop = gains_for(len(units), loop, response, ticks, common_mode)
        loop = replace(
            loop, gamma=loop.gamma if relaxation else 0.0, D=loop.D if diffusion else 0.0
        )
        if target is not None and not (common_mode and target > 0):
            raise InputError(f"target is {target}; a positive rate, for common_mode=True only")
        controlled_layers.check_write(write, loop.ticks, loop.layers, layers)
        warn_of(loop)
        return cls(
            controlled_layers.control(layers),
            units,
            LayerControl(loop, floor, windup),
            gain=GlobalGain() if gain is True else (gain or None),
            target=target,
            write=write,
        )

    @property
    def evaluation_scales(self) -> np.ndarray:
        """Threshold scales for evaluation, one for each layer: a moving average, gain included."""
        return self._evaluation[self._unit_of_layer()]

    @property
    def scales(self) -> np.ndarray:
        """Threshold scales of the next batch, one for each layer, after the last tick."""
        return self._tick_scales()[-1][self._unit_of_layer()]

    @property
    def global_gain(self) -> float:
        """The factor g on all thresholds; 1 without a global gain."""
        return self._gain()

    @property
    def history(self) -> dict[str, np.ndarray]:
        """What happened: `rate`, `smoothed`, `c` and `scale` (steps, units), `gain` (steps,).

        `scale` is after the last tick, the gain included.
        """
        names = ("rate", "smoothed", "c", "scale", "gain")
        columns = zip(*self._history, strict=True) if self._history else [()] * len(names)
        return {name: np.array(column) for name, column in zip(names, columns, strict=True)}

    def step(self, rates: Sequence[float] | None = None) -> None:
        """Take in the rates of the last batch and set the thresholds of the next.

        Args:
            rates: spikes per neuron and step of each layer, where the caller has them, who may then
                set `sensing` of the layers to False; those sensed when left out.

        Raises:
            InputError: a layer has not run, or its rate is no finite number.
        """
        of_layers = controlled_layers.rates(self.layers) if rates is None else rates
        for layer in self.layers:
            layer.forget()
        unit_rates = self._unit_rates(np.asarray(of_layers, dtype=np.float64))
        if self._target is None:
            self._target = float(np.exp(self.control.log_rates(unit_rates).mean()))
        self._aim()
        self._scales = self.control.step(unit_rates)
        scales, average = self._tick_scales(), self.control.average
        self._evaluation += EVALUATION_MOMENTUM * (scales[-1] - self._evaluation)
        self._energy.append(float(average.mean()))
        gain = np.array(self._gain())
        self._history.append((unit_rates, average, self.control.c, scales[-1], gain))
        self._write(scales)

    def end_epoch(self, validation_loss: float) -> None:
        """Adapt the global gain to an epoch's validation loss and mean rate."""
        if self.gain is not None and self._energy:
            self.gain.update(float(validation_loss), float(np.mean(self._energy)))
        self._energy.clear()
        self._aim()
        self._write(self._tick_scales())

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Use the evaluation scales, sense nothing, and go back to training's afterwards."""
        sensing = [layer.sensing for layer in self.layers]
        self._write(self._evaluation[None])
        for layer in self.layers:
            layer.sensing = False
        try:
            yield
        finally:
            for layer, before in zip(self.layers, sensing, strict=True):
                layer.sensing = before
            self._write(self._tick_scales())

    def detach(self) -> None:
        """Leave the net as it was before `attach`."""
        for layer in self.layers:
            layer.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return all that a checkpoint needs, as tensors and numbers."""
        return {
            "loop": asdict(self.control.loop),
            "c": torch.tensor(self.control.c),
            "average": torch.tensor(self.control.average),
            "scales": torch.tensor(self._scales),
            "evaluation": torch.tensor(self._evaluation),
            "target": self._target,
            "gain": None if self.gain is None else self.gain.state_dict(),
            "energy": list(self._energy),
            "history": {name: torch.tensor(series) for name, series in self.history.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state of a homeostat of the same make, its gains included.

        Raises:
            InputError: it has other units or ticks.
        """
        if tuple(state["scales"].shape) != self._scales.shape:
            raise InputError(
                f"state has (ticks, units) {tuple(state['scales'].shape)}, this homeostat "
                f"{self._scales.shape}; attach it with the same settings"
            )
        self.control = LayerControl(Loop(**state["loop"]), self.control.floor, self.control.windup)
        self.control.c = state["c"].numpy().copy()
        self.control.average = state["average"].numpy().copy()
        self._scales = state["scales"].numpy().copy()
        self._evaluation = state["evaluation"].numpy().copy()
        self._target = state["target"]
        self._energy = list(state["energy"])
        if self.gain is not None and state["gain"] is not None:
            self.gain.load_state_dict(state["gain"])
        self._history = list(zip(*(s.numpy() for s in state["history"].values()), strict=True))
        for layer in self.layers:
            layer.forget()
        self._aim()
        self._write(self._tick_scales())

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"sensing": [layer.sensing for layer in self.layers]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on reading the layers, which were copied or loaded together with the homeostat."""
        for layer, sensing in zip(state["layers"], state.pop("sensing"), strict=True):
            layer.sensing = sensing
        vars(self).update(state)

    def _unit_rates(self, rates: np.ndarray) -> np.ndarray:
        """Return the rates of the units from those of the layers."""
        if rates.shape != (len(self.layers),):
            raise InputError(f"rates are {rates}; give one for each of {len(self.layers)} layers")
        if not np.isfinite(rates).all():
            k = int(np.argmin(np.isfinite(rates)))
            raise InputError(f"rate of layer {self.layers[k].name} is {rates[k]}")
        if all(len(unit) == 1 for unit in self.units):
            return rates[[unit[0] for unit in self.units]]
        return np.array([rates[list(unit)].mean() for unit in self.units])

    def _gain(self) -> float:
        return 1.0 if self.gain is None else self.gain.value

    def _centred(self) -> bool:
        return self.control.loop.centring == 1

    def _aim(self) -> None:
        """Set the reference of common-mode control, which the gain lowers."""
        if not self._centred() and self._target is not None:
            reference = float(np.log(self._target / self._gain()))
            self.control.loop = replace(self.control.loop, reference=reference)

    def _tick_scales(self) -> np.ndarray:
        """Return the scales (ticks, units), the gain included where it acts on them."""
        return self._scales * (self._gain() if self._centred() else 1.0)

    def _unit_of_layer(self) -> np.ndarray:
        owner = {k: u for u, unit in enumerate(self.units) for k in unit}
        return np.array([owner[k] for k in range(len(self.layers))])

    def _write(self, scales: np.ndarray) -> None:
        """Write scales (ticks, units), or (1, units) for all ticks."""
        for layer, unit in zip(self.layers, self._unit_of_layer(), strict=True):
            if self.write == "end" or len(scales) == 1:
                layer.write(float(scales[-1, unit]))
            elif self.write == "block":
                layer.write(float(scales[unit, unit]))
            else:
                layer.write(torch.tensor(scales[:, unit]).reshape(1, -1, 1))
