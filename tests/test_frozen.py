"""Frozen objects do not change with the arrays that they were made of."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch

from neurosim.data import Windows
from neurosim.data.aedat import Events
from neurosim.data.images import ImageSet
from neurosim.data.recordings import Recordings
from neurosim.energy.wear import Outcomes
from neurosim.engines.loihi import LoihiLayer
from neurosim.formats.case import Case
from neurosim.frozen import Frozen, is_own, own, unfilled
from neurosim.network import Layer, Network
from neurosim.recording import Recording
from neurosim.run import Run
from neurosim.xylo.spec import XyloSpec


def layer(arrays):
    ones = np.ones(3, np.float32)
    return Layer(arrays, ones, ones, ones, ones, recurrent=np.eye(3, dtype=np.float32))


def spec(arrays):
    return XyloSpec(arrays.astype(np.int64), np.ones((3, 2), np.int64), threshold=[9, 9, 9],
                    threshold_out=[9, 9])  # fmt: skip


def loihi_layer(arrays):
    return LoihiLayer(np.round(arrays), *(np.full(3, value) for value in (9.0, 5.0, 5.0)))


MADE = {
    "Layer": layer,
    "LoihiLayer": loihi_layer,
    "Events": lambda a: Events(a[0], a[0], a[0], a[0]),
    "Network": lambda a: Network((layer(a),), 1e-3),
    "Recording": lambda a: Recording((a[None],), v_mem=(a[None],)),
    "Recordings": lambda a: Recordings((a,), a[0], a[0], a[0], ("a",), 50.0, "0"),
    "Windows": lambda a: Windows(a[None], a[0], a[0]),
    "ImageSet": lambda a: ImageSet(
        "a", a[None, None], np.zeros(1, int), ("a",), np.zeros(1, int), *2 * [np.zeros(0, int)]
    ),
    "Outcomes": lambda a: Outcomes(a[0], a[0], 1.0),
    "Run": lambda a: Run(None, None, {}, {}, (), {}, weights={"w": a}),
    "Case": lambda a: Case(spec(np.ones((3, 3))), a[None]),
}


def arrays_of(value):
    """All arrays in an object, by where they are."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Frozen):
        for name in [f.name for f in dataclasses.fields(value)]:
            yield from arrays_of(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_of(item)
    elif isinstance(value, dict):
        yield from arrays_of(list(value.values()))


@pytest.mark.parametrize("name", MADE)
def test_the_callers_array_is_another(name):
    source = np.full((3, 3), 0.5, np.float32)
    made = MADE[name](source)
    before = [array.copy() for array in arrays_of(made)]
    assert before
    source[:] = 7
    for array, old in zip(arrays_of(made), before, strict=True):
        np.testing.assert_array_equal(array, old)
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda made: pickle.loads(pickle.dumps(made))]
)
def test_duplicates_are_frozen_too(name, duplicate):
    made = MADE[name](np.full((3, 3), 0.5, np.float32))
    other = duplicate(made)
    for array, old in zip(arrays_of(other), arrays_of(made), strict=True):
        np.testing.assert_array_equal(array, old)
        assert is_own(array)


def test_a_specification_does_not_change_with_integers_or_settings():
    weights, settings = np.ones((3, 3), np.int64), {"scale": 0.1, "nested": {"a": [1]}}
    chosen = {"threshold": [9, 9, 9], "threshold_out": [9, 9], "front_end": settings}
    made = XyloSpec(weights, np.ones((3, 2), np.int64), **chosen)
    digest = made.digest()
    weights[0, 0], settings["scale"] = 5, 0.2
    settings["nested"]["a"].append(2)
    assert made.digest() == digest
    assert made.front_end == {"scale": 0.1, "nested": {"a": [1]}}


def test_a_network_does_not_change_with_torchs_parameters():
    from neurosim.formats.rockpool import module_from_network, network_from_module

    module = module_from_network(Network((layer(np.ones((2, 3), np.float32)),), 1e-3))
    network = network_from_module(module)
    digest = network.digest()
    with torch.no_grad():
        for parameter in module.parameters().astorch():
            parameter += 1.0
    assert network.digest() == digest
    own_module = module_from_network(network)
    with torch.no_grad():
        for parameter in own_module.parameters().astorch():
            parameter += 1.0
    assert network.digest() == digest


def test_read_only_views_of_other_peoples_memory_are_copied():
    source = np.zeros((3, 3), np.float32)
    locked = source.view()
    locked.flags.writeable = False
    made = layer(locked)
    source[:] = 1
    assert not made.weight.any()


def test_what_is_own_is_shared_not_copied():
    made = Network((layer(np.ones((3, 3), np.float32)),), 1e-3)
    scaled = made.with_threshold(2.0)
    assert np.shares_memory(scaled.layers[0].weight, made.layers[0].weight)
    whole = spec(np.ones((3, 3)))
    assert np.shares_memory(whole.with_threshold(2.0).weights_in, whole.weights_in)
    assert np.shares_memory(whole.on_chip("xylo-imu").threshold, whole.threshold)
    part = made.layers[0].weight[1:]
    assert own(part) is part  # a slice of memory that nobody can write to


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)),
        np.arange(12, dtype=">i4").reshape(3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.float32(2), (3, 2)),
        np.array(5),
        np.array(["a", "bc"]),
        np.array([{}, None]),
    ],
)
def test_values_shape_and_type_stay(array):
    kept = own(array)
    assert (kept.shape, kept.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(kept, array)
    assert not kept.flags.writeable
    assert kept.flags.c_contiguous


def test_memory_to_be_filled_by_compiled_code_is_taken_without_a_copy():
    array = unfilled((2, 3), np.int16)
    assert array.dtype == np.int16
    assert array.shape == (2, 3)
    assert not array.any()
    assert own(array) is array
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
