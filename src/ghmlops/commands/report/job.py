"""Everything that `ghmlops report` reports: the verdict over the evidence folder, and facts about the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.baseline.affected import leaves_untouched
from ghmlops.commands.report.change import Change, read_change
from ghmlops.commands.report.judge_changed import judge_findings, with_findings
from ghmlops.commands.shared.evidence_source import read_evidence
from ghmlops.commands.shared.policy_file import history_policies, load_policy, parse_policy, repository_file
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.commands.shared.provenance import local_commit
from ghmlops.core.context import dig
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.remeasured import read_remeasured
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.input_files import input_files
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.review import accept_inputs
from ghmlops.core.verdict.rules import Rules
from ghmlops.measure import checkout
from ghmlops.report.comment.comment_mode import check_mode
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.text.escape import safe_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.commands.report.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is reported, and on which pull request.

    Attributes:
        verdict: the verdict over the evidence.
        evidence: the evidence files that could be read.
        files: all evidence files, with the histogram logs beside them.
        facts: facts about the run.
        pull_request: number of the pull request; `None` if neither the input nor the event contains it.
        run: the run that measured, as the API reports it; `None` if the evidence comes from a folder.
        warnings: what people should know, and is no part of the verdict.
    """

    verdict: Verdict
    evidence: Sequence[Evidence]
    files: Sequence[Loaded]
    facts: Facts
    pull_request: int | None
    run: RunFacts | None = None
    warnings: tuple[Finding, ...] = ()


def prepare(inputs: Inputs, services: Services, open_client: Callable[[], Client]) -> Job:
    """Read the policy and the evidence, and merge the evidence into a verdict.

    With `run-id`, commit and pull request come from GitHub's API; evidence that does not belong to them is a finding.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        open_client: returns the connection to GitHub.

    Raises:
        InputError: An input is malformed, or a pull-request event contains no pull request.
        PolicyError: The policy file exists and is not valid.
        EvidenceError: Evidence of a folder was measured for another commit.
        GitHubError: The evidence of a run could not be fetched.
    """
    pull_request = requested_pull_request(inputs, services)
    # Evidence can be reported without a policy.
    policy_file = services.cwd / inputs.policy
    policy = load_policy(policy_file, inputs.policy) if policy_file.exists() else None
    client = open_client() if inputs.run_id and inputs.token else None
    source = read_evidence(inputs, services, client, origin=inputs.evidence_from)
    commit = source.run.head_sha if source.run else local_commit(services) or _measured_commit(source.files)
    if not source.run:
        _check_commit(source.files, commit)
    repository = services.context.repository or checkout.repository_name(services.cwd)
    rules = Rules(
        commit=commit,
        required=policy.required_before_merge if policy else (),
        now=services.now(),
        max_age=(policy.gate if policy else Gate()).max_age,
        repository=repository,
        remeasured=read_remeasured(inputs.remeasured),
    )
    change = Change(pull_request)
    if source.run:
        change = read_change(open_client(), source.run, pull_request)
        rules = msgspec.structs.replace(rules, run=source.run, base_sha=change.base_sha or None, strict=True)
        path = repository_file(inputs.policy, services)
        if policy:
            rules = _demanding(rules, policy, inputs, services)
            reviewed = _reviewed_policy(open_client(), change, commit, path)
            untouched = change.all_files and leaves_untouched(policy, inputs.policy, change.files, services)
            rules = msgspec.structs.replace(rules, head_policy=reviewed, unaffected=untouched)
        else:
            rules = _demanding_added(rules, open_client(), path)
    verdict = merge(source.files, rules, service=policy.service if policy else service_name(repository, services))
    verdict = with_findings(verdict, _judge_findings(change, policy, inputs, services))
    verdict = accept_inputs(verdict, change.reviewer)
    schedule = look_at_schedule(policy, services, client=client)
    absent = [*verdict.not_measured, *source.absent, *_live_only(policy, source.files), *schedule.unwatched]
    return Job(
        verdict=msgspec.structs.replace(verdict, not_measured=absent),
        evidence=[file.evidence for file in source.files if file.evidence],
        files=source.files,
        facts=run_facts(inputs, services, policy, repository, source.run),
        pull_request=change.number,
        run=source.run,
        warnings=schedule.warnings,
    )


def _live_only(policy: Policy | None, files: Sequence[Loaded]) -> list[NotMeasured]:
    """Return that the policy compares live traffic, as long as no log of it was judged."""
    measured = any(file.evidence and file.evidence.command == "shadow" for file in files)
    if policy is None or not policy.shadows_live_traffic or measured:
        return []
    why = "it compares logs of live traffic (`access-logs`), which exist from the deployment on; the gate requires it"
    return [NotMeasured(what="evidence of `shadow`", why=why)]


def _demanding(rules: Rules, policy: Policy, inputs: Inputs, services: Services) -> Rules:
    """Return the rules by which evidence must judge all that the trusted policy demands."""
    return msgspec.structs.replace(
        rules,
        policy=checkout.fingerprint(services.cwd / inputs.policy),
        # What the policy of an older commit judged is held to the trusted one, so that no change chooses its judge.
        policies=dict.fromkeys(history_policies(rules.base_sha or "", inputs.policy, services)),
        service=policy.service,
        legs=policy.gate.legs,
        first_run=Outcome(policy.gate.first_run),
        requirements=policy,
    )


