"""AHSAR's claims ("Plug-and-Play Homeostatic Spark") that no study decides: theory does."""

from __future__ import annotations

from neurosim.studies.claims import Claim, Finding, Verdict, claim, untestable


@claim(
    "The mean gate is the density at the threshold, G = p_U = -dr/dtheta",
    "section 3",
    "closed forms",
    "neurosim analyse",
)
def gate() -> Finding:
    """Compare the mean gate with the density that the paper equates it with."""
    from neurosim.analysis.thresholds import stationary

    near, far = (float(stationary.gate_bias(z, 0.0, 1.0, "laplace")) for z in (0.0, 4.0))
    text = (
        f"with the threshold at the mean G differs from p_U by {near:+.0%}, four standard "
        f"deviations above it by {far:+,.0%} (Laplace surrogate of default width)"
    )
    return Finding(text, Verdict.REGIME)


@claim(
    "The inner loop is negative feedback",
    "section 4.2",
    "sign of the loop's response",
    "neurosim figures homeostat_stability",
)
def feedback() -> Finding:
    """Say when centring feeds disagreements, from the loop's theory."""
    from neurosim.analysis.homeostasis.loop import Loop
    from neurosim.analysis.homeostasis.stability import feedback_sign

    def sign(coupling: float) -> int:
        return feedback_sign(Loop(beta=1e-3, gamma=0.0, D=0.0, layers=4, coupling=coupling))

    text = (
        "negative feedback where layers are normalised or weakly coupled (b = 0.5: "
        f"{'negative' if sign(0.5) < 0 else 'positive'}), positive in plain chains "
        f"(b = 1.5, 4 layers: {'positive' if sign(1.5) > 0 else 'negative'})"
    )
    return Finding(text, Verdict.REGIME if sign(0.5) < 0 < sign(1.5) else Verdict.FAILS)


@claim("It adds no trainable parameters", "abstract", "parameters counted", "neurosim claims")
def parameters() -> Finding:
    """Count what a homeostat adds to a net that is trained."""
    from neurosim.homeostat.homeostat import Homeostat
    from neurosim.studies.ahsar import images
    from neurosim.training import machine
    from neurosim.training.tasks import task_for

    settings = images.settings(0, net="mlp", threads=1)
    task = task_for(settings, images.digits(0, 16), machine.device(settings))
    before = sum(p.numel() for p in task.net.parameters())
    homeostat = Homeostat.attach(task.net)
    added = sum(p.numel() for p in task.net.parameters()) - before
    text = (
        f"{added} trainable parameters added to {before:,}; {len(homeostat.layers)} states, one a "
        "layer"
    )
    return Finding(text, Verdict.HOLDS if added == 0 else Verdict.FAILS)


CLAIMS = (
    gate,
    feedback,
    parameters,
    Claim(
        "95.92 % on CIFAR-10 with ResNet-18 in 4 steps and 300 epochs",
        "table 3",
        "CIFAR-10 and some GPU days",
        untestable("neither was at hand"),
    ),
)
