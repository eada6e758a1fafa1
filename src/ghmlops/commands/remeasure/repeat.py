"""Repeats one comparison: only the candidate's predictions come from a job that runs code of the change."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from typing import TYPE_CHECKING

import msgspec

from ghmlops import __version__
from ghmlops.commands.remeasure.job import base_for, policy_at, policy_for
from ghmlops.core.details.regression import regression_details
from ghmlops.core.errors import DataError, GhmlopsError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome, conclude
from ghmlops.core.policy.regression import Dataset, Regression
from ghmlops.core.reproduce.remeasurement import Ruling, rule_remeasurement
from ghmlops.core.reproduce.replay_inputs import outside_reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.commands.regression.inputs import Inputs as RegressionInputs
    from ghmlops.commands.remeasure.job import Job
    from ghmlops.commands.remeasure.predictions import Predictions
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.evidence.loaded import Loaded

ORIGIN = ("code", "environment", "policy", "base-policy")
"""Fingerprints that do not follow from the predictions, so that the repetition takes them from the evidence."""


def repeat(job: Job, file: Loaded, predictions: Predictions, downloads: Path) -> Ruling:
    """Return how evidence compares with its repetition; what cannot be repeated is inconclusive.

    Args:
        job: what is judged, by which policy, against which baseline.
        file: the evidence.
        predictions: predictions of the candidate.
        downloads: folder for the predictions of the baseline, which must not exist.
    """
    evidence = file.evidence
    assert evidence is not None  # noqa: S101  (`prepare` selects readable files)
    try:
        content = _measure_again(job, evidence, predictions.of(file.artifact), downloads)
    except GhmlopsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        reason = f"{file.file} could not be measured again: {error.message.rstrip('.')}{hint}."
        return Ruling("evidence-not-repeated", Outcome.INCONCLUSIVE, reason)
    return rule_remeasurement(evidence, _as_evidence(evidence, content), file.file)


def _measure_again(job: Job, evidence: Evidence, candidate: Path, downloads: Path) -> EvidenceContent:
    """Measure with the candidate's predictions in `candidate`.

    Raises:
        GhmlopsError: The evidence contains no comparison or is about another commit or baseline, or data are missing.
    """
    from ghmlops.commands.regression.job import build_job
    from ghmlops.commands.regression.measure import measure

    if evidence.provenance.head_sha != job.commit:
        raise DataError(f"it is about another commit than {job.commit}")
    if evidence.details is None and evidence.outcome.severity >= Outcome.INCONCLUSIVE.severity:
        raise DataError(f"it contains no comparison: {evidence.reason}")
    base = base_for(job, evidence)
    policy = policy_for(job, evidence, base).regression
    if policy is None:
        raise PolicyError(f"{job.inputs.policy} has no section `regression`")
    if policy.predict:
        return _measure_predicted(job, base, policy, candidate, downloads)
    datasets = _datasets(policy, evidence)
    with _base_services(job, base, candidate, downloads) as services:
        datasets = _with_downloads(job, datasets, base, downloads)
        return measure(build_job(_inputs(job), policy, datasets), services)


def _inputs(job: Job) -> RegressionInputs:
    from ghmlops.commands.regression.inputs import Inputs

    return Inputs(
        policy=job.inputs.policy,
        engine=job.inputs.engine,
        memory_limit=job.inputs.memory_limit,
        token=job.inputs.token,
    )


def _measure_predicted(job: Job, base: str, policy: Regression, candidate: Path, downloads: Path) -> EvidenceContent:
    """Measure with a baseline that `predict` of the baseline's commit makes here; that code was reviewed.

    Raises:
        GhmlopsError: There is no baseline, its policy has no `predict`, or it cannot be predicted here.
    """
    from ghmlops.commands.check.builds import ArmBuilds
    from ghmlops.commands.check.predictions import PREDICTED
    from ghmlops.commands.regression.job import build_job
    from ghmlops.commands.regression.measure import measure
    from ghmlops.core.policy.preview import Preview

    if not base:
        raise DataError("there is no commit to compare with")
    own = policy_at(job, base)
    if own is None or own.regression is None or not own.regression.predict:
        raise DataError(f"the policy of {base[:12]} has no `predict`, and that of the change is not run here")
    downloads.mkdir()
    builds = ArmBuilds(services=job.services, base=base, evidence_dir=str(downloads), build_cache="")
    with builds, _base_services(job, base, candidate, downloads) as services:
        job.services.console.note(f"predicting the baseline {base[:12]}")
        section, settings = own.preview or Preview(), own.regression
        names, limit = policy.predicted_names, settings.predict_timeout
        predictions = builds.predictions("baseline", section, settings.predict, limit, names)
        baseline = downloads / predictions.name
        shutil.move(predictions, baseline)
        datasets = policy.predicted_datasets(str(baseline), PREDICTED)
        return measure(build_job(_inputs(job), policy, datasets), services)


def _datasets(policy: Regression, evidence: Evidence) -> tuple[Dataset, ...]:
    """Return the data sets of the policy. Only where it names no candidate, the evidence names it, in its artifact.

    Raises:
        DataError: The policy names no baseline, or a candidate is not part of the artifact.
    """
    recorded = regression_details(evidence.details).inputs
    names = {dataset.name: dataset.candidate for dataset in recorded.datasets} if recorded else {}
    datasets = []
    for dataset in policy.datasets or (Dataset(),):
        candidate = dataset.candidate or names.get(dataset.name, ())
        if not dataset.baseline or not candidate:
            raise DataError("the policy does not name the baseline, and inputs of the measuring job are not believed")
        for spec in candidate:
            remote = spec in dataset.candidate and (spec.startswith("artifact:") or "://" in spec)
            if not remote and (why := outside_reason(spec)):
                raise DataError(f"the candidate {spec[:80]!a} {why}, so it is not part of the artifact")
        datasets.append(msgspec.structs.replace(dataset, candidate=candidate))
    return tuple(datasets)


@contextlib.contextmanager
def _base_services(job: Job, base: str, candidate: Path, downloads: Path) -> Iterator[Services]:
    """Yield services that read the candidate from its artifact and everything else from the baseline's commit.

    Before a first deployment nothing else exists to compare with than the files of the judged commit.

    Raises:
        GitError: The commit is not part of the repository.
    """
    from ghmlops.act.git.worktree import worktree
    from ghmlops.commands.remeasure.base_files import BaseFiles
    from ghmlops.measure.checkout import top_folder

    services = job.services
    top = top_folder(services.cwd)
    if top is None:
        raise DataError("the working directory is not a git checkout", hint="check out with `fetch-depth: 0`")
    folder = os.path.relpath(services.cwd.resolve(), top)
    with worktree(services.cwd, base or job.commit, environ=services.environ, temp=services.context.temp) as root:
        trusted = BaseFiles(root=root.resolve(), top=top, folder=folder, downloads=downloads)
        yield dataclasses.replace(services, cwd=candidate.resolve(), trusted=trusted)


def _with_downloads(job: Job, datasets: tuple[Dataset, ...], base: str, downloads: Path) -> tuple[Dataset, ...]:
    """Return the data sets with the baseline's artifacts, which are fetched here and not taken from another job."""
    from ghmlops.commands.baseline.command import download_baseline
    from ghmlops.commands.baseline.resolve import BaseCommit
    from ghmlops.commands.shared.baseline_file import with_baseline, workflow_specs

    specs = workflow_specs(datasets)
    if not specs:
        return datasets
    baseline = download_baseline(specs, BaseCommit(base, "input"), downloads, job.inputs.token, job.services)
    return with_baseline(datasets, baseline, str(downloads))


def _as_evidence(before: Evidence, content: EvidenceContent) -> Evidence:
    """Return the repetition as evidence that differs from `before` only in its release, data and results."""
    outcome, code, reason = content.ruling or conclude(content.findings)
    origin = before.provenance
    unchanged = {name: value for name, value in origin.fingerprints.items() if name in ORIGIN}
    return Evidence(
        command=before.command,
        leg=before.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=msgspec.structs.replace(
            origin, version=__version__, fingerprints=unchanged | {k: v for k, v in content.fingerprints.items() if v}
        ),
        findings=content.findings,
        measurements=content.measurements,
        not_measured=content.not_measured,
        details=content.details,
    )
