"""The predictions of both arms, by `regression.predict` of the policies of their commits."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.commands.shared.baseline_file import no_baseline
from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.policy.input_files import is_local
from ghmlops.core.policy.preview import Preview

if TYPE_CHECKING:
    from ghmlops.commands.check.job import Job
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression


PREDICTED = "ghmlops-predicted.parquet"
"""Name of the candidate's predictions of `predict` in the folder `predictions-dir`."""


def predicted(job: Job) -> dict[str, str]:
    """Return the files that `predict` wrote, as inputs of `regression`; empty if the policy that judges has none.

    The candidate is predicted first: all of its processes have ended before the baseline's predictions exist. Files
    that an input names take the place of those that `predict` would write.

    Raises:
        DataError: There is no baseline yet (reason code `no-baseline`).
        GitError: The commit of the baseline cannot be checked out.
        InputError: An environment cannot be created.
        ServiceError: A build or a prediction failed; the message names the arm.
    """
    judging, inputs = job.policy.regression, job.inputs
    if judging is None or not judging.predict:
        _require_committed_baseline(job)
        return {}
    files = {name: getattr(inputs, name) for name in ("candidate", "baseline") if getattr(inputs, name)}
    if "candidate" not in files:
        files["candidate"] = _predict(job, "candidate", job.head_policy, judging)
        _copy_candidate(job, Path(files["candidate"]), private=_private(job))
        files["predictions_dir"] = ""
    if "baseline" not in files:
        if not job.base:
            raise no_baseline("there is no commit to compare with")
        try:
            files["baseline"] = _predict(job, "baseline", job.base_policy or job.head_policy, judging)
        except ServiceError as error:
            if _base_predicts(job):
                raise
            why = f"the policy of {job.base[:12]} has no `predict`, and that of the change does not run there"
            raise no_baseline(f"{why}: {error.message}") from None
    return files


def _private(job: Job) -> tuple[str, ...]:
    """Return the private columns of both policies."""
    from ghmlops.commands.shared.policy_file import base_policy

    policies = (job.policy, base_policy(job.inputs.policy, job.services))
    return tuple(name for one in policies if one and one.regression for name in one.regression.private)


def _require_committed_baseline(job: Job) -> None:
    """Check that a file that is baseline and candidate exists in the baseline's commit, which is where it is read.

    Raises:
        DataError: There is no such commit, or it does not have the file yet (reason code `no-baseline`).
    """
    from ghmlops.commands.shared.trusted_inputs import existing, repository_path

    regression, inputs, trusted = job.policy.regression, job.inputs, job.services.trusted
    if regression is None or inputs.baseline or inputs.candidate:
        return
    for dataset in regression.datasets:
        for spec in filter(is_local, set(dataset.baseline) & set(dataset.candidate)):
            if not job.base:
                raise no_baseline("there is no commit to compare with")
            relative = repository_path(job.services.cwd, trusted.top, spec) if trusted else ""
            if trusted and relative and not existing(trusted.root, relative):
                raise no_baseline(f"{job.base[:12]} does not contain {spec}")


def _copy_candidate(job: Job, predictions: Path, *, private: tuple[str, ...]) -> None:
    """Copy the predictions for a job that measures again; their name there is fixed, because no policy names them.

    Raises:
        InputError: The folder cannot be written.
    """
    if not job.inputs.predictions_dir:
        return
    if private:
        job.services.console.note("the candidate's predictions are not copied: the policy has private columns")
        return
    target = job.services.cwd / job.inputs.predictions_dir / PREDICTED
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if predictions.is_dir():
            shutil.copytree(predictions, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(predictions, target)
    except OSError as error:
        raise InputError(
            f"cannot copy the predictions to {job.inputs.predictions_dir}: {error.strerror}",
            hint="name a folder with enough space: --predictions-dir FOLDER",
        ) from None


def _predict(job: Job, name: str, policy: Policy, fallback: Regression) -> str:
    """Run `predict` of the policy of the arm's commit; of the policy that judges if that has none."""
    own = policy.regression if policy.regression and policy.regression.predict else fallback
    section = policy.preview or job.head_policy.preview or Preview()
    job.services.console.note(f"regression: predicting the {name}")
    # The data sets are those of the policy that judges, for both arms.
    names = fallback.predicted_names
    return str(job.builds.predictions(name, section, own.predict, own.predict_timeout, names))


def _base_predicts(job: Job) -> bool:
    """Return whether the policy of the baseline's commit has `predict`, so that its failure is an error."""
    trusted = job.services.trusted
    if trusted is None or trusted.policy(job.services.cwd, job.inputs.policy) is None:
        return False
    base = job.base_policy
    return base is None or (base.regression is not None and bool(base.regression.predict))
