"""A strict samna (`fake_samna_fields`) with boards.

Its boards hold a XyloSim that is built from the fields of the configuration that was applied, by
code that knows nothing of ours, so a field that does not arrive gives other spikes.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from neurosim import engines
from neurosim.xylo import XyloSpec
from tests.engines.fake_samna_fields import (
    EVENTS,
    Readout,
    Spike,
    TriggerProcessing,
    TriggerReadout,
    family,
)


def decoded(config, two: bool, population: str = "hidden") -> XyloSpec:
    """What the chip computes with, read from the fields of its configuration."""
    inner = getattr(config, population)
    hidden, out = inner.neurons, config.readout.neurons
    both = two and config.synapse2_enable

    def stacked(where):
        matrices = [where.weights, *([where.syn2_weights] if both else [])]
        return np.stack(matrices, axis=2)

    def each(neurons, name):
        return [getattr(neuron, name) for neuron in neurons]

    bias = config.bias_enable
    aliases = [[] if n.alias_target is None else [n.alias_target] for n in hidden]
    return XyloSpec(
        weights_in=stacked(config.input),
        weights_rec=stacked(inner),
        weights_out=config.readout.weights,
        weight_shift_in=config.input.weight_bit_shift,
        weight_shift_rec=inner.weight_bit_shift,
        weight_shift_out=config.readout.weight_bit_shift,
        dash_mem=each(hidden, "v_mem_decay"),
        dash_syn=each(hidden, "i_syn_decay"),
        dash_syn_2=each(hidden, "i_syn2_decay") if two else None,
        dash_mem_out=each(out, "v_mem_decay"),
        dash_syn_out=each(out, "i_syn_decay"),
        threshold=each(hidden, "threshold"),
        threshold_out=each(out, "threshold"),
        bias=each(hidden, "v_mem_bias") if bias else None,
        bias_out=each(out, "v_mem_bias") if bias else None,
        aliases=aliases if inner.aliasing else None,
    )


class Sink:
    """What comes from a board; some calls of get_events find nothing yet."""

    def __init__(self):
        self.queue, self.calls = [], 0

    def get_events(self):
        self.calls += 1
        if self.calls % 3 == 0:
            return []
        cut = max(len(self.queue) // 2, 1)
        found, self.queue = self.queue[:cut], self.queue[cut:]
        return found


class PowerSink(Sink):
    """Measurements lie there when they are read."""

    def get_events(self):
        found, self.queue = self.queue, []
        return found

    def clear_events(self):
        self.queue.clear()


class Monitor:
    def __init__(self, log, values):
        self.log, self.values, self.active = log, values, True
        self.sink = PowerSink()

    def get_source_node(self):
        return self

    def is_auto_power_measurement_active(self):
        return self.active

    def stop_auto_power_measurement(self):
        assert self.active
        self.active = False
        self.log.append("power off")

    def start_auto_power_measurement(self, hertz):
        assert not self.active
        assert hertz > 0
        self.active = True
        self.log.append("power on")

    def measure(self):
        if self.active:
            for channel, watts in self.values.items():
                self.sink.queue += [SimpleNamespace(channel=channel, value=watts)] * 3


class Hdk:
    """A board: a model that takes configurations, a stream of events in and out."""

    def __init__(self, log, two: bool, first: int, watts: dict):
        self.log, self.two = log, two
        self.step = first
        self.sink, self.spec, self.config, self.ram = Sink(), None, None, False
        self.events: list = []
        self.monitor = Monitor(log, watts)

    def get_model(self):
        return self

    def apply_configuration(self, config):
        self.config, self.spec = config, decoded(config, self.two)
        self.log.append("configured")

    def get_model_source_node(self):
        return self

    def get_model_sink_node(self):
        return self

    def get_power_monitor(self):
        return self.monitor

    def get_stop_watch(self):
        return SimpleNamespace(start=lambda: self.log.append("stop watch"))

    def enable_manual_input_acceleration(self, enabled):
        assert enabled is True
        assert not self.two
        self.log.append("manual input")

    def open_ram_access(self):
        self.ram = True

    def close_ram_access(self):
        self.ram = False

    def write(self, events):
        for event in events:
            if isinstance(event, TriggerReadout):
                self.sink.queue.append(Readout(timestep=self.step))
            elif isinstance(event, Spike):
                self.events.append(event)
            else:
                assert isinstance(event, TriggerProcessing)
                self._process(event.target_timestep)
        self.monitor.measure()

    def _process(self, target):
        assert self.config.operation_mode == "accelerated"
        first = max(self.step, 0) + (0 if self.two else 1)
        raster = np.zeros((1, target - first, self.spec.channels), np.uint8)
        for event in self.events:
            raster[0, event.timestep - first, event.neuron_id] += 1
        assert raster.max(initial=0) <= 15
        self.events.clear()
        record = ("spikes", "v_mem", "i_syn")
        recording = engines.get("xylosim").run(self.spec, raster, record=record)
        for t in range(target - first):
            self.sink.queue.append(self._readout(first + t, t, recording))
        self.step = target

    def _readout(self, timestep, t, recording):
        def at(name, population):
            return getattr(recording, name)[population][0, t].tolist()

        debug, total = self.config.debug, self.spec.hidden + self.spec.outputs
        hidden = list(range(self.spec.hidden))

        def asked(name, count):
            wished = getattr(debug, f"monitor_neuron_{name}")
            if not wished:
                return False
            assert self.ram or debug.ram_access_enable or name == "spike"
            assert list(wished) == ([*range(count)] if self.two else [0, count]), name
            return True

        states = asked("v_mem", len(hidden) if self.two else total)
        currents = asked("i_syn", total)
        both = self.two and asked("i_syn2", len(hidden))
        return Readout(
            timestep=timestep,
            hidden_spikes=at("spikes", 0) if asked("spike", len(hidden)) else [],
            output_spikes=at("spikes", 1),
            output_v_mems=at("v_mem", 1),
            neuron_v_mems=at("v_mem", 0) if states else [],
            neuron_i_syns=at("i_syn", 0) + at("i_syn", 1) if currents else [],
            neuron_i_syn2s=at("i_syn_2", 0) if both else [],
        )


def build(*boards, valid=(True, "")):
    """A samna module with boards of the given device names; `log` holds what happened."""
    log: list = []

    def opened(device):
        log.append(f"opened {device.device_type_name}")
        if device.device_type_name == "XyloImuTestBoard":
            return Hdk(log, two=False, first=7, watts={0: 300e-6, 1: 200e-6})
        return Hdk(log, two=True, first=-1, watts={0: 1e-4, 1: 2e-4, 2: 3e-4})

    devices = [SimpleNamespace(device_type_name=name) for name in boards]
    modes = SimpleNamespace(AcceleratedTime="accelerated")

    def api(two, limit, population="hidden"):
        return SimpleNamespace(
            configuration=family(two, limit, population),
            event=EVENTS,
            OperationMode=modes,
            validate_configuration=lambda config: valid,
        )

    audio = api(True, 992)
    audio.InputSource = SimpleNamespace(SpikeEvents="spikes")
    audio.MeasurementChannels = SimpleNamespace(Io=0, AnalogLogic=1, DigitalLogic=2)
    return SimpleNamespace(
        __version__="0.0.fake",
        log=log,
        device=SimpleNamespace(get_all_devices=lambda: devices, open_device=opened),
        graph=SimpleNamespace(sink_from=lambda node: node.sink, source_to=lambda node: node),
        xyloImu=api(False, 496),
        xyloCore2=api(True, 1000, "reservoir"),
        xyloAudio3=audio,
        xyloImuBoards=SimpleNamespace(MeasurementChannels=SimpleNamespace(Io=0, Core=1)),
    )
