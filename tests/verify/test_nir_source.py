"""What a NIR file leaves open is stated, checked against its source, or refused; never guessed."""

from __future__ import annotations

import json

import nir as reference
import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import engines, verify
from neurosim.cli import app
from neurosim.errors import InputError
from neurosim.formats import nir

DT, TAU_MEM, TAU_SYN, LEVEL = 1e-4, 4e-4, 2e-4, 0.6
RESETS = ("value", "value-late", "subtract", "subtract-late")


@pytest.fixture
def weights(rng) -> tuple[np.ndarray, ...]:
    """Into, within and out of the first of two populations, as rows of targets."""
    return rng.normal(0.4, 0.8, (6, 4)), rng.normal(0, 0.4, (6, 6)), rng.normal(0.3, 0.6, (3, 6))


@pytest.fixture
def raster(rng) -> np.ndarray:
    return (rng.random((3, 50, 4)) < 0.4).astype(np.uint8)


@pytest.fixture
def path(weights, tmp_path):
    """A recurrent net as snnTorch writes one: r = tau_mem/dt, w_in = tau_syn/dt, no metadata."""

    def neurons(n: int) -> reference.CubaLIF:
        values = {"tau_mem": TAU_MEM, "tau_syn": TAU_SYN, "r": TAU_MEM / DT, "w_in": TAU_SYN / DT}
        values |= {"v_leak": 0.0, "v_threshold": LEVEL, "v_reset": 0.0}
        return reference.CubaLIF(**{name: np.full(n, value) for name, value in values.items()})

    first, own, second = (reference.Linear(w) for w in weights)
    nodes = {"input": reference.Input(np.array([4])), "first": first, "a": neurons(6), "own": own}
    nodes |= {"second": second, "b": neurons(3), "output": reference.Output(np.array([3]))}
    edges = [("input", "first"), ("first", "a"), ("a", "own"), ("own", "a"), ("a", "second")]
    edges += [("second", "b"), ("b", "output")]
    reference.write(tmp_path / "net.nir", reference.NIRGraph(nodes, edges))
    return tmp_path / "net.nir"


def by_hand(weights, raster, reset: str) -> list[np.ndarray]:
    """Spikes (samples, time, neurons) of both populations, one value after the other.

    snnTorch's Synaptic neuron: the synapse keeps 1 - dt/tau of its current and adds the input, the
    membrane likewise; with a delay the reset acts on the next step's membrane.
    """
    first, own, second = weights
    out = [np.zeros((*raster.shape[:2], n)) for n in (6, 3)]
    for sample, events in enumerate(raster):
        current, membrane, fired = (
            [[0.0] * 6, [0.0] * 3],
            [[0.0] * 6, [0.0] * 3],
            [[0.0] * 6, [0.0] * 3],
        )
        for t, x in enumerate(events):
            for k in (0, 1):
                arriving = first @ x + own @ fired[0] if k == 0 else second @ fired[0]
                for n, inward in enumerate(arriving):
                    current[k][n] = (1 - DT / TAU_SYN) * current[k][n] + inward
                    v = (1 - DT / TAU_MEM) * membrane[k][n] + current[k][n]
                    if fired[k][n] and reset == "value-late":
                        v = 0.0
                    if fired[k][n] and reset == "subtract-late":
                        v -= LEVEL
                    fires = v > LEVEL
                    if fires and reset == "value":
                        v = 0.0
                    if fires and reset == "subtract":
                        v -= LEVEL
                    membrane[k][n], out[k][sample, t, n] = v, fires
                fired[k] = list(out[k][sample, t])
    return out


@pytest.mark.parametrize("reset", RESETS)
def test_every_reset_makes_the_spikes_that_follow_by_hand(path, weights, raster, reset) -> None:
    expected = by_hand(weights, raster, reset)
    assert [20 < s.sum() < 0.9 * s.size for s in expected] == [True, True]
    others = [by_hand(weights, raster, other)[1] for other in RESETS if other != reset]
    assert all((expected[1] != other).any() for other in others)
    graph = nir.load(path, source="snntorch", reset=reset)
    for engine in ("nir", "nir-numpy"):
        run = engines.get(engine).run(graph, raster)
        for ours, right in zip(run.spikes, expected, strict=True):
            np.testing.assert_array_equal(ours, right)
    assert verify(graph, raster).exact


def test_a_guess_is_refused_with_the_remedy(path, raster) -> None:
    for options, remedy in (
        ({"dt": DT}, r"does not say who wrote it.*--source.*snntorch"),
        ({"dt": DT, "reset": "value"}, "--source"),
        ({"source": "snntorch"}, r"do not say how its neurons reset.*--reset.*value-late"),
    ):
        with pytest.raises(InputError, match=remedy):
            verify(nir.load(path, **options), raster)
    verify(nir.load(path, dt=DT, source="nir"), raster[:1, :5])
    own = nir.Convention("mine", "euler", "value", False, dt=DT)
    verify(nir.load(path, source=own), raster[:1, :5])


def test_the_command_says_what_it_compared(path, weights, raster, tmp_path) -> None:
    np.save(tmp_path / "events.npy", raster)
    np.save(tmp_path / "zero.npy", by_hand(weights, raster, "value")[1])
    np.save(tmp_path / "none.npy", np.ones((*raster.shape[:2], 3)))

    def run(*options, status=0):
        arguments = ["verify", path, "--raster", tmp_path / "events.npy", "--json", *options]
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        if isinstance(done.exception, InputError):
            return str(done.exception)
        assert done.exit_code == status, done.output
        return json.loads(done.output)["reports"]["net"]

    assert "--source" in run("--dt", DT)
    assert "--reset" in run("--source", "snntorch")
    named = run("--source", "snntorch", "--reset", "subtract")
    assert named["exact"]
    assert "step as snntorch (euler steps, reset subtract)" in named["compared"]
    assert "snntorch itself did not run" in named["compared"]
    wrong = run(
        *("--source", "snntorch", "--reset", "subtract", "--expected", tmp_path / "zero.npy"),
        status=1,
    )
    assert [v["kind"] for v in wrong["verdicts"]] == ["identical", "diverged"]
    for known in (("--source", "snntorch"), ("--dt", DT)):
        found = run(*known, "--expected", tmp_path / "zero.npy")
        assert found["exact"]
        assert "reset value" in found["compared"]
        assert "zero.npy, by which source and reset were chosen" in found["compared"]
    refused = run("--source", "snntorch", "--expected", tmp_path / "none.npy")
    assert "no known convention makes these spikes" in refused
    np.save(tmp_path / "none.npy", np.zeros((*raster.shape[:2], 3)))
    assert "holds no spike" in run("--source", "snntorch", "--expected", tmp_path / "none.npy")