def _demanding_added(rules: Rules, client: Client, path: str) -> Rules:
    """Return the rules of the policy that the change adds: without a trusted one it judges alone.

    That it does so is the finding `policy-added`. A policy that cannot be read demands nothing; `check` reports it.
    """
    from ghmlops.measure.github.commits import read_file

    content = read_file(client, path, rules.commit)
    policy = None if content is None else parse_policy(content.decode(errors="replace"), path)
    if content is None or policy is None:
        return rules
    return msgspec.structs.replace(
        rules,
        policy=checkout.fingerprint_of(content),
        service=policy.service,
        required=policy.required_before_merge,
        max_age=policy.gate.max_age,
        legs=policy.gate.legs,
        first_run=Outcome(policy.gate.first_run),
        requirements=policy,
        policy_added=True,
    )


def _reviewed_policy(client: Client, change: Change, commit: str, path: str) -> str:
    """Return the fingerprint of the policy of the change, if it is new and a maintainer reviewed it; else empty."""
    from ghmlops.measure.github.commits import read_file

    if not change.reviewer or path not in change.files:
        return ""
    content = read_file(client, path, commit)
    return "" if content is None else checkout.fingerprint_of(content)


def _judge_findings(change: Change, policy: Policy | None, inputs: Inputs, services: Services) -> list[Finding]:
    """Return whether the change alters what judges it, by GitHub's list of its files."""
    names = input_files(policy) if policy else {}
    files = {repository_file(name, services): role for name, role in names.items()}
    return judge_findings(change, repository_file(inputs.policy, services), policy is not None, files)


def requested_pull_request(inputs: Inputs, services: Services) -> int | None:
    """Return the number of the pull request by the input or the event; `None` if neither contains it.

    Raises:
        InputError: An input is malformed, or a pull-request event contains no pull request.
    """
    check_mode(inputs.comment)
    hints = {
        "artifact-url": "pass the output `artifact-url` of the step that uploads the evidence",
        "page-url": "pass the address of the uploaded page or of this run",
    }
    for name, url in (("artifact-url", inputs.artifact_url), ("page-url", inputs.page_url)):
        if url and not safe_url(url):
            message = f'input `{name}`: expected an http or https address, got "{url[:80]}"'
            raise InputError(message, hint=hints[name])
    if inputs.pull_request == 0:
        raise InputError("input `pull-request`: 0 is not a pull request", hint="--pull-request 1")
    context = services.context
    number = inputs.pull_request or context.pull_request
    if inputs.comment != "off" and number is None and context.event_name in PULL_REQUEST_EVENTS:
        raise InputError(
            f"event file {context.event_path or '(none)'} of a {context.event_name} event contains no pull request",
            hint="name it with --pull-request, or pass --comment off",
        )
    return number


def service_name(repository: str, services: Services) -> str:
    """Return the name of a service without a policy: that of the repository or of the folder."""
    return repository.rpartition("/")[2] or services.cwd.name


def _measured_commit(files: Sequence[Loaded]) -> str:
    """Return the commit that all evidence names, for a report outside of a checkout; empty if there is no such one."""
    commits = {file.evidence.provenance.head_sha for file in files if file.evidence}
    return commits.pop() if len(commits) == 1 else ""


def _check_commit(files: Sequence[Loaded], commit: str) -> None:
    for file in files:
        if file.evidence and file.evidence.provenance.head_sha != commit:
            measured_commit = file.evidence.provenance.head_sha[:64] or "(none)"
            raise EvidenceError(
                f"{file.file} was measured for commit {measured_commit}, and this run is about {commit}",
                hint="provide the evidence of this commit, or check out the commit that was measured",
            )


def run_facts(
    inputs: Inputs, services: Services, policy: Policy | None, repository: str, run: RunFacts | None
) -> Facts:
    """Return the facts about the run that measured; in the second stage that is another run than this one."""
    context = services.context
    # In the second stage the run that counts is the one that measured. GitHub names it, not the artifact.
    measuring_run = dig(context.event, "workflow_run") if context.event_name == "workflow_run" else None
    run_id, attempt = dig(measuring_run, "id"), dig(measuring_run, "run_attempt")
    if run:
        run_id, attempt = int(run.run_id), run.attempt
    has_url = isinstance(run_id, int) and context.server_url and context.repository
    run_url = f"{context.server_url}/{context.repository}/actions/runs/{run_id}" if has_url else context.run_url
    return Facts(
        workflow=context.workflow,
        server_url=context.server_url,
        repository=repository,
        base_sha=context.base_sha,
        run_id=str(run_id) if isinstance(run_id, int) else context.run_id,
        run_attempt=attempt if isinstance(attempt, int) and attempt > 0 else context.run_attempt,
        run_url=run_url,
        artifact_url=inputs.artifact_url,
        page_url=inputs.page_url,
        dashboard_url=policy.history.page.url if policy else "",
        docs_url=_docs_url(),
        policy=inputs.policy if policy else "",
        required=policy.required_before_merge if policy else (),
        evidence_dir=inputs.evidence_dir,
    )


def _docs_url() -> str:
    """Return the address of this project's files, from the package's own metadata."""
    from importlib.metadata import metadata

    urls = dict(entry.split(", ", 1) for entry in metadata("ghmlops").get_all("Project-URL") or [])
    return f"{urls['Homepage']}/blob/main/" if "Homepage" in urls else ""
