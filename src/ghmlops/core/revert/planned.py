"""The revert that follows a promotion which failed: planned by a verdict, and allowed once a measurement confirms it.

A promotion returns traffic at once. A revert of the commit needs the same failure again, on fresh deployments with the
arms swapped: that is what `latency` does before it lists a failure as confirmed.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.latency import QUANTILES
from ghmlops.core.revert.grounds import parse_time

ERRORS, RESPONSE_TIMES = "errors-above-objective", "slower-than-twin"
"""Reason codes of a promotion that another measurement can repeat."""
_METRICS = {ERRORS: ("error-ratio",), RESPONSE_TIMES: tuple(QUANTILES)}
"""Reason code to the metrics of `latency` whose confirmed failure repeats it."""
DOCS = "actions/promote/README.md#a-revert-after-a-promotion"
_BY_PERSON = "a person may ask for the revert with --reason"


class Subject(NamedTuple):
    """What a promotion was about, as in the fields of a verdict."""

    commit: str
    base_sha: str
    service: str
    environment: str
    repository: str
    run_id: str
    run_attempt: int
    created: str
    version: str


def planned_verdict(reason_code: str, reason: str, subject: Subject) -> Verdict:
    """Return the verdict of a promotion that was rolled back; nothing confirms it yet.

    Args:
        reason_code: Why the traffic returned.
        reason: The same as a sentence.
        subject: What the promotion was about.
    """
    finding = Finding(id=reason_code, metric="promotion", outcome=Outcome.FAIL, reason=reason, docs=DOCS)
    return Verdict(
        outcome=Outcome.FAIL,
        reason_code=reason_code,
        reason=reason,
        findings=[finding],
        evidence=[],
        **subject._asdict(),
    )


def confirmed_verdict(planned: Verdict, measured: Verdict) -> Verdict:
    """Return the verdict of a promotion with its confirmation.

    Args:
        planned: What `promote` wrote.
        measured: The verdict of the gate on a later measurement of the same commit.

    Raises:
        NeedsPerson: The measurement is about something else or older, or does not repeat the failure.
    """
    metrics = _METRICS.get(planned.reason_code, ())
    if not metrics:
        raise NeedsPerson(
            f"the promotion failed by `{planned.reason_code}`, which no measurement repeats",
            hint=_BY_PERSON,
            reason_code="failure-not-confirmed",
        )
    for name in ("commit", "base_sha", "service", "repository"):
        if getattr(planned, name) != getattr(measured, name):
            raise NeedsPerson(
                f"the confirmation is about another {name.removesuffix('_sha')} than the promotion",
                hint="measure the commit of the promotion against the commit that served before",
                reason_code="verdict-foreign",
            )
    failed, repeated = parse_time(planned.created), parse_time(measured.created)
    if failed is None or repeated is None or repeated <= failed:
        raise NeedsPerson(
            "the confirmation was not written after the promotion failed",
            hint="measure again on fresh deployments",
            reason_code="failure-not-confirmed",
        )
    failing = {f.id for f in measured.findings if f.outcome is Outcome.FAIL and f.metric in metrics}
    entry = next((entry for entry in measured.confirmed if entry.partition(":")[2] in failing), "")
    if not entry:
        raise NeedsPerson(
            f"the measurement does not repeat `{planned.reason_code}`: no confirmed failure of {' or '.join(metrics)}",
            hint=_BY_PERSON,
            reason_code="failure-not-confirmed",
        )
    return msgspec.structs.replace(
        planned, confirmed=[f"{entry.partition(':')[0]}:{planned.reason_code}"], created=measured.created
    )
