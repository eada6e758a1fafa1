"""Runs `revert`: checks the grounds, reverts in a temporary work tree, and pushes or opens a pull request."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ghmlops.commands.revert.record import leave_revert, read_subject
from ghmlops.commands.revert.summary import refusal, summarise
from ghmlops.core.context import dig, is_sha
from ghmlops.core.errors import GitHubError, InputError, NeedsPerson, nearest
from ghmlops.core.revert.grounds import Grounds, Target, decide_grounds
from ghmlops.core.revert.spec import Spec, check_names, one_line, parse_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.git.revert import Request, RevertResult
    from ghmlops.act.github import Client
    from ghmlops.commands.revert.inputs import Inputs
    from ghmlops.commands.shared.base import Result, Services

MODES = ("push", "pull-request")


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub as the forge of a revert."""

    client: Client

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules that block a push; rules that cannot be read count as one that does."""
        from ghmlops.measure.github.pull_requests import blocking_rules

        return blocking_rules(self.client, branch)

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open the revert pull request, or find an open one."""
        from ghmlops.act.github.pull_requests import open_revert_pull_request

        return open_revert_pull_request(self.client, head=head, base=base, title=title, body=body)


def run(inputs: Inputs, services: Services) -> Result:
    """Revert, or report why not. A refusal is a result with exit code 1, so that the output `state` is written.

    Raises:
        InputError: An input is malformed, or names no commit.
        PolicyError: There is a verdict, and the policy that it is compared with cannot be read.
        EvidenceError: The verdict cannot be read.
        GitError: There is no repository, or the remote cannot be reached.
        GitHubError: The API rejected a request.
    """
    if inputs.mode not in MODES:
        raise InputError(f'input `mode`: "{inputs.mode}" is not a valid value', hint=nearest(inputs.mode, MODES))
    spec = parse_spec(inputs.commit)
    check_names(inputs.remote, inputs.branch)
    before = _before(inputs.before.strip().lower())
    subject = read_subject(inputs, services)
    try:
        grounds = _grounds(inputs, services)
        before = before or _before_push(inputs, services, grounds)
        with _github(inputs, services) as client:
            before = before or _recorded_push(inputs, services, grounds, client)
            reverted = _perform(inputs, services, spec, grounds, before, client)
            record_file = leave_revert(inputs, services, subject, grounds, reverted)
            return summarise(reverted, services.context, record_file)
    except NeedsPerson as error:
        return refusal(error)


def _before(text: str) -> str:
    if text and not is_sha(text):
        raise InputError(
            f'input `before`: expected a full SHA, got "{one_line(text, 80)}"',
            hint="`${{ github.event.before }}` in a workflow that a push started",
        )
    return "" if set(text) == {"0"} else text  # GitHub sends zeros for a new branch


def _before_push(inputs: Inputs, services: Services, grounds: Grounds) -> str:
    """Return the commit of the branch before the push that started this run, if the push is the one to revert."""
    event, context = services.context.event, services.context
    branch = inputs.branch or dig(event, "repository", "default_branch") or context.ref_name
    before, after = dig(event, "before"), dig(event, "after")
    judged = grounds.verdict_commit or after
    same = context.event_name == "push" and dig(event, "ref") == f"refs/heads/{branch}" and after == judged
    return _before(before) if same and is_sha(before) else ""


def _recorded_push(inputs: Inputs, services: Services, grounds: Grounds, client: Client | None) -> str:
    """Return the commit of the branch before the judged commit was pushed, by GitHub's list of pushes.

    Runs that no push started (`workflow_run`, `workflow_dispatch`) have no event that names it. If GitHub lists none,
    it is unknown, so that a range of more than one commit becomes a pull request.
    """
    branch = inputs.branch or dig(services.context.event, "repository", "default_branch")
    if client is None or not branch or grounds.by_person or not grounds.verdict_commit:
        return ""
    from ghmlops.measure.github.pushes import newest_push

    try:
        push = newest_push(client, str(branch), grounds.verdict_commit)
    except GitHubError as error:
        services.console.note(f"the push of {grounds.verdict_commit[:12]} is unknown: {error.message}")
        return ""
    return push.before if push else ""


def _grounds(inputs: Inputs, services: Services) -> Grounds:
    if not inputs.verdict_file:
        return decide_grounds(None, inputs.reason)
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.measure import checkout
    from ghmlops.measure.evidence import read_verdict

    verdict = read_verdict(services.cwd / inputs.verdict_file)
    if inputs.confirmation_file:
        from ghmlops.core.revert.planned import confirmed_verdict

        verdict = confirmed_verdict(verdict, read_verdict(services.cwd / inputs.confirmation_file))
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    target = Target(
        repository=services.context.repository or checkout.repository_name(services.cwd),
        service=policy.service,
        environment=inputs.environment or policy.gate.environment,
        max_age=policy.gate.max_age,
        now=services.now(),
    )
    return decide_grounds(verdict, inputs.reason, target)


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


def _perform(  # noqa: PLR0913, PLR0917  (what the inputs say, resolved)
    inputs: Inputs, services: Services, spec: Spec, grounds: Grounds, before: str, client: Client | None
) -> RevertResult:
    from ghmlops.act.git import open_repository, selection
    from ghmlops.act.git.revert import Request, revert

    git = open_repository(services.cwd, services.environ)
    request = Request(
        selection=selection.Request(spec=spec, grounds=grounds, tip_before=before, single_commit=inputs.single_commit),
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
    return revert(git, request, forge=GitHub(client) if client else None, note=services.console.note)


def _with_merged(request: Request, number: int, client: Client | None) -> Request:
    if client is None:
        raise InputError(
            f"input `commit`: #{number} needs a token to find its merge commit",
            hint="pass `token: ${{ github.token }}`, or pass the SHA",
        )
    from ghmlops.measure.github.merged_pull_request import merged_pull_request

    merged = merged_pull_request(client, number)
    check_names(request.remote, merged.base)
    selection = replace(request.selection, merged=merged)
    return replace(request, selection=selection, branch=request.branch or merged.base)
