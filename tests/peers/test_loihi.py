"""The declared Loihi neuron against the brian2-loihi emulator: every state of every step."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines import loihi

emulator = pytest.importorskip("brian2_loihi")


def emulated(net: loihi.LoihiNet, counts: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Run one sample (steps, channels) of binary spikes in the emulator, a layer later each."""
    import brian2

    brian2.prefs.codegen.target = "numpy"
    steps = len(counts) + len(net.layers) + 1
    times, channels = np.nonzero(counts)
    source = emulator.LoihiSpikeGeneratorGroup(counts.shape[1], channels, times.tolist())
    objects, monitors = [source], []
    for layer in net.layers:
        n = layer.weight.shape[1]
        group = emulator.LoihiNeuronGroup(
            n,
            refractory=1,
            threshold_v_mant=int(layer.threshold[0]),
            decay_v=int(layer.decay_v[0]),
            decay_I=int(layer.decay_i[0]),
        )
        synapses = emulator.LoihiSynapses(source, group, sign_mode=emulator.synapse_sign_mode.MIXED)
        synapses.connect()
        synapses.w = layer.weight.astype(int).reshape(-1)
        spikes = emulator.LoihiSpikeMonitor(group)
        states = [emulator.LoihiStateMonitor(group, name) for name in ("v", "I")]
        objects += [group, synapses, spikes, *states]
        monitors.append((spikes, states))
        source = group
    network = emulator.LoihiNetwork(*objects)
    network.run(steps)
    results = []
    for (spikes, states), layer in zip(monitors, net.layers, strict=True):
        fired = np.zeros((steps, layer.weight.shape[1]), int)
        np.add.at(fired, (np.rint(np.asarray(spikes.t)).astype(int), np.asarray(spikes.i)), 1)
        v, i = (np.asarray(getattr(m, name)).T for m, name in zip(states, "vI", strict=True))
        results.append({"spikes": fired, "v_mem": v, "i_syn": i})
    return results


def test_the_declared_neuron_equals_the_emulator() -> None:
    rng = np.random.default_rng(5)
    layers = []
    for n_in, n_out in ((6, 10), (10, 4)):
        layers.append(
            loihi.LoihiLayer(
                weight=2.0 * rng.integers(-40, 90, (n_in, n_out)),
                threshold=np.full(n_out, 700.0),
                decay_v=np.full(n_out, 300.0),
                decay_i=np.full(n_out, 800.0),
            )
        )
    net = loihi.LoihiNet(tuple(layers), 1e-3)
    counts = (rng.random((80, 6)) < 0.3).astype(np.uint8)
    ours = loihi.ENGINE.run(net, counts[None], record=("spikes", "v_mem", "i_syn"))
    theirs = emulated(net, counts)
    for k, layer in enumerate(theirs):
        assert ours.spikes[k].sum() > 40
        part = slice(k, k + 80)  # each layer is a step later there
        for name in ("spikes", "v_mem", "i_syn"):
            np.testing.assert_array_equal(getattr(ours, name)[k][0], layer[name][part])
