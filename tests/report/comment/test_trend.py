"""The trend of the deciding metric: which records count, what is drawn, and hostile histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.core.history.record import DeploymentRecord, Effect
from ghmlops.core.model import Outcome
from ghmlops.report.charts import trend_chart
from ghmlops.report.comment.brief import brief
from ghmlops.report.comment.trend import MAX_POINTS, MIN_POINTS
from ghmlops.report.formats.comment import comment
from history_records import deployment
from report import samples
from report.hostile_samples import ATTACKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.report.text.drawings import Trend


def effect(metric: str = "p50", estimate: float | None = 0.01, **fields: Any) -> Effect:
    """Return a measured change of a latency quantile."""
    return Effect(**{"metric": metric, "unit": "ratio", "estimate": estimate, "outcome": Outcome.PASS, **fields})


def past(count: int, *effects: Effect) -> tuple[DeploymentRecord, ...]:
    """Return decisions about different commits with changes of all quantiles."""
    changes = effects or tuple(effect(metric) for metric in ("p50", "p95", "p99"))
    return tuple(deployment(commit=f"{index:07x}{0:033x}", effects=changes) for index in range(1, count + 1))


def drawn(records: tuple[DeploymentRecord, ...], *, slow: bool = True) -> Trend | None:
    """Return the trend of a report with this history."""
    files = [samples.latency(slow=slow), samples.regression()]
    return brief(samples.merged(*files), files, msgspec.structs.replace(samples.FACTS, past=records)).trend


def test_the_deciding_metric_is_drawn_with_its_limit() -> None:
    """The first cause decides; the last point is this report's."""
    trend = drawn(past(4))
    assert trend is not None
    assert trend.metric == "p50"
    assert [commit[6] for commit, _ in trend.points[:-1]] == ["1", "2", "3", "4"]
    assert trend.points[-1][0] == samples.HEAD
    assert trend.points[-1][1] == pytest.approx(0.184, abs=0.02)
    assert trend.limits == [pytest.approx(0.02)]


PREDICTIONS = {  # metric: unit, signs of its limits in the drawing
    "accuracy": ("ratio", [-1]),
    "log-loss": ("nats", [1]),
    "positive-rate": ("ratio", [-1, 1]),
}


@pytest.mark.parametrize("metric", PREDICTIONS)
def test_a_metric_of_predictions_is_drawn_in_its_unit(metric: str) -> None:
    """An absolute change is in points or plain, its limits are on the side that counts as worse, or on both."""
    unit, signs = PREDICTIONS[metric]
    file = samples.regression()
    first = next(f for f in file.findings if f.metric == metric)
    first = msgspec.structs.replace(first, unit=unit, outcome=Outcome.FAIL)
    file = msgspec.structs.replace(file, findings=[first], outcome=Outcome.FAIL)
    facts = msgspec.structs.replace(samples.FACTS, past=past(5, effect(metric, -0.004, unit=unit)))
    content = brief(samples.merged(file), [file], facts)
    assert content.trend is not None
    assert [limit > 0 for limit in content.trend.limits] == [sign > 0 for sign in signs]
    assert [len(points) for points in (content.trend.points, content.trend.limits)] == [6, len(signs)]
    chart = trend_chart.chart_lines(content.trend)
    values = ", ".join(["-0.4" if unit == "ratio" else "-0.004"] * 5)
    assert chart[4].startswith(f"line [{values}, ")
    assert len(chart) == 5 + len(signs)
    assert (', pt" ' in chart[3]) == (unit == "ratio")


@pytest.mark.parametrize(("limit", "lines"), [(0.02, 6), (0.9, 5)])
def test_a_limit_is_named_if_it_is_drawn(limit: float, lines: int) -> None:
    """A limit far beyond the values would flatten them: it is neither in the chart nor in the sentence above it."""
    trend = drawn(past(4))
    assert trend is not None
    trend = trend._replace(limits=[limit])
    sentence = "".join(piece.text for piece in trend_chart.legend(trend))  # type: ignore[union-attr]
    assert (len(trend_chart.chart_lines(trend)), "red" in sentence) == (lines, lines == 6)


