"""A Xylo development kit as an engine, through the vendor's samna. Untested on hardware.

Calls and fields are those that rockpool 3.1 uses (`xylo_samna.py` and the kit utilities of
syns63300 and syns65302), in accelerated time: events are sent with their time step, one readout
event comes back for each step. What differs from rockpool: configurations are made from a checked
XyloSpec (see `formats.samna`), and states are recorded of all hidden neurons, not only of those
that see the input. Audio 2 is read by another, register-level interface and is not served: its row
in `xylo.chips` has no kit.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neurosim.engines.engine import Engine, Model, Records
from neurosim.equations.xylo import MAX_INPUT
from neurosim.errors import InputError, UnavailableError
from neurosim.formats import samna as vendor
from neurosim.recording import Recording
from neurosim.xylo import chips
from neurosim.xylo.spec import XyloSpec

POWER_HZ = 5.0
"""Rate of power measurements."""
ANSWER_S = 5.0
"""How long a board may take to say which step it is in."""
_alone = threading.Lock()
"""Held while a kit runs: threads share it."""


class BoardEngine(Engine):
    """Runs a XyloSpec on a connected development kit.

    The configuration is applied again before each sample. Whether that clears the neurons' states
    is up to the kit's firmware: leave silence between samples where it does not. Reading states
    slows the kit down. At most 15 events of a channel and step are sent.
    """

    name = "board"
    models: ClassVar[tuple[type[Any], ...]] = (XyloSpec,)

    def run(
        self,
        model: object,
        raster: np.ndarray,
        *,
        record: Sequence[str] = ("spikes",),
        seed: int | None = None,
        power: bool = False,
        timeout_s: float | None = None,
    ) -> Recording:
        """Run all samples as `Engine.run` says.

        Args:
            model: a XyloSpec for a chip whose kit is known, see `neurosim.xylo.chips`.
            raster: (samples, time, channels) event counts 0..255.
            record: any of `spikes`, `v_mem`, `i_syn`.
            seed: without effect, the chip is deterministic.
            power: measure power during each sample; mean watts of each net are in the provenance.
            timeout_s: for one sample; what rockpool allows when left out.

        Raises:
            InputError: the model is no XyloSpec for a chip that is served, or the raster is wrong.
            UnavailableError: samna or a board is missing, or the board does not answer.
        """
        return self._recorded(model, raster, record, seed, power=power, timeout_s=timeout_s)

    def _accepted(self, model: Any) -> Model:
        spec = super()._accepted(model)
        served = [chip.name for chip in chips.CHIPS.values() if chip.kit]
        if model.chip not in served:
            raise InputError(
                f"the specification is for {model.chip}; the board engine serves "
                f"{', '.join(served)}: name one with spec.on_chip(...)"
            )
        return spec

    def _run(
        self,
        model: XyloSpec,
        raster: np.ndarray,
        variables: tuple[str, ...],
        power: bool = False,
        timeout_s: float | None = None,
    ) -> tuple[Records, dict[str, Any]]:
        readouts, watts = [], []
        with _alone:
            board = Board(model, _samna(), states=len(variables) > 1)
            for events in np.minimum(raster, MAX_INPUT):
                board.configure()
                readout, measured = board.evolve(events, power=power, timeout_s=timeout_s)
                readouts.append(readout)
                watts.append(measured)
        provenance: dict[str, Any] = {
            "samna": str(getattr(board.samna, "__version__", "unknown")),
            "chip": model.chip,
            "status": "untested on hardware",
        }
        if power:
            provenance["power_w"] = {n: float(np.mean([w[n] for w in watts])) for n in watts[0]}
        return _records(readouts, variables, model), provenance


def _samna() -> Any:
    """Return the vendor's module."""
    try:
        samna = importlib.import_module("samna")
    except Exception as error:  # an import of samna may fail in any way its loader does
        raise UnavailableError(
            f"samna cannot be imported ({error}); install it as the vendor of the board says, "
            "or use engine 'xylosim', its bit-exact simulator"
        ) from error
    if not hasattr(samna, "device"):
        raise UnavailableError("samna is only a stub here; install it as the board's vendor says")
    return samna


