"""The commit that a change is compared with, and its predictions; runs no code of the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.commands.baseline.resolve import BaseCommit, base_commit
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.baseline_file import BASELINE_NAME, NO_BASELINE, BaselineFile, workflow_specs
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.resolve_artifact import download_workflow_artifact
from ghmlops.core.artifacts.spec import WorkflowSpec, parse_spec
from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from ghmlops.measure.checkout import git_read
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.baseline.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy

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
        PolicyError: There is no valid policy.
        GitHubError: The deployments could not be read.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    environment = inputs.environment or policy.gate.environment
    base = base_commit(inputs, services, environment, policy.service)
    reason = f"The baseline is {base.sha[:12] or 'absent'}: {_TEXT[base.source].format(environment=environment)}."
    trusted = _trusted_policy(inputs, services, policy, base).regression
    specs = workflow_specs(trusted.datasets) if trusted else ()
    if inputs.dry_run:
        return dry_run_result(reason, terminal.block([reason, *(f"would download {spec}" for spec in specs)]))
    baseline = _download(specs, base, inputs, services)
    folder = services.cwd / inputs.baseline_dir
    write_atomically(folder / BASELINE_NAME, msgspec.json.format(msgspec.json.encode(baseline), indent=2) + b"\n")
    file = str(PurePosixPath(inputs.baseline_dir) / BASELINE_NAME)
    outcome = Outcome.INCONCLUSIVE if baseline.problems else Outcome.PASS if base.sha else Outcome.WARN
    return Result(
        outcome=outcome,
        reason_code=f"baseline-{'unreadable' if baseline.problems else base.source}",
        reason=reason,
        outputs={"base-sha": base.sha or NO_BASELINE, "source": base.source, "baseline-file": file},
        text=terminal.block([reason, f"written: {file}", *(f"{s}: {why}" for s, why in baseline.problems.items())]),
        data={"baseline": msgspec.to_builtins(baseline)},
    )


def _trusted_policy(inputs: Inputs, services: Services, policy: Policy, base: BaseCommit) -> Policy:
    """Return the policy of the baseline's commit; that of the checkout if the commit has none."""
    path = os.path.relpath(services.cwd / inputs.policy, services.cwd)
    content = git_read(services.cwd, "show", f"{base.sha}:./{path}") if base.sha else ""
    return read_policy(content, f"{inputs.policy} of {base.sha[:12]}") if content else policy


def _download(specs: tuple[str, ...], base: BaseCommit, inputs: Inputs, services: Services) -> BaselineFile:
    """Download each artifact into a separate folder; one that cannot be downloaded becomes a problem of the file."""
    root, artifacts, problems = services.cwd / inputs.baseline_dir, dict[str, str](), dict[str, str]()
    for number, text in enumerate(specs if base.sha else (), start=1):
        target = root / str(number)
        try:
            spec = _of_commit(text, base.sha)
            _remove(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            download_workflow_artifact(spec, inputs.token, services, target)
            artifacts[text] = f"{number}/{spec.path}" if spec.path else str(number)
        except GhmlopsError as error:
            services.console.note(f"{text}: {error.message}")
            problems[text] = f"{error.message}; {error.hint}" if error.hint else error.message
    return BaselineFile(base_sha=base.sha, source=base.source, artifacts=artifacts, problems=problems)


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