@pytest.mark.parametrize("scope", [{"slice": {"carrier": "B6"}}, {"window": "2013-11-01"}])
def test_a_slice_or_window_that_decides_is_drawn_over_all_rows(scope: dict[str, Any]) -> None:
    """The history has no slices: the trend is that of the same metric, and not of another one that passed."""
    file = samples.regression(broken=True)
    scoped = [f for f in file.findings if (f.slice or f.window) and all(getattr(f, k) == v for k, v in scope.items())]
    rest = [msgspec.structs.replace(f, outcome=Outcome.PASS) for f in file.findings if not f.slice and not f.window]
    file = msgspec.structs.replace(file, findings=[*reversed(rest), *scoped], outcome=Outcome.FAIL)
    changes = [effect(f.metric, 0.001, unit=f.unit) for f in rest]
    facts = msgspec.structs.replace(samples.FACTS, past=past(5, *changes))
    trend = brief(samples.merged(file), [file], facts).trend
    assert trend is not None
    assert trend.metric == "accuracy"


@pytest.mark.parametrize(("records", "points"), [(0, 0), (1, 0), (2, 3), (7, 8), (30, MAX_POINTS)])
def test_a_trend_begins_with_three_points_and_is_bounded(records: int, points: int) -> None:
    """Fewer points are no trend; of many, the newest are drawn."""
    trend = drawn(past(records))
    assert (len(trend.points) if trend else 0) == points
    assert MIN_POINTS == 3


@pytest.mark.parametrize(
    "change",
    [
        effect(estimate=None),
        effect(estimate=1e300),
        effect(unit="ms"),
        effect(dataset="other"),
        effect(metric="p42"),
    ],
)
def test_other_changes_are_not_the_same_metric(change: Effect) -> None:
    """A record without a usable number of the same metric, data set and unit has no point."""
    assert drawn(past(5, change)) is None


def test_names_of_commits_that_are_none_are_left_out() -> None:
    """A record whose commit is no SHA cannot put text into the chart."""
    records = tuple(deployment(commit=bad, effects=(effect(),)) for bad in ATTACKS[:20])
    assert drawn(records) is None


@pytest.mark.parametrize("bad", ATTACKS)
def test_hostile_metrics_stay_text(bad: str) -> None:
    """The name of a metric cannot end the chart, its quotes or its line."""
    bad = bad[:60]  # a longer name is truncated in the verdict
    file = samples.latency()
    first = next(f for f in file.findings if f.id == "latency-p50")
    first = msgspec.structs.replace(first, metric=bad, outcome=Outcome.FAIL)
    file = msgspec.structs.replace(file, findings=[first], outcome=Outcome.FAIL)
    records = past(4, effect(metric=bad))
    text = comment(brief(samples.merged(file), [file], msgspec.structs.replace(samples.FACTS, past=records)))
    assert text.count("```mermaid") == 1
    chart = text.split("```mermaid\n")[1].split("\n```")[0].split("\n")
    assert len(chart) in (5, 6, 7)
    assert chart[3].count('"') == 2
    assert not set("<`;{}\\") & set(chart[3])


@pytest.mark.parametrize(("slow", "limit"), [(False, 2_000), (True, 6_000)])
def test_a_comment_with_a_trend_stays_small(slow: bool, limit: int) -> None:
    """A pass stays below 2 kB and a failure below 6 kB."""
    files = [samples.latency(slow=slow), samples.regression()]
    facts = msgspec.structs.replace(samples.FACTS, past=past(30))
    text = comment(brief(samples.merged(*files), files, facts))
    assert "```mermaid" in text
    assert len(text.encode()) < limit


def test_the_drawing(golden: Callable[[str, str], None]) -> None:
    """The comment of a failure with a history is the one that was reviewed."""
    files = [samples.latency(slow=True), samples.regression()]
    records = tuple(
        msgspec.structs.replace(record, effects=(effect(estimate=0.004 * index - 0.01),))
        for index, record in enumerate(past(6))
    )
    facts = msgspec.structs.replace(samples.FACTS, past=records)
    golden("comment-trend.md", comment(brief(samples.merged(*files), files, facts)))
