"""The bound on float error explains any order of summation, and no other model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim import engines
from neurosim.network import Layer, Network
from neurosim.recording import Recording
from neurosim.verify.compare import Verdict
from neurosim.verify.float_error import bounds, judge
from neurosim.verify.float_rungs import in_float32
from tests import nets

STATES = ("spikes", "v_mem", "i_syn")


def run(name: str, network: Network, raster: np.ndarray) -> Recording:
    return engines.get(name).run(network, raster, record=STATES)


def recurrent(network: Network, rng: np.random.Generator, size: float = 0.05) -> Network:
    layers = [
        replace(layer, recurrent=rng.normal(0, size, (layer.n_out, layer.n_out)))
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def shuffled(
    network: Network, raster: np.ndarray, rng: np.random.Generator, dtype: type = np.float32
) -> Recording:
    """Step a network in a float type, each sum over presynaptic neurons in an order of its own.

    It stands for another processor: libraries differ in the order in which they add.
    """
    value = raster.astype(dtype)
    dt = dtype(network.dt)
    record: dict[str, list[np.ndarray]] = {name: [] for name in STATES}
    for layer in network.layers:
        tau_syn = layer.tau_syn.reshape(layer.n_out)
        alpha, beta = (np.exp(-dt / t.astype(dtype)) for t in (layer.tau_mem, tau_syn))
        theta, bias = layer.threshold.astype(dtype), layer.bias.astype(dtype)
        weight = layer.weight.astype(dtype)
        own = np.zeros((layer.n_out, layer.n_out), dtype)
        if layer.recurrent is not None:
            own = layer.recurrent.astype(dtype)
        v, i, s = np.zeros((3, len(raster), layer.n_out), dtype)
        series = []
        for t in range(raster.shape[1]):
            for matrix, spikes in ((weight, value[:, t]), (own, s)):
                total = np.zeros_like(i)
                for pre in rng.permutation(len(matrix)):
                    total = total + spikes[:, pre, None] * matrix[pre]
                i = i + total
            i = i * beta
            v = v * alpha + i + bias
            s = np.clip(np.floor(v / theta), 0, layer.max_spikes).astype(dtype)
            v = v - s * theta
            series.append((s, v, i))
        arrays = [np.stack(a, axis=1) for a in zip(*series, strict=True)]
        for name, array in zip(STATES, arrays, strict=True):
            record[name].append(array.astype(np.uint8) if name == "spikes" else array)
        value = arrays[0]
    return Recording(**{n: tuple(a) for n, a in record.items()}, dt=network.dt)


def lifetime(seed: int, loops: bool) -> tuple[Network, np.ndarray]:
    rng = np.random.default_rng(seed)
    network = nets.network(rng, sizes=(6, 40, 30, 10), gain=0.5)
    network = recurrent(network, rng) if loops else network
    return in_float32(network), nets.events(rng, (20, 200, 6))


@pytest.mark.parametrize("loops", [False, True])
def test_float32_is_explained_by_rounding(loops: bool) -> None:
    verdicts: list[Verdict] = []
    for seed in range(6):
        network, raster = lifetime(seed, loops)
        reference, other = run("brian2", network, raster), run("torch", network, raster)
        assert other.v_mem[0].dtype == np.float32
        assert reference.spikes[1].mean() > 0.05
        verdicts.append(judge(network, raster, reference, other))
    assert {v.kind for v in verdicts} == {"rounding"}, verdicts
    parted = [v for v in verdicts if v.parted]
    assert parted  # the bound was put to use
    assert all(v.parted.variable == "spikes" and v.differing["spikes"] for v in parted)
    # Some hundredth of an a-priori bound is used up: it is not so wide that it hides anything.
    assert 0.005 < max(v.rounding for v in verdicts) < 1


@pytest.mark.parametrize("loops", [False, True])
def test_any_order_of_summation_is_explained_and_the_verdict_is_the_same(loops: bool) -> None:
    """What a processor decides, the order of sums, decides nothing in the verdict."""
    network, raster = lifetime(1, loops)
    network = Network(network.layers[:2], network.dt)
    raster = raster[:6, :120]
    reference = run("brian2", network, raster)
    others = [shuffled(network, raster, np.random.default_rng(k)) for k in range(5)]
    assert any((a != b).any() for a, b in zip(others[0].v_mem, others[1].v_mem, strict=True))
    for other in others:
        verdict = judge(network, raster, reference, other)
        assert verdict.kind == "rounding", verdict
        assert 0.001 < verdict.rounding < 1
        # ... and float32 against float32, as LIFTorch against the kernels.
        assert judge(network, raster, others[0], other).passed


@pytest.mark.parametrize("loops", [False, True])
def test_the_kernels_and_liftorch_agree_up_to_rounding_on_every_processor(loops: bool) -> None:
    network, raster = lifetime(3, loops)
    theirs, ours = (run(n, network, raster[:8]) for n in ("liftorch", "torch"))
    verdict = judge(network, raster[:8], theirs, ours)
    assert verdict.passed, verdict
    assert verdict.spikes > 1000


def test_the_bound_holds_against_sums_without_error() -> None:
    """Extended precision stands for exact arithmetic: 2048 times finer than the bound at float64.

    The reference itself must lie within its own bound, for float64 and for float32.
    """
    rng = np.random.default_rng(4)
    network, raster = nets.network(rng, sizes=(6, 12, 8)), nets.events(rng, (4, 60, 6))
    exact = shuffled(network, raster, rng, np.longdouble)
    for dtype, unit in ((np.float64, 2.0**-53), (np.float32, 2.0**-24)):
        other = shuffled(network, raster, rng, dtype)
        assert all((a == b).all() for a, b in zip(exact.spikes, other.spikes, strict=True))
        for k, bound in enumerate(bounds(network, raster, other, unit)):
            off = np.abs(exact.v_mem[k] - other.v_mem[k])
            assert (off <= bound).all()
            assert (off > 1e-3 * bound).any()


def test_another_model_is_not_explained_by_rounding() -> None:
    rng = np.random.default_rng(0)
    network, raster = in_float32(nets.network(rng)), nets.events(rng)
    reference, theirs = run("brian2", network, raster), run("liftorch", network, raster)
    layer = network.layers[1]
    for change in (
        {"tau_mem": layer.tau_mem * np.float32(1 + 1e-4)},
        {"tau_syn": layer.tau_syn * np.float32(1 + 1e-4)},
        {"threshold": layer.threshold * np.float32(1 + 1e-4)},
        {"weight": layer.weight * np.float32(1 + 1e-4)},
        {"bias": layer.bias + np.float32(1e-4)},
    ):
        layers = (network.layers[0], replace(layer, **change), *network.layers[2:])
        other = run("torch", replace(network, layers=layers), raster)
        for first in (reference, theirs):
            verdict = judge(network, raster, first, other)
            assert verdict.kind == "diverged", change
            assert verdict.first.population == "1"  # the layer that is wrong


def changed(recording: Recording, variable: str, k: int, at: tuple, value: float) -> Recording:
    arrays = [a.copy() for a in getattr(recording, variable)]
    arrays[k][at] = value
    return replace(recording, **{variable: tuple(arrays)})


def test_a_spike_count_beyond_reach_and_what_is_no_number_diverge() -> None:
    rng = np.random.default_rng(0)
    network, raster = nets.network(rng), nets.events(rng)
    reference, other = run("brian2", network, raster), run("torch", network, raster)
    assert judge(network, raster, reference, other).passed
    quiet = tuple(np.argwhere(reference.spikes[0] == 0)[40])
    for wrong in (
        changed(other, "spikes", 0, quiet, 1),  # its membrane is far below the threshold
        changed(other, "v_mem", 1, (2, 30, 4), np.nan),
        changed(other, "v_mem", 1, (2, 30, 4), other.v_mem[1][2, 30, 4] + 1e-9),
    ):
        assert judge(network, raster, reference, wrong).kind == "diverged"
    missing = judge(network, raster, reference, changed(other, "spikes", 0, quiet, 1)).first
    assert (missing.sample, missing.step, missing.neuron) == quiet
    assert (missing.variable, missing.values) == ("spikes", (0.0, 1.0))


def balanced(factor: float = 1.0) -> Network:
    """One neuron whose threshold is what ten events give it, up to a factor, and a wild loop."""
    tau = np.float32(1e-3 / np.log(4))
    layer = Layer(
        weight=np.full((10, 1), np.float32(0.1)),
        tau_mem=tau,
        tau_syn=tau,
        threshold=np.float32(factor * 10 * float(np.float32(0.1)) * np.exp(-1e-3 / float(tau))),
        bias=np.float32(0),
        recurrent=np.full((1, 1), np.float32(5)),
    )
    return Network((layer,), dt=1e-3)


def test_a_loop_that_amplifies_a_rounded_spike_is_judged_up_to_that_spike() -> None:
    network = balanced()
    raster = np.zeros((1, 12, 10), np.uint8)
    raster[0, 0] = 1
    reference = run("brian2", network, raster)
    # Thresholds two roundings off, within the bound of ten additions in float32: it fires or not.
    fires, silent = (
        shuffled(balanced(factor), raster, np.random.default_rng(0))
        for factor in (1 - 2e-7, 1 + 2e-7)
    )
    assert fires.spikes[0].sum() > 100
    assert silent.spikes[0].sum() == 0
    verdicts = [judge(network, raster, reference, other) for other in (fires, silent)]
    assert [v.kind for v in verdicts] == ["rounding"] * 2, verdicts
    parted = next(v.parted for v in verdicts if v.parted)
    assert (parted.step, parted.variable) == (0, "spikes")


def test_values_too_small_for_a_relative_error_are_explained() -> None:
    """In silence states fall below the normal floats, where float32 has no relative precision."""
    network = in_float32(nets.network(np.random.default_rng(0)))
    fast = [
        replace(
            layer,
            tau_mem=np.float32(2.3e-3),
            tau_syn=np.float32(2.1e-3),
            threshold=np.float32(0.1),
        )
        for layer in network.layers
    ]
    network = Network(tuple(fast), network.dt)
    raster = np.zeros((2, 120, 6), np.uint8)
    raster[:, :5] = 3
    reference, other = run("brian2", network, raster), run("torch", network, raster)
    smallest = np.finfo(np.float32).tiny
    last = np.abs(reference.v_mem[0][:, -1])
    assert reference.spikes[0].any()
    assert 0 < last.max() < smallest
    assert judge(network, raster, reference, other).kind == "rounding"


def test_without_states_a_difference_cannot_be_explained() -> None:
    network, raster = lifetime(0, loops=True)
    reference = engines.get("brian2").run(network, raster)
    spikes = [s.copy() for s in reference.spikes]
    spikes[0][3, 5, 2] += 1
    verdict = judge(network, raster, reference, replace(reference, spikes=tuple(spikes)))
    assert verdict.kind == "diverged"
    assert (verdict.first.sample, verdict.first.step, verdict.first.neuron) == (3, 5, 2)


def test_where_every_sum_is_exact_the_kernels_are_identical_to_liftorch() -> None:
    """On a dyadic grid no order of summation rounds: on every processor the bits are the same."""
    rng = np.random.default_rng(5)
    network = in_float32(nets.dyadic(rng, 4, recurrent=True))
    raster = rng.poisson(0.4, (8, 8, 5)).astype(np.uint8)
    verdict = judge(network, raster, *(run(n, network, raster) for n in ("liftorch", "torch")))
    assert verdict.kind == "identical"
    assert verdict.spikes > 100


Runs = tuple[Network, np.ndarray, Recording, Recording]


@pytest.fixture(scope="module")
def parted() -> Runs:
    """A net with loops, and two runs whose spikes part by rounding in about ten samples."""
    rng = np.random.default_rng(0)
    network = nets.network(rng, sizes=(6, 60, 10), gain=0.15)
    network = in_float32(recurrent(network, rng, 0.3))
    raster = nets.events(rng, (150, 250, 6))
    return network, raster, run("brian2", network, raster), shuffled(network, raster, rng)


def test_many_differing_spikes_are_rounding_where_engines_keep_to_the_model(parted: Runs) -> None:
    network, raster, reference, other = parted
    verdict = judge(network, raster, reference, other)
    assert verdict.kind == "rounding", verdict.first
    assert verdict.differing_spikes == sum(
        int((a != b).sum()) for a, b in zip(reference.spikes, other.spikes, strict=True)
    )
    assert verdict.differing_spikes > 100


def long_parted(reference: Recording, other: Recording) -> int:
    """A sample whose spikes have parted before step 200."""
    unequal = np.any(
        [(a != b).any(axis=2) for a, b in zip(reference.spikes, other.spikes, strict=True)], axis=0
    )
    return int(np.flatnonzero(unequal[:, :200].any(axis=1))[0])


def only(sample: int, recording: Recording) -> Recording:
    arrays = {n: tuple(a[sample : sample + 1] for a in getattr(recording, n)) for n in STATES}
    return replace(recording, **arrays)


@pytest.mark.parametrize("culprit", ["reference", "other"])
@pytest.mark.parametrize("variable", ["spikes", "v_mem", "i_syn"])
def test_after_the_first_parting_a_wrong_step_is_found(
    parted: Runs, variable: str, culprit: str
) -> None:
    """One value of one engine is off, where the two have nothing in common any more."""
    network, raster, reference, other = parted
    sample, step = long_parted(reference, other), 220
    pair = {"reference": only(sample, reference), "other": only(sample, other)}
    arrays = [a.copy() for a in getattr(pair[culprit], variable)]
    # A thousandth of a membrane or current is far beyond the rounding of a single step.
    at = (0, step, 3)
    arrays[0][at] = arrays[0][at] + 1 if variable == "spikes" else 1.001 * arrays[0][at] + 1e-3
    pair[culprit] = replace(pair[culprit], **{variable: tuple(arrays)})
    verdict = judge(network, raster[sample : sample + 1], *pair.values())
    assert verdict.kind == "diverged"
    assert (verdict.first.sample, verdict.first.step) == (0, step)
    assert "its own last step makes" in str(verdict.first)


def test_another_model_is_found_though_its_spikes_parted_by_rounding_first(parted: Runs) -> None:
    """Threshold 1 % higher from step 200 on, in samples whose spikes have parted before."""
    network, raster, reference, other = parted
    sample = long_parted(reference, other)
    higher = replace(network.layers[0], threshold=1.01 * network.layers[0].threshold)
    changed = replace(network, layers=(higher, *network.layers[1:]))
    rng = np.random.default_rng(0)
    wrong = shuffled(changed, raster, rng)
    spliced = {
        name: tuple(
            np.concatenate([a[:, :200], b[:, 200:]], axis=1)
            for a, b in zip(getattr(other, name), getattr(wrong, name), strict=True)
        )
        for name in STATES
    }
    left, right = (only(sample, r) for r in (reference, replace(other, **spliced)))
    verdict = judge(network, raster[sample : sample + 1], left, right)
    assert verdict.kind == "diverged"
    assert verdict.first.step >= 200
