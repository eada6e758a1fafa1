"""What `history` prints: a row per record, and a line per file that does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from ghmlops.core.history.record import (
    ConfirmationRecord,
    DeploymentRecord,
    OutcomeRecord,
    QuarantineRecord,
    RevertRecord,
    ScaleRecord,
    record_time,
)
from ghmlops.core.history.selection import decision_of
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.history.reading import Problem, Stored

DOCS = "actions/history/README.md#what-does-not-count"
HEADERS = ("time (UTC)", "id", "service", "environment", "commit", "kind", "decision", "person", "remarks")


def listing(records: Sequence[Stored], findings: Sequence[Finding]) -> str:
    """Return the records as a table, oldest first, and the findings below it."""
    rows = [_row(stored) for stored in records]
    table = tabulate(rows, headers=HEADERS, tablefmt="simple", disable_numparse=True) if rows else "no records"
    return terminal.block([*table.splitlines(), *(f"{f.id}: {printable(f.reason)}" for f in findings)])


def problem_findings(problems: Sequence[Problem], former: Mapping[str, int], service: str) -> list[Finding]:
    """Return a finding for each file that does not count, and for each service that may have been renamed.

    Args:
        problems: What was skipped.
        former: Services that may be former names, with the number of their records.
        service: The selected service.
    """
    findings = [_finding(p.code, f"{p.path} was skipped: {p.reason}", p.path) for p in problems]
    findings += [
        _finding(
            "service-renamed", f"{count} records of {name} were skipped: it may be a former name of {service}", name
        )
        for name, count in former.items()
    ]
    return findings


def _finding(name: str, reason: str, dataset: str) -> Finding:
    return Finding(id=name, metric="history", outcome=Outcome.WARN, reason=reason, docs=DOCS, dataset=dataset)


def _row(stored: Stored) -> list[str]:
    record = stored.record
    cells = [
        f"{record_time(record):%Y-%m-%d %H:%M:%S}",
        stored.id,
        record.service,
        record.environment,
        record.commit[:12],
        str(type(record).__struct_config__.tag),
        decision_of(stored),
        record.person,
        _remarks(stored),
    ]
    return [printable(cell) for cell in cells]


def _remarks(stored: Stored) -> str:
    """Return what distinguishes a record, on one line."""
    match stored.record:
        case DeploymentRecord() as record:
            parts = [record.reason_code]
            if record.rungs:
                requests = sum(rung.requests.get("candidate", 0) for rung in record.rungs)
                parts.append(f"{len(record.rungs)} rungs, {requests:,} requests of the candidate")
            if record.harmed_requests is not None:
                parts.append(f"{record.harmed_requests:,} failed")
            parts += [f"expects {item.text}" for item in record.hypothesis]
            if record.base_sha:
                parts.append(f"baseline {record.base_sha[:12]}")
            if record.override:
                parts.append(f"override: {record.override}")
            return "; ".join(filter(None, parts))
        case RevertRecord(revert_sha=sha, reason=reason):
            return "; ".join(filter(None, (sha[:12] and f"by {sha[:12]}", reason)))
        case QuarantineRecord(reason=reason):
            return reason
        case OutcomeRecord(of=of, hours=hours):
            return f"of {of}, after {hours:g} h"
        case ConfirmationRecord() as record:
            return f"{record.alarm}; against {record.base_sha[:12]}; {record.reason_code}"
        case ScaleRecord() as record:
            before = "?" if record.before is None else f"{record.before:,}"
            return f"{before} to {record.replicas:,} replicas: {record.reason}"
