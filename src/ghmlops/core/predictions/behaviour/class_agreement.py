"""Agreement of the two sides' classes beyond chance: for predictions that have no score to order the rows by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions.constants import ALPHA, MIN_AGREEMENT, MIN_JUDGED_ROWS
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.stats import special

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Counts


def judge_agreement(counts: Counts, dataset: str = "") -> Finding | None:
    """Return the warning `decisions-reordered` if the classes of both sides agree hardly more than by chance, or None.

    All rows count by their weight, with or without a label. The limit is that of Cohen's kappa with the marginal
    distributions taken as known; a cluster counts as a single row. Source: Cohen (1960), Educational and Psychological
    Measurement 20.
    """
    rows, mass = float(counts.n.sum()), float(counts.mass.sum())
    units = counts.effective if counts.group is None else float(len(np.unique(counts.group)))
    if not min(rows, units) >= MIN_JUDGED_ROWS:
        return None
    sides = counts.baseline, counts.candidate
    shares = [np.bincount(side, weights=counts.mass, minlength=counts.classes) / mass for side in sides]
    observed = float(counts.mass[counts.baseline == counts.candidate].sum()) / mass
    expected = float(shares[0] @ shares[1])
    if expected >= 1.0:
        return None
    kappa = (observed - expected) / (1.0 - expected)
    half_width = float(special.ndtri(1.0 - ALPHA)) * math.sqrt(observed * (1.0 - observed) / units) / (1.0 - expected)
    high = kappa + half_width
    if not high < MIN_AGREEMENT:
        return None
    return Finding(
        id="decisions-reordered",
        metric="class-agreement",
        outcome=Outcome.WARN,
        reason=(
            f"The candidate decides for other classes: Cohen's kappa of the two sides' decisions is {kappa:.3f} (at "
            f"most {high:.3f} with {100 * (1 - ALPHA):g} % confidence), less than the {MIN_AGREEMENT:g} required; "
            f"{round(rows):,} rows."
        ),
        docs=f"{DOCS}#behaviour",
        description="Do the classes of both sides agree more than by chance?",
        dataset=dataset,
        direction=Direction.HIGHER,
        candidate=evidence_number(kappa),
        change=Interval(low=evidence_number(kappa - half_width), high=evidence_number(high)),
        method="Cohen's kappa",
        margin=MIN_AGREEMENT,
        n=round(rows),
    )
