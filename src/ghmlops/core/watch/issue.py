"""What an issue about an alarm says, and when it is closed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.watch.findings import ALERTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.watch import Watch

_PASSED = ("watch-steady", "watch-accepted")


class Notice(NamedTuple):
    """The issue of a metric; without a body it is to be closed, with a comment."""

    metric: str
    marker: str
    title: str = ""
    body: str = ""
    comment: str = ""


def notices(service: str, watch: Watch, findings: Sequence[Finding], run_url: str) -> list[Notice]:
    """Return the issue of each metric that has an alarm or is back; a metric that was not measured has none.

    Args:
        service: the service.
        watch: the section `watch`.
        findings: findings of the evaluation.
        run_url: address of the run; may be empty.
    """
    result = []
    for metric in watch.metrics:
        own = [finding for finding in findings if finding.metric == metric.name]
        alarms = [finding for finding in own if finding.id in ALERTS]
        marker = _marker(service, metric.name)
        if alarms:
            title = f"{service}: {metric.name} got worse in production"
            result.append(Notice(metric.name, marker, title, _body(metric.name, alarms, run_url)))
        elif own and all(finding.id in _PASSED and finding.outcome is Outcome.PASS for finding in own):
            result.append(Notice(metric.name, marker, comment=_safe(f"{own[0].reason} This issue closes by itself.")))
    return result


def _marker(service: str, metric: str) -> str:
    return f"<!-- ghmlops-watch {re.sub(r'[^A-Za-z0-9_.-]', '-', service)} {metric} -->"


def _body(metric: str, alarms: Sequence[Finding], run_url: str) -> str:
    lines = [*(f"- {_safe(alarm.reason)}" for alarm in alarms), ""]
    lines += [
        "An alarm proves no fault of a deployment: nothing was rolled back or reverted. To confirm it, compare the "
        "current commit with the last good one in a paired run (`ghmlops check --base SHA`).",
        "",
        f"If the change is intended, accept it in the policy: "
        f"`acknowledge: [{{metric: {metric}, until: DATE, reason: ...}}]`.",
        "",
        f"This issue is edited while the alarm lasts and closes when {metric} is back.",
    ]
    return "\n".join([*lines, "", f"[Run]({run_url})"] if run_url else lines)


def _safe(text: str) -> str:
    """Return text without a meaning in Markdown, mentions included."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@$])", r"\\\1", text.replace("\n", " "))
