"""The claims of ASPEN (arXiv 2508.11689)."""

from __future__ import annotations

from neurosim.studies.aspen import _judges as judge
from neurosim.studies.aspen import _judges_governor
from neurosim.studies.aspen import _judges_laws as laws
from neurosim.studies.ledger import Claim, untestable

_BOARD = untestable(
    "no board was at hand; estimates here are anchored to 201 µW active, 188 µW idle"
)
_SWEEP = "integer chip, {seed} seeds with {seed} subject splits, paired"
_LAWS = "{high} laws up to U(1, 3), {seed} seeds, short training"

CLAIMS = (
    Claim("aspen", "A net trained at a fixed threshold drops catastrophically when it is raised",
          "failure signatures", _SWEEP, judge.fixed_drops, "aspen_thresholds"),
    Claim("aspen", "Stochastic thresholds make the loss of accuracy graceful", "key results",
          _SWEEP, judge.graceful, "aspen_thresholds"),
    Claim("aspen", "Accuracy stays competitive", "key results", _SWEEP, judge.competitive,
          "aspen_thresholds"),
    Claim("aspen", "Raising the threshold at inference lowers spikes and dynamic power",
          "mechanism 2", _SWEEP, judge.knob, "aspen_thresholds"),
    Claim("aspen", "Stochastic thresholds lower the spike probability (Jensen's inequality)",
          "mechanism 1", "closed forms, no reset", judge.jensen, None, "neurosim analyse"),
    Claim("aspen", "Training with them gives sparser nets", "mechanism 1", _SWEEP, judge.sparser,
          "aspen_thresholds"),
    Claim("aspen", "Too high a threshold silences fixed nets", "failure signatures", _SWEEP,
          judge.silent, "aspen_thresholds"),
    Claim("aspen", "Power is linear in the spike count", "first experiments 3",
          "the sweep of thresholds, {seed} seeds, cycle model", judge.linear, "aspen_chip"),
    Claim("aspen", "A wider law saves energy and costs peak accuracy", "design tradeoffs",
          _LAWS, laws.widths, "aspen_widths"),
    Claim("aspen", "The best width is U(1, 1.5) to U(1, 2)", "limitations",
          _LAWS, laws.best_width, "aspen_widths"),
    Claim("aspen", "Discrete levels regularise better than a continuous law", "mechanism 3",
          "three levels on U(1, 2), {seed} seeds", laws.discrete, "aspen_laws"),
    Claim("aspen", "One draw for each batch is the right grain", "method summary",
          "per {per}; each {when}; {seed} seeds", laws.granularity, "aspen_granularity"),
    Claim("aspen", "Model switching covers a wider range than a single model",
          "design tradeoffs", "three fixed nets against U(1, 2), {seed} seeds", laws.switching,
          "aspen_switching"),
    Claim("aspen", "Threshold, spikes and accuracy have no predictive theory", "open question 1",
          "mean-field theory against the chip, {seed} seeds", judge.predictable, "aspen_theory"),
    Claim("aspen", "Higher thresholds may delay decisions", "open question 2",
          "output spikes so far, every 0.16 s, {seed} seeds", judge.latency, "aspen_latency"),
    Claim("aspen", "Stochastic thresholds may help against noise and drift", "open question 3",
          "five corruptions before the front end, {seed} seeds", judge.robust, "aspen_robustness"),
    Claim("aspen", "ASPEN adds to pruning and quantisation", "next checks 3",
          "magnitude pruning and 8, 6, 4 bits, one shot, {seed} seeds", judge.additive,
          "aspen_compression"),
    Claim("aspen", "Setting the threshold by the energy left controls energy against accuracy",
          "critical path 4 to 5", "weeks at 80 % of the energy needed; Xylo IMU: 2 % dynamic",
          _judges_governor.adaptation, "aspen_governor"),
    Claim("aspen", "About 120 µW on Xylo", "key results", "a board", _BOARD),
    Claim("aspen", "1000 times less power than von Neumann systems", "key results",
          "measured power of both", _BOARD),
    Claim("aspen", "Twice the energy efficiency of other neuromorphic systems", "key results",
          "measured power of both", _BOARD),
    Claim("aspen", "It holds on UCI-HAR, KU-HAR and UniMiB-SHAR", "method summary",
          "the user's official files, " + _SWEEP, judge.own_sets, "aspen_activities"),
    Claim("aspen", "The savings carry over to other platforms", "next checks 1",
          "Loihi, TrueNorth", untestable("no such hardware was at hand")),
)  # fmt: skip
"""In the order in which they are printed."""
