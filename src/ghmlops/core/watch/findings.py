"""Findings about one metric: whether its data counts, and which alerts last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.quantities import format_duration
from ghmlops.core.watch.alerts import Kind, find_alerts, open_alerts
from ghmlops.core.watch.burn_rate import burn_onset, burn_rates
from ghmlops.core.watch.cause import cause_of
from ghmlops.core.watch.series import holes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.watch.alerts import Alert, Rules
    from ghmlops.core.watch.burn_rate import Burn, Counts
    from ghmlops.core.watch.cause import Deployed
    from ghmlops.core.watch.series import Series

DOCS = "actions/watch/README.md"
MAX_HOLES = 0.1
"""Share of the last season's intervals without a point beyond which the metric is not judged."""
ALERTS = ("watch-step", "watch-shift", "watch-ramp", "watch-burn")
"""Findings that are alarms."""
_VERBS = {Direction.LOWER: "rose", Direction.HIGHER: "fell"}


class Judged(NamedTuple):
    """Findings of a metric, and its alerts."""

    findings: list[Finding]
    alerts: list[Alert]


def judge_series(series: Series, rules: Rules, stale: float, now: float, deployments: Sequence[Deployed]) -> Judged:
    """Return the findings of a metric: data that does not count first, then the alerts that last.

    Without a current, complete series nothing passes; alerts that were raised before remain.

    Args:
        series: the metric.
        rules: what is judged.
        stale: seconds beyond which the newest point says nothing about now.
        now: current time in seconds since the epoch.
        deployments: deployments in the order of time.
    """
    problems = _data_findings(series, rules, stale, now)
    alerts, judged = find_alerts(series, rules)
    if not judged and not problems and now >= rules.accepted_until:
        problems = [_finding(series.name, "watch-warm-up", Outcome.INCONCLUSIVE, _WARM_UP, len(series.times))]
    unended = open_alerts(alerts)
    lasting = [
        _alert_finding(series, alert, cause_of(alert.onset, series.step, deployments))
        for alert in unended
        if not rules.is_dismissed(alert.onset, series.step)
    ]
    if problems or lasting:
        return Judged([*problems, *lasting], alerts)
    code, reason = "watch-steady", f"No lasting change in {judged:,} intervals."
    if now < rules.accepted_until:
        code, reason = "watch-accepted", "Changes are accepted."
    elif unended:
        code, reason = "watch-dismissed", "A person dismissed the alert that lasts."
    return Judged([_finding(series.name, code, Outcome.PASS, f"{series.name}: {reason}", judged)], alerts)


_WARM_UP = "There are too few seasons in the data to know what is normal."


def _data_findings(series: Series, rules: Rules, stale: float, now: float) -> list[Finding]:
    name, findings = series.name, []
    for kind, words in (("future", "a time in the future"), ("negative", "a negative value")):
        if count := series.left_out.get(kind, 0):
            reason = f"{name}: {count:,} intervals have {words}, and do not count."
            findings.append(_finding(name, f"watch-{kind}", Outcome.INCONCLUSIVE, reason, count))
    if not len(series.times):
        return [*findings, _finding(name, "watch-no-data", Outcome.INCONCLUSIVE, f"{name} has no data.", 0)]
    newest = float(series.times[-1]) + series.step
    if now - newest > stale + rules.delay:
        age = format_duration(float(round(now - newest)))
        limit = f"`watch.stale` of {format_duration(stale)}"
        limit += f" and its delay of {format_duration(rules.delay)}" if rules.delay else ""
        reason = f"{name}: the newest data is {age} old, beyond {limit}."
        return [*findings, _finding(name, "watch-stale", Outcome.INCONCLUSIVE, reason, len(series.times))]
    period = max(rules.period, series.step)
    missing = holes(series, newest - period, newest)
    if missing > MAX_HOLES * period / series.step:
        reason = f"{name}: {missing:,} of the last {round(period / series.step):,} intervals have no data."
        findings.append(_finding(name, "watch-holes", Outcome.INCONCLUSIVE, reason, missing))
    return findings


