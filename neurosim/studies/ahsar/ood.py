"""AHSAR 4: corrupted digits, and telling MNIST's digits and noise by predictive entropy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import data
from neurosim.data import corrupt
from neurosim.data.partners import resized
from neurosim.studies.ahsar import images
from neurosim.studies.ahsar.images import TESTED, against_none
from neurosim.studies.claims import Finding, by_parts, by_pool, claim, pool
from neurosim.studies.study import Row, Study, Training

SEVERITIES = {"noise": 0.3, "rotation": 30.0, "gain": 0.7}
"""Of the corruptions of `data.corrupt.images`."""


def measure(
    net: str, learning: str, variant: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Measure accuracy on clean and corrupted test images, and detection of others."""
    changes = {**training, **images.VARIANTS[variant]}
    run = images.run(seed, every=every, net=net, method=learning, **changes)
    clean, labels = images.digits(seed, every).part("test")
    others = {
        "clean": clean,
        **{k: corrupt.images(clean, k, level, seed) for k, level in SEVERITIES.items()},
        "MNIST": resized(data.mnist5k(seed).part("test")[0], clean.shape[2])[: len(clean)],
        "uniform": np.random.default_rng(seed).random(clean.shape, dtype=np.float32),
    }
    known: np.ndarray | None = None
    rows = []
    for kind, shown in others.items():
        logits, rate = images.answers(run, shown)
        score = entropy(logits)
        known = score if known is None else known
        labelled = kind not in ("MNIST", "uniform")
        auroc, fpr = detection(known, score)
        rows.append(
            {
                "kind": kind,
                "accuracy": float(np.mean(logits.argmax(1) == labels)) if labelled else np.nan,
                "auroc": np.nan if kind == "clean" else auroc,
                "fpr95": np.nan if kind == "clean" else fpr,
                "rate": rate,
            }
        )
    return rows


def entropy(logits: np.ndarray) -> np.ndarray:
    """Return the predictive entropy in nat of logits (n, classes)."""
    from scipy.special import log_softmax

    logs = log_softmax(logits, axis=1)
    return np.asarray(-(np.exp(logs) * logs).sum(axis=1))


def detection(inside: np.ndarray, outside: np.ndarray) -> tuple[float, float]:
    """Return AUROC, and the false positive rate where 95 % of the outsiders are found.

    Args:
        inside: scores of known images, the negatives.
        outside: scores of others, the positives; higher if foreign.
    """
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
    auroc = float(roc_auc_score(truth, np.r_[inside, outside]))
    threshold = np.quantile(outside, 0.05, method="lower")
    return auroc, float(np.mean(inside >= threshold))


STUDY = Study(
    name="ahsar_ood",
    title="Corrupted digits, and detection of others by predictive entropy",
    measure=measure,
    grid={
        "net": images.NETS,
        "learning": images.METHODS,
        "variant": tuple(images.VARIANTS),
    },
    index=("net", "learning", "variant", "seed", "kind"),
    units={
        "accuracy": "share of test images",
        "auroc": "area under the ROC curve",
        "fpr95": "share of known images taken for others",
        "rate": "spikes per neuron and step",
    },
    settings=images.SHORT,
    fast={**images.FAST, "variant": ("none", "full")},
)

GAIN_OOD = 0.0042
"""Smallest gain of accuracy that its table 2 has."""
AUROC, FPR = 0.01, 0.03
"""Smallest changes that its table 4 has."""


@claim("It raises accuracy out of distribution", "table 2", TESTED)
def ood_accuracy(d: xr.Dataset) -> Finding:
    """Compare accuracy on corrupted images with and without AHSAR."""
    worse = d.accuracy.sel(kind=["noise", "rotation", "gain"])
    gain = pool(against_none(worse), ("net", "kind"))
    text = f"accuracy on corrupted digits {gain:+.4f}; reported are +0.004 to +0.007"
    return Finding(text, by_pool(gain, least=GAIN_OOD))


@claim("It raises AUROC and lowers FPR95 by predictive entropy", "table 4", TESTED)
def ood_detection(d: xr.Dataset) -> Finding:
    """Compare AUROC and FPR95 for MNIST's digits with and without AHSAR."""
    others = d.sel(kind="MNIST")
    auroc = pool(against_none(others.auroc), ("net",))
    fpr = pool(against_none(others.fpr95), ("net",))
    text = (
        f"digits against MNIST: AUROC {auroc:+.3f}; FPR95 {fpr.overall:+.3f}; reported are +0.01 "
        "to +0.27 and -0.03 to -0.26"
    )
    verdicts = (by_pool(auroc, least=AUROC), by_pool(fpr, positive=False, least=FPR))
    return Finding(text, by_parts(verdicts))


CLAIMS = (
    ood_accuracy,
    ood_detection,
)
