"""The evaluation at one time: data that does not count, alarms, and the suspect."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.policy.production.watch import Acknowledgement, BurnRate, Dismissal, Log, Watch, WatchedMetric
from ghmlops.core.watch.cause import Deployed
from ghmlops.core.watch.evaluation import Evaluation, Interval, evaluate
from ghmlops.core.watch.incident import OpenAlarm
from watched_series import DAY, HOUR, hours

LOG = Log(files="x.csv", time="t", value="v", every=HOUR)
WATCH = Watch(metrics=(WatchedMetric(name="p95", log=LOG),))
COUNT = 24 * 20
NOW = float(COUNT * HOUR)


def intervals(logs: np.ndarray) -> list[Interval]:
    """Return hourly intervals of log values."""
    return [Interval(index * HOUR, float(np.exp(value))) for index, value in enumerate(logs)]


def run(
    rows: list[Interval], watch: Watch = WATCH, now: float = NOW, deployments: tuple[Deployed, ...] = ()
) -> Evaluation:
    """Evaluate one metric."""
    return evaluate(watch, [rows], deployments, now=now, clock=NOW)


def codes(evaluation: Evaluation) -> list[tuple[str, Outcome]]:
    """Return the ids and outcomes of the findings."""
    return [(finding.id, finding.outcome) for finding in evaluation.findings]


def test_a_steady_metric_passes() -> None:
    """Without an alarm nobody is suspected."""
    evaluation = run(intervals(hours(COUNT)))
    assert codes(evaluation) == [("watch-steady", Outcome.PASS)]
    assert (evaluation.alarms, evaluation.suspect) == ([], "")


def test_an_alarm_names_the_deployment_before_it() -> None:
    """The output is the commit of the deployment; one far from the onset is not named."""
    logs = hours(COUNT)
    logs[-5:] += np.log(2.0)
    onset = NOW - 5 * HOUR
    near, far = Deployed(onset - 600, "a" * 40), Deployed(onset - 10 * HOUR, "b" * 40)
    evaluation = run(intervals(logs), deployments=(far, near))
    assert codes(evaluation) == [("watch-step", Outcome.WARN)]
    assert evaluation.suspect == "a" * 40
    assert run(intervals(logs), deployments=(far,)).suspect == ""
    (finding,) = evaluation.alarms
    assert finding.change is not None
    assert finding.change.estimate == pytest.approx(1.0, rel=0.15)
    (row,) = evaluation.series
    assert [alert.commit for alert in row.alerts] == ["a" * 40]


@pytest.mark.parametrize("kind", ["drop", "nan", "rename", "delay", "future", "negative", "short"])
def test_missing_data_never_passes(kind: str) -> None:
    """Each input that is absent, late or wrong is inconclusive."""
    rows = intervals(hours(COUNT))
    nan = float("nan")
    faulty, code = {
        "drop": (rows[:-24] + rows[-24::3], "watch-holes"),
        "nan": ([*rows[:-24], *(row._replace(value=nan) for row in rows[-24:-3]), *rows[-3:]], "watch-holes"),
        "rename": ([], "watch-no-data"),
        "delay": (rows[:-48], "watch-stale"),
        "future": ([*rows, Interval(int(NOW) + 10 * HOUR, 1.0)], "watch-future"),
        "negative": ([*rows[:-1], rows[-1]._replace(value=-1.0)], "watch-negative"),
        "short": (rows[-40:], "watch-warm-up"),
    }[kind]
    evaluation = run(list(faulty))
    assert (code, Outcome.INCONCLUSIVE) in codes(evaluation)
    assert Outcome.PASS not in {outcome for _, outcome in codes(evaluation)}


def test_values_that_are_complete_after_a_delay() -> None:
    """Younger intervals do not count, whatever is in them; data that is as late as that is not stale."""
    (metric,) = WATCH.metrics
    late = Watch(metrics=(msgspec.structs.replace(metric, delay=7.0 * DAY),))
    logs = hours(COUNT)
    logs[-5:] += np.log(2.0)
    rows = intervals(logs)
    assert codes(run(rows, late)) == [("watch-steady", Outcome.PASS)]
    assert codes(run(rows[: -7 * 24], late)) == [("watch-steady", Outcome.PASS)]
    assert codes(run(rows[: -7 * 24])) == [("watch-stale", Outcome.INCONCLUSIVE)]
    assert codes(run(rows[: -9 * 24], late)) == [("watch-stale", Outcome.INCONCLUSIVE)]
    assert [name for name, _ in codes(run(rows, late, now=NOW + 7 * DAY))] == ["watch-step"]


def test_the_past_is_evaluated_without_its_future() -> None:
    """An hour before the step there is no alarm, with the same data."""
    logs = hours(COUNT)
    logs[-5:] += np.log(2.0)
    assert codes(run(intervals(logs), now=NOW - 6 * HOUR)) == [("watch-steady", Outcome.PASS)]


def test_an_acknowledged_change_passes() -> None:
    """It is said that changes are accepted."""
    logs = hours(COUNT)
    logs[-5:] += np.log(2.0)
    until = datetime.fromtimestamp(NOW + DAY, UTC).isoformat()
    accepted = Acknowledgement(metric="p95", until=until, reason="agreed")
    watch = Watch(metrics=WATCH.metrics, acknowledge=(accepted,))
    assert codes(run(intervals(logs), watch)) == [("watch-accepted", Outcome.PASS)]


def test_a_dismissed_alert_is_none() -> None:
    """The alert with this onset no longer warns, and is no incident; another one still is."""
    logs = hours(COUNT)
    logs[-5:] += np.log(2.0)
    for shift, code in ((0, "watch-dismissed"), (HOUR, "watch-dismissed"), (4 * HOUR, "watch-step")):
        onset = datetime.fromtimestamp(NOW - 5 * HOUR - shift, UTC).isoformat()
        watch = Watch(metrics=WATCH.metrics, dismiss=(Dismissal(metric="p95", onset=onset, reason="a test"),))
        evaluation = run(intervals(logs), watch)
        assert [name for name, _ in codes(evaluation)] == [code]
        assert len(evaluation.open_alarms) == (code == "watch-step")


def test_alarms_that_last_and_that_ended() -> None:
    """Both have the commit of the deployment before them; data that does not count makes the metric unusable."""
    logs = hours(COUNT)
    logs[-30:-20] += np.log(2.0)
    deployed = (Deployed(NOW - 30 * HOUR - 60, "a" * 40),)
    evaluation = run(intervals(logs), deployments=deployed)
    assert [alarm.commit for alarm in evaluation.ended_alarms] == ["a" * 40]
    assert evaluation.open_alarms == []
    during = run(intervals(logs), now=NOW - 22 * HOUR, deployments=deployed)
    (alarm,) = during.open_alarms
    assert alarm == OpenAlarm("p95", int(NOW) - 30 * HOUR, HOUR, "a" * 40)
    assert run(intervals(logs)[:-48]).unusable == {"p95"}


@pytest.mark.parametrize(("before", "after", "warns"), [(0.0, 0.009, False), (0.0, 0.3, True), (0.2, 0.21, False)])
def test_null_values_warn_and_lead_to_nothing(before: float, after: float, warns: bool) -> None:
    """A rise up to one percent of the rows is none; there is an alarm, and no incident."""
    log = Log(files="x.csv", time="t", value="v", statistic="nulls", every=HOUR)
    watch = Watch(metrics=(WatchedMetric(name="nulls", log=log),))
    rows = [Interval(i * HOUR, after if i >= COUNT - 5 else before) for i in range(COUNT)]
    evaluation = run(rows, watch, deployments=(Deployed(NOW - 5 * HOUR - 60, "a" * 40),))
    assert bool(evaluation.alarms) == warns
    assert evaluation.open_alarms == []


def test_a_burning_budget_is_an_alarm_with_a_cause() -> None:
    """Its onset is where the failures begin."""
    log = Log(files="x.csv", time="t", failed="f", every=300.0)
    watch = Watch(metrics=(WatchedMetric(name="errors", log=log, burn=BurnRate(objective=0.999)),))
    count = int(NOW) // 300
    content = [Interval(i * 300, None, 100, 5 if i >= count - 12 else 0) for i in range(count)]
    evaluation = run(content, watch, deployments=(Deployed(NOW - 3700, "c" * 40),))
    assert (evaluation.suspect, evaluation.open_alarms[0].onset) == ("c" * 40, int(NOW) - 3600)


@pytest.mark.parametrize(
    ("section", "shift", "code"),
    [
        ("acknowledge", DAY, "watch-accepted"),
        ("acknowledge", -DAY, "watch-burn"),
        ("dismiss", -HOUR, "watch-dismissed"),
        ("dismiss", -HOUR + 600, "watch-dismissed"),
        ("dismiss", -2 * HOUR, "watch-burn"),
    ],
)
def test_a_person_decides_about_a_burning_budget(section: str, shift: int, code: str) -> None:
    """As for other metrics: what is accepted or dismissed is no incident; the finding has the onset to dismiss."""
    log = Log(files="x.csv", time="t", failed="f", every=300.0)
    time = datetime.fromtimestamp(NOW + shift, UTC).isoformat()
    accepted = Acknowledgement(metric="errors", until=time, reason="agreed")
    dismissed = Dismissal(metric="errors", onset=time, reason="a test")
    watch = Watch(
        metrics=(WatchedMetric(name="errors", log=log, burn=BurnRate(objective=0.999)),),
        acknowledge=(accepted,) if section == "acknowledge" else (),
        dismiss=(dismissed,) if section == "dismiss" else (),
    )
    count = int(NOW) // 300
    content = [Interval(i * 300, None, 100, 5 if i >= count - 12 else 0) for i in range(count)]
    evaluation = run(content, watch, deployments=(Deployed(NOW - 3700, "c" * 40),))
    assert {name for name, _ in codes(evaluation)} == {code}
    alarms = code == "watch-burn"
    assert [len(evaluation.open_alarms), bool(evaluation.suspect)] == [alarms, alarms]
    onset = datetime.fromtimestamp(NOW - HOUR, UTC).isoformat().replace("+00:00", "Z")
    assert {finding.window for finding in evaluation.alarms} == ({onset} if alarms else set())
    assert alarms or codes(evaluation) == [(code, Outcome.PASS)]


@pytest.mark.parametrize("between", [0, 2])
def test_failures_beyond_a_dismissed_burn_are_an_alarm(between: int) -> None:
    """A day of 2 % is dismissed: an hour of 20 % after it, or of 2 % after half a day of health, is another burn."""
    log = Log(files="x.csv", time="t", failed="f", every=300.0)
    count, day = int(NOW) // 300, 288
    start, end = count - 2 * day, count - 12
    onset = datetime.fromtimestamp(start * 300, UTC).isoformat()
    watch = Watch(
        metrics=(WatchedMetric(name="errors", log=log, burn=BurnRate(objective=0.999)),),
        dismiss=(Dismissal(metric="errors", onset=onset, reason="a test"),),
    )
    failed = np.zeros(count, int)
    failed[start : end - (day // 2 if between else 0)] = 2
    failed[end:] = between or 20
    rows = [Interval(i * 300, None, 100, int(value)) for i, value in enumerate(failed)]
    (alarm,) = run(rows, watch, deployments=(Deployed(end * 300 - 60.0, "c" * 40),)).open_alarms
    assert alarm == OpenAlarm("errors", end * 300, 300, "c" * 40)
    failed[end:] = 2
    failed[start:] = 2
    rows = [Interval(i * 300, None, 100, int(value)) for i, value in enumerate(failed)]
    assert codes(run(rows, watch)) == [("watch-dismissed", Outcome.PASS)]


@pytest.mark.parametrize(
    ("failed", "rows", "code"),
    [(0, 100, "watch-steady"), (3, 100, "watch-burn"), (1, 1, "watch-sparse")],
)
def test_an_error_budget(failed: int, rows: int, code: str) -> None:
    """Used too fast; on too few requests it is not proven."""
    log = Log(files="x.csv", time="t", failed="f", every=300.0)
    watch = Watch(metrics=(WatchedMetric(name="errors", log=log, burn=BurnRate(objective=0.999)),))
    count = int(NOW) // 300
    last = 12 if rows > 1 else 1
    content = [Interval(i * 300, None, rows, failed if i >= count - last else 0) for i in range(count)]
    assert {name for name, _ in codes(run(content, watch))} == {code}
    assert {name for name, _ in codes(run(content[:-600], watch))} == {"watch-stale"}


@pytest.mark.parametrize("rows", [2 * 10**12, 10**19, 10**300], ids=["counts", "64 bits", "floats"])
def test_counts_beyond_any_service_are_holes(rows: int) -> None:
    """A query that returns something else than requests is no health, and no alarm."""
    log = Log(files="x.csv", time="t", failed="f", every=300.0)
    watch = Watch(metrics=(WatchedMetric(name="errors", log=log, burn=BurnRate(objective=0.999)),), stale=HOUR)
    count = int(NOW) // 300
    content = [Interval(i * 300, None, rows if count - 6 <= i < count - 1 else 100, 0) for i in range(count)]
    assert {name for name, _ in codes(run(content, watch))} == {"watch-holes"}
    content = [interval._replace(rows=rows, failed=rows) for interval in content]
    assert codes(run(content, watch)) == [("watch-stale", Outcome.INCONCLUSIVE)]
