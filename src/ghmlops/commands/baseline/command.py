"""The commit that a change is compared with, and its predictions; runs no code of the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.commands.baseline.affected import unaffected
from ghmlops.commands.baseline.builds import cached_builds
from ghmlops.commands.baseline.resolve import BaseCommit, base_commit, deployed_commit
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.baseline_file import BASELINE_NAME, NO_BASELINE, BaselineFile, workflow_specs
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.resolve_artifact import download_workflow_artifact
from ghmlops.core.artifacts.spec import WorkflowSpec, parse_spec
from ghmlops.core.errors import GhmlopsError, InputError, PolicyError
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from ghmlops.measure.checkout import git_read
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.commands.baseline.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy

_ABSENT = ("artifact-missing", "artifact-expired")
"""Reason codes of an artifact that no run has, or has no longer."""
_TEXT = {
    "deployment": "the newest successful deployment to {environment}",
    "merge-base": "the merge base of the pull request with its target branch",
    "merge-queue": "the commit that the merge queue builds on",
    "input": "the commit of the input `base`",
    "none": "no deployment to {environment} has succeeded yet: only objectives are judged",
}


def run(inputs: Inputs, services: Services) -> Result:
    """Find the baseline's commit, download its predictions, and write baseline.json beside them.

    The policy is that of the baseline's commit, because a change must not choose what it is compared with. A prediction
    artifact that cannot be downloaded becomes an entry of the file, so that the measurement still runs and its
    comparison is inconclusive.

    Raises:
        InputError: The baseline's commit is unknown.
        PolicyError: The baseline is what is deployed, and there is no valid policy that names the service.
        GitHubError: The deployments could not be read.
    """
    environment = inputs.environment

    def deployed() -> str:
        nonlocal environment
        policy = load_policy(services.cwd / inputs.policy, inputs.policy)
        environment = environment or policy.gate.environment
        return deployed_commit(inputs.token, services, environment, policy.service)

    base = base_commit(inputs, services, deployed)
    reason = f"The baseline is {base.sha[:12] or 'absent'}: {_TEXT[base.source].format(environment=environment)}."
    path = os.path.relpath(services.cwd / inputs.policy, services.cwd)
    content = git_read(services.cwd, "show", f"{base.sha}:./{path}") if base.sha else ""
    head_policy = _valid(lambda: load_policy(services.cwd / inputs.policy, inputs.policy), services)
    base_policy = (
        _valid(lambda: read_policy(content, f"{inputs.policy} of {base.sha[:12]}"), services) if content else None
    )
    # The policy of the checkout names the artifacts only if the baseline's commit has none.
    judging = base_policy if content else head_policy
    specs = workflow_specs(judging.regression.datasets) if judging and judging.regression else ()
    if inputs.dry_run:
        return dry_run_result(reason, terminal.block([reason, *(f"would download {spec}" for spec in specs)]))
    folder = services.cwd / inputs.baseline_dir
    baseline = download_baseline(specs, base, folder, inputs.token, services)
    builds = cached_builds(inputs.token, services, (base.sha, base_policy), head_policy)
    baseline = msgspec.structs.replace(baseline, build=builds.key)
    write_atomically(folder / BASELINE_NAME, msgspec.json.format(msgspec.json.encode(baseline), indent=2) + b"\n")
    file = str(PurePosixPath(inputs.baseline_dir) / BASELINE_NAME)
    complete = base.sha and not baseline.absent
    outcome = Outcome.INCONCLUSIVE if baseline.problems else Outcome.PASS if complete else Outcome.WARN
    state = "unreadable" if baseline.problems else "absent" if baseline.absent else base.source
    without = baseline.problems | baseline.absent
    return Result(
        outcome=outcome,
        reason_code=f"baseline-{state}",
        reason=reason,
        outputs={
            "base-sha": base.sha or NO_BASELINE,
            "source": base.source,
            "baseline-file": file,
            "affected": str(_affected(inputs, services, base, head_policy)).lower(),
            "build-key": builds.key,
            "build-missing": str(builds.missing).lower(),
        },
        text=terminal.block([reason, f"written: {file}", *(f"{s}: {why}" for s, why in without.items())]),
        data={"baseline": msgspec.to_builtins(baseline)},
    )


def _affected(inputs: Inputs, services: Services, base: BaseCommit, policy: Policy | None) -> bool:
    """Return whether the change has to be measured; a policy that is not valid is reported by the job that measures."""
    return policy is None or unaffected(policy, inputs.policy, base.sha, services) is None


def _valid(read: Callable[[], Policy], services: Services) -> Policy | None:
    """Return a policy; `None` if it is not valid: the job that measures reports it, so that a change can repair it."""
    try:
        return read()
    except PolicyError as error:
        services.console.note(f"{error.message}")
        return None


def download_baseline(
    specs: tuple[str, ...], base: BaseCommit, root: Path, token: str, services: Services
) -> BaselineFile:
    """Download each artifact into a separate folder; one that cannot be downloaded becomes a problem of the file.

    Args:
        specs: artifacts of workflow runs, as the policy names them.
        base: commit of the baseline; without one nothing is downloaded.
        root: folder to create the folders in.
        token: GitHub token.
        services: services of the command.
    """
    artifacts, problems, absent = dict[str, str](), dict[str, str](), dict[str, str]()
    for number, text in enumerate(specs if base.sha else (), start=1):
        target = root / str(number)
        try:
            spec = _of_commit(text, base.sha)
            _remove(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            download_workflow_artifact(spec, token, services, target)
            artifacts[text] = f"{number}/{spec.path}" if spec.path else str(number)
        except GhmlopsError as error:
            services.console.note(f"{text}: {error.message}")
            reasons = absent if error.reason_code in _ABSENT else problems
            reasons[text] = f"{error.message}; {error.hint}" if error.hint else error.message
    return BaselineFile(base_sha=base.sha, source=base.source, artifacts=artifacts, problems=problems, absent=absent)


def _of_commit(text: str, sha: str) -> WorkflowSpec:
    """Return the specification, with the baseline's commit in place of a branch, whose tip may be another commit."""
    spec = parse_spec(text, "the policy")
    assert isinstance(spec, WorkflowSpec)  # noqa: S101  (`workflow_specs` returns no other kind)
    return WorkflowSpec(name=spec.name, sha=sha, path=spec.path) if spec.branch else spec


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"cannot remove {folder}: {error.strerror}", hint="name another --baseline-dir") from None
