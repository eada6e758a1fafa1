"""What the terminal shows of a replay and of a rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.rebuild import RebuildDetails
from ghmlops.core.model import Outcome
from ghmlops.report.formats.terminal import MAX_LINES, block, headline, not_measured_lines, plain_table, short_number
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.reproduce.replay import RunComparison


def replay(comparison: RunComparison, before: Evidence, file: str) -> str:
    """Return the ruling on a replay, the changed inputs, the first differences, and the outcome of the replayed run."""
    from ghmlops.core.reproduce.replay_findings import judge_replay, rule_replay

    ruling = rule_replay(comparison)
    changes = comparison.changes[:MAX_LINES]
    differing = sum(comparison.changed.values())
    lines = [f"replay: {ruling.outcome.value}: {ruling.reason}", ""]
    lines += [f"{finding.outcome.value}: {finding.reason}" for finding in judge_replay(comparison)[1:]]
    lines += [f"  {change.part}: {change}" for change in changes]
    if differing > len(changes):
        lines.append(f"  ... and more in the evidence ({differing:,} entries differ)")
    lines += [f"outcome of the replayed evidence: {before.outcome.value}: {before.reason}", f"evidence: {file}"]
    return block(lines)


def rebuild(evidence: Evidence, file: str) -> str:
    """Return the comparison of two builds by data set and column, and the findings that did not pass."""
    lines = [headline("rebuild", evidence), ""]
    if isinstance(evidence.details, RebuildDetails):
        lines += _builds(evidence.details)
    failures = [finding for finding in evidence.findings if finding.outcome is not Outcome.PASS]
    lines += [f"{finding.outcome.value}: {finding.reason}" for finding in failures[:MAX_LINES]]
    return block([*lines, *not_measured_lines(evidence.not_measured), f"evidence: {file}"])


def _builds(details: RebuildDetails) -> list[str]:
    headers = ("column", "determinism", "rows", "changed", "largest", "tolerance")
    lines = []
    for build in details.builds:
        title = f"{build.dataset}: " if build.dataset else ""
        lines.append(f"{title}{build.reproducibility}, {build.rows:,} and {build.rows_again:,} rows")
        columns = [row for row in details.columns if row.dataset == build.dataset]
        rows = [
            (
                printable(row.column)[:60],
                row.determinism,
                f"{row.rows:,}",
                f"{row.changed:,}",
                short_number(row.largest),
                short_number(row.tolerance),
            )
            for row in columns[:MAX_LINES]
        ]
        lines += [*plain_table(headers, rows), ""]
    return lines
