"""Round trips through the vendor's field names and rockpool's dictionary; what is refused."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import engines
from neurosim.errors import InputError
from neurosim.formats import rockpool_devices, samna, xylo_json
from neurosim.xylo import XyloSpec, chips
from tests import nets


def random_spec(rng, chip):
    """Any specification of a chip: sizes, both synapses, biases, aliases, relays at random."""
    n = int(rng.integers(2, 12))
    synapses = int(rng.integers(1, chips.get(chip).synapses + 1))
    ien, oen, outs = (int(k) for k in rng.integers(1, [n + 1, n + 1, 5]))
    targets = rng.integers(0, n, n)
    biased = bool(rng.integers(2))
    first = int(rng.integers(1, n))
    return XyloSpec(
        weights_in=rng.integers(-128, 128, (int(rng.integers(1, 5)), ien, synapses)),
        weights_rec=rng.integers(-128, 128, (n, n, synapses)),
        weights_out=rng.integers(-128, 128, (oen, outs)),
        **{name: rng.integers(0, 16, n) for name in ("dash_mem", "dash_syn", "dash_syn_2")},
        **{name: rng.integers(0, 16, outs) for name in ("dash_mem_out", "dash_syn_out")},
        threshold=rng.integers(1, 32768, n),
        threshold_out=rng.integers(1, 32768, outs),
        bias=rng.integers(-32768, 32768, n) * biased,
        bias_out=rng.integers(-32768, 32768, outs) * biased,
        weight_shift_in=int(rng.integers(9)),
        weight_shift_rec=int(rng.integers(9)),
        weight_shift_out=int(rng.integers(9)),
        aliases=[[int(t)] if rng.random() < 0.4 else [] for t in targets],
        dt=float(rng.uniform(1e-4, 0.1)),
        chip=chip,
        layers=(first, n - first) if rng.integers(2) else (),
        relays=(0,) if rng.integers(2) else (),
        front_end={"bands": [1, 2]} if rng.integers(2) else None,
    )


def same(a, b):
    kept = ("dt", "chip", "layers", "relays", "front_end", "aliases")
    return a.digest() == b.digest() and all(getattr(a, n) == getattr(b, n) for n in kept)


SEEDS = st.integers(0, 2**32 - 1)
CHIPS = st.sampled_from(sorted(chips.CHIPS))


@settings(max_examples=50)
@given(SEEDS, CHIPS)
def test_json_and_our_file_keep_everything(tmp_path_factory, seed, chip):
    spec = random_spec(np.random.default_rng(seed), chip)
    folder = tmp_path_factory.mktemp("formats")
    assert same(xylo_json.load_json(xylo_json.save_json(spec, folder / "a.json")), spec)
    assert same(XyloSpec.load(spec.save(folder / "a.safetensors")), spec)


@settings(max_examples=50)
@given(SEEDS, CHIPS)
def test_rockpools_dictionary_keeps_the_dynamics(seed, chip):
    spec = random_spec(np.random.default_rng(seed), chip)
    extra = {n: getattr(spec, n) for n in ("chip", "layers", "relays", "front_end")}
    assert same(xylo_json.from_rockpool(xylo_json.to_rockpool(spec), **extra), spec)
    floats = {
        k: v.astype(float) if isinstance(v, np.ndarray) else v
        for k, v in xylo_json.to_rockpool(spec).items()
    }
    assert same(xylo_json.from_rockpool({**floats, "mapped_graph": object()}, **extra), spec)


@pytest.mark.parametrize("seed", range(4))
def test_xylosim_runs_the_dictionary(seed):
    """Rockpool's own wrapper, from our dictionary: the spikes of our engine."""
    spec = nets.spec(np.random.default_rng(seed))
    raster = nets.events(np.random.default_rng(seed), (1, 60, 4), rate=1.0)
    module = rockpool_devices.xylosim().from_specification(**xylo_json.to_rockpool(spec))
    output, _, recorded = module(raster[0].astype(int), record=True)
    expected = engines.get("xylosim").run(spec, raster)
    assert expected.spikes[1].any()
    np.testing.assert_array_equal(np.squeeze(output), expected.spikes[1][0])
    np.testing.assert_array_equal(np.squeeze(recorded["Spikes"]), expected.spikes[0][0])


