"""The issue of an incident: open while an alarm lasts, closed when its metrics are back, untouched without data."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.watch.incident import OpenAlarm
from ghmlops.core.watch.issue import Notice, Watched, notices

BAD, WORSE = "b" * 40, "c" * 40
WATCHED = Watched(service="shop", environment="production", metrics=("p50", "p95", "auc"))
STEADY = ("watch-steady", Outcome.PASS)
STEP = ("watch-step", Outcome.WARN)
STALE = ("watch-stale", Outcome.INCONCLUSIVE)


def findings_of(**outcomes: tuple[str, Outcome]) -> list[Finding]:
    """Return one finding per metric."""
    return [
        Finding(id=code, metric=name, outcome=outcome, reason=f"{name}: @all <b>.", docs="README.md", window="2026")
        for name, (code, outcome) in outcomes.items()
    ]


def judged(findings: list[Finding], *alarms: tuple[str, str], bodies: dict[str, str] | None = None) -> list[Notice]:
    """Return the notices of an evaluation whose alarms follow these commits."""
    lasting = [OpenAlarm(metric, index, 60, commit) for index, (metric, commit) in enumerate(alarms)]
    return notices(WATCHED, findings, lasting, {BAD: "It is confirmed."}, bodies or {})


def test_alarms_after_one_deployment_are_one_issue_without_markup() -> None:
    """Both metrics are named, once each; text of the data has no meaning in Markdown."""
    (notice,) = judged(findings_of(p50=STEP, p95=STEP, auc=STEADY), ("p50", BAD), ("p95", BAD))
    assert notice.marker == WATCHED.marker(BAD)
    assert notice.title.startswith("shop: p50 and p95 ")
    assert "p50: \\@all \\<b\\>" in notice.body
    assert "It is confirmed." in notice.body
    assert notice.body.count("acknowledge:") == 2


def test_other_causes_are_other_issues() -> None:
    """A deployment each, what no deployment precedes, and what only warns; a later alarm of a metric decides."""
    written = judged(findings_of(p50=STEP, p95=STEP, auc=STEP), ("p95", BAD), ("p50", ""), ("p95", WORSE))
    assert [notice.marker for notice in written] == [WATCHED.marker(key) for key in ("external", WORSE, "warning")]
    assert [notice.title.split()[1] for notice in written] == ["p50", "p95", "auc"]


@pytest.mark.parametrize(
    ("p95", "is_closed"),
    [(STEADY, True), (("watch-dismissed", Outcome.PASS), True), (STALE, False), (None, False)],
)
def test_an_issue_closes_when_all_its_metrics_are_back(p95: tuple[str, Outcome] | None, is_closed: bool) -> None:
    """A metric whose data does not count keeps it open, as does one without any finding."""
    (opened,) = judged(findings_of(p50=STEP, p95=STEP), ("p50", BAD), ("p95", BAD))
    findings = findings_of(p50=STEADY, **({"p95": p95} if p95 else {}))
    written = judged(findings, bodies={opened.marker: f"{opened.marker}\n{opened.body}"})
    assert [(notice.marker, notice.body, bool(notice.comment)) for notice in written] == (
        [(opened.marker, "", True)] if is_closed else []
    )


def test_a_metric_without_data_stays_in_the_issue_of_the_other() -> None:
    """It is named, so that the issue does not close before it is back."""
    (opened,) = judged(findings_of(p50=STEP, p95=STEP), ("p50", BAD), ("p95", BAD))
    bodies = {opened.marker: f"{opened.marker}\n{opened.body}"}
    (edited,) = judged(findings_of(p50=STEP, p95=STALE), ("p50", BAD), bodies=bodies)
    assert edited.title == opened.title
    (smaller,) = judged(findings_of(p50=STEP, p95=STEADY), ("p50", BAD), bodies=bodies)
    assert smaller.title.startswith("shop: p50 got ")
    assert judged(findings_of(p50=STEADY, p95=STALE), bodies={edited.marker: f"{edited.marker}\n{edited.body}"}) == []


def test_an_alarm_whose_deployment_became_known_has_one_issue() -> None:
    """The issue without a cause closes, and refers to the other one; so does one whose metric is watched no more."""
    (opened,) = judged(findings_of(p50=STEP), ("p50", ""))
    bodies = {opened.marker: f"{opened.marker}\n{opened.body}"}
    other, closed = judged(findings_of(p50=STEP), ("p50", BAD), bodies=bodies)
    assert (other.marker, closed.marker, closed.body) == (WATCHED.marker(BAD), opened.marker, "")
    bodies = {opened.marker: f"{opened.marker}\n<!-- metrics: latency -->"}
    assert [notice.body for notice in judged(findings_of(p50=STEADY), bodies=bodies)] == [""]


def test_names_of_another_service_are_no_part_of_the_marker() -> None:
    """Spaces and signs of a name cannot end the hidden line, or make it that of another service."""
    hostile = Watched(service="a --> b", environment="c d", metrics=())
    assert hostile.prefix == "<!-- ghmlops-watch a-----b c-d "
