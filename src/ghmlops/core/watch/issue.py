"""What an issue about an alarm says, and when it is closed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.watch.findings import ALERTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.watch import Watch

_PASSED = ("watch-steady", "watch-accepted", "watch-dismissed")


class Notice(NamedTuple):
    """The issue of a metric; without a body it is to be closed, with a comment."""

    metric: str
    marker: str
    title: str = ""
    body: str = ""
    comment: str = ""


def notices(
    service: str, watch: Watch, findings: Sequence[Finding], run_url: str, following: Mapping[str, str]
) -> list[Notice]:
    """Return the issue of each metric that has an alarm or is back; a metric that was not measured has none.

    Args:
        service: the service.
        watch: the section `watch`.
        findings: findings of the evaluation.
        run_url: address of the run; may be empty.
        following: metric to what follows from its alarm, in one sentence.
    """
    result = []
    for metric in watch.metrics:
        own = [finding for finding in findings if finding.metric == metric.name]
        alarms = [finding for finding in own if finding.id in ALERTS]
        marker = _marker(service, metric.name)
        if alarms:
            title = f"{service}: {metric.name} got worse in production"
            result.append(Notice(metric.name, marker, title, _body(alarms, run_url, following.get(metric.name, ""))))
        elif own and all(finding.id in _PASSED and finding.outcome is Outcome.PASS for finding in own):
            result.append(Notice(metric.name, marker, comment=_safe(f"{own[0].reason} This issue closes by itself.")))
    return result


def _marker(service: str, metric: str) -> str:
    return f"<!-- ghmlops-watch {re.sub(r'[^A-Za-z0-9_.-]', '-', service)} {metric} -->"


def _body(alarms: Sequence[Finding], run_url: str, following: str) -> str:
    metric, onset = alarms[0].metric, alarms[0].window or ""
    lines = [*(f"- {_safe(alarm.reason)}" for alarm in alarms), ""]
    lines += [
        f"**What follows**: {_safe(following)}" if following else "Nothing follows from it.",
        "",
        "An alarm proves no fault of a deployment. To measure it yourself, compare the current commit with the last "
        "good one in a paired run (`ghmlops check --base SHA`).",
        "",
        f"If the change is intended, accept it in the policy: "
        f"`acknowledge: [{{metric: {metric}, until: DATE, reason: ...}}]`.",
    ]
    if onset:
        lines += [
            f'If it is no change at all, dismiss it: `dismiss: [{{metric: {metric}, onset: "{onset}", reason: ...}}]`.'
        ]
    lines += ["", f"This issue is edited while the alarm lasts and closes when {metric} is back."]
    return "\n".join([*lines, "", f"[Run]({run_url})"] if run_url else lines)


def _safe(text: str) -> str:
    """Return text without a meaning in Markdown, mentions included."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@$])", r"\\\1", text.replace("\n", " "))
