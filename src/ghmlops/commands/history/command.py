"""Runs `history`: one function per task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.history.listing import listing, problem_findings
from ghmlops.commands.history.waiting import read_waiting
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError, nearest
from ghmlops.core.history.place import record_path
from ghmlops.core.history.selection import Filter, count_actions, due_outcomes, former_services, quarantine_of, select
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.quantities import duration
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.history.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.history.record import AnyRecord
    from ghmlops.measure.record_branch import BranchHistory

DOCS = "actions/history/README.md"
CAP_PERIOD = timedelta(hours=24)
"""Period of the input `max-actions`."""


def run(inputs: Inputs, services: Services) -> Result:
    """Run one task.

    Raises:
        InputError: An input is malformed, or a file is no record of this run.
        PolicyError: `check` needs the policy, and it is not valid.
        PermissionMissing: The token does not allow pushing.
        GitError: There is no repository, or the remote cannot be reached.
    """
    tasks = {"list": _list, "append": _append, "outcome": _outcome, "fold": _fold, "check": _check, "page": _page}
    if inputs.task not in tasks:
        raise InputError(
            f'"{printable(inputs.task[:80])}" is not a task of `history`', hint=nearest(inputs.task, tuple(tasks))
        )
    return tasks[inputs.task](inputs, services)


def _history(inputs: Inputs, services: Services) -> BranchHistory:
    from ghmlops.measure.record_branch import read_history

    return read_history(
        services.cwd,
        services.environ,
        remote=inputs.remote,
        branch=inputs.branch,
        token=inputs.token,
        now=services.now(),
    )


def _list(inputs: Inputs, services: Services) -> Result:
    """Print the records that meet the filters, and name whatever does not count."""
    condition = Filter(inputs.service, inputs.environment, _since(inputs.since, services.now()), inputs.decision)
    read = _history(inputs, services)
    records = select(read.history.records, condition)
    former = former_services(read.history.records, inputs.service) if inputs.service else {}
    findings = problem_findings(read.history.problems, former, inputs.service)
    total = len(read.history.records)
    reason = f"{len(records)} of {total} records are selected; {len(findings)} findings about what does not count."
    return Result(
        outcome=Outcome.WARN if findings else Outcome.PASS,
        reason_code=findings[0].id if findings else "history-read",
        reason=reason,
        outputs=_outputs(read.tip, len(records), len(findings)),
        text=listing(records, findings),
        summary=terminal.block(["### History", "", "```text", listing(records, findings).replace("```", "'''"), "```"]),
        data={
            "records": [{"id": s.id, "path": s.path, **msgspec.to_builtins(s.record)} for s in records],
            "skipped": [problem._asdict() for problem in read.history.problems],
            "former_services": former,
        },
        findings=tuple(findings),
    )


def _page(inputs: Inputs, services: Services) -> Result:
    """Write the dashboard."""
    from ghmlops.commands.history.page import write_page

    return write_page(_history(inputs, services), inputs, services)


def _append(inputs: Inputs, services: Services) -> Result:
    """Add the records that commands of this run left, in one push."""
    records = read_waiting(inputs, services)
    if inputs.dry_run:
        return dry_run_result(
            f"{len(records)} records would be appended to {inputs.branch}.", terminal.block(map(record_path, records))
        )
    return _push(inputs, services, records)


def _outcome(inputs: Inputs, services: Services) -> Result:
    """Record what became of each deployment that is older than a week."""
    read = _history(inputs, services)
    _refuse_rewritten(read)
    records = due_outcomes(read.history.records, services.now())
    if inputs.dry_run:
        return dry_run_result(f"{len(records)} outcomes would be appended.", terminal.block(map(record_path, records)))
    return _push(inputs, services, records)


def _push(inputs: Inputs, services: Services, records: Sequence[AnyRecord]) -> Result:
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.record_branch import append

    git = open_repository(services.cwd, services.environ)
    if not records:
        return _done("nothing-to-append", "No record waits.", "", 0)
    stored = append(
        git,
        records,
        remote=inputs.remote,
        branch=inputs.branch,
        token=inputs.token,
        note=services.console.note,
    )
    reason = f"{stored.added} of {len(records)} records were added to {inputs.branch} at {stored.commit[:12]}."
    return _done("appended" if stored.added else "already-appended", reason, stored.commit, stored.added)


def _fold(inputs: Inputs, services: Services) -> Result:
    """Replace the records of past months by Parquet files."""
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.record_branch import fold

    month = f"{services.now().astimezone(UTC):%Y-%m}"
    if inputs.dry_run:
        return dry_run_result(f"The records before {month} would be folded.", "")
    _refuse_rewritten(_history(inputs, services))
    stored = fold(
        open_repository(services.cwd, services.environ),
        before=month,
        remote=inputs.remote,
        branch=inputs.branch,
        token=inputs.token,
        note=services.console.note,
    )
    reason = f"The records before {month} are in Parquet files on {inputs.branch}; {stored.added} files were added."
    return _done("folded" if stored.added else "nothing-to-fold", reason, stored.commit, stored.added)


def _check(inputs: Inputs, services: Services) -> Result:
    """Return whether the history keeps a commit from being deployed: a quarantine, or the cap on actions."""
    from ghmlops.commands.shared.policy_file import load_policy

    commit = inputs.commit.strip().lower()
    if not is_sha(commit):
        raise InputError(
            f'input `commit`: expected a full SHA of 40 characters, got "{printable(inputs.commit[:80])}"',
            hint="`git rev-parse HEAD` prints it",
        )
    service, environment = inputs.service, inputs.environment
    if not service or not environment:
        policy = load_policy(services.cwd / inputs.policy, inputs.policy)
        service, environment = service or policy.service, environment or policy.gate.environment
    read = _history(inputs, services)
    findings = problem_findings(read.history.problems, {}, service)
    records = read.history.records
    if (quarantine := quarantine_of(records, service, environment, commit)) is not None:
        reason = f"{commit[:12]} is in quarantine in {environment}: {getattr(quarantine.record, 'reason', '')}"
        findings.insert(0, _finding("commit-quarantined", reason, "quarantine"))
    actions = count_actions(records, service, environment, services.now() - CAP_PERIOD)
    if inputs.max_actions is not None and actions >= inputs.max_actions:
        reason = f"{actions} rollbacks and reverts of {service or 'the service'} in {environment} within 24 hours; "
        findings.insert(0, _finding("actions-cap", f"{reason}the limit is {inputs.max_actions}", "quarantine"))
    stops = any(finding.outcome is Outcome.FAIL for finding in findings)
    # A history that lost records cannot show that a commit is in no quarantine.
    unclear = [finding for finding in findings if finding.id in ("history-rewritten", "record-damaged")]
    outcome = Outcome.FAIL if stops else Outcome.INCONCLUSIVE if unclear else Outcome.PASS
    first = findings[0] if stops else unclear[0] if unclear else None
    reason = first.reason if first else f"No record keeps {commit[:12]} from {environment}."
    return Result(
        outcome=outcome,
        reason_code=first.id if first else "not-quarantined",
        reason=reason,
        outputs=_outputs(read.tip, len(records), len(read.history.problems)),
        text=terminal.block([printable(reason)]),
        data={"actions": actions, "quarantined": quarantine is not None},
        findings=tuple(findings),
        exit_code=0 if outcome is Outcome.PASS else 1,
    )


def _refuse_rewritten(read: BranchHistory) -> None:
    """Raise if the branch lost records: what follows from the rest would be wrong."""
    for problem in read.history.problems:
        if problem.code == "history-rewritten":
            raise InputError(problem.reason, hint="restore the branch, or accept it", reason_code="history-rewritten")


def _since(text: str, now: datetime) -> datetime | None:
    """Return the time from which records count.

    Raises:
        InputError: It is neither a date nor a duration.
    """
    if not text:
        return None
    try:
        return now - timedelta(seconds=duration(text))
    except ValueError:
        pass  # it may be a date
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f'input `since`: expected a date or a duration, got "{printable(text[:80])}"',
            hint="for example --since 2026-11-01 or --since 30d",
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _done(code: str, reason: str, commit: str, count: int) -> Result:
    return Result(
        outcome=Outcome.PASS,
        reason_code=code,
        reason=reason,
        outputs=_outputs(commit, count, 0),
        text=terminal.block([reason]),
        data={"commit": commit, "records": count},
    )


def _outputs(commit: str, records: int, skipped: int) -> dict[str, str]:
    return {"history-sha": commit, "records": str(records), "skipped": str(skipped)}


def _finding(name: str, reason: str, anchor: str) -> Finding:
    return Finding(id=name, metric="history", outcome=Outcome.FAIL, reason=reason, docs=f"{DOCS}#{anchor}")
