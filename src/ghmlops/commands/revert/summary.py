"""What `revert` reports: text, outputs, and what is in it for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.base import Result
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert.spec import one_line
from ghmlops.core.revert.text import list_paths
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.act.git.publish import Plan
    from ghmlops.act.git.revert import RevertResult
    from ghmlops.core.context import Context
    from ghmlops.core.errors import NeedsPerson

DOCS = "actions/revert/README.md"
_UNFINISHED = {
    "pull-request": ("revert-waits", "protected-branches"),
    "partly-reverted": ("partly-reverted", "which-commits"),
}
"""States in which the branch still contains the change: id and section of their finding."""


class Done(NamedTuple):
    """What followed a revert."""

    record_file: str = ""
    """Path of the record for the history; empty without one."""
    dispatched: str = ""
    """What became of the workflow that deploys: `started`, `running`, `failed`, or empty."""
    follow_up: str = ""
    """What is left to a later job; empty for nothing."""


NOTHING = Done()


def summarise(result: RevertResult, context: Context, done: Done = NOTHING) -> Result:
    """Return what a revert that was not refused reports.

    Args:
        result: The outcome of the revert.
        context: Context of the run, for addresses.
        done: What followed it.
    """
    plan, state = result.plan, result.state
    reason, note = _sentences(result, context)
    rest = f"{plan.branch} still differs from {plan.base[:12]}: {list_paths(plan.differences)}."
    if done.dispatched in ("started", "running"):
        note = "The workflow that deploys was started for it."
    elif done.follow_up:
        note = "A later job starts the workflow that deploys, by the output `follow-up`."
    findings: tuple[Finding, ...] = ()
    if state in _UNFINISHED:
        name, anchor = _UNFINISHED[state]
        findings = (_finding(name, Outcome.INCONCLUSIVE, reason, anchor),)
    return Result(
        outcome=Outcome.INCONCLUSIVE if findings else Outcome.PASS,
        reason_code="dry-run" if state == "planned" else state,
        reason=reason,
        outputs={
            "state": "" if state == "planned" else state,
            "revert-sha": result.revert_sha,
            "pull-request": str(result.pull_request or ""),
            "dispatched": done.dispatched,
            "issue": "",
            "record-file": done.record_file,
            "follow-up": done.follow_up,
        },
        text=terminal.block(
            line for line in (reason, rest if plan.differences else "", note, *_diffstat(plan)) if line
        ),
        data={
            "state": state,
            "branch": plan.branch,
            "tip": plan.tip,
            "base": plan.base,
            "revert_sha": result.revert_sha,
            "reverted": [c.sha for c in plan.commits],
            "differences": list(plan.differences),
            "pull_request": result.pull_request,
            "cause": result.cause or plan.cause,
            "diffstat": _diffstat(plan),
        },
        findings=findings,
        exit_code=1 if findings else 0,
    )


def _sentences(result: RevertResult, context: Context) -> tuple[str, str]:
    """Return the reason, and a note about what to do next."""
    plan = result.plan
    commits = (f"{commit.sha[:12]} ({one_line(commit.subject, 60)})" for commit in plan.commits)
    names = ", ".join(commits) or plan.newest[:12]
    address = f"{context.server_url}/{context.repository}/pull/{result.pull_request}" if context.server_url else ""
    review = f" in a pull request: {plan.cause}" if plan.cause else ""
    dispatch = "A push with the workflow's own token starts no other workflow: dispatch the deployment."
    return {
        "reverted": (f"{names} was reverted on {plan.branch} by {result.revert_sha[:12]}.", dispatch),
        "partly-reverted": (
            f"{names} was reverted on {plan.branch}, but not the other commits that the verdict covers.",
            "Revert the whole range without --single-commit, or let a person decide.",
        ),
        "already-reverted": (f"{plan.branch} no longer contains the change of {names}; nothing to do.", ""),
        "planned": (f"{names} would be reverted on {plan.branch}{review}.", "Nothing was pushed (dry run)."),
        "pull-request": (
            f"The revert of {names} waits in pull request #{result.pull_request}: {result.cause}.",
            f"{plan.branch} contains the change until a person merges it. {address}".rstrip(),
        ),
    }[result.state]


def _diffstat(plan: Plan) -> list[str]:
    return [one_line(line, 200) for line in plan.diffstat.splitlines()]


def refusal(error: NeedsPerson, issue: int | None = None, follow_up: str = "") -> Result:
    """Return what a refused revert reports: nothing was pushed, and a person must decide.

    Args:
        error: The refusal.
        issue: Number of the issue about it; `None` without one.
        follow_up: What is left to a later job; empty for nothing.
    """
    reason = f"Not reverted: {error.message}."
    return Result(
        outcome=Outcome.FAIL,
        reason_code=error.reason_code,
        reason=reason,
        outputs={
            "state": "refused",
            "revert-sha": "",
            "pull-request": "",
            "dispatched": "",
            "issue": str(issue or ""),
            "record-file": "",
            "follow-up": follow_up,
        },
        text=terminal.block(line for line in (reason, error.hint) if line),
        data={"state": "refused", "hint": error.hint},
        findings=(_finding(error.reason_code, Outcome.FAIL, f"{reason} {error.hint}", "when-it-refuses"),),
        exit_code=error.exit_code,
    )


def _finding(name: str, outcome: Outcome, reason: str, anchor: str) -> Finding:
    return Finding(id=name, metric="revert", outcome=outcome, reason=reason, docs=f"{DOCS}#{anchor}")
