"""The file of a checkpoint: what goes in comes out, and nothing else is read."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosim import store
from neurosim.errors import InputError
from neurosim.training import checkpoint

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
names = st.text(min_size=1).filter(lambda name: not name.startswith("$"))
arrays = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
trees = st.recursive(
    scalars | arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.integers(), inner),
    max_leaves=8,
)


def same(a, b):
    """Whether b is what should come back of a."""
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, torch.Tensor)
            and a.dtype == b.numpy().dtype
            and (a.shape == b.shape and a.tobytes() == b.numpy().tobytes())
        )
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@settings(max_examples=15)
@given(st.dictionaries(names, trees))
def test_a_state_comes_back_bit_for_bit(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "state.safetensors"
    checkpoint.save(path, state)
    assert same(state, checkpoint.load(path))


def test_an_optimiser_and_a_generator_come_back(tmp_path):
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.AdamW([weight], lr=0.1)
    weight.sum().backward()
    optimiser.step()
    rng = np.random.default_rng(3)
    rng.random(5)
    path = tmp_path / checkpoint.NAME
    checkpoint.save(path, {"o": optimiser.state_dict(), "r": rng.bit_generator.state, "t": (1, 2)})
    state = checkpoint.load(path)
    other = torch.optim.AdamW([torch.nn.Parameter(weight.detach().clone())], lr=0.5)
    other.load_state_dict(state["o"])
    again = np.random.default_rng(0)
    again.bit_generator.state = state["r"]
    assert other.param_groups[0]["lr"] == 0.1
    assert torch.equal(other.state_dict()["state"][0]["exp_avg"], torch.full((3,), 0.1))
    assert again.random() == rng.random()
    assert state["t"] == [1, 2]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / checkpoint.NAME
    with pytest.raises(InputError, match="no such file"):
        checkpoint.load(path)
    store.save(path, "network", {}, {})
    with pytest.raises(InputError, match="holds network, expected a checkpoint"):
        checkpoint.load(path)
    checkpoint.save(path, {"weights": np.ones(100)})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="damaged"):
        checkpoint.load(path)


def test_writing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    clock = iter([0.0, 100.0, 103.0, 200.0, 260.0])
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: next(clock))
    saver = checkpoint.Saver(tmp_path / "state", seconds=10.0)
    saver.save(dict)  # takes 3 s
    assert saver.wait == pytest.approx(3.0 / checkpoint.SHARE)
    assert not saver.due()  # 97 s later
    assert saver.due()  # 157 s later
