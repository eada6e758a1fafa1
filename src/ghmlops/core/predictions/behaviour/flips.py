"""Flips: which decisions changed into which, for better or worse, and whether as many went one way as the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.details.regression import ChurnRow, FlipRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.behaviour.determinism import DOCS, MOST_LISTED
from ghmlops.core.predictions.contract.finding import count_of
from ghmlops.core.predictions.ruling import ALPHA, tidy
from ghmlops.core.stats import marginal_homogeneity, mcnemar, sign_flip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Counts, Floats, Ints

SHIFT = 0.01
"""Net move of a class, as a share of the rows, beyond which lopsided churn is a warning: the positive rate's margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """Rows whose decision changed, by what it did to them."""

    rows: int
    changed: int
    negative: int
    """Right before, wrong now."""
    positive: int
    """Wrong before, right now."""
    wrong: int
    """Wrong before and now, in another way."""
    unlabelled: int
    """Changed rows without a label."""


def split_churn(counts: Counts) -> Churn:
    """Count the changed decisions over all entries (all cells)."""
    changed = counts.baseline != counts.candidate
    known = counts.label >= 0

    def rows(chosen: NDArray[np.bool_]) -> int:
        return round(float(counts.n[chosen].sum()))

    negative, positive = counts.baseline == counts.label, counts.candidate == counts.label
    return Churn(
        rows=rows(np.ones_like(known)),
        changed=rows(changed),
        negative=rows(changed & negative),
        positive=rows(changed & positive),
        wrong=rows(changed & known & ~negative & ~positive),
        unlabelled=rows(changed & ~known),
    )


def flip_table(counts: Counts, names: Sequence[str], dataset: str = "") -> list[FlipRow]:
    """Return the table `flips`: rows by label, baseline's and candidate's decision.

    Args:
        counts: of all rows (all cells and clusters are added up).
        names: of the classes, as text.
        dataset: shown.

    In the order of the classes, rows without a label last; of more than `MOST_LISTED` combinations the changed ones
    with most rows are kept.
    """
    size = counts.classes
    code = (np.where(counts.label < 0, size, counts.label) * size + counts.baseline) * size + counts.candidate
    found, place = np.unique(code, return_inverse=True)
    n = np.bincount(place, weights=counts.n, minlength=len(found))
    same = (found // size) % size == found % size
    kept = np.sort(np.lexsort((found, -n, same))[:MOST_LISTED])
    texts = [*names, ""]
    return [
        FlipRow(
            dataset=dataset,
            label=texts[found[i] // size**2],
            baseline=texts[(found[i] // size) % size],
            candidate=texts[found[i] % size],
            rows=round(float(n[i])),
        )
        for i in kept
    ]


def judge_symmetry(
    counts: Counts, names: Sequence[str], dataset: str = "", shift: float = SHIFT
) -> tuple[Finding, ChurnRow]:
    """Judge whether churn is lopsided: shown at `ALPHA`, and a class grew or shrank by more than `shift` of all rows.

    A warning at most, because a decision that moves on purpose is lopsided too; the positive rate has its own verdict.
    Two classes: McNemar's two-sided mid-p, or sign-flip over clusters. More: Stuart-Maxwell.

    Returns:
        The finding `churn-asymmetric`, and the row of the table `churn`.
    """
    seen = split_churn(counts)
    net = _net(counts)
    p, method = _asymmetry(counts)
    worst = 1 if counts.classes == 2 else int(np.argmax(np.abs(net)))  # of two classes both move: the positive is told
    share = float(net[worst]) / seen.rows if seen.rows else 0.0
    row = ChurnRow(
        dataset=dataset,
        rows=seen.rows,
        changed=seen.changed,
        negative=seen.negative,
        positive=seen.positive,
        wrong=seen.wrong,
        unlabelled=seen.unlabelled,
        shifted_class=names[worst] if seen.changed else "",
        shift=tidy(share),
        p=tidy(p),
    )
    outcome, reason = _ruled(seen, share, (p, shift), names[worst])
    finding = Finding(
        id="churn-asymmetric",
        metric="churn",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="Do as many decisions change one way as the other?",
        dataset=dataset,
        unit="ratio",
        direction=Direction.TARGET,
        change=Interval(estimate=tidy(share)),
        method=method,
        margin=shift,
        n=seen.rows,
    )
    return finding, row


def _ruled(seen: Churn, share: float, limits: tuple[float, float], name: str) -> tuple[Outcome, str]:
    p, shift = limits
    if seen.rows < judge.MINIMUM:
        return Outcome.INCONCLUSIVE, f"{seen.rows:,} rows: fewer than {judge.MINIMUM} decide nothing about churn."
    if not seen.changed:
        return Outcome.PASS, f"No decision of {seen.rows:,} changed."
    kinds = (
        (seen.negative, "right before and wrong now"),
        (seen.positive, "wrong before and right now"),
        (seen.wrong, "wrong in another way"),
        (seen.unlabelled, "without a label"),
    )
    parts = ", ".join(f"{count:,} {said}" for count, said in kinds if count)
    told = f"{count_of(seen.changed, seen.rows)} decisions changed ({parts})"
    moved = f"class {name} {'gained' if share > 0 else 'lost'} {abs(100 * share):.2f} points (p = {p:.2g})"
    if p < ALPHA and abs(share) > shift:
        return Outcome.WARN, f"{told}, and they lean one way: {moved}, more than the limit of {100 * shift:g} points."
    if p < ALPHA:
        return (
            Outcome.PASS,
            f"{told}; they lean one way, by little: {moved}, inside the limit of {100 * shift:g} points.",
        )
    return Outcome.PASS, f"{told}; no lean to one side is shown: {moved}."


def _net(counts: Counts) -> Floats:
    """Return, a class, the rows it gained less those it lost, shape (classes,)."""
    after = np.bincount(counts.candidate, weights=counts.n, minlength=counts.classes)
    return np.asarray(after - np.bincount(counts.baseline, weights=counts.n, minlength=counts.classes))


def _asymmetry(counts: Counts) -> tuple[float, str]:
    """Return the two-sided p-value of symmetric churn and the method's name."""
    if counts.group is not None:
        return _clustered(counts, counts.group)
    table = np.zeros((counts.classes, counts.classes))
    np.add.at(table, (counts.baseline, counts.candidate), counts.n)
    if counts.classes == 2:
        up, down = table[0, 1:], table[1, :1]
        return _two_sided(float(mcnemar.p_greater(up, down)[0])), "McNemar mid-p, two-sided"
    return marginal_homogeneity.stuart_maxwell(table).p, "Stuart-Maxwell"


def _clustered(counts: Counts, clusters: Ints) -> tuple[float, str]:
    changed = counts.baseline != counts.candidate
    _, group = np.unique(clusters[changed], return_inverse=True)
    n = counts.n[changed]
    if counts.classes == 2:
        total = np.bincount(group, weights=np.where(counts.candidate[changed] == 1, n, -n)).astype(np.float64)
        p = sign_flip.p_greater(np.zeros(len(total), dtype=np.int64), total, 1)
        return _two_sided(float(p[0])), "cluster sign-flip, two-sided"
    moves = marginal_homogeneity.stuart_maxwell_clustered(
        np.r_[group, group],
        np.r_[counts.candidate[changed], counts.baseline[changed]],
        np.r_[n, -n],
        counts.classes,
    )
    return moves.p, "Stuart-Maxwell over clusters"


def _two_sided(p: float) -> float:
    return min(2.0 * min(p, 1.0 - p), 1.0)