def test_field_names_are_those_of_each_chip(rng):
    spec = nets.spec(rng)
    imu = samna.configuration(spec.on_chip("xylo-imu"))
    assert set(imu) == {
        "bias_enable", "input", "hidden", "readout", "imu_if_input_enable", "debug"
    }  # fmt: skip
    first = imu["hidden"]["neurons"][0]
    assert first == {
        "i_syn_decay": spec.dash_syn[0],
        "v_mem_decay": spec.dash_mem[0],
        "threshold": spec.threshold[0],
        "v_mem_bias": spec.bias[0],
        "alias_target": 3,
    }
    assert "alias_target" not in imu["hidden"]["neurons"][1]
    assert "syn2_weights" not in imu["input"]
    audio = samna.configuration(spec.on_chip("xylo-audio-2"))
    assert "hidden" not in audio
    assert "i_syn2_decay" in audio["reservoir"]["neurons"][0]
    assert np.shape(audio["readout"]["weights"]) == (spec.hidden, spec.outputs)
    assert not np.any(audio["readout"]["weights"][:6])
    json.dumps([imu, audio])
    with pytest.raises(InputError, match="for no chip"):
        samna.configuration(spec)


def test_hidden_biases_have_both_of_rockpools_names(rng):
    values = xylo_json.to_rockpool(nets.spec(rng))
    np.testing.assert_array_equal(values["bias_hidden"], values["bias"])
    del values["bias"]
    np.testing.assert_array_equal(xylo_json.from_rockpool(values).bias, values["bias_hidden"])
    with pytest.raises(InputError, match="bias and bias_hidden differ"):
        xylo_json.from_rockpool({**values, "bias": values["bias_hidden"] + 1})


def test_odd_dictionaries_are_refused(rng):
    values = xylo_json.to_rockpool(nets.spec(rng))
    with pytest.raises(InputError, match="no field 'treshold'; did you mean 'threshold'"):
        xylo_json.from_rockpool({**values, "treshold": 1})
    with pytest.raises(InputError, match="quantise first"):
        xylo_json.from_rockpool({**values, "threshold": values["threshold"] + 0.5})
    with pytest.raises(InputError, match="give a dictionary"):
        xylo_json.from_rockpool([1, 2])
    with pytest.raises(InputError, match="dt is given twice"):
        xylo_json.from_rockpool(values, dt=1e-3)


def without(name):
    return lambda values: values["configuration"]["hidden"].pop(name)


BAD = {
    "no configuration": lambda v: v.pop("configuration"),
    "no header": lambda v: v.pop("neurosim"),
    "header of another kind": lambda v: v["neurosim"].update(kind="network"),
    "header of another version": lambda v: v["neurosim"].update(version=7),
    "unknown chip": lambda v: v["neurosim"].update(chip="../../x"),
    "chip a list": lambda v: v["neurosim"].update(chip=[]),
    "no weights": without("weights"),
    "no neurons": without("neurons"),
    "no shift": without("weight_bit_shift"),
    "neurons a number": lambda v: v["configuration"]["hidden"].update(neurons=3),
    "a neuron without threshold": lambda v: v["configuration"]["hidden"]["neurons"][2].pop(
        "threshold"
    ),
    "a threshold of zero": lambda v: v["configuration"]["hidden"]["neurons"][2].update(threshold=0),
    "a threshold of text": lambda v: v["configuration"]["hidden"]["neurons"][2].update(
        threshold="x"
    ),
    "a weight of 200": lambda v: v["configuration"]["input"]["weights"][0].__setitem__(0, 200),
    "a weight nan": lambda v: v["configuration"]["input"]["weights"][0].__setitem__(
        0, float("nan")
    ),
    "ragged weights": lambda v: v["configuration"]["input"]["weights"][0].pop(),
    "alias of nobody": lambda v: v["configuration"]["hidden"]["neurons"][0].update(alias_target=99),
    "configuration a list": lambda v: v.update(configuration=[]),
}


@pytest.mark.parametrize("tamper", BAD.values(), ids=BAD)
def test_tampered_json_is_refused(tmp_path, rng, tamper):
    path = xylo_json.save_json(nets.spec(rng, chip="xylo-imu"), tmp_path / "a.json")
    values = json.loads(path.read_text())
    tamper(values)
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"a\.json") as caught:
        xylo_json.load_json(path)
    assert "\n" not in str(caught.value)


def test_unreadable_json_is_refused(tmp_path, rng):
    path = xylo_json.save_json(nets.spec(rng, chip="xylo-imu"), tmp_path / "a.json")
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\xff\xfe", b"[]", b"3", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.json"):
            xylo_json.load_json(path)
    with pytest.raises(InputError, match="absent"):
        xylo_json.load_json(tmp_path / "absent")


def test_a_configuration_without_bias_has_none(rng):
    spec = dataclasses.replace(nets.spec(rng, chip="xylo-imu"), bias=None, bias_out=None)
    values = samna.configuration(spec)
    assert values["bias_enable"] is False
    values["hidden"]["neurons"][0]["v_mem_bias"] = 7  # the chip would not add it
    assert not samna.from_configuration(values, "xylo-imu").has_bias
