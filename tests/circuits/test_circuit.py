"""Circuits in their library against the same circuits as Brian2 objects, and against theory."""

import numpy as np
import pytest
import scipy.stats as st

from neurosim import circuits as c
from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import InputError

CLOSE = 1e-9
"""Of traces: numpy's exp and the compiler's may part in the last bit, which a network amplifies."""
LIF = {"E_L": 0.0, "theta_0": 20.0, "V_r": 10.0, "tau_ref": 2.0, "tau": 20.0, "R": 100.0}


def balanced(seed=1, laws=False, model="lif", **settings):
    """Return a circuit without random numbers but those of its making."""
    circuit = c.Circuit(seed=seed)
    parameters = {**LIF, "I": st.uniform(0.25, 0.1), **settings}
    cells = circuit.population(
        model, 80, name="cells", parameters=parameters, initial={"v": st.uniform(0, 0.02)},
        record=["v"], watch=[0, 5],
    )  # fmt: skip
    others = circuit.population(
        model, 20, name="others", parameters=parameters, initial={"v": st.uniform(0, 0.02)}
    )
    weight = st.norm(0.4e-3, 0.1e-3) if laws else 0.4e-3
    delay = st.uniform(0, 3e-3) if laws else 1.5e-3
    circuit.project(cells, cells, c.fixed_in_degree(8), weight=weight, delay=delay)
    circuit.project(cells, others, c.fixed_probability(0.1), weight=weight, delay=delay)
    circuit.project(others, cells, c.fixed_in_degree(4), weight=-2e-3, delay=0.0)
    source = circuit.spike_source([0.001, 0.002, 0.002], [0, 1, 0], 2, name="source")
    circuit.project(source, others, c.all_to_all(), weight=8e-3, delay=1e-3)
    return circuit


def same(ours, theirs):
    assert sum(len(s.spike_steps) for s in ours.values()) > 150
    for name, result in ours.items():
        other = theirs[name]
        assert np.array_equal(result.spike_steps, other.spike_steps), name
        assert np.array_equal(result.spike_neurons, other.spike_neurons), name
        for trace, values in result.traces.items():
            np.testing.assert_allclose(values, other.traces[trace], rtol=CLOSE)


@pytest.mark.parametrize("laws", [False, True])
def test_spikes_are_those_of_brian2_objects(laws):
    ours = balanced(laws=laws).run(0.1, target="library")
    same(ours, balanced(laws=laws).run(0.1, target="numpy"))


def test_threads_change_nothing():
    def run(threads):
        circuit = balanced(laws=True)
        for name in ("cells", "others"):
            post = next(p for p in circuit.populations if p.name == name)
            circuit.poisson(post, rate=3000.0, weight=0.2e-3)
        return circuit.run(0.2, target="library", threads=threads)

    one = run(1)
    for threads in (2, 3, 7):
        same(one, run(threads))


def test_delayed_spikes_arrive_when_they_should():
    circuit = c.Circuit(dt=1e-4, seed=1)
    source = circuit.spike_source([0.002], [0], 1)
    cells = circuit.population("lif", 4, name="cells", record=["v"])
    delays = np.array([0.0, 1e-4, 1.5e-3, 3e-3])
    everywhere = c.pairs(np.zeros(4, int), np.arange(4))
    circuit.project(source, cells, everywhere, weight=1e-3, delay=delays)
    trace = circuit.run(0.01)["cells"].traces["v"]
    first = [int(np.flatnonzero(row > -0.0699)[0]) for row in trace.T]
    assert first == [20, 21, 35, 50]
    np.testing.assert_allclose(trace.max(0), -0.069, rtol=1e-12)


def test_poisson_input_has_its_law():
    """Counts of each neuron and step are Poisson, and those of neighbours and steps independent."""
    circuit = c.Circuit(seed=3)
    cells = circuit.population(
        "lif", 500, name="cells", parameters={"E_L": 0.0, "V_r": 0.0, "theta_0": 1e9, "tau": 1e9},
        record=["v"],
    )  # fmt: skip
    circuit.poisson(cells, rate=13_000.0, weight=1.0)
    circuit.poisson(cells, rate=np.repeat([0.0, 2000.0], 500), weight=1000.0)
    potential = np.vstack([np.zeros(500), circuit.run(0.1)["cells"].traces["v"]])
    both = np.rint(np.diff(potential, axis=0))
    counts, late = both % 1000, both // 1000
    expected = st.poisson(1.3).pmf(np.arange(8)) * counts.size
    observed = np.bincount(counts.astype(int).ravel(), minlength=8)[:8]
    assert st.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-4
    assert not late[:500].any()
    assert late[500:].mean() == pytest.approx(0.2, abs=4.5 * np.sqrt(0.2 / late[500:].size))
    bound = 4.5 / np.sqrt(counts.size)
    centred = counts - counts.mean()
    for shift in ((1, 0), (0, 1), (2, 0), (0, 2), (1, 1)):
        product = centred * np.roll(centred, shift, (0, 1))
        assert abs(product.mean() / counts.var()) < bound


