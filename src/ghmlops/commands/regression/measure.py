"""Reads the artifacts of every data set and judges them: the content of the evidence."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.artifacts.object_store import MISSING_OBJECT
from ghmlops.core.details.regression import SourceRow, regression_details
from ghmlops.core.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ghmlops.commands.regression.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.commands.shared.resolve_artifact import Resolved
    from ghmlops.core.policy.regression import Dataset, Regression
    from ghmlops.core.predictions.observation import NoiseFloor, Observation
    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.engine.engines import Engine

ROLES = ("baseline", "candidate", "labels", "noise")


def measure(job: Job, services: Services) -> EvidenceContent:
    """Read and judge the data sets; nothing is written.

    Raises:
        GhmlopsError: As `ghmlops.commands.regression.command.run`.
    """
    from ghmlops.core.predictions.private_values import withheld_values
    from ghmlops.core.reproduce.replay_inputs import write_inputs

    with withheld_values(job.policy.private_columns):
        observations, origins = _observe(job, services)
    content = judge(observations, job.policy)
    inputs = write_inputs(job.policy_path, job.engine.name, job.memory_limit, job.datasets)
    details = msgspec.structs.replace(regression_details(content.details), inputs=inputs, sources=origins)
    return dataclasses.replace(content, details=details)


def judge(observations: Sequence[Observation], policy: Regression) -> EvidenceContent:
    """Return the judgement of observations as the content of evidence, without the inputs of the run."""
    from ghmlops.commands.shared.evidence import EvidenceContent

    # Reading imports the judgement in another thread, so importing it here takes no time.
    if policy.targets:
        from ghmlops.core.predictions.several_targets import judge_targets

        judged = judge_targets(observations, policy)
    else:
        from ghmlops.core.predictions.judgement import judge_observations

        judged = judge_observations(observations, policy)
    fingerprints = {
        f"{one.dataset}/{role}" if one.dataset else role: fingerprint
        for one in observations
        for role, fingerprint in one.fingerprints.items()
    }
    return EvidenceContent(
        findings=judged.findings,
        measurements=judged.measurements,
        not_measured=judged.not_measured,
        details=judged.details,
        fingerprints=fingerprints,
    )


def _observe(job: Job, services: Services) -> tuple[list[Observation], list[SourceRow]]:
    """Read every data set; return the observations and the origin of each artifact."""
    from ghmlops.measure.predictions.engine.engines import start_engine

    observations: list[Observation] = []
    origins: list[SourceRow] = []
    with start_engine(job.engine) as engine:
        for dataset in job.datasets:
            with resolved_artifacts(dataset, job.token, services) as artifacts:
                origins += [
                    SourceRow(dataset=dataset.name, role=role, origin=artifact.provenance)
                    for role, artifact in artifacts.items()
                ]
                sources = {role: engine_source(artifact) for role, artifact in artifacts.items()}
                observed = observe_targets(engine, job.policy, sources, services.console.progress)
                observations += [msgspec.structs.replace(one, dataset=dataset.name) for one in observed]
    return observations, origins


def observe_targets(
    engine: Engine, policy: Regression, sources: Mapping[str, Source], progress: Callable[[str], None]
) -> list[Observation]:
    """Read one data set: once, or once per target and, for several labels, once for all labels of a row.

    Args:
        engine: the engine, started.
        policy: section `regression` of the policy.
        sources: artifacts by role; `labels` and `noise` may be absent.
        progress: called with a message about each step.

    Raises:
        GhmlopsError: As `ghmlops.commands.regression.command.run`.
    """
    if not policy.targets:
        return [observe(engine, policy, sources, progress)]
    from ghmlops.core.policy.targets import label_sets_policy, target_policy

    observations = []
    for target in policy.targets:
        progress(f"target {target.label}")
        one = observe(engine, target_policy(policy, target), sources, progress)
        observations.append(msgspec.structs.replace(one, target=target.label))
    if policy.task == "multilabel" and all(one.tables for one in observations):
        progress("all labels of a row")
        pair = {role: source for role, source in sources.items() if role != "noise"}
        observations.append(observe(engine, label_sets_policy(policy), pair, progress))
    return observations


def observe(
    engine: Engine, policy: Regression, sources: Mapping[str, Source], progress: Callable[[str], None]
) -> Observation:
    """Read one data set: pair the rows of its sources by key and aggregate them.

    Args:
        engine: the engine, started.
        policy: section `regression` of the policy.
        sources: artifacts by role; `labels` and `noise` may be absent.
        progress: called with a message about each step.

    Raises:
        GhmlopsError: As `ghmlops.commands.regression.command.run`.
    """
    from ghmlops.core.predictions.private_values import withheld_values
    from ghmlops.measure.predictions.engine.engines import open_engine
    from ghmlops.measure.predictions.reading import deferred_imports, read_predictions

    pair = {role: source for role, source in sources.items() if role != "noise"}
    with deferred_imports(), withheld_values(policy.private_columns), open_engine(engine, pair) as session:
        observation = read_predictions(session, policy, progress, score_distance="noise" in sources)
    floor = None
    if "noise" in sources and observation.tables:
        progress("reading the second baseline")
        with withheld_values(policy.private_columns):
            floor = _read_noise_floor(engine, policy, sources, progress)
    return msgspec.structs.replace(observation, noise=floor)


@contextlib.contextmanager
def resolved_artifacts(dataset: Dataset, token: str, services: Services) -> Iterator[dict[str, Resolved]]:
    """Return the artifacts of a data set by role; downloaded files are removed at the end.

    Raises:
        InputError: Two artifacts share a file.
        DataError: There are no files, or some cannot be used.
        GitHubError: An artifact of a workflow run cannot be downloaded.
    """
    from ghmlops.commands.shared.resolve_artifact import resolve
    from ghmlops.measure.temporary import temporary_folder

    with temporary_folder("ghmlops-artifacts-") as work:
        artifacts = {}
        for role in ROLES:
            if specs := getattr(dataset, role):
                spec = specs[0] if len(specs) == 1 else specs
                with _first_run(role):
                    artifacts[role] = resolve(spec, role, token=token, services=services, work=work)
        for role, title in (("candidate", "the candidate"), ("noise", "the second baseline")):
            if {role, "baseline"} <= artifacts.keys() and set(artifacts[role].files) & set(artifacts["baseline"].files):
                raise InputError(
                    f"{artifacts[role].display_name} is both the baseline and {title}; comparing a file with itself "
                    "shows nothing",
                    hint="name two files with --baseline and --candidate; one of them may be a copy of the other",
                )
        yield artifacts


@contextlib.contextmanager
def _first_run(role: str) -> Iterator[None]:
    """Convert the error that a store does not have the baseline into that of a first run.

    Raises:
        DataError: There is no baseline yet (reason code `no-baseline`), or the artifact cannot be used.
    """
    from ghmlops.commands.shared.baseline_file import no_baseline

    try:
        yield
    except DataError as error:
        if role == "baseline" and error.reason_code == MISSING_OBJECT:
            raise no_baseline(f"{error.message}; {error.hint}") from None
        raise


def engine_source(artifact: Resolved) -> Source:
    """Return a resolved artifact as the input of an engine."""
    from ghmlops.measure.predictions.artifacts.source import Source

    return Source(files=artifact.files, display_name=artifact.display_name, hive_root=artifact.hive_root)


def _read_noise_floor(
    engine: Engine, policy: Regression, sources: Mapping[str, Source], progress: Callable[[str], None]
) -> NoiseFloor:
    """Compare the baseline with the second baseline, as far as the noise floor needs it."""
    from ghmlops.core.policy.regression import Changed
    from ghmlops.core.predictions.observation import SCORE_DISTANCE, NoiseFloor
    from ghmlops.measure.predictions.engine.engines import open_engine
    from ghmlops.measure.predictions.reading import read_predictions

    other_seed = msgspec.structs.replace(
        policy,
        features=(),
        changed=Changed(),
        private=(),
        withheld=(),
        renamed={**policy.renamed, "candidate": policy.renamed.get("baseline", {})},
    )
    pair = {"baseline": sources["baseline"], "candidate": sources["noise"]}
    pair |= {"labels": sources["labels"]} if "labels" in sources else {}
    with open_engine(engine, pair) as session:
        observation = read_predictions(session, other_seed, progress, score_distance=True)
    if not observation.tables:
        raise InputError(
            f"{sources['noise'].display_name}: the second baseline has no row in common with the baseline",
            hint="`noise` is an artifact of the same recipe with another seed, on the same rows",
        )
    table = observation.tables[()]
    subgroups = observation if len(observation.tables) > 1 else None
    return NoiseFloor(counts=table.counts, score_distance=table.sums.get(SCORE_DISTANCE), subgroups=subgroups)
