"""Flips: which decisions changed into which, for better or worse, and whether the changes are symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.details.regression import ChurnRow, FlipRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.paired.aggregates import ratio
from ghmlops.core.predictions.constants import ALPHA, CHURN_SHIFT, MAX_TABLE_ROWS, MIN_JUDGED_ROWS
from ghmlops.core.predictions.contract.finding import count_of
from ghmlops.core.predictions.findings import DOCS, format_points
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.stats import marginal_homogeneity, mcnemar, sign_flip
from ghmlops.core.text.p_value import format_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Counts, Floats, Ints


class Churn(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of rows whose decision changed, by the effect of the change."""

    rows: int
    changed: int
    negative: int
    """Correct in the baseline, wrong in the candidate (negative flips)."""
    positive: int
    """Wrong in the baseline, correct in the candidate (positive flips)."""
    wrong: int
    """Wrong in both, with different decisions."""
    unlabelled: int
    """Changed rows without a label."""


def split_churn(counts: Counts) -> Churn:
    """Count the changed decisions of all cells by their effect."""
    changed = counts.baseline != counts.candidate
    labelled = counts.label >= 0

    def sum_rows(selection: NDArray[np.bool_]) -> int:
        return round(float(counts.n[selection].sum()))

    was_correct, is_correct = counts.baseline == counts.label, counts.candidate == counts.label
    return Churn(
        rows=sum_rows(np.ones_like(labelled)),
        changed=sum_rows(changed),
        negative=sum_rows(changed & was_correct),
        positive=sum_rows(changed & is_correct),
        wrong=sum_rows(changed & labelled & ~was_correct & ~is_correct),
        unlabelled=sum_rows(changed & ~labelled),
    )


