"""The issue of a metric: open while an alarm lasts, closed when the metric is back, untouched without data."""

from __future__ import annotations

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.production.watch import Log, Watch, WatchedMetric
from ghmlops.core.watch.issue import notices

WATCH = Watch(metrics=(WatchedMetric(name="p95", log=Log(files="x.csv", time="t", value="v")),))


def finding(code: str, outcome: Outcome) -> Finding:
    """Return a finding about the metric."""
    return Finding(id=code, metric="p95", outcome=outcome, reason="@all <b>", docs="README.md")


def test_an_alarm_has_an_issue_without_markup() -> None:
    """Text of the data has no meaning in Markdown."""
    (notice,) = notices("s", WATCH, [finding("watch-step", Outcome.WARN)], "", {"p95": "It is confirmed."})
    assert notice.title
    assert "\\@all \\<b\\>" in notice.body
    assert "It is confirmed." in notice.body


def test_a_metric_that_is_back_closes_it() -> None:
    """Only a finding that passed does."""
    (notice,) = notices("s", WATCH, [finding("watch-steady", Outcome.PASS)], "", {})
    assert (notice.body, bool(notice.comment)) == ("", True)
    assert notices("s", WATCH, [finding("watch-stale", Outcome.INCONCLUSIVE)], "", {}) == []
    assert notices("s", WATCH, [], "", {}) == []