class Board:
    """An opened development kit with its event streams."""

    def __init__(self, spec: XyloSpec, samna: Any, *, states: bool) -> None:
        self.spec, self.samna, self.states = spec, samna, states
        chip = vendor.chip_of(spec)
        assert chip.kit is not None  # the engine serves no chip without a kit
        self.kit = chip.kit
        self.api = getattr(samna, chip.samna.module)
        self.hdk = self._open()
        self.model = self.hdk.get_model()
        self.read = samna.graph.sink_from(self.hdk.get_model_source_node())
        self.write = samna.graph.source_to(self.hdk.get_model_sink_node())

    def _open(self) -> Any:
        devices = self.samna.device.get_all_devices()
        for device in devices:
            if device.device_type_name == self.kit.device:
                return self.samna.device.open_device(device)
        connected = ", ".join(d.device_type_name for d in devices) or "none"
        raise UnavailableError(
            f"no {self.kit.device} is connected (found: {connected}); connect the kit of "
            f"{self.spec.chip}, or use engine 'xylosim'"
        )

    def configure(self) -> None:
        """Apply the network, in accelerated time, with the states that are to be read."""
        config = vendor.to_samna(self.spec, self.samna)
        config.operation_mode = self.api.OperationMode.AcceleratedTime
        monitor = {"range": self._monitor_range, "list": self._monitor_list}
        monitor[self.kit.monitor](config)
        self.model.apply_configuration(config)

    def _monitor_range(self, config: Any) -> None:
        """Record neurons by the first and the last id, as the IMU kit does."""
        self.hdk.enable_manual_input_acceleration(True)
        debug = config.debug
        for name in ("isyn_clock", "ra_clock", "bias_clock", "hm_clock", "ram_power"):
            setattr(debug, f"{name}_enable", True)
        hidden, total = self.spec.hidden, self.spec.hidden + self.spec.outputs
        neurons = self.api.configuration.NeuronRange
        debug.monitor_neuron_spike = neurons(0, hidden)
        debug.monitor_neuron_v_mem = neurons(0, total) if self.states else None
        debug.monitor_neuron_i_syn = neurons(0, total) if self.states else None
        if self.states:
            self.model.open_ram_access()
        else:
            self.model.close_ram_access()

    def _monitor_list(self, config: Any) -> None:
        """Record neurons by their ids one by one, as the Audio 3 kit does."""
        config.input_source = self.api.InputSource.SpikeEvents
        debug = config.debug
        hidden = list(range(self.spec.hidden))
        debug.monitor_neuron_spike = hidden
        debug.monitor_neuron_v_mem = hidden if self.states else []
        total = self.spec.hidden + self.spec.outputs
        debug.monitor_neuron_i_syn = list(range(total)) if self.states else []
        second = self.states and self.spec.synapses == 2
        debug.monitor_neuron_i_syn2 = hidden if second else []
        debug.ram_access_enable = self.states

    def evolve(
        self, events: np.ndarray, *, power: bool, timeout_s: float | None
    ) -> tuple[list[Any], dict[str, float]]:
        """Send the events of one sample; return a readout for each step, and mean watts."""
        start = self._timestep() + self.kit.steps_ahead
        steps = len(events)
        sent = [
            self.api.event.Spike(neuron_id=int(channel), timestep=int(start + step))
            for step, channel in np.argwhere(events)
            for _ in range(int(events[step, channel]))
        ]
        sent.append(self.api.event.TriggerProcessing(target_timestep=start + steps))
        self.read.get_events()
        monitor, source = self._power(power)
        self.write.write(sent)
        if timeout_s is None:
            timeout_s = max(steps * self.spec.hidden / (1.0 if self.states else 100.0), 1.0)
        readouts = self._collect(start, steps, timeout_s)
        return readouts, self._watts(monitor, source)

    def _timestep(self) -> int:
        """Return the step that the chip is in; one that has processed nothing says less than 0."""
        self.read.get_events()
        self.write.write([self.api.event.TriggerReadout()])
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            for event in self.read.get_events():
                if isinstance(event, self.api.event.Readout):
                    return max(int(event.timestep), 0)
        raise UnavailableError(f"the board did not answer within {ANSWER_S:g} s; reconnect it")

    def _collect(self, start: int, steps: int, timeout_s: float) -> list[Any]:
        readouts: dict[int, Any] = {}
        end = time.monotonic() + timeout_s
        while len(readouts) < steps:
            for event in self.read.get_events():
                if isinstance(event, self.api.event.Readout):
                    step = int(event.timestep) - start
                    if 0 <= step < steps:
                        readouts[step] = event
            if time.monotonic() > end:
                raise UnavailableError(
                    f"the board returned {len(readouts)} of {steps} steps within {timeout_s:g} s; "
                    "give a longer timeout_s, or reconnect it"
                )
        return [readouts[step] for step in range(steps)]

    def _power(self, measured: bool) -> tuple[Any, Any]:
        """Start to measure power; return the monitor and its events."""
        if not measured:
            return None, None
        if self.kit.stop_watch:
            self.hdk.get_stop_watch().start()
        monitor = self.hdk.get_power_monitor()
        source = self.samna.graph.sink_from(monitor.get_source_node())
        if monitor.is_auto_power_measurement_active():
            monitor.stop_auto_power_measurement()
        monitor.start_auto_power_measurement(POWER_HZ)
        source.clear_events()
        return monitor, source

    def _watts(self, monitor: Any, source: Any) -> dict[str, float]:
        """Stop measuring and return the mean power of each net in watts; NaN where none came."""
        if monitor is None:
            return {}
        events = source.get_events()
        monitor.stop_auto_power_measurement()
        nets = getattr(self.samna, self.kit.power_module).MeasurementChannels
        values = {
            name: [e.value for e in events if e.channel == int(getattr(nets, channel))]
            for name, channel in self.kit.power_nets.items()
        }
        return {name: float(np.mean(v)) if v else float("nan") for name, v in values.items()}


def _records(
    readouts: list[list[Any]], variables: tuple[str, ...], spec: XyloSpec
) -> list[dict[str, np.ndarray]]:
    """Return what was recorded of hidden and output neurons, (samples, time, neurons)."""

    def read(name: str, dtype: type, columns: slice = slice(None)) -> np.ndarray:
        rows = [[getattr(event, name)[columns] for event in sample] for sample in readouts]
        return np.array(rows, dtype=dtype)

    hidden, output = slice(spec.hidden), slice(spec.hidden, spec.hidden + spec.outputs)
    records = [
        {"spikes": read("hidden_spikes", np.uint8)},
        {"spikes": read("output_spikes", np.uint8)},
    ]
    if "v_mem" in variables:
        records[0]["v_mem"] = read("neuron_v_mems", np.int16, hidden)
        records[1]["v_mem"] = read("output_v_mems", np.int16)
    if "i_syn" in variables:
        records[0]["i_syn"] = read("neuron_i_syns", np.int16, hidden)
        records[1]["i_syn"] = read("neuron_i_syns", np.int16, output)
    if "i_syn_2" in variables:
        records[0]["i_syn_2"] = read("neuron_i_syn2s", np.int16, hidden)
    return records


ENGINE = BoardEngine()
