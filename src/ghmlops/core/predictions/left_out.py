"""Rows that a custom metric leaves out because its expression is null, for example after a division by zero."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.constants import MAX_FAULTY_SHARE
from ghmlops.core.predictions.contract.finding import count_of
from ghmlops.core.predictions.ruling import Ruling

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import CustomMetric, Regression
    from ghmlops.core.predictions.contract.facts import PairFacts
    from ghmlops.core.predictions.ruling import Comparison


class LeftOut(NamedTuple):
    """Rows (queries for ranking) that a custom metric leaves out, of those that it could use."""

    rows: int
    total: int

    @property
    def clause(self) -> str:
        """The sentence part that states the number."""
        return f"the expression is null for {count_of(self.rows, self.total)} rows on at least one side"

    @property
    def too_many(self) -> bool:
        """Whether more than the tolerated share is left out."""
        return self.rows > MAX_FAULTY_SHARE * self.total


def left_out_rows(comparison: Comparison, policy: Regression, pairs: PairFacts | None) -> LeftOut | None:
    """Return the rows that a custom metric leaves out; None for a built-in metric, or if every row counts."""
    definition = next((metric for metric in policy.metrics if metric.name == comparison.metric.id), None)
    if definition is None or pairs is None:
        return None
    total = pairs.labelled if _uses_label(definition, policy) else pairs.usable
    if policy.task == "ranking":
        total = (pairs.queries or 0) - pairs.queries_without_relevant
    rows = total - comparison.n
    return LeftOut(rows, total) if rows > 0 else None


def limit_ruling(ruling: Ruling, left_out: LeftOut | None) -> Ruling:
    """Return the ruling, `inconclusive` in place of a pass or a warning if too many rows were left out."""
    if left_out is None or not left_out.too_many or ruling.outcome is Outcome.FAIL:
        return ruling
    return Ruling(Outcome.INCONCLUSIVE, ruling.basis)


def _uses_label(definition: CustomMetric, policy: Regression) -> bool:
    names = "|".join(re.escape(name) for name in ("label", policy.label) if name)
    return re.search(rf"(?<!\w)(?:{names})(?!\w)", definition.sql, re.IGNORECASE) is not None
