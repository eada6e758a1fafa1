"""Write the revert commit for a bad commit and push it, fast-forward, safely and once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, Result, WithToken
from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson, nearest
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert import plan as core

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.git.publish import Plan
    from ghmlops.act.git.revert import Request, RevertResult
    from ghmlops.act.github import Client
    from ghmlops.commands.shared.base import Services

MODES = ("push", "pull-request")
DOCS = "actions/revert/README.md"


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `revert`. Either a verdict that failed for this commit, or a person's reason, must be given."""

    commit: Annotated[str, Doc(description="Commit to revert: SHA, comma list, range A..B, or #PR.")]
    branch: Annotated[str, Doc(description="Branch to revert on; the remote's default branch where empty.")] = ""
    remote: Annotated[str, Doc(description="Remote to push to.")] = "origin"
    mode: Annotated[str, Doc(description="push, or pull-request (also the way out where the branch is protected).")] = (
        "push"
    )
    verdict_file: Annotated[str, Doc(description="Verdict that asks for the revert.")] = ""
    reason: Annotated[str, Doc(description="Why a person asks for the revert; instead of a verdict.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("state", "reverted, already-reverted, pull-request or refused."),
    Output("revert-sha", "The revert commit; empty where none was needed or possible."),
    Output("pull-request", "Number of the revert pull request, where one was opened."),
)


@dataclass(frozen=True, slots=True)
class GitHub:
    """The forge of a revert: GitHub, asked with a token."""

    client: Client
    services: Services

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules against a push; none where they cannot be read, because the push itself will tell."""
        from ghmlops.core.errors import GitHubError
        from ghmlops.measure.github.pull_requests import blocking_rules

        try:
            return blocking_rules(self.client, branch)
        except GitHubError as error:
            self.services.console.note(f"the rules of the branch are not known: {error.message}")
            return ()

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open the revert pull request, or find it."""
        from ghmlops.act.github.pull_requests import open_revert_pull_request

        return open_revert_pull_request(self.client, head=head, base=base, title=title, body=body)


def run(inputs: Inputs, services: Services) -> Result:
    """Revert, or say why not. A refusal is a result with exit code 1, so that the output `state` is there.

    Raises:
        InputError: an input is malformed, or names nothing.
        EvidenceError: the verdict cannot be read, or is for another commit.
        GitError: no repository, or a remote that cannot be reached.
        GitHubError: the API refused.
    """
    if inputs.mode not in MODES:
        raise InputError(f'input `mode`: "{inputs.mode}" is not known', hint=nearest(inputs.mode, MODES))
    spec = core.parse_spec(inputs.commit)
    core.check_names(inputs.remote, inputs.branch)
    try:
        grounds = _grounds(inputs, services)
        with _github(inputs, services) as client:
            return _show(_perform(inputs, services, spec, grounds, client), services)
    except NeedsPerson as error:
        return _refused(error)


def _grounds(inputs: Inputs, services: Services) -> core.Grounds:
    from ghmlops.measure.evidence import read_verdict

    verdict = read_verdict(services.cwd / inputs.verdict_file) if inputs.verdict_file else None
    known = services.context.repository
    if verdict is not None and verdict.repository and known and verdict.repository.lower() != known.lower():
        raise EvidenceError(
            f"the verdict is for the repository {verdict.repository}, not for {known}",
            hint="name the verdict of this repository with --verdict-file",
        )
    return core.decide_grounds(verdict, inputs.reason)


@contextlib.contextmanager
def _github(inputs: Inputs, services: Services) -> Iterator[Client | None]:
    """Give the connection to GitHub where there is a token and GitHub is around it; a bare git remote needs none."""
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
    inputs: Inputs, services: Services, spec: core.Spec, grounds: core.Grounds, client: Client | None
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
            f"input `commit`: #{number} needs a token, to ask GitHub what it became",
            hint="pass `token: ${{ github.token }}`, or give the SHA",
        )
    from ghmlops.measure.github.merged_pull_request import merged_pull_request

    merged = merged_pull_request(client, number)
    core.check_names(request.remote, merged.base)
    return replace(request, merged=merged, branch=request.branch or merged.base)


def _show(result: RevertResult, services: Services) -> Result:
    plan, context = result.plan, services.context
    names = ", ".join(f"{c.sha[:12]} ({core.one_line(c.subject, 60)})" for c in plan.commits) or plan.newest[:12]
    address = f"{context.server_url}/{context.repository}/pull/{result.pull_request}" if context.server_url else ""
    reason, after = {
        "reverted": (
            f"{names} reverted on {plan.branch} by {result.revert_sha[:12]}.",
            "A push with the workflow's own token starts no other workflow: dispatch the deployment.",
        ),
        "already-reverted": (f"{plan.branch} no longer holds the change of {names}; nothing to do.", ""),
        "planned": (f"{names} would be reverted on {plan.branch}.", "Nothing was pushed (dry run)."),
        "pull-request": (
            f"The revert of {names} waits in pull request #{result.pull_request}: {result.cause}.",
            f"{plan.branch} still holds the change until a person merges it. {address}".rstrip(),
        ),
    }[result.state]
    waits = result.state == "pull-request"
    return Result(
        outcome=Outcome.INCONCLUSIVE if waits else Outcome.PASS,
        reason_code="dry-run" if result.state == "planned" else result.state,
        reason=reason,
        outputs={
            "state": "" if result.state == "planned" else result.state,
            "revert-sha": result.revert_sha,
            "pull-request": str(result.pull_request or ""),
        },
        text="\n".join(filter(None, [reason, after, *_planned(plan)])),
        data={"state": result.state, "branch": plan.branch, "tip": plan.tip, "revert_sha": result.revert_sha,
              "reverted": [c.sha for c in plan.commits], "pull_request": result.pull_request,
              "diffstat": _planned(plan)},
        findings=(_finding("revert-waits", Outcome.INCONCLUSIVE, reason, "protected-branches"),) if waits else (),
        exit_code=1 if waits else 0,
    )  # fmt: skip


def _planned(plan: Plan) -> list[str]:
    return [core.one_line(line, 200) for line in plan.diffstat.splitlines()]


def _refused(error: NeedsPerson) -> Result:
    reason = f"Not reverted: {error.message}."
    return Result(
        outcome=Outcome.FAIL,
        reason_code=error.reason_code,
        reason=reason,
        outputs={"state": "refused", "revert-sha": "", "pull-request": ""},
        text="\n".join(filter(None, [reason, error.hint])),
        data={"state": "refused", "hint": error.hint},
        findings=(_finding(error.reason_code, Outcome.FAIL, f"{reason} {error.hint}", "when-it-refuses"),),
        exit_code=error.exit_code,
    )


def _finding(name: str, outcome: Outcome, reason: str, anchor: str) -> Finding:
    return Finding(id=name, metric="revert", outcome=outcome, reason=reason, docs=f"{DOCS}#{anchor}")
