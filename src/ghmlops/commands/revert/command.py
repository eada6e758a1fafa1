"""Runs `revert`: checks the grounds, reverts in a temporary work tree, and pushes or opens a pull request."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.commands.revert.aftermath import (
    alert_revert,
    comment_revert,
    left_after,
    open_conflict_issue,
    start_deployment,
)
from ghmlops.commands.revert.forge import GitHub
from ghmlops.commands.revert.record import leave_revert, read_subject
from ghmlops.commands.revert.summary import Done, refusal, summarise
from ghmlops.commands.shared.alerts.send import check_alerts
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.core.context import dig, is_sha
from ghmlops.core.errors import GitHubError, InputError, NeedsPerson, nearest
from ghmlops.core.revert.follow_up import encode_follow_up
from ghmlops.core.revert.grounds import Grounds, Target, decide_grounds
from ghmlops.core.revert.limits import Limits
from ghmlops.core.revert.spec import Spec, check_names, one_line, parse_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.act.git.revert import Request, RevertResult
    from ghmlops.act.github import Client
    from ghmlops.commands.revert.inputs import Inputs
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.core.policy.document import Policy

MODES = ("push", "pull-request")


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
    if inputs.follow_up:
        from ghmlops.commands.revert.follow_up import run_follow_up

        return run_follow_up(inputs, services, _policy(inputs, services))
    spec = parse_spec(inputs.commit)
    check_names(inputs.remote, inputs.branch)
    before = _before(inputs.before.strip().lower())
    subject = read_subject(inputs, services)
    policy = _policy(inputs, services)
    if policy is not None:
        check_alerts(inputs, policy)
    elif inputs.alert_webhook or inputs.alert_slack:
        raise InputError("alerts need the policy, which lists the hosts that may receive them", hint="pass --policy")
    with _github(inputs, services) as client:
        try:
            spec = _resolve(spec, inputs, policy, client)
            grounds = _grounds(inputs, services)
            before = before or _before_push(inputs, services, grounds)
            before = before or _recorded_push(inputs, services, grounds, client)
            reverted = _perform(inputs, services, spec, grounds, before, client, policy)
        except NeedsPerson as error:
            return _with_schedule(_refused(error, inputs, services, client, policy), inputs, services, client, policy)
        record_file = leave_revert(inputs, services, subject, grounds, reverted)
        workflow = inputs.dispatch or (policy.revert.dispatch if policy else "")
        dispatched = "" if inputs.defer else start_deployment(client, workflow, reverted, services)
        comment_revert(client, grounds, reverted, services)
        left = encode_follow_up(left_after(reverted, inputs)) if inputs.defer else ""
        done = Done(record_file=record_file, dispatched=dispatched, follow_up=left)
        result = summarise(reverted, services.context, done)
        if reverted.state in ("reverted", "partly-reverted", "pull-request"):
            alert_revert(inputs, services, policy, reverted.plan.newest, (reverted.state, result.reason))
        return _with_schedule(result, inputs, services, client, policy)


def _with_schedule(
    result: Result, inputs: Inputs, services: Services, client: Client | None, policy: Policy | None
) -> Result:
    """Return the result with the warning that `watch` no longer runs; all is done already, so nothing waits for it."""
    if inputs.dry_run:
        return result
    return look_at_schedule(policy, services, client=client).warn(result)


def _refused(
    error: NeedsPerson, inputs: Inputs, services: Services, client: Client | None, policy: Policy | None
) -> Result:
    """Return what a refusal reports; a conflict opens an issue."""
    issue = None if inputs.defer else open_conflict_issue(client, inputs, error, services)
    alert_revert(inputs, services, policy, inputs.commit.strip(), (error.reason_code, error.message))
    return refusal(error, issue, encode_follow_up(left_after(error, inputs)) if inputs.defer else "")


def _policy(inputs: Inputs, services: Services) -> Policy | None:
    """Return the policy; `None` if there is no file, which a person's revert does not need.

    Raises:
        PolicyError: The policy is not valid.
    """
    from ghmlops.commands.shared.policy_file import load_policy

    path = services.cwd / inputs.policy
    return load_policy(path, inputs.policy) if path.is_file() else None


def _resolve(spec: Spec, inputs: Inputs, policy: Policy | None, client: Client | None) -> Spec:
    """Return the selection with the range of a failed deployment in place of its id.

    Raises:
        InputError: There is no token, no policy, or no such deployment.
        NeedsPerson: The deployment did not fail, or its range is unknown.
    """
    if spec.deployment is None:
        return spec
    if client is None or policy is None:
        raise InputError(
            f"input `commit`: deployment:{spec.deployment} needs a token and the policy to find its commits",
            hint="pass `token: ${{ github.token }}` with `permissions: {deployments: read}`",
        )
    from ghmlops.measure.github.deployments import failed_range

    environment = inputs.environment or policy.gate.environment
    after, last = failed_range(client, spec.deployment, environment, policy.service)
    return Spec(after=after, last=last)


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
    inputs: Inputs,
    services: Services,
    spec: Spec,
    grounds: Grounds,
    before: str,
    client: Client | None,
    policy: Policy | None,
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
        limits=_limits(policy, services),
        verified=policy is not None and policy.revert.verified,
        dry_run=inputs.dry_run,
    )
    if spec.pull_request is not None:
        request = _with_merged(request, spec.pull_request, client)
    return revert(git, request, forge=GitHub(client) if client else None, note=services.console.note)


def _limits(policy: Policy | None, services: Services) -> Limits | None:
    if policy is None:
        return None
    return Limits(freeze_file=policy.revert.freeze_file, max_per_day=policy.revert.max_per_day, now=services.now())


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
