"""ASPEN's claims (arXiv 2508.11689) that no study decides: theory does, or a board would."""

from __future__ import annotations

from neurosim.studies.claims import Claim, Finding, Verdict, claim, untestable

BOARD = untestable(
    "no board was at hand; estimates here are anchored to 201 µW active, 188 µW idle"
)


@claim(
    "Stochastic thresholds lower the spike probability (Jensen's inequality)",
    "mechanism 1",
    "closed forms, no reset",
    "neurosim analyse",
)
def jensen() -> Finding:
    """Compare a drawn threshold with its mean, in closed form."""
    from neurosim.analysis.thresholds import random_threshold, stationary

    def change(mean: float) -> float:
        """Relative change of the rate when theta = 1.25 becomes U(1, 1.5)."""
        single = float(stationary.exceedance(1.25, mean, 0.3))
        law = random_threshold.Uniform(1.0, 1.5)
        return float(random_threshold.expected_exceedance(law, mean, 0.3)) / single - 1

    sparse, dense = change(0.7), change(1.6)
    text = (
        f"a threshold from U(1, 1.5) instead of its mean changes the rate by {sparse:+.0%} where "
        f"the membrane's mean is below it (0.7), and by {dense:+.1%} where it is above (1.6)"
    )
    ok = sparse > 0 > dense
    return Finding(text, Verdict.REGIME if ok else Verdict.FAILS)


CLAIMS = (
    jensen,
    Claim("About 120 µW on Xylo", "key results", "a board", BOARD),
    Claim(
        "1000 times less power than von Neumann systems",
        "key results",
        "measured power of both",
        BOARD,
    ),
    Claim(
        "Twice the energy efficiency of other neuromorphic systems",
        "key results",
        "measured power of both",
        BOARD,
    ),
    Claim(
        "The savings carry over to other platforms",
        "next checks 1",
        "Loihi, TrueNorth",
        untestable("no such hardware was at hand"),
    ),
)
