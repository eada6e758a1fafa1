"""The trend of the deciding metric: its change in the last decisions of the history and in this report.

The history is as hostile as evidence. A trend is shown from three points on; one metric is enough in a comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.model import Direction
from ghmlops.report.content.placed_findings import is_confirmation, is_subgroup
from ghmlops.report.text import numbers
from ghmlops.report.text.drawings import Trend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.core.history.record import DeploymentRecord
    from ghmlops.core.model import Finding
    from ghmlops.report.content.placed_findings import PlacedFinding
    from ghmlops.report.content.run_facts import Facts

MIN_POINTS, MAX_POINTS = 3, 8
"""Points of a trend; more do not fit beside the rest of a comment of two kilobytes."""
_MAX_VALUE = 1e9


def trend(commit: str, deciding: Iterable[PlacedFinding], facts: Facts) -> Trend | None:
    """Return the trend of the first deciding metric that has one; `None` without.

    The history has overall changes only: a slice or a window that decides is drawn as its metric over all rows.

    Args:
        commit: Full SHA of the commit that is reported.
        deciding: Findings in the order in which they decide.
        facts: The run, with the newest decisions of the history.
    """
    if not facts.past or not is_sha(commit):
        return None
    findings = [entry.finding for entry in deciding if not is_confirmation(entry.leg)]
    overall: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        if not is_subgroup(finding):
            overall.setdefault((finding.metric, finding.dataset), finding)
    for decisive in findings:
        drawn = overall.get((decisive.metric, decisive.dataset)) if is_subgroup(decisive) else decisive
        if drawn is not None and (result := _trend_of(drawn, commit, facts)) is not None:
            return result
    return None


def _trend_of(finding: Finding, commit: str, facts: Facts) -> Trend | None:
    value = _usable(finding.change.estimate) if finding.change else None
    if value is None:
        return None
    past = [(record.commit, change) for record in facts.past if (change := _change(record, finding)) is not None]
    points = [*past[-(MAX_POINTS - 1) :], (commit, value)]
    if len(points) < MIN_POINTS:
        return None
    return Trend(finding.metric, finding.dataset, numbers.change_scale(finding), points, _limits(finding))


def _change(record: DeploymentRecord, finding: Finding) -> float | None:
    """Return the change of the metric of a finding in a record; `None` if it has none."""
    key = (finding.metric, finding.dataset, finding.unit)
    effects = (e.estimate for e in record.effects if (e.metric, e.dataset, e.unit) == key)
    return next((value for e in effects if (value := _usable(e)) is not None), None) if is_sha(record.commit) else None


def _usable(value: float | None) -> float | None:
    number = numbers.finite(value)
    return number if number is not None and abs(number) <= _MAX_VALUE else None


def _limits(finding: Finding) -> list[float]:
    margin = _usable(finding.margin)
    if margin is None or finding.direction is None:
        return []
    signs = {Direction.LOWER: (1.0,), Direction.HIGHER: (-1.0,), Direction.TARGET: (-1.0, 1.0)}
    return [sign * abs(margin) for sign in signs[finding.direction]]
