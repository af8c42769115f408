"""The commands of `neurosim`, one file each; heavy rooms load when a command runs."""

NAMES = (
    "demo",
    "train",
    "deploy",
    "verify",
    "sweep",
    "predict",
    "loihi",
    "equations",
    "figures",
    "study",
    "claims",
    "analyse",
    "data",
    "energy",
    "governor",
    "bench",
    "doctor",
)
"""In the order of --help; `neurosim NAME` is the function NAME of the file NAME."""
