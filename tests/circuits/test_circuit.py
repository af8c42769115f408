"""Circuits in their library against the same circuits as Brian2 objects, and against theory."""

import numpy as np
import pytest
import scipy.stats as st

from neurosim import circuits as c

CLOSE = 1e-9
"""Of traces: numpy's exp and the compiler's may differ in the last bit, which a network amplifies."""
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
