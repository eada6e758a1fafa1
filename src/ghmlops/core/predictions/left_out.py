"""Rows that a metric cannot judge: they have no label, or the metric has no value for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.constants import MAX_FAULTY_SHARE
from ghmlops.core.predictions.contract.coverage import labels_suffice, share_left_out
from ghmlops.core.predictions.contract.finding import count_of, share_limit, state_limit
from ghmlops.core.predictions.ruling import Ruling

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import CustomMetric, Regression
    from ghmlops.core.predictions.contract.facts import PairFacts
    from ghmlops.core.predictions.ruling import Comparison


class LeftOut(NamedTuple):
    """Rows (documents or queries of a ranking) that a metric leaves out, of those that it should use."""

    rows: int
    total: int
    clause: str
    """The sentence part that states the numbers."""
    weight: float = 0.0
    """Share of the weight that is left out; 0 if rows are not weighted."""

    @property
    def too_many(self) -> bool:
        """Whether more than the tolerated share of the rows, or of their weight, is left out."""
        return self.rows > MAX_FAULTY_SHARE * self.total or self.weight > MAX_FAULTY_SHARE

    @property
    def limit(self) -> str:
        """The sentence part that compares the share with the tolerated one."""
        if self.rows <= MAX_FAULTY_SHARE * self.total and self.too_many:
            return f"{state_limit(beyond=True)} by weight"
        return share_limit(self.rows, self.total) if self.too_many else "left out"


def left_out_rows(comparison: Comparison, policy: Regression, pairs: PairFacts | None) -> LeftOut | None:
    """Return the rows with a label (if the metric needs one) that the metric leaves out; None if every row counts."""
    if pairs is None:
        return None
    if nulls := pairs.expression_nulls.get(comparison.metric.id):
        sides = ((nulls.baseline, "baseline"), (nulls.candidate, "candidate"))
        by_side = " and ".join(f"{count_of(count, nulls.total)} rows of the {side}" for count, side in sides)
        if not nulls.either:
            return None
        definition = next(metric for metric in policy.metrics if metric.name == comparison.metric.id)
        weight = _weight_left_out(comparison, pairs, labelled=uses_label(definition, policy))
        return LeftOut(nulls.either, nulls.total, f"the expression is null for {by_side}", weight)
    if any(metric.name == comparison.metric.id for metric in policy.metrics):
        return None
    total = pairs.labelled if comparison.metric.needs_label else pairs.usable
    if policy.task == "ranking":
        total = (pairs.queries or 0) - pairs.queries_without_relevant
    rows = total - comparison.n
    noun = "queries" if policy.task == "ranking" else "rows"
    clause = f"the metric has no value for {count_of(rows, total)} {noun}"
    weight = _weight_left_out(comparison, pairs, labelled=comparison.metric.needs_label)
    return LeftOut(rows, total, clause, weight) if rows > 0 else None


def _weight_left_out(comparison: Comparison, pairs: PairFacts, *, labelled: bool) -> float:
    """Return the share of the weight that a metric leaves out; 0 without weights, and in a ranking, where it is equal.

    Queries without a relevant document have no value for any metric of a ranking.
    """
    if pairs.weights is None or comparison.weight is None or pairs.queries is not None:
        return 0.0
    return share_left_out(comparison.weight, pairs.weights.labelled if labelled else pairs.weights.usable)


def limit_ruling(ruling: Ruling, left_out: LeftOut | None) -> Ruling:
    """Return the ruling, `inconclusive` in place of a pass or a warning if too many rows were left out."""
    if left_out is None or not left_out.too_many or ruling.outcome is Outcome.FAIL:
        return ruling
    return Ruling(Outcome.INCONCLUSIVE, ruling.basis)


def limit_by_labels(ruling: Ruling, comparison: Comparison, policy: Regression, pairs: PairFacts | None) -> Ruling:
    """Return the ruling, `inconclusive` in place of a pass or a warning on quality if too few rows have a label."""
    definition = next((metric for metric in policy.metrics if metric.name == comparison.metric.id), None)
    reads_label = comparison.metric.needs_label if definition is None else uses_label(definition, policy)
    if pairs is None or not reads_label or ruling.outcome is Outcome.FAIL:
        return ruling
    sufficient = labels_suffice(pairs, policy.min_label_coverage)
    return ruling if sufficient else Ruling(Outcome.INCONCLUSIVE, ruling.basis)


def uses_label(definition: CustomMetric, policy: Regression) -> bool:
    """Return whether the expression of a custom metric reads the label."""
    names = "|".join(re.escape(name) for name in ("label", policy.label) if name)
    return re.search(rf"(?<!\w)(?:{names})(?!\w)", definition.sql, re.IGNORECASE) is not None
