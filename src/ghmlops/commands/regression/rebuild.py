"""`ghmlops regression --rebuild COMMAND`: builds the commit twice in fresh folders and compares the artifacts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ghmlops.commands.regression.build import BUILDS, MAX_NAMED, Build, RebuildJob, build_once, check_first_build
from ghmlops.core.artifacts.spec import LocalSpec, parse_specs
from ghmlops.core.details.rebuild import BuildRow, RebuildDetails, RebuildSettings
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.core.reproduce.replay_inputs import outside_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import EvidenceContent, Summary
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.reproduce.rebuild import BuildComparison

# Not `regression`: two equal builds say nothing about the model, and must not replace its comparison with the baseline.
COMMAND = "rebuild"
"""The command in the evidence."""


def rebuild(inputs: Inputs, services: Services) -> Result:
    """Build the checked-out commit twice, compare the policy's candidate artifacts, and write the evidence.

    A first build that fails is an error, because it says nothing about reproducibility. If only the second build fails,
    the build is not reproducible.

    Raises:
        InputError: The command is malformed, there is no commit, this process holds a token or another secret, or the
            first build failed.
        PolicyError: The policy names no candidate that a build could write.
        DataError: The first build left no artifact, or one that cannot be read.
        GitError: The commit cannot be checked out.
    """
    from ghmlops.commands.shared.evidence import open_recorder, record

    job = _prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    recorder = open_recorder(COMMAND, inputs, services)
    return record(recorder, _build_twice(job, services), _summarise)


def _build_twice(job: RebuildJob, services: Services) -> EvidenceContent:
    from ghmlops.commands.shared.evidence import EvidenceContent

    builds: list[Build] = []
    with contextlib.ExitStack() as stack:
        for name in BUILDS:
            services.console.note(f"rebuild: the {name} build of {job.commit[:12]}")
            builds.append(build_once(job, services, stack))
            if len(builds) == 1:
                check_first_build(builds[0])
        comparisons = [] if builds[1].problems else _compare(job, builds)
    fingerprints = {
        f"{comparison.dataset}/{name}" if comparison.dataset else name: fingerprint
        for comparison in comparisons
        for name, fingerprint in zip(BUILDS, comparison.fingerprints, strict=True)
    }
    return EvidenceContent(
        findings=_findings(job, builds, comparisons),
        not_measured=_not_measured(services),
        details=_details(job, builds, comparisons),
        fingerprints=fingerprints,
    )


def _refuse_credentials(inputs: Inputs, services: Services) -> None:
    """Refuse to build while this process holds a secret: the build can read /proc of every process of the same user.

    Raises:
        InputError: There is a token, or a variable contains a secret; the message names it, never its value.
    """
    from ghmlops.core.text.secret_variables import credential_names

    names = credential_names(services.environ)
    if not (names or inputs.token):
        return
    holders = ", ".join(names) or "the input `token`"
    unset = " ".join(f"-u {name}" for name in names) or "-u GHMLOPS_TOKEN"
    raise InputError(
        f"--rebuild runs the code of the change, which could read {holders} of this process",
        hint=f"build in a job without secrets, or run `env {unset} ghmlops regression --rebuild ...` without --token",
        reason_code="rebuild-with-credentials",
    )


def _prepare(inputs: Inputs, services: Services) -> RebuildJob:
    from ghmlops.commands.regression.job import memory_bytes, regression_policy
    from ghmlops.measure import checkout
    from ghmlops.measure.builds.run import split_command

    words = split_command(inputs.rebuild)
    _refuse_credentials(inputs, services)
    policy = regression_policy(inputs, services)
    memory = memory_bytes(inputs)
    specs = _candidate_specs(inputs, policy)
    commit = checkout.head_sha(services.cwd)
    if not commit:
        raise InputError(
            "--rebuild builds the checked-out commit, but no commit is checked out", hint="run inside a git checkout"
        )
    folder = checkout.git_read(services.cwd, "rev-parse", "--show-prefix")
    return RebuildJob(words=words, commit=commit, folder=folder, specs=specs, policy=policy, memory=memory)


def _candidate_specs(inputs: Inputs, policy: Regression) -> dict[str, tuple[LocalSpec, ...]]:
    """Return the files that a build writes, by data set.

    Raises:
        InputError: The flag names one artifact, and there are several data sets.
        PolicyError: No candidate is named, or one that a build in a fresh folder cannot write.
    """
    candidates: dict[str, str | Sequence[str]] = {one.name: one.candidate for one in policy.datasets}
    if inputs.candidate:
        if len(candidates) > 1:
            raise InputError(
                "--candidate cannot name the artifact of several data sets", hint="name the artifacts in the policy"
            )
        candidates = {next(iter(candidates), ""): inputs.candidate}
    local_specs: dict[str, tuple[LocalSpec, ...]] = {}
    for dataset, texts in candidates.items():
        specs = parse_specs(texts, f"the candidate of {dataset}" if dataset else "the candidate") if texts else ()
        local = tuple(spec for spec in specs if isinstance(spec, LocalSpec) and not outside_reason(spec.pattern))
        if len(local) < len(specs):
            outside = next(spec for spec in specs if spec not in local)
            raise PolicyError(
                f"--rebuild: the candidate {outside.text} is outside of the folder of a build, so both builds would "
                "write the same file",
                hint="name it by a path from the root of the repository: `candidate: predictions/candidate.parquet`",
            )
        if local:
            local_specs[dataset] = local
    if not local_specs or len(local_specs) < len(candidates):
        raise PolicyError(
            f"--rebuild: {inputs.policy} does not name the artifact that the build writes",
            hint="add `artifacts: {candidate: FILE}`, or use --candidate FILE",
        )
    return local_specs


def _compare(job: RebuildJob, builds: Sequence[Build]) -> list[BuildComparison]:
    from ghmlops.core.predictions.private_values import withheld_values
    from ghmlops.core.reproduce.rebuild import BuildComparison
    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.sql.column_diff import compare_columns

    policy = job.policy
    key = [policy.column("candidate", column) for column in policy.key]
    tolerance = {policy.column("candidate", column): limit for column, limit in policy.tolerance.items()}
    comparisons = []
    for dataset, specs in job.specs.items():
        first, second = (build.files[dataset] for build in builds)
        sources = [
            Source(
                files=tuple(files.paths.values()),
                display_name=f"{specs[0].text} of the {name} build",
                hive_root=files.hive_root,
            )
            for files, name in zip((first, second), BUILDS, strict=True)
        ]
        with withheld_values(policy.private_columns):
            content = compare_columns(sources[0], sources[1], key, tolerance, job.memory)
        comparisons.append(
            BuildComparison(
                dataset=dataset,
                names=tuple(spec.text for spec in specs),
                files=(len(first.paths), len(second.paths)),
                fingerprints=(first.fingerprint(), second.fingerprint()),
                content=content,
            )
        )
    return comparisons


def _findings(job: RebuildJob, builds: Sequence[Build], comparisons: Sequence[BuildComparison]) -> list[Finding]:
    from ghmlops.core.reproduce.rebuild import build_finding, judge_builds

    findings = [finding for comparison in comparisons for finding in judge_builds(comparison)]
    for problem in builds[1].problems:
        outcome = Outcome.INCONCLUSIVE if builds[1].result.timed_out else Outcome.FAIL
        reason = f"The first build of {job.commit[:12]} succeeded, the second did not: {problem}."
        findings.append(build_finding("rebuild-failed", outcome, reason))
    if outside := sorted({name for build in builds for name in build.outside}):
        more = f" and {len(outside) - MAX_NAMED:,} more" if len(outside) > MAX_NAMED else ""
        reason = (
            f"{', '.join(outside[:MAX_NAMED])}{more} changed outside of the folder of a build while it ran; the next "
            "build may read these files."
        )
        findings.append(build_finding("rebuild-outside", Outcome.WARN, reason, n=len(outside)))
    return findings


def _not_measured(services: Services) -> list[NotMeasured]:
    from ghmlops.measure import checkout

    status = checkout.git_read(services.cwd, "status", "--porcelain", "--untracked-files=no")
    if not status:
        return []
    changed = len(status.splitlines())
    what = f"rebuild: {changed:,} file{'' if changed == 1 else 's'} with uncommitted changes"
    return [NotMeasured(what=what, why="a build has only the files of the commit; commit what it needs")]


def _details(job: RebuildJob, builds: Sequence[Build], comparisons: Sequence[BuildComparison]) -> RebuildDetails:
    from ghmlops.core.predictions.behaviour.determinism import determinism_table
    from ghmlops.core.reproduce.rebuild import rebuilt_row

    return RebuildDetails(
        settings=RebuildSettings(command=tuple(job.words), commit=job.commit, folder=job.folder),
        runs=[
            BuildRow(build=name, seconds=build.result.seconds, problem="; ".join(build.problems))
            for name, build in zip(BUILDS, builds, strict=True)
        ],
        builds=[rebuilt_row(comparison) for comparison in comparisons],
        columns=[row for one in comparisons for row in determinism_table(one.content.columns, one.dataset)],
    )


def _dry_run(job: RebuildJob) -> Result:
    from ghmlops.commands.shared.base import dry_run_result
    from ghmlops.report.formats import terminal

    lines = [f"would build commit {job.commit[:12]} twice, each time in a fresh folder", f"  {job.words}"]
    for dataset, specs in job.specs.items():
        artifact = ", ".join(spec.text for spec in specs)
        title = f" ({dataset})" if dataset else ""
        lines.append(f"  and compare {artifact}{title}, paired by {', '.join(job.policy.key)}")
    return dry_run_result("Nothing was built.", terminal.block(lines))


def _summarise(evidence: Evidence, file: str) -> Summary:
    from ghmlops.commands.shared.evidence import Summary
    from ghmlops.report.formats import terminal_reproduction

    builds = evidence.details.builds if isinstance(evidence.details, RebuildDetails) else []
    failed = sum(finding.outcome is Outcome.FAIL for finding in evidence.findings)
    return Summary(
        text=terminal_reproduction.rebuild(evidence, file),
        outputs={"rows": str(sum(row.rows for row in builds)), "failed-findings": str(failed)},
        data={"classes": {row.dataset: row.reproducibility for row in builds}, "failed_findings": failed},
    )
