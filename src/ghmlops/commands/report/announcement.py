"""Announces in the comment of a pull request that a run measures its head; nothing is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.report.comment import PublishedComment, find_pull_request
from ghmlops.commands.report.job import requested_pull_request, run_facts, service_name
from ghmlops.commands.shared.base import Result
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.provenance import commit_under_test
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.measure import checkout
from ghmlops.report.comment.brief import measuring_line
from ghmlops.report.content.comment_marker import marker, read_subject
from ghmlops.report.formats.comment import with_announcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.act.github import Client
    from ghmlops.commands.report.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.report.content.run_facts import Facts


def announce(inputs: Inputs, services: Services, open_client: Callable[[], Client]) -> Result:
    """Write "Measuring abc1234" on top of the comment; an earlier report stays below it until the next one.

    A new comment is created only if every report is commented on (`comment: always`). The outcome is `pass`, because
    nothing was judged; the reason code `announced` says so.

    Raises:
        InputError: An input is malformed, or there is no token.
        PolicyError: The policy file exists and is not valid.
        GitHubError: The comment could not be written; `PermissionMissing` names the permission.
    """
    number = requested_pull_request(inputs, services)
    if not inputs.token:
        raise InputError("input `measuring`: a comment needs a token", hint="pass `token: ${{ github.token }}`")
    policy_file = services.cwd / inputs.policy
    policy = load_policy(policy_file, inputs.policy) if policy_file.exists() else None
    repository = services.context.repository or checkout.repository_name(services.cwd)
    facts = run_facts(inputs, services, policy, repository, None)
    mark = marker(policy.service if policy else service_name(repository, services), facts.workflow)
    commit = commit_under_test(services)
    written = PublishedComment(note="no comment written: `comment` is off")
    if inputs.dry_run:
        written = PublishedComment(note=f"would announce in the comment that commit {commit[:12]} is measured")
    elif inputs.comment != "off":
        client = open_client()
        pull_request = find_pull_request(client, services, number, commit)
        written = PublishedComment(note=f"no comment written: no pull request has the head {commit[:12]}")
        if pull_request:
            # Whether the change affects a service with `paths` is unknown, and most changes do not.
            creates = inputs.comment == "always" and not (policy and policy.paths)
            written = _write(client, pull_request.number, mark, commit, facts, creates=creates)
    services.console.note(written.note)
    return Result(
        outcome=Outcome.PASS,
        reason_code="announced",
        reason=f"Nothing was judged: commit {commit[:12]} is being measured.",
        outputs={"verdict-file": "", "comment-url": written.url, "check-run-url": ""},
        text=written.note,
        data={"comment_url": written.url},
    )


def _write(  # noqa: PLR0913  (the parts of one comment)
    client: Client, number: int, mark: str, commit: str, facts: Facts, *, creates: bool
) -> PublishedComment:
    """Write the announcement, unless a report of this attempt or of a newer run is there already."""
    from ghmlops.act.github.comments import own_comment, upsert_comment

    def is_newer(text: str) -> bool:
        subject = read_subject(text)
        if subject is None:
            return False
        done = (subject.current.commit, subject.run) == (commit, facts.run_id) and subject.attempt >= facts.run_attempt
        return done or subject.newer_than(commit, facts.run_id, facts.run_attempt, commit)

    existing = own_comment(client, number=number, marker=mark)
    if existing is None and not creates:
        return PublishedComment(note="no comment written: there is none yet, and `comment` is not `always`")
    body = with_announcement(mark, measuring_line(commit, facts), existing.body if existing else "")
    comment = upsert_comment(client, number=number, marker=mark, body=body, is_newer=is_newer)
    return PublishedComment(url=comment.url, note=f"comment {comment.state} on pull request #{number}: {comment.url}")
