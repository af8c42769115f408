"""Every limit of the chips is a rule; a violation says where, what, how far and what to do."""

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.xylo import RuleError, XyloSpec, chips, rules


def net(inputs=2, hidden=3, outputs=2, synapses=1, *, ien=None, oen=None, **changes):
    """Values of a specification of some size, small weights everywhere but in the recurrence."""
    values = {
        "weights_in": np.ones((inputs, ien or min(hidden, 100), synapses)),
        "weights_rec": np.zeros((hidden, hidden, synapses), int),
        "weights_out": np.ones((oen or min(hidden, 100), outputs)),
        "threshold": [9] * hidden,
        "threshold_out": [9] * outputs,
    }
    return {**values, **changes}


def violations(chip, **changes):
    with pytest.raises(RuleError) as caught:
        XyloSpec(**changes, chip=chip)
    return caught.value.violations


LIMITS = {  # of each chip: inputs, hidden, outputs, synapses, IEN, OEN, fan-out, connections
    "xylo-audio-2": (16, 1000, 8, 2, 1000, 1000, 64, 32_000),
    "xylo-audio-3": (16, 992, 32, 2, 128, 128, 1024, 31_744),
    "xylo-imu": (16, 496, 16, 1, 128, 128, 512, 31_744),
}


@pytest.mark.parametrize("chip", LIMITS)
def test_sizes_up_to_the_limit_fit_and_one_more_does_not(chip):
    inputs, hidden, outputs, synapses, ien, oen, *_ = LIMITS[chip]
    largest = XyloSpec(**net(inputs, hidden, outputs, synapses, ien=ien, oen=oen), chip=chip)
    assert all(r.over == 0 for r in rules.usage(largest))
    beyond = {
        "input channels": net(inputs + 1),
        "hidden neurons": net(hidden=hidden + 1),
        "output neurons": net(outputs=outputs + 1),
        "neurons that see the input": net(hidden=hidden + 1, ien=ien + 1),
        "neurons that feed the output": net(hidden=hidden + 1, oen=oen + 1),
    }
    if synapses == 1:
        beyond["synapses per neuron"] = net(synapses=2)
    for what, values in beyond.items():
        found = {v.rule: v for v in violations(chip, **values)}
        assert what in found
        assert found[what].remedy.startswith("use 1 fewer")
        assert str(found[what].value) in str(found[what])


@pytest.mark.parametrize("chip", LIMITS)
def test_recurrent_connections_are_counted_by_target(chip):
    *_, synapses, _, _, fanout, memory = LIMITS[chip]
    limits = chips.get(chip)
    assert (limits.fanout, limits.connections) == (fanout, memory)
    n = min(limits.hidden, 400)
    weights = np.zeros((n, n, synapses), int)
    weights[0, : min(fanout, n)] = 1  # both synapses of a connection share one entry
    spec = XyloSpec(**net(hidden=n, synapses=synapses, weights_rec=weights), chip=chip)
    assert rules.connections(spec)[0] == min(fanout, n)
    each = memory // n
    full = np.zeros((n, n, synapses), int)
    full[:, : min(each + 1, fanout)] = 1
    if each + 1 <= fanout:
        found = violations(chip, **net(hidden=n, synapses=synapses, weights_rec=full))
        assert [v.rule for v in found] == ["memory"]
        assert f"prune {n * (each + 1) - memory} of them" in str(found[0])
    if fanout < n:
        full[3, : fanout + 2] = 1
        rule = {v.rule: v for v in violations(chip, **net(hidden=n, weights_rec=full[:, :, :1]))}
        assert "fan-out of hidden neuron 3 is" in str(rule["fan-out"])
        assert rule["fan-out"].remedy == "prune 2 of its connections"


def test_a_violation_names_the_layer_and_the_neuron():
    threshold = [9] * 5
    threshold[3] = 0
    weights = np.zeros((5, 5, 1), int)
    weights[0, 4] = 200
    with pytest.raises(RuleError) as caught:
        XyloSpec(
            **net(hidden=5, threshold=threshold, weights_rec=weights, threshold_out=[9, -1]),
            layers=(2, 3),
        )
    text = str(caught.value)
    assert "threshold[3] (layer 1, neuron 1) is 0, allowed is 1..32767" in text
    assert "weights_rec[0, 4, 0] (layer 1, neuron 2) is 200, allowed is -128..127" in text
    assert "threshold_out[1] (output neuron 1) is -1" in text
    assert "\n" not in text


def test_all_violations_of_all_rules_come_at_once():
    values = net(
        17,
        3,
        40,
        weights_out=np.full((3, 40), 300),
        bias=[1 << 17, 0, 0],
        dash_mem=[0, 16, 0],
        weight_shift_in=9,
        aliases=[[1, 2], [7], []],
    )
    with pytest.raises(RuleError, match="breaks 8 design rule") as caught:
        XyloSpec(**values, chip="xylo-imu")
    assert {v.rule for v in caught.value.violations} == {
        "weights_out",
        "bias",
        "dash_mem",
        "weight_shift_in",
        "alias",
        "input channels",
        "output neurons",
    }
    for violation in caught.value.violations:
        assert violation.where
        assert violation.limit
        assert violation.remedy


def test_all_fields_of_wrong_shape_come_at_once():
    with pytest.raises(InputError) as caught:
        XyloSpec(**net(threshold=[1], dash_mem=[[1]], bias_out=[1.5, 0], dt=-1.0, layers=(9,)))
    for name in ("threshold", "dash_mem", "bias_out", "dt", "layers"):
        assert name in str(caught.value)


def test_both_ends_of_every_register_are_taken():
    for name, low, high in (
        ("weights_in", -128, 127),
        ("weights_out", -128, 127),
        ("weights_rec", -128, 127),
        ("bias", -32768, 32767),
        ("bias_out", -32768, 32767),
        ("threshold", 1, 32767),
        ("threshold_out", 1, 32767),
        ("dash_mem", 0, 15),
        ("dash_syn", 0, 15),
        ("dash_syn_2", 0, 15),
        ("dash_mem_out", 0, 15),
        ("dash_syn_out", 0, 15),
        ("weight_shift_in", 0, 8),
        ("weight_shift_rec", 0, 8),
        ("weight_shift_out", 0, 8),
    ):
        shape = np.shape(getattr(XyloSpec(**net()), name))
        for value in (low, high):
            spec = XyloSpec(**net(**{name: np.full(shape, value)}))
            assert (np.asarray(getattr(spec, name)) == value).all()
        for value in (low - 1, high + 1):
            with pytest.raises(RuleError, match=name):
                XyloSpec(**net(**{name: np.full(shape, value)}))
