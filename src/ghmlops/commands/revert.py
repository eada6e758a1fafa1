"""Writes the revert commit for a bad commit and pushes it, fast-forward, safely and once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, Result, WithToken
from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson, nearest
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert import plan as core
from ghmlops.core.revert.spec import Spec, check_names, one_line, parse_spec
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.git.publish import Plan
    from ghmlops.act.git.revert import Request, RevertResult
    from ghmlops.act.github import Client
    from ghmlops.commands.shared.base import Services

MODES = ("push", "pull-request")
DOCS = "actions/revert/README.md"


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `revert`. It requires either a verdict that failed for this commit, or a person's reason."""

    commit: Annotated[str, Doc(description="Commit to revert: SHA, comma list, range A..B, or #PR.")]
    branch: Annotated[str, Doc(description="Branch to revert on; empty: the default branch of the remote.")] = ""
    remote: Annotated[str, Doc(description="Remote to push to.")] = "origin"
    mode: Annotated[str, Doc(description="push, or pull-request (also used if the branch is protected).")] = "push"
    verdict_file: Annotated[str, Doc(description="Verdict that justifies the revert.")] = ""
    reason: Annotated[str, Doc(description="Why a person requests the revert, instead of a verdict.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("state", "reverted, already-reverted, pull-request or refused."),
    Output("revert-sha", "The revert commit; empty if none was needed or possible."),
    Output("pull-request", "Number of the revert pull request; empty if none was opened."),
)


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub as the forge of a revert."""

    client: Client
    services: Services

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules that block a push; none if they cannot be read, because the push itself shows the result."""
        from ghmlops.core.errors import GitHubError
        from ghmlops.measure.github.pull_requests import blocking_rules

        try:
            return blocking_rules(self.client, branch)
        except GitHubError as error:
            self.services.console.note(f"cannot read the rules of the branch: {error.message}")
            return ()

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open the revert pull request, or find an open one."""
        from ghmlops.act.github.pull_requests import open_revert_pull_request

        return open_revert_pull_request(self.client, head=head, base=base, title=title, body=body)


def run(inputs: Inputs, services: Services) -> Result:
    """Revert, or report why not. A refusal is a result with exit code 1, so that the output `state` is written.

    Raises:
        InputError: An input is malformed, or names no commit.
        EvidenceError: The verdict cannot be read, or is for another commit.
        GitError: There is no repository, or the remote cannot be reached.
        GitHubError: The API rejected a request.
    """
    if inputs.mode not in MODES:
        raise InputError(f'input `mode`: "{inputs.mode}" is not a valid value', hint=nearest(inputs.mode, MODES))
    spec = parse_spec(inputs.commit)
    check_names(inputs.remote, inputs.branch)
    try:
        grounds = _grounds(inputs, services)
        with _github(inputs, services) as client:
            return _summarise(_perform(inputs, services, spec, grounds, client), services)
    except NeedsPerson as error:
        return _refusal(error)


def _grounds(inputs: Inputs, services: Services) -> core.Grounds:
    from ghmlops.measure.evidence import read_verdict

    verdict = read_verdict(services.cwd / inputs.verdict_file) if inputs.verdict_file else None
    repository = services.context.repository
    if verdict and verdict.repository and repository and verdict.repository.lower() != repository.lower():
        raise EvidenceError(
            f"the verdict is for the repository {verdict.repository}, not for {repository}",
            hint="name the verdict of this repository with --verdict-file",
        )
    return core.decide_grounds(verdict, inputs.reason)


@contextlib.contextmanager
def _github(inputs: Inputs, services: Services) -> Iterator[Client | None]:
    """Yield a connection to GitHub if there is a token and a GitHub repository; a bare git remote needs none."""
    context = services.context
    if not inputs.token or not (context.api_url and context.repository):
        yield None
        return
    from ghmlops.act.github import connect

    with connect(
        token=inputs.token, api_url=context.api_url, repository=context.repository, note=services.console.note
    ) as client:
        yield client


def _perform(
    inputs: Inputs, services: Services, spec: Spec, grounds: core.Grounds, client: Client | None
) -> RevertResult:
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.revert import Request, revert

    git = open_repository(services.cwd, services.environ)
    request = Request(
        spec=spec,
        grounds=grounds,
        remote=inputs.remote,
        branch=inputs.branch,
        run_url=services.context.run_url,
        token=inputs.token,
        temp=services.context.temp,
        pull_request_only=inputs.mode == "pull-request",
        dry_run=inputs.dry_run,
    )
    if spec.pull_request is not None:
        request = _with_merged(request, spec.pull_request, client)
    return revert(git, request, forge=GitHub(client, services) if client else None, note=services.console.note)


def _with_merged(request: Request, number: int, client: Client | None) -> Request:
    if client is None:
        raise InputError(
            f"input `commit`: #{number} needs a token to find its merge commit",
            hint="pass `token: ${{ github.token }}`, or pass the SHA",
        )
    from ghmlops.measure.github.merged_pull_request import merged_pull_request

    merged = merged_pull_request(client, number)
    check_names(request.remote, merged.base)
    return replace(request, merged=merged, branch=request.branch or merged.base)


def _summarise(result: RevertResult, services: Services) -> Result:
    plan, context = result.plan, services.context
    commits = (f"{commit.sha[:12]} ({one_line(commit.subject, 60)})" for commit in plan.commits)
    names = ", ".join(commits) or plan.newest[:12]
    address = f"{context.server_url}/{context.repository}/pull/{result.pull_request}" if context.server_url else ""
    reason, note = {
        "reverted": (
            f"{names} was reverted on {plan.branch} by {result.revert_sha[:12]}.",
            "A push with the workflow's own token starts no other workflow: dispatch the deployment.",
        ),
        "already-reverted": (f"{plan.branch} no longer contains the change of {names}; nothing to do.", ""),
        "planned": (f"{names} would be reverted on {plan.branch}.", "Nothing was pushed (dry run)."),
        "pull-request": (
            f"The revert of {names} waits in pull request #{result.pull_request}: {result.cause}.",
            f"{plan.branch} contains the change until a person merges it. {address}".rstrip(),
        ),
    }[result.state]
    pending = result.state == "pull-request"
    return Result(
        outcome=Outcome.INCONCLUSIVE if pending else Outcome.PASS,
        reason_code="dry-run" if result.state == "planned" else result.state,
        reason=reason,
        outputs={
            "state": "" if result.state == "planned" else result.state,
            "revert-sha": result.revert_sha,
            "pull-request": str(result.pull_request or ""),
        },
        text=terminal.block(line for line in (reason, note, *_diffstat(plan)) if line),
        data={"state": result.state, "branch": plan.branch, "tip": plan.tip, "revert_sha": result.revert_sha,
              "reverted": [c.sha for c in plan.commits], "pull_request": result.pull_request,
              "diffstat": _diffstat(plan)},
        findings=(_finding("revert-waits", Outcome.INCONCLUSIVE, reason, "protected-branches"),) if pending else (),
        exit_code=1 if pending else 0,
    )  # fmt: skip


def _diffstat(plan: Plan) -> list[str]:
    return [one_line(line, 200) for line in plan.diffstat.splitlines()]


def _refusal(error: NeedsPerson) -> Result:
    reason = f"Not reverted: {error.message}."
    return Result(
        outcome=Outcome.FAIL,
        reason_code=error.reason_code,
        reason=reason,
        outputs={"state": "refused", "revert-sha": "", "pull-request": ""},
        text=terminal.block(line for line in (reason, error.hint) if line),
        data={"state": "refused", "hint": error.hint},
        findings=(_finding(error.reason_code, Outcome.FAIL, f"{reason} {error.hint}", "when-it-refuses"),),
        exit_code=error.exit_code,
    )


def _finding(name: str, outcome: Outcome, reason: str, anchor: str) -> Finding:
    return Finding(id=name, metric="revert", outcome=outcome, reason=reason, docs=f"{DOCS}#{anchor}")
