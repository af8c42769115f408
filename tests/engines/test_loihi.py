"""Loihi's integer neuron against one written in Python integers; what the map to it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim import engines
from neurosim.engines import loihi
from neurosim.engines.loihi import LoihiLayer, LoihiNet
from neurosim.errors import InputError
from tests import nets


def run(net: LoihiNet, raster: np.ndarray):
    return engines.get("loihi").run(net, raster, record=("spikes", "v_mem", "i_syn"))


def leak(x: int, decay: int) -> int:
    """x decay/4096, rounded away from zero."""
    size = -(-abs(x) * decay // 4096)
    return size if x > 0 else -size


def simulate(layer: LoihiLayer, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Run one layer on counts (steps, n_in) in Python integers."""
    weight = layer.weight.astype(int).tolist()
    v, i = [0] * len(weight[0]), [0] * len(weight[0])
    record: dict[str, list] = {"spikes": [], "v_mem": [], "i_syn": []}
    for events in counts.tolist():
        spikes = []
        for k in range(len(v)):
            arriving = sum(n * row[k] for n, row in zip(events, weight, strict=True)) * 64
            i[k] += arriving - leak(i[k], int(layer.decay_i[k]))
            v[k] += i[k] - leak(v[k], int(layer.decay_v[k]))
            v[k] = max(-(2**23) + 1, min(2**23 - 1, v[k]))
            spikes.append(int(v[k] > 64 * int(layer.threshold[k])))
            v[k] *= 1 - spikes[-1]
        for name, values in (("spikes", spikes), ("v_mem", v), ("i_syn", i)):
            record[name].append(list(values))
    return {name: np.array(rows) for name, rows in record.items()}


def layer(rng: np.random.Generator, n_in: int, n_out: int, **changes) -> LoihiLayer:
    values = {
        "weight": 2.0 * rng.integers(-90, 127, (n_in, n_out)),
        "threshold": np.full(n_out, 200.0),
        "decay_v": rng.integers(1, 2000, n_out).astype(float),
        "decay_i": rng.integers(200, 4097, n_out).astype(float),
    }
    return LoihiLayer(**{**values, **changes})


@pytest.mark.parametrize("seed", range(4))
def test_every_state_of_every_step_in_two_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = LoihiNet((layer(rng, 5, 12), layer(rng, 12, 6)), 1e-3)
    raster = nets.events(rng, (2, 60, 5))
    found = run(net, raster)
    for sample, heard in enumerate(raster):
        for k, one in enumerate(net.layers):
            expected = simulate(one, heard)
            for name, values in expected.items():
                np.testing.assert_array_equal(getattr(found, name)[k][sample], values)
            heard = expected["spikes"]
        assert heard.sum() > 5


@pytest.mark.parametrize(
    ("register", "value", "rule"),
    [
        *[("weight", v, "weight_register") for v in (255, 253, 256, -258, 0.5, np.nan, np.inf)],
        *[("threshold", v, "threshold_register") for v in (2e5, 131072, 0, -1, 1.5, np.nan)],
        *[("decay_v", v, "decay_register") for v in (-1, 4097, 10.5)],
        ("decay_i", 4097, "decay_register"),
        *[("exponent", v, "weight_exponent") for v in (-9, 8, 0.5, "0")],
    ],
)
def test_what_a_register_cannot_hold_is_refused(register: str, value, rule: str) -> None:
    good = layer(np.random.default_rng(0), 3, 2)
    held = value
    if register != "exponent":
        held = getattr(good, register).copy()
        held.flat[-1] = value  # one neuron among others
    with pytest.raises(InputError, match=f"{register} .*rule {rule}: "):
        replace(good, **{register: held})


@pytest.mark.parametrize(
    ("register", "values"),
    [("weight", (-256, 254)), ("threshold", (1, 131071)), ("decay_v", (0, 4096))],
)
def test_the_ends_of_a_register_are_held(register: str, values) -> None:
    good = layer(np.random.default_rng(0), 3, 2)
    for value in values:
        replace(good, **{register: np.full_like(getattr(good, register), value)})
    for exponent in (-8, 7):
        replace(good, exponent=exponent)