def flip_table(counts: Counts, class_names: Sequence[str], dataset: str = "") -> list[FlipRow]:
    """Return the rows of the table `flips`: numbers of rows by label and by both decisions, over all cells.

    Rows are in the order of the classes, those without a label last. Of more than `MAX_TABLE_ROWS` combinations, the
    changed ones with the most rows are selected.
    """
    size = counts.classes
    code = (np.where(counts.label < 0, size, counts.label) * size + counts.baseline) * size + counts.candidate
    codes, index = np.unique(code, return_inverse=True)
    n = np.bincount(index, weights=counts.n, minlength=len(codes))
    unchanged = (codes // size) % size == codes % size
    selection = np.sort(np.lexsort((codes, -n, unchanged))[:MAX_TABLE_ROWS])
    # The last name is that of a missing label.
    names = [*class_names, ""]
    return [
        FlipRow(
            dataset=dataset,
            label=names[codes[i] // size**2],
            baseline=names[(codes[i] // size) % size],
            candidate=names[codes[i] % size],
            rows=round(float(n[i])),
        )
        for i in selection
    ]


def judge_symmetry(
    counts: Counts, class_names: Sequence[str], dataset: str = "", max_shift: float = CHURN_SHIFT
) -> tuple[Finding, ChurnRow]:
    """Judge whether churn is asymmetric: significantly so at `ALPHA`, and with a net shift beyond `max_shift`.

    Asymmetry is at most a warning, because an intended change of decisions is asymmetric too, and the positive rate is
    judged separately. Two classes: McNemar's two-sided mid-p test, or the sign-flip test over clusters. More classes:
    the Stuart-Maxwell test. The net shift and the tests are weighted if rows are; the numbers of rows are not.

    Args:
        counts: Counts of label and decisions.
        class_names: Names of the classes.
        dataset: Name of the data set.
        max_shift: Largest tolerated net change of a class, as a share of all rows.

    Returns:
        The finding `churn-asymmetric`, and the row of the table `churn`.
    """
    churn = split_churn(counts)
    net = _net_shift(counts)
    p, method = _asymmetry(counts)
    # Of two classes both shift by the same number of rows: the positive one is reported.
    shifted = 1 if counts.classes == 2 else int(np.argmax(np.abs(net)))
    shift = float(net[shifted]) / float(counts.mass.sum()) if churn.rows else 0.0
    row = ChurnRow(
        dataset=dataset,
        rows=churn.rows,
        changed=churn.changed,
        negative=churn.negative,
        positive=churn.positive,
        wrong=churn.wrong,
        unlabelled=churn.unlabelled,
        shifted_class=class_names[shifted] if churn.changed else "",
        shift=evidence_number(shift),
        p=evidence_number(p),
    )
    shifted_name = class_names[shifted]
    outcome, reason = _rule(churn, shift, (p, max_shift), shifted_name, by_weight=counts.weight is not None)
    finding = Finding(
        id="churn-asymmetric",
        metric="churn",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#behaviour",
        description="Do as many decisions change one way as the other?",
        dataset=dataset,
        unit="ratio",
        direction=Direction.TARGET,
        change=Interval(estimate=evidence_number(shift)),
        method=method,
        margin=max_shift,
        n=churn.rows,
    )
    return finding, row


def _rule(
    churn: Churn, shift: float, limits: tuple[float, float], class_name: str, *, by_weight: bool
) -> tuple[Outcome, str]:
    """Return the outcome and its reason."""
    p, max_shift = limits
    if churn.rows < MIN_JUDGED_ROWS:
        return (
            Outcome.INCONCLUSIVE,
            f"{churn.rows:,} rows are too few to judge churn, it needs {MIN_JUDGED_ROWS}.",
        )
    if not churn.changed:
        return Outcome.PASS, f"None of {churn.rows:,} decisions changed."
    kinds = (
        (churn.negative, "correct before and wrong now"),
        (churn.positive, "wrong before and correct now"),
        (churn.wrong, "wrong in both"),
        (churn.unlabelled, "without a label"),
    )
    parts = ", ".join(f"{count:,} {kind}" for count, kind in kinds if count)
    direction = "gained" if shift > 0 else "lost"
    text = (
        f"{count_of(churn.changed, churn.rows)} decisions changed ({parts}): class {class_name} {direction} "
        f"{abs(100 * shift):.2f} points{' by weight' if by_weight else ''} ({format_p('p', p)})"
    )
    limit = f"the {format_points(max_shift)} allowed"
    if p < ALPHA and abs(shift) > max_shift:
        return Outcome.WARN, f"{text}, more than {limit}."
    if p < ALPHA:
        return Outcome.PASS, f"{text}, within {limit}."
    return Outcome.PASS, f"{text}, no significant asymmetry at the level {ALPHA:g}."


def _net_shift(counts: Counts) -> Floats:
    """Return, per class, the rows it gained minus those it lost, as a sum of weights, shape (classes,)."""
    after = np.bincount(counts.candidate, weights=counts.mass, minlength=counts.classes)
    return np.asarray(after - np.bincount(counts.baseline, weights=counts.mass, minlength=counts.classes))


def _asymmetry(counts: Counts) -> tuple[float, str]:
    """Return the two-sided p-value against symmetric churn, and the name of the method."""
    if counts.group is not None:
        return _clustered_asymmetry(counts, counts.group)
    shape = (counts.classes, counts.classes)
    table, squares = np.zeros(shape), np.zeros(shape)
    np.add.at(table, (counts.baseline, counts.candidate), counts.mass)
    np.add.at(squares, (counts.baseline, counts.candidate), counts.square_mass)
    if counts.classes == 2:
        # Weighted rows are counted as the number of changed rows of equal weight with the same variance, and each as
        # at least a row of the mean weight of all rows.
        changed = ~np.eye(2, dtype=np.bool_)
        units = ratio(np.array([squares[changed].sum(), squares.sum()]), np.array([table[changed].sum(), table.sum()]))
        row = max(np.nan_to_num(units).max(), 0.0) or 1.0
        up, down = table[0, 1:] / row, table[1, :1] / row
        return _two_sided(float(mcnemar.p_greater(up, down)[0])), "McNemar mid-p, two-sided"
    return marginal_homogeneity.stuart_maxwell(table, squares).p, "Stuart-Maxwell"


def _clustered_asymmetry(counts: Counts, clusters: Ints) -> tuple[float, str]:
    changed = counts.baseline != counts.candidate
    _, group = np.unique(clusters[changed], return_inverse=True)
    n = counts.mass[changed]
    if counts.classes == 2:
        total = np.bincount(group, weights=np.where(counts.candidate[changed] == 1, n, -n)).astype(np.float64)
        p = sign_flip.p_greater(np.zeros(len(total), dtype=np.int64), total, 1)
        return _two_sided(float(p[0])), "cluster sign-flip, two-sided"
    result = marginal_homogeneity.stuart_maxwell_clustered(
        np.r_[group, group],
        np.r_[counts.candidate[changed], counts.baseline[changed]],
        np.r_[n, -n],
        counts.classes,
    )
    return result.p, "Stuart-Maxwell over clusters"


def _two_sided(p: float) -> float:
    return min(2.0 * min(p, 1.0 - p), 1.0)
