"""Rules of connection: what each promises, and the statistics of what it draws."""

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import example, given, settings
from hypothesis import strategies as strategy

from neurosim import circuits as c
from neurosim.circuits.rules import Ends
from neurosim.errors import InputError

SIGMAS = 4.5
"""Deviations of a count from its mean that a right rule exceeds once in 150,000 draws."""
sizes = strategy.integers(1, 60)
seeds = strategy.integers(0, 2**32 - 1)


def drawn(rule, n_pre, n_post, seed=1, same=False, **positions):
    """Return sources and targets; rows must agree with them, targets ascend."""
    found = rule.draw(Ends(n_pre, n_post, same, **positions), seed)
    assert found.rows[0] == 0
    assert found.rows[-1] == len(found.targets)
    for a, b in zip(found.rows, found.rows[1:], strict=False):
        assert (np.diff(found.targets[a:b]) >= 0).all()
    if len(found.targets):
        assert found.targets.min() >= 0
        assert found.targets.max() < n_post
    return found.sources, found.targets


def unique(i, j, n_post):
    return len(np.unique(i * n_post + j)) == len(i)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, seeds, strategy.booleans(), strategy.booleans(), strategy.data())
def test_in_degree_and_out_degree(n_pre, n_post, seed, alone, replace, data):
    same = data.draw(strategy.booleans()) and n_pre == n_post
    most = n_pre - (same and not alone)
    k = data.draw(strategy.integers(0, most * (2 if replace else 1)))
    i, j = drawn(c.fixed_in_degree(k, alone, replace), n_pre, n_post, seed, same)
    assert (np.bincount(j, minlength=n_post) == k).all()
    assert replace or unique(i, j, n_post)
    assert not (same and not alone and (i == j).any())
    most = n_post - (same and not alone)
    k = min(k, most)
    i, j = drawn(c.fixed_out_degree(k, alone, replace), n_pre, n_post, seed, same)
    assert (np.bincount(i, minlength=n_pre) == k).all()
    assert replace or unique(i, j, n_post)
    assert not (same and not alone and (i == j).any())


@settings(max_examples=40, deadline=None)
@given(sizes, seeds, strategy.floats(0, 1), strategy.booleans())
@example(40, 0, 5e-324, False)
@example(40, 0, 1e-19, False)
def test_probability_and_total(n, seed, p, alone):
    i, j = drawn(c.fixed_probability(p, alone), n, n, seed, same=True)
    assert unique(i, j, n)
    assert alone or not (i == j).any()
    if n > 1:
        i, j = drawn(c.fixed_total_number(3 * n, alone), n, n, seed, same=True)
        assert len(i) == 3 * n
        assert alone or not (i == j).any()


@pytest.mark.parametrize("p", [0.003, 0.1, 0.7])
def test_each_pair_is_as_likely(p):
    n_pre, n_post, draws = 13, 17, 4000
    count = np.zeros((n_pre, n_post))
    for seed in range(draws):
        np.add.at(count, drawn(c.fixed_probability(p), n_pre, n_post, seed), 1)
    z = (count - draws * p) / np.sqrt(draws * p * (1 - p))
    assert np.abs(z).max() < SIGMAS
    assert st.kstest(z.ravel(), "norm").pvalue > 1e-4


@pytest.mark.parametrize("k", [3, 9])  # drawn, and drawn by what is left out
@pytest.mark.parametrize("alone", [True, False])
def test_each_source_is_as_likely(k, alone):
    n, draws = 12, 1500
    incoming, outgoing = np.zeros((n, n)), np.zeros((n, n))
    for seed in range(draws):
        np.add.at(incoming, drawn(c.fixed_in_degree(k, alone), n, n, seed, True), 1)
        np.add.at(outgoing, drawn(c.fixed_out_degree(k, alone), n, n, seed, True), 1)
    others = np.ones((n, n), bool) if alone else ~np.eye(n, dtype=bool)
    p = k / (n if alone else n - 1)
    for count in (incoming, outgoing):
        z = (count[others] - draws * p) / np.sqrt(draws * p * (1 - p))
        assert np.abs(z).max() < SIGMAS


def test_total_number_is_multinomial():
    i, j = drawn(c.fixed_total_number(200_000), 20, 30)
    assert st.chisquare(np.bincount(i * 30 + j, minlength=600)).pvalue > 1e-4


def test_seeds_decide():
    first, again, other = (
        drawn(c.fixed_probability(0.2), 50, 50, seed) for seed in (1, 1, 2)
    )  # fmt: skip
    assert np.array_equal(first, again)
    assert len(first[0]) != len(other[0]) or not np.array_equal(first, other)


def test_distance_on_a_ring():
    places = np.arange(100.0)[:, None]
    i, j = drawn(
        c.distance_dependent(lambda d: (d <= 2) * 1.0, period=100.0, self_connections=False),
        100, 100, same=True, pre_positions=places, post_positions=places,
    )  # fmt: skip
    away = np.abs(i - j)
    assert len(i) == 400
    assert (np.minimum(away, 100 - away) <= 2).all()


def test_pairs_keep_their_weights():
    i, j, w = np.array([2, 0, 2, 1]), np.array([1, 1, 0, 2]), np.array([1.0, 2.0, 3.0, 4.0])
    circuit = c.Circuit(seed=1)
    cells = circuit.population("lif", 3)
    circuit.project(cells, cells, c.pairs(i, j), weight=w, delay=np.array([1, 2, 3, 4]) * 1e-3)
    (link,) = circuit.plan(0.01).links
    assert link.rows.tolist() == [0, 1, 2, 4]
    assert link.targets.tolist() == [1, 2, 1, 0]  # those of source 2 by delay
    assert link.weights.tolist() == [2, 4, 1, 3]
    assert link.delays.tolist() == [20, 40, 10, 30]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda: c.fixed_probability(1.5), "p is 1.5"),
        (lambda: drawn(c.fixed_in_degree(9), 8, 8), "with_replacement=True"),
        (lambda: drawn(c.fixed_in_degree(-1), 8, 8), "whole number"),
        (lambda: drawn(c.fixed_out_degree(2.5), 8, 8), "whole number"),
        (lambda: drawn(c.one_to_one(), 3, 4), "as many"),
        (lambda: drawn(c.fixed_total_number(2, False), 1, 1, same=True), "no other"),
        (lambda: drawn(c.pairs([0, 9], [0, 1]), 3, 3), "i holds 9"),
        (lambda: c.pairs([0.5], [1]), "whole numbers"),
        (lambda: drawn(c.distance_dependent(lambda d: d), 3, 3), "positions"),
    ],
)
def test_errors_say_what_to_do(rule, said):
    with pytest.raises(InputError, match=said):
        rule()
