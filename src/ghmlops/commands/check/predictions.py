"""The predictions of both arms, by `regression.predict` of the policies of their commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.baseline_file import no_baseline
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.preview import Preview

if TYPE_CHECKING:
    from ghmlops.commands.check.job import Job
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression


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
        return {}
    files = {name: getattr(inputs, name) for name in ("candidate", "baseline") if getattr(inputs, name)}
    if "candidate" not in files:
        files["candidate"] = _predict(job, "candidate", job.head_policy, judging)
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


def _predict(job: Job, name: str, policy: Policy, fallback: Regression) -> str:
    """Run `predict` of the policy of the arm's commit; of the policy that judges if that has none."""
    own = policy.regression if policy.regression and policy.regression.predict else fallback
    section = policy.preview or job.head_policy.preview or Preview()
    job.services.console.note(f"regression: predicting the {name}")
    return str(job.builds.predictions(name, section, own.predict, own.predict_timeout))


def _base_predicts(job: Job) -> bool:
    """Return whether the policy of the baseline's commit has `predict`, so that its failure is an error."""
    trusted = job.services.trusted
    if trusted is None or trusted.policy(job.services.cwd, job.inputs.policy) is None:
        return False
    base = job.base_policy
    return base is None or (base.regression is not None and bool(base.regression.predict))
