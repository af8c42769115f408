"""A Xylo development kit as an engine, through the vendor's samna. Untested on hardware.

Calls and fields are those that rockpool 3.1 uses (`xylo_samna.py` and the kit utilities of
syns63300 and syns65302), in accelerated time: events are sent with their time step, one readout
event comes back for each step. What differs from rockpool: configurations are made from a checked
XyloSpec (see `xylo.vendor`), and states are recorded of all hidden neurons, not only of those that
see the input. Audio 2 is read by another, register-level interface and is not served.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.engines import check_record
from neurosim.errors import InputError, UnavailableError
from neurosim.formats import samna as vendor
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.xylo.spec import XyloSpec

MAX_EVENTS = 15
"""Events of a channel that the chip reads in a step."""
POWER_HZ = 5.0
"""Rate of power measurements."""


@dataclass(frozen=True)
class Board:
    """How samna names a development kit and what it measures."""

    device: str
    channels: dict[str, str]
    """Name of a power net in samna, by the name in our provenance."""
    channels_from: str
    """Module of samna that names the nets."""
    ahead: int
    """Steps from the one that the chip says it is in to the first that it will process."""


BOARDS = {
    "xylo-imu": Board("XyloImuTestBoard", {"io": "Io", "core": "Core"}, "xyloImuBoards", 1),
    "xylo-audio-3": Board(
        "XyloAudio3TestBoard",
        {"io": "Io", "analog": "AnalogLogic", "digital": "DigitalLogic"},
        "xyloAudio3",
        0,
    ),
}


class BoardEngine:
    """Run a XyloSpec on a connected development kit."""

    name = "board"

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
        """Run all samples, `spec.lag` empty steps appended to each.

        The configuration is applied again before each sample. Whether that clears the neurons'
        states is up to the kit's firmware: leave silence between samples where it does not.

        Args:
            model: a XyloSpec for "xylo-imu" or "xylo-audio-3".
            raster: (samples, time, channels) event counts 0..255; at most 15 are sent.
            record: any of `spikes`, `v_mem`, `i_syn`; reading states slows the kit down.
            seed: without effect, the chip is deterministic.
            power: measure power during each sample; mean watts of each net are in the provenance.
            timeout_s: for one sample; what rockpool allows when left out.

        Raises:
            InputError: the model is no XyloSpec for a chip that is served, or the raster is wrong.
            UnavailableError: samna or a board is missing, or the board does not answer.
        """
        if not isinstance(model, XyloSpec):
            raise InputError(f"board runs a XyloSpec, got {type(model).__name__}: deploy it first")
        if model.chip not in BOARDS:
            raise InputError(
                f"the specification is for {model.chip}; the board engine serves "
                f"{', '.join(BOARDS)}: name one with spec.on_chip(...)"
            )
        variables = check_record(record)
        raster = check_raster(raster, model.channels)
        raster = np.minimum(np.pad(raster, ((0, 0), (0, model.lag), (0, 0))), MAX_EVENTS)
        kit = Kit(model, _samna(), states=len(variables) > 1)
        readouts, watts = [], []
        for events in raster:
            kit.configure()
            readout, measured = kit.evolve(events, power=power, timeout_s=timeout_s)
            readouts.append(readout)
            watts.append(measured)
        arrays = _arrays(readouts, variables, model)
        provenance: dict[str, Any] = {
            "engine": self.name,
            "samna": str(getattr(kit.samna, "__version__", "unknown")),
            "chip": model.chip,
            "model": model.digest(),
            "seed": seed,
            "status": "untested on hardware",
        }
        if power:
            provenance["power_w"] = {n: float(np.mean([w[n] for w in watts])) for n in watts[0]}
        populations = ("hidden", "output")
        return Recording(**arrays, dt=model.dt, populations=populations, provenance=provenance)


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


class Kit:
    """An opened board with its event streams."""

    def __init__(self, spec: XyloSpec, samna: Any, *, states: bool) -> None:
        self.spec, self.samna, self.states = spec, samna, states
        self.board = BOARDS[spec.chip or ""]
        self.api = getattr(samna, vendor.family(spec).module)
        self.hdk = self._open()
        self.model = self.hdk.get_model()
        self.read = samna.graph.sink_from(self.hdk.get_model_source_node())
        self.write = samna.graph.source_to(self.hdk.get_model_sink_node())

    def _open(self) -> Any:
        devices = self.samna.device.get_all_devices()
        for device in devices:
            if device.device_type_name == self.board.device:
                return self.samna.device.open_device(device)
        found = ", ".join(d.device_type_name for d in devices) or "none"
        raise UnavailableError(
            f"no {self.board.device} is connected (found: {found}); connect the kit of "
            f"{self.spec.chip}, or use engine 'xylosim'"
        )

    def configure(self) -> None:
        """Apply the network, in accelerated time, with the states that are to be read."""
        config = vendor.to_samna(self.spec, self.samna)
        config.operation_mode = self.api.OperationMode.AcceleratedTime
        if self.spec.chip == "xylo-imu":
            self._monitor_imu(config)
        else:
            self._monitor_audio(config)
        self.model.apply_configuration(config)

    def _monitor_imu(self, config: Any) -> None:
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

    def _monitor_audio(self, config: Any) -> None:
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
        start = self._timestep() + self.board.ahead
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

    def _timestep(self, timeout_s: float = 5.0) -> int:
        """Return the step that the chip is in; one that has processed nothing says less than 0."""
        self.read.get_events()
        self.write.write([self.api.event.TriggerReadout()])
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for event in self.read.get_events():
                if isinstance(event, self.api.event.Readout):
                    return max(int(event.timestep), 0)
        raise UnavailableError(f"the board did not answer within {timeout_s:g} s; reconnect it")

    def _collect(self, start: int, steps: int, timeout_s: float) -> list[Any]:
        found: dict[int, Any] = {}
        end = time.monotonic() + timeout_s
        while len(found) < steps:
            for event in self.read.get_events():
                if isinstance(event, self.api.event.Readout):
                    step = int(event.timestep) - start
                    if 0 <= step < steps:
                        found[step] = event
            if time.monotonic() > end:
                raise UnavailableError(
                    f"the board returned {len(found)} of {steps} steps within {timeout_s:g} s; "
                    "give a longer timeout_s, or reconnect it"
                )
        return [found[step] for step in range(steps)]

    def _power(self, wanted: bool) -> tuple[Any, Any]:
        """Start to measure power; return the monitor and its events."""
        if not wanted:
            return None, None
        if self.spec.chip == "xylo-audio-3":
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
        nets = getattr(self.samna, self.board.channels_from).MeasurementChannels
        values = {
            name: [e.value for e in events if e.channel == int(getattr(nets, channel))]
            for name, channel in self.board.channels.items()
        }
        return {name: float(np.mean(v)) if v else float("nan") for name, v in values.items()}


def _arrays(
    readouts: list[list[Any]], variables: tuple[str, ...], spec: XyloSpec
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what was recorded as (samples, time, neurons) arrays of hidden and output neurons."""

    def read(name: str, dtype: type, columns: slice = slice(None)) -> np.ndarray:
        rows = [[getattr(event, name)[columns] for event in sample] for sample in readouts]
        return np.array(rows, dtype=dtype)

    hidden, both = slice(spec.hidden), slice(spec.hidden, spec.hidden + spec.outputs)
    arrays = {"spikes": (read("hidden_spikes", np.uint8), read("output_spikes", np.uint8))}
    if "v_mem" in variables:
        arrays["v_mem"] = (read("neuron_v_mems", np.int16, hidden), read("output_v_mems", np.int16))
    if "i_syn" in variables:
        currents = [read("neuron_i_syns", np.int16, columns) for columns in (hidden, both)]
        arrays["i_syn"] = (currents[0], currents[1])
        if spec.synapses == 2:
            second = read("neuron_i_syn2s", np.int16, hidden)
            arrays["i_syn_2"] = (second, np.zeros_like(currents[1]))
    return arrays


ENGINE = BoardEngine()
