"""The claims of AHSAR ("Plug-and-Play Homeostatic Spark")."""

from __future__ import annotations

from neurosim.experiments.studies.ledger import Claim

CLAIMS: tuple[Claim, ...] = ()
"""In the order in which they are printed."""
