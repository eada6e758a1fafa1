"""What is measured again, by which policy and against which baseline: from the trusted branch and GitHub's API."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.gate.job import deployed_base, environment_name, judged_commit
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.context import is_sha
from ghmlops.core.errors import DataError, InputError
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.verdict.admission import PULL_REQUEST_EVENTS
from ghmlops.core.verdict.repetition import can_be_repeated
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.remeasure.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence_source import EvidenceSource
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the repetition needs.

    Attributes:
        inputs: inputs of the command.
        services: services of the command.
        policy: the policy of the trusted branch.
        commit: full SHA of the commit that is judged.
        base: full SHA of the baseline's commit; empty if nothing was deployed yet, `None` if it is unknown because the
            judged commit itself is deployed.
        files: evidence of `regression` that can be repeated.
    """

    inputs: Inputs
    services: Services
    policy: Policy
    commit: str
    base: str | None
    files: Sequence[Loaded]


def prepare(inputs: Inputs, services: Services, client: Client | None, source: EvidenceSource) -> Job:
    """Read the trusted policy, and find the commit and its baseline.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is not valid.
        GitHubError: The deployments or the pull request could not be read.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    if source.run and not inputs.commit:
        commit = source.run.head_sha
    else:
        commit = judged_commit(inputs.commit.strip().lower(), services)
    files = [file for file in source.files if file.evidence and can_be_repeated(file.evidence)]
    environment = environment_name(inputs.environment or policy.gate.environment)
    base = _base(inputs, client, source, environment, policy.service, commit) if files else None
    return Job(inputs=inputs, services=services, policy=policy, commit=commit, base=base, files=files)


def _base(  # noqa: PLR0913, PLR0917  (facts that name the baseline)
    inputs: Inputs, client: Client | None, source: EvidenceSource, environment: str, service: str, commit: str
) -> str | None:
    if inputs.base:
        if not is_sha(inputs.base):
            raise InputError(
                f"input `base`: {inputs.base[:80]!a} is not a full SHA", hint="`git rev-parse NAME` prints it"
            )
        return inputs.base
    if client is None:
        return None
    if source.run and source.run.event in PULL_REQUEST_EVENTS:
        from ghmlops.commands.report.change import read_change

        return read_change(client, source.run, None).base_sha or None
    return deployed_base(client, environment, service, commit)


def base_for(job: Job, evidence: Evidence) -> str:
    """Return the baseline's commit for evidence; empty if nothing was deployed yet.

    If the judged commit itself is deployed, what was live before it is no longer recorded as live. The evidence then
    names its baseline, which must be part of the history that is checked out.

    Raises:
        DataError: The evidence compares with another commit, or with one that the trusted branch does not contain.
    """
    claim = evidence.provenance.base_sha
    if job.base is None:
        if claim and not checkout.is_ancestor_of_head(job.services.cwd, claim):
            raise DataError(f"it compares with {claim[:80]}, which is not part of the history that is checked out")
        return claim
    if claim != job.base:
        raise DataError(f"it compares with {claim[:80] or 'no commit'}, and the baseline is {job.base or 'absent'}")
    return job.base


def policy_for(job: Job, evidence: Evidence, base: str) -> Policy:
    """Return the trusted policy by which evidence was judged: of the checkout, the judged commit or the baseline's.

    The judged commit counts only if it is part of the history that is checked out, as for the gate.

    Raises:
        DataError: None of them judged it.
        PolicyError: The policy is not valid.
    """
    cwd, name = job.services.cwd, job.inputs.policy
    claim = evidence.provenance.fingerprints.get("policy", "")
    if claim == checkout.fingerprint(cwd / name):
        return job.policy
    path = os.path.relpath(cwd / name, cwd)
    for commit in dict.fromkeys((job.commit, base)):
        trusted = commit and (commit == base or checkout.is_ancestor_of_head(cwd, commit))
        if claim and trusted and claim == checkout.fingerprint_at(cwd, commit, path):
            return read_policy(checkout.git_read(cwd, "show", f"{commit}:./{path}"), f"{name} of {commit[:12]}")
    raise DataError("it was judged by a policy that is not part of the trusted branch")


def policy_at(job: Job, commit: str) -> Policy | None:
    """Return the policy of a commit; `None` if the commit has none.

    Raises:
        PolicyError: It is not valid.
    """
    path = os.path.relpath(job.services.cwd / job.inputs.policy, job.services.cwd)
    content = checkout.content_at(job.services.cwd, commit, path)
    return None if content is None else read_policy(content, f"{job.inputs.policy} of {commit[:12]}")