def _alert_finding(series: Series, alert: Alert, cause: Deployed | None) -> Finding:
    factor = alert.value / alert.level - 1.0 if alert.level else None
    onset = datetime.fromtimestamp(alert.onset, UTC)
    near = f"The deployment of {cause.commit[:12]} precedes it." if cause else "No deployment precedes it."
    slowly = "slowly " if alert.kind is Kind.RAMP else ""
    change = f" ({factor:+.0%})" if factor is not None else ""
    reason = (
        f"{alert.metric} {slowly}{_VERBS[series.direction]} from {alert.level:.4g} to {alert.value:.4g}{change} since "
        f"{onset:%Y-%m-%d %H:%M} UTC. {near}"
    )
    return Finding(
        id=f"watch-{alert.kind}",
        metric=alert.metric,
        outcome=Outcome.WARN,
        reason=reason,
        docs=f"{DOCS}#alarms",
        window=_iso(alert.onset),
        direction=series.direction,
        baseline=alert.level,
        candidate=alert.value,
        change=None if factor is None else Interval(estimate=factor),
        unit="ratio",
        n=len(series.times),
    )


class JudgedBurn(NamedTuple):
    """Findings about an error budget, and the onset of its alarm; `None` without one."""

    findings: list[Finding]
    onset: int | None = None


def judge_burn(  # noqa: PLR0913  (a budget, and when it is judged)
    name: str, counts: Counts, objective: float, rules: Rules, *, stale: float, now: float
) -> JudgedBurn:
    """Return the findings about an error budget: the pair of windows that burns it, or what was not measured.

    Args:
        name: name of the metric.
        counts: requests over time.
        objective: share of requests that succeed.
        rules: what a person accepted or dismissed.
        stale: seconds beyond which the newest interval says nothing about now.
        now: current time in seconds since the epoch.
    """
    complete = counts.times[counts.times + counts.step <= now]
    newest = float(complete[-1]) + counts.step if len(complete) else 0.0
    if now - newest > stale:
        code, reason = "watch-stale", f"{name} has no data of the last {format_duration(stale)}."
        return JudgedBurn([_finding(name, code, Outcome.INCONCLUSIVE, reason, len(counts.times))])
    # The windows end with the newest interval: what came after it is not known yet.
    burns = burn_rates(counts, objective, newest)
    proven = [burn for burn in burns if burn.measured and burn.exceeded and burn.proven]
    onset = burn_onset(counts, objective) if proven else None
    code, reason = "watch-steady", "The error budget lasts."
    if now < rules.accepted_until:
        code, reason = "watch-accepted", "Changes are accepted."
    elif onset is not None and rules.is_dismissed(onset, counts.step):
        code, reason = "watch-dismissed", "A person dismissed the alert that lasts."
    elif onset is not None:
        return JudgedBurn([_burn_finding(name, burn, objective, onset) for burn in proven], onset)
    findings = [_hole_finding(name, burn) for burn in burns if not burn.measured]
    if code == "watch-steady":
        findings += [_burn_finding(name, burn, objective) for burn in burns if burn.measured and burn.exceeded]
    passed = _finding(name, code, Outcome.PASS, f"{name}: {reason}", int(counts.total.sum()))
    return JudgedBurn(findings or [passed])


def _windows(burn: Burn) -> str:
    return f"{format_duration(burn.long)} and {format_duration(burn.short)}"


def _hole_finding(name: str, burn: Burn) -> Finding:
    reason = f"{name}: {burn.coverage:.0%} of the windows of {_windows(burn)} have data."
    return _finding(name, "watch-holes", Outcome.INCONCLUSIVE, reason, burn.requests)


def _burn_finding(name: str, burn: Burn, objective: float, onset: int | None = None) -> Finding:
    """Return the alarm about a pair of windows; without an onset, it is not proven."""
    few = " These are too few requests to prove it." if onset is None else ""
    return Finding(
        id="watch-sparse" if onset is None else "watch-burn",
        metric=name,
        outcome=Outcome.INCONCLUSIVE if onset is None else Outcome.WARN,
        reason=(
            f"{name}: within {_windows(burn)} the error budget of {1 - objective:.3g} was used {burn.long_rate:.1f} "
            f"and {burn.short_rate:.1f} times as fast as it lasts (limit {burn.limit:g}); {burn.failures:,} of "
            f"{burn.requests:,} requests failed.{few}"
        ),
        docs=f"{DOCS}#error-budgets",
        window=None if onset is None else _iso(onset),
        unit="ratio",
        direction=Direction.LOWER,
        candidate=burn.long_rate,
        margin=burn.limit,
        method="multiwindow burn rate; exact binomial test of the long window",
        n=burn.requests,
    )


def _finding(metric: str, code: str, outcome: Outcome, reason: str, n: int) -> Finding:
    if outcome is Outcome.PASS:
        return Finding(id=code, metric=metric, outcome=outcome, reason=reason, docs=f"{DOCS}#alarms", n=n)
    return Finding(id=code, metric=metric, outcome=outcome, reason=reason, docs=f"{DOCS}#data-that-does-not-count", n=n)


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
