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
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(names | st.integers(), inner)
    ),
    max_leaves=8,
)

REFUSAL = r"checkpoint\.pt: damaged, or no checkpoint; train again without resume \([\w ]+\)$"


def same(a, b):
    """Whether b is what should come back of a."""
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, torch.Tensor)
            and a.dtype == b.numpy().dtype
            and (a.shape == b.shape and a.tobytes() == b.numpy().tobytes())
        )
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@settings(max_examples=15)
@given(st.dictionaries(names, trees))
def test_a_state_comes_back_bit_for_bit(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "state.pt"
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
    assert state["t"] == (1, 2)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / checkpoint.NAME
    with pytest.raises(InputError, match="no such file"):
        checkpoint.load(path)
    torch.save({"kind": "another", "state": {}}, path)
    with pytest.raises(InputError, match="holds something else than a checkpoint"):
        checkpoint.load(path)
    store.save(path, "network", {}, {})
    with pytest.raises(InputError, match=REFUSAL):
        checkpoint.load(path)


def test_damaged_files_are_refused_in_one_line(tmp_path, rng):
    path = tmp_path / checkpoint.NAME
    checkpoint.save(path, {"weights": rng.random(300), "rng": rng.bit_generator.state})
    whole = path.read_bytes()
    refused = 0
    for cut in (0, 1, 7, len(whole) // 2, len(whole) - 50, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=REFUSAL):
            checkpoint.load(path)
    for at in rng.integers(
        0, len(whole), 200
    ):  # a byte altered: noticed, or without effect on form
        altered = bytearray(whole)
        altered[at] ^= 0xFF
        path.write_bytes(altered)
        try:
            checkpoint.load(path)
        except InputError:
            refused += 1
    assert refused > 150  # the others are padding and dates of the archive


def test_a_checkpoint_runs_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return print, ("run",)

    path = tmp_path / checkpoint.NAME
    torch.save({"kind": checkpoint.KIND, "state": Trap()}, path)
    with pytest.raises(InputError, match=REFUSAL):
        checkpoint.load(path)


def test_a_run_that_fails_while_writing_keeps_the_checkpoint_before(tmp_path):
    path = tmp_path / checkpoint.NAME
    checkpoint.save(path, {"done": 1})
    with pytest.raises(Exception, match="lambda"):
        checkpoint.save(path, {"done": lambda: 2})
    assert checkpoint.load(path) == {"done": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_writing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    clock = iter([0.0, 100.0, 103.0, 200.0, 260.0])
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: next(clock))
    saver = checkpoint.Saver(tmp_path / "state", seconds=10.0)
    saver.save(dict)  # takes 3 s
    assert saver.wait == pytest.approx(3.0 / checkpoint.SHARE)
    assert not saver.due()  # 97 s later
    assert saver.due()  # 157 s later