def test_layers_that_do_not_fit_are_refused(rng) -> None:
    with pytest.raises(InputError, match=r"threshold has shape \(3,\); it needs \(2,\)"):
        layer(rng, 3, 2, threshold=np.full(3, 9.0))
    with pytest.raises(InputError, match="layer 0 has 4 neurons and layer 1 weights for 5"):
        LoihiNet((layer(rng, 3, 4), layer(rng, 5, 2)), 1e-3)
    with pytest.raises(InputError, match="layers is empty"):
        LoihiNet((), 1e-3)


def test_the_membrane_stays_in_24_bits() -> None:
    rng = np.random.default_rng(1)
    slow = {"decay_v": np.ones(3), "decay_i": np.full(3, 200.0)}
    one = layer(rng, 4, 3, weight=np.full((4, 3), -254.0), **slow)
    raster = np.full((1, 300, 4), 2, np.uint8)
    found = run(LoihiNet((one,), 1e-3), raster)
    assert found.v_mem[0].min() == -(2**23) + 1
    np.testing.assert_array_equal(found.v_mem[0][0], simulate(one, raster[0])["v_mem"])


def test_a_current_beyond_24_bits_is_refused() -> None:
    rng = np.random.default_rng(1)
    one = layer(rng, 4, 3, weight=np.full((4, 3), 254.0), decay_i=np.ones(3))
    with pytest.raises(InputError, match="leaves Loihi's 24 bits"):
        run(LoihiNet((one,), 1e-3), np.full((1, 400, 4), 15, np.uint8))


def test_a_binary_net_with_little_reset_keeps_its_counts(rng) -> None:
    """Where neurons fire rarely, binary spikes and the reset to zero cost little."""
    network = nets.network(rng, (6, 20, 8), gain=0.4)
    layers = [replace(one, max_spikes=1) for one in network.layers]
    network, raster = replace(network, layers=tuple(layers)), nets.events(rng, (8, 200, 6), 0.1)
    net = loihi.from_network(network, raster)
    counts = [
        made.spikes[0].sum(axis=1, dtype=float).ravel()
        for made in (engines.get("brian2").run(network, raster), run(net, raster))
    ]
    assert counts[0].sum() > 200
    assert np.corrcoef(counts)[0, 1] > 0.95


def test_the_threshold_is_a_register(rng) -> None:
    net = loihi.from_network(nets.network(rng), nets.events(rng))
    up = net.with_threshold(1.5)
    np.testing.assert_array_equal(
        up.layers[0].threshold, np.floor(1.5 * net.layers[0].threshold + 0.5)
    )
    np.testing.assert_array_equal(up.layers[-1].threshold, net.layers[-1].threshold)
    spikes = [run(n, nets.events(rng)).spikes[0].sum() for n in (net, up)]
    assert spikes[0] > spikes[1] > 0
    for scale in (0.0, float("nan"), 1e9):
        with pytest.raises(InputError, match="threshold"):
            net.with_threshold(scale)


def test_weights_are_even_and_registers_hold(rng) -> None:
    for one in loihi.from_network(nets.network(rng)).layers:
        assert (one.weight % 2 == 0).all()
        assert np.abs(one.weight).max() == 254
        assert one.threshold.max() * 2.4 <= 131071
        assert one.decay_v.max() <= 4096


def test_what_has_no_place_is_refused(rng) -> None:
    network = nets.network(rng)
    for change in (
        {"recurrent": np.zeros((10, 10))},
        {"bias": np.ones(10)},
    ):
        layers = (replace(network.layers[0], **change), *network.layers[1:])
        with pytest.raises(InputError, match="layer 0 has"):
            loihi.from_network(replace(network, layers=layers))
