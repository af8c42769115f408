"""Decisions by output spikes, at the window's end or as soon as the evidence is enough."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurosim import readout
from neurosim.errors import InputError
from neurosim.readout import Rule

spikes_of_outputs = arrays(
    np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 5)),
    elements=st.sampled_from([0, 0, 0, 1, 2, 31]),
)  # fmt: skip
rules = st.one_of(
    st.builds(Rule, lead=st.integers(1, 12)),
    st.builds(
        Rule, posterior=st.sampled_from([0.6, 0.9, 0.999]), logit_scale=st.sampled_from([0.05, 1.0])
    ),
    st.just(Rule()),
)


def by_hand(output, rule):
    """A loop over steps and classes, the posterior as a softmax in floats."""
    classes, steps = [], []
    for sample in output.tolist():
        counts, decided = [0] * len(sample[0]), len(sample)
        for step, fired in enumerate(sample, 1):
            counts = [c + f for c, f in zip(counts, fired, strict=True)]
            first, *rest = sorted(counts, reverse=True)
            if first and rule.lead and first - max(rest, default=0) >= rule.lead:
                decided = step
            if first and rule.posterior:
                total = sum(math.exp(rule.logit_scale * (c - first)) for c in counts)
                share = 1 / total
                # weights are parts of 2^16: each is off by half of one at most
                if abs(share - rule.posterior) < len(counts) / 2**16:
                    return None
                if share >= rule.posterior:
                    decided = step
            if decided == step:
                break
        classes.append(counts.index(max(counts)) if any(counts) else readout.SILENT)
        steps.append(decided)
    return classes, steps


@given(output=spikes_of_outputs, rule=rules)
def test_decisions_are_those_of_a_loop(output, rule):
    expected = by_hand(output, rule)
    if expected is None:  # too near the limit for floats to tell
        return
    classes, steps = readout.decisions(output, rule)
    assert (classes.tolist(), steps.tolist()) == expected
    assert readout.decide(output, rule).tolist() == expected[0]
    assert readout.decision_step(output, rule).tolist() == expected[1]


@given(output=spikes_of_outputs, lead=st.integers(1, 20))
def test_a_larger_lead_never_decides_earlier(output, lead):
    sooner, later = (readout.decision_step(output, Rule(lead=k)) for k in (lead, lead + 1))
    assert (sooner <= later).all()


@given(output=spikes_of_outputs, lead=st.integers(1, 8))
def test_what_comes_after_the_decision_cannot_change_it(output, lead):
    classes, steps = readout.decisions(output, Rule(lead=lead))
    changed = output.copy()
    for sample, step in enumerate(steps):
        changed[sample, step:] = 31 - changed[sample, step:]
    again = readout.decisions(changed, Rule(lead=lead))
    decided = steps < output.shape[1]
    assert np.array_equal(again[1][decided], steps[decided])
    assert np.array_equal(again[0][decided], classes[decided])


def test_two_classes_make_a_posterior_a_lead():
    """1 / (1 + exp(-s d)) >= p where d >= log(p / (1 - p)) / s: 3 spikes at s = 1, p = 0.95."""
    rule = Rule(posterior=0.95, logit_scale=1.0)
    counts = np.array([[d, 0] for d in range(8)])
    assert rule.reached(counts).tolist() == Rule(lead=3).reached(counts).tolist()


def test_the_table_is_what_a_microcontroller_needs():
    rule = Rule(posterior=0.9, logit_scale=0.5)
    assert rule.table[:3] == (65536, 39750, 24109)
    assert rule.table[-1] == 1 > round(65536 * math.exp(-0.5 * len(rule.table)))
    assert rule.limit == 72817
    assert Rule(lead=2).table == ()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"lead": 0}, "lead is 0; give a number of spikes from 1"),
        ({"lead": 2.5}, "lead is 2.5"),
        ({"lead": True}, "lead is True"),
        ({"lead": 3, "posterior": 0.9, "logit_scale": 1.0}, "give one"),
        ({"posterior": 0.9}, "one needs the other"),
        ({"logit_scale": 0.1}, "one needs the other"),
        ({"posterior": 0.5, "logit_scale": 0.1}, "between 0.5 and 1"),
        ({"posterior": float("nan"), "logit_scale": 0.1}, "between 0.5 and 1"),
        ({"posterior": 0.9, "logit_scale": 1e-9}, "0.001..100"),
        ({"posterior": "much", "logit_scale": 1.0}, "between 0.5 and 1"),
    ],
)
def test_limits_out_of_range_are_refused(limits, message):
    with pytest.raises(InputError, match=message):
        Rule(**limits)


@given(rule=rules)
def test_rules_come_back_from_json(rule):
    assert Rule.from_dict(rule.to_dict()) == rule


def test_unknown_limits_are_refused():
    with pytest.raises(InputError, match="decision has patience"):
        Rule.from_dict({"patience": 3})


def test_decisions_at_the_end():
    spikes = np.zeros((4, 5, 3), np.uint8)
    spikes[0, :3, 1] = 1
    spikes[1, 0, 2] = spikes[1, 1, 1] = 1  # a tie goes to the lower class
    spikes[2, :, :] = 200  # counts beyond 8 bits
    assert readout.decide(spikes).tolist() == [1, 1, 0, readout.SILENT]
    assert readout.decision_step(spikes).tolist() == [5] * 4
    assert readout.accuracy(spikes, np.array([1, 2, 0, 0])) == 0.5
    assert readout.accuracy(spikes, np.array([1, 2, 0, 0]), Rule(lead=1)) == 0.75
