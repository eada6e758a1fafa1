"""What an issue about an incident says, and when it is closed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.watch.findings import ALERTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.model import Finding
    from ghmlops.core.watch.incident import OpenAlarm

EXTERNAL, WARNING = "external", "warning"
"""Keys of the alarms that follow no deployment, and of those that only warn; others have their commit."""
_PASSED = ("watch-steady", "watch-accepted", "watch-dismissed")
_METRICS = re.compile(r"<!-- metrics:((?: [^ \n]+)+) -->")


class Notice(NamedTuple):
    """The issue of an incident; without a body it is to be closed, with a comment."""

    marker: str
    title: str = ""
    body: str = ""
    comment: str = ""


class Watched(NamedTuple):
    """What is watched, and where.

    Attributes:
        service: the service.
        environment: its environment.
        metrics: names of the metrics of the policy.
        run_url: address of the run; may be empty.
    """

    service: str
    environment: str
    metrics: tuple[str, ...]
    run_url: str = ""

    @property
    def prefix(self) -> str:
        """How the markers of the issues of this service and environment begin."""
        names = (re.sub(r"[^A-Za-z0-9_.-]", "-", name) for name in (self.service, self.environment))
        return f"<!-- ghmlops-watch {' '.join(names)} "

    def marker(self, key: str) -> str:
        """Return the hidden line that identifies the issue of an incident."""
        return f"{self.prefix}{key} -->"


def notices(
    watched: Watched,
    findings: Sequence[Finding],
    alarms: Sequence[OpenAlarm],
    following: Mapping[str, str],
    bodies: Mapping[str, str],
) -> list[Notice]:
    """Return the issues that an evaluation asks for: one per incident, which is closed when all its metrics are back.

    A metric whose data does not count keeps the issue that names it: silence is no recovery.

    Args:
        watched: what is watched.
        findings: findings of the evaluation.
        alarms: the alarms that last, with the commits that they follow.
        following: key of an incident to what follows from it, in one sentence.
        bodies: marker to the body of each open issue of this service and environment.
    """
    own = {name: [finding for finding in findings if finding.metric == name] for name in watched.metrics}
    keys = {name: _key(name, alarms) for name, of in own.items() if any(f.id in ALERTS for f in of)}
    back = {name for name, of in own.items() if of and all(_is_back(f) for f in of)}
    metrics_of = {marker: _metrics(body) for marker, body in bodies.items()}
    result = []
    for key in dict.fromkeys(keys.values()):
        marker, metrics = watched.marker(key), [name for name, of in keys.items() if of == key]
        unknown = [n for n in metrics_of.get(marker, ()) if n in own and n not in back and n not in keys]
        raised = {name: [f for f in own[name] if f.id in ALERTS] for name in metrics}
        title = f"{watched.service}: {_names(metrics + unknown)} got worse in production"
        result.append(Notice(marker, title, _body(raised, unknown, watched.run_url, following.get(key, ""))))
    current = {watched.marker(key) for key in keys.values()}
    for marker, names in metrics_of.items():
        if marker not in current and all(name in back or name in keys or name not in own for name in names):
            result.append(Notice(marker, comment=_farewell(names, own, keys)))
    return result


def _key(metric: str, alarms: Sequence[OpenAlarm]) -> str:
    """Return the incident of a metric: the deployment before its newest alarm that has one."""
    lasting = sorted((a for a in alarms if a.metric == metric), key=lambda a: (bool(a.commit), a.onset))
    return (lasting[-1].commit or EXTERNAL) if lasting else WARNING


def _is_back(finding: Finding) -> bool:
    return finding.id in _PASSED and finding.outcome is Outcome.PASS


def _metrics(body: str) -> tuple[str, ...]:
    """Return the metrics that an issue is about."""
    match = _METRICS.search(body)
    return tuple(match[1].split()) if match else ()


def _names(metrics: Sequence[str]) -> str:
    if len(metrics) > 3:
        return f"{len(metrics)} metrics"
    return " and ".join(filter(None, (", ".join(metrics[:-1]), metrics[-1])))


def _farewell(names: Sequence[str], own: Mapping[str, Sequence[Finding]], keys: Mapping[str, str]) -> str:
    """Return why an issue is closed: each metric is back, belongs to another incident, or is not watched any more."""
    sentences = []
    for name in names:
        if name in keys:
            sentences.append(f"{name}: another issue is about its alarm.")
        elif name in own:
            sentences.append(own[name][0].reason)
        else:
            sentences.append(f"{name}: the policy does not watch it any more.")
    return _safe(" ".join([*sentences, "This issue closes by itself."]))


def _body(raised: Mapping[str, Sequence[Finding]], unknown: Sequence[str], run_url: str, following: str) -> str:
    lines = [f"<!-- metrics: {' '.join([*raised, *unknown])} -->"]
    lines += [f"- {_safe(alarm.reason)}" for alarms in raised.values() for alarm in alarms]
    lines += [f"- {_safe(name)}: its data does not count now, so that its alarm stays." for name in unknown]
    lines += [
        "",
        f"**What follows**: {_safe(following)}" if following else "Nothing follows from it.",
        "",
        "An alarm proves no fault of a deployment. To measure it yourself, compare the current commit with the last "
        "good one in a paired run (`ghmlops check --base SHA`).",
        "",
        "If a change is intended, accept it in the policy; if it is no change at all, dismiss it:",
        "",
        "```yaml",
    ]
    for name, alarms in raised.items():
        lines.append(f"acknowledge: [{{metric: {name}, until: DATE, reason: ...}}]")
        if onset := alarms[0].window:
            lines.append(f'dismiss: [{{metric: {name}, onset: "{onset}", reason: ...}}]')
    is_are = "is" if len(raised) + len(unknown) == 1 else "are"
    names = _names([*raised, *unknown])
    lines += ["```", "", f"This issue is edited while the alarm lasts and closes when {names} {is_are} back."]
    return "\n".join([*lines, "", f"[Run]({run_url})"] if run_url else lines)


def _safe(text: str) -> str:
    """Return text without a meaning in Markdown, mentions included."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@$])", r"\\\1", text.replace("\n", " "))