def test_poisson_sources_have_their_rates():
    circuit = c.Circuit(seed=4)
    rates = np.repeat([5.0, 50.0, 500.0], 100)
    circuit.poisson_source(300, rates, name="sources")
    counts = circuit.run(2.0)["sources"].counts().reshape(3, 100).sum(1)
    assert np.abs((counts - 200 * np.array([5, 50, 500])) / np.sqrt(200 * rates[::100])).max() < 4.5


def test_poisson_input_on_brian2_has_the_same_mean():
    def rate(target):
        circuit = c.Circuit(seed=5)
        cells = circuit.population("lif-exponential", 200, name="cells")
        circuit.poisson(cells, rate=2000.0, weight=0.03e-9)
        return circuit.run(0.5, target=target)["cells"].counts()

    ours, theirs = rate("library"), rate("numpy")
    assert ours.sum() > 1000
    spread = np.sqrt((ours.var() + theirs.var()) / 200)
    assert abs(ours.mean() - theirs.mean()) < 4.5 * spread


def test_names_of_results_and_tree():
    result = balanced().run(0.02)
    assert list(result) == ["cells", "others", "source"]
    assert result["source"].spike_steps.tolist() == [10, 20, 20]
    tree = result.to_xarray()
    assert tree["cells"]["v"].attrs["units"] == "volt"
    assert tree.attrs["synapses"] == 80 * 8 + len(balanced().plan(0.02).links[1].targets) + 360
    assert "cells: 80 neurons" in repr(result)
    with pytest.raises(InputError, match="there are cells, others, source"):
        result["cell"]


def test_measures_of_irregularity():
    rng = np.random.default_rng(0)
    steps = np.flatnonzero(rng.random(200_000) < 0.01)
    poisson = Simulation(10, 20_000, 1e-3, steps // 10, steps % 10)
    assert c.interval_cv(poisson).mean() == pytest.approx(1, abs=0.1)
    assert c.synchrony(poisson, 10e-3) == pytest.approx(1, abs=0.15)
    together = Simulation(
        10, 20_000, 1e-3, np.repeat(np.arange(0, 20_000, 50), 10), np.tile(np.arange(10), 400)
    )
    assert c.interval_cv(together) == pytest.approx(0, abs=1e-9)
    assert c.synchrony(together, 10e-3) == pytest.approx(8, rel=0.05)  # 10 in one of five windows


def project(**changes):
    circuit = c.Circuit(seed=1)
    cells = circuit.population("lif", 10)
    settings = {"weight": 1e-3, "delay": 1e-3, **changes}
    circuit.project(cells, cells, settings.pop("rule", c.all_to_all()), **settings)
    return circuit.run(0.01)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: c.Circuit(dt=0), "dt is 0"),
        (lambda: c.Circuit(seed=-1), "seed is -1"),
        (lambda: c.Circuit().population("lif", 0), "n is 0"),
        (lambda: c.Circuit().population("lif", 3, parameters={"tua": 1}), "no parameter 'tua'"),
        (lambda: c.Circuit().population("lif", 3, initial={"u": 1}), "no variable 'u'"),
        (lambda: c.Circuit().population("lif", 3, record=["u"]), "'u' cannot be recorded"),
        (lambda: c.Circuit().population("lif", 3, positions=np.zeros(4)), "positions have shape"),
        (lambda: c.Circuit().spike_source([-1.0], [0]), "no time of 0 s"),
        (lambda: c.Circuit().spike_source([1.0], [3], 2), "the sources are 0..1"),
        (lambda: c.Circuit().poisson_source(3, -1.0), "rate is -1"),
        (lambda: project(weight=[1.0, 2.0]), "arrays are for `pairs`"),
        (lambda: project(weight=np.nan), "not finite"),
        (lambda: project(delay=-1e-3), "below 0 s"),
        (lambda: project(event="recieve"), "no event 'recieve'; it has receive"),
        (lambda: project(rule=0.1), "rule is 0.1"),
        (lambda: project(weight="strong"), "give a number"),
        (lambda: c.Circuit().run(0.0), "duration is 0"),
        (lambda: c.Circuit().run(1.0, target="gpu"), "'gpu' is not known"),
        (lambda: c.Circuit().run(1.0, threads=0), "threads is 0"),
    ],
)
def test_errors_say_what_is_wrong(act, said):
    with pytest.raises(InputError, match=said):
        act()


def test_what_hears_nothing_is_refused():
    circuit = c.Circuit(seed=1)
    source, cells = circuit.poisson_source(3, 1.0), circuit.population("lif", 3)
    with pytest.raises(InputError, match="hears nothing"):
        circuit.project(cells, source, c.all_to_all(), weight=1e-3)
    with pytest.raises(InputError, match="no population of this circuit"):
        c.Circuit().poisson(cells, rate=1.0, weight=1e-3)
    with pytest.raises(InputError, match="is taken"):
        circuit.population("lif", 3, name=cells.name)


def test_a_blow_up_names_the_population():
    circuit = c.Circuit(seed=1)
    cells = circuit.population("lif-exponential", 3, name="cells", parameters={"theta_0": 1e300})
    circuit.poisson(cells, rate=1e5, weight=1e308)
    with pytest.raises(InputError, match="population 'cells'"):
        circuit.run(0.1)
