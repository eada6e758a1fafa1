"""`ghmlops regression --rebuild CMD`: the same commit, built twice in fresh folders; is the artifact the same?"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.commands.regression.build import COUNTED, Build, Wanted, build_once, check_first
from ghmlops.commands.shared.base import Result
from ghmlops.core.artifacts.spec import LocalSpec, parse_specs
from ghmlops.core.details.regression import BuildRow, RebuildDetails, RebuildSettings
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import NotMeasured, Outcome, conclude
from ghmlops.core.quantities import size
from ghmlops.core.reproduce.replay_inputs import leads_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.reproduce.rebuild import Rebuilt

MAX_COLUMNS = 30
"""Columns and findings in the terminal's text; the evidence contains all."""
COMMAND = "rebuild"
"""Of the evidence. Not `regression`: two equal builds say nothing of the model, and must not stand in for its diff."""


def rebuild(inputs: Inputs, services: Services) -> Result:
    """Build the commit that is checked out twice, compare what the policy calls the candidate, write the evidence.

    A first build that fails says nothing about reproducibility and is an error; where only the second one fails, the
    build is not reproducible.

    Raises:
        InputError: the command is malformed, there is no commit, or the first build failed.
        PolicyError: the policy names no candidate that a build could write.
        DataError: the first build left no artifact, or one that cannot be read.
        GitError: the commit cannot be laid out.
    """
    from ghmlops.act.evidence import check_writable, evidence_name, write_evidence
    from ghmlops.commands.shared.provenance import commit_under_test, provenance

    wanted = _wanted(inputs, services)
    if inputs.dry_run:
        return _plan(wanted)
    check_writable(services.cwd / inputs.evidence_dir, COMMAND, inputs.leg)
    commit_under_test(services)  # known before anything is built
    started = services.now()
    builds: list[Build] = []
    with contextlib.ExitStack() as stack:
        for which in COUNTED:
            services.console.note(f"rebuild: the {which} build of {wanted.commit[:12]}")
            builds.append(build_once(wanted, services, stack))
            if which == "first":
                check_first(builds[0])
        built = [] if builds[1].problems else _compared(wanted, builds)
    findings = _findings(wanted, builds, built)
    outcome, code, reason = conclude(findings)
    prints = {f"{one.dataset}/{place}" if one.dataset else place: print_
              for one in built for place, print_ in zip(COUNTED, one.prints, strict=True)}  # fmt: skip
    evidence = Evidence(
        command=COMMAND,
        leg=inputs.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, fingerprints=prints),
        findings=findings,
        not_measured=_not_measured(services),
        details=_details(wanted, builds, built),
    )
    write_evidence(services.cwd / inputs.evidence_dir, evidence)
    return _result(evidence, built, str(Path(inputs.evidence_dir) / evidence_name(COMMAND, inputs.leg)))


def _wanted(inputs: Inputs, services: Services) -> Wanted:
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.measure import checkout
    from ghmlops.measure.builds.run import words_of

    words = words_of(inputs.rebuild)
    policy = load_policy(services.cwd / inputs.policy, inputs.policy).regression
    if policy is None:
        raise PolicyError(
            f"{inputs.policy} has no section `regression`", hint="add one: `regression: {task: binary, ...}`"
        )
    try:
        memory = size(inputs.memory_limit)
    except ValueError as error:
        raise InputError(f"input `memory-limit`: {error}", hint="--memory-limit 1GiB") from None
    specs = _specs(inputs, policy)
    commit = checkout.head_sha(services.cwd)
    if not commit:
        raise InputError(
            "--rebuild builds the commit that is checked out, and there is none", hint="run inside a git checkout"
        )
    prefix = checkout.git_read(services.cwd, "rev-parse", "--show-prefix")
    return Wanted(words=words, commit=commit, prefix=prefix, specs=specs, policy=policy, memory=memory)


def _specs(inputs: Inputs, policy: Regression) -> dict[str, tuple[LocalSpec, ...]]:
    """Return data set to the files that a build writes.

    Raises:
        InputError: the flag names one artifact, and there are several data sets.
        PolicyError: no candidate is named, or one that no build in a folder of its own can write.
    """
    named: dict[str, str | Sequence[str]] = {one.name: one.candidate for one in policy.datasets}
    if inputs.candidate:
        if len(named) > 1:
            raise InputError("--candidate beside several data sets", hint="name the artifacts in the policy")
        named = {next(iter(named), ""): inputs.candidate}
    found: dict[str, tuple[LocalSpec, ...]] = {}
    for dataset, texts in named.items():
        specs = parse_specs(texts, f"the candidate of {dataset}" if dataset else "the candidate") if texts else ()
        local = tuple(spec for spec in specs if isinstance(spec, LocalSpec) and not leads_out(spec.pattern))
        if len(local) < len(specs):
            odd = next(spec for spec in specs if spec not in local)
            raise PolicyError(
                f"--rebuild: the candidate {odd.text} lies outside of the folder that a build runs in, "
                "so two builds could not be told apart",
                hint="name it by a path from the repository's root: `candidate: predictions/candidate.parquet`",
            )
        if local:
            found[dataset] = local
    if not found or len(found) < len(named):
        raise PolicyError(
            f"--rebuild: {inputs.policy} does not say which artifact the build writes",
            hint="add `artifacts: {candidate: FILE}`, or give --candidate FILE",
        )
    return found


def _compared(wanted: Wanted, builds: Sequence[Build]) -> list[Rebuilt]:
    from ghmlops.core.reproduce.rebuild import Rebuilt
    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.sql.column_diff import compare_columns

    policy, found = wanted.policy, []
    key = [policy.column("candidate", column) for column in policy.key]
    tolerance = {policy.column("candidate", column): limit for column, limit in policy.tolerance.items()}
    for dataset, specs in wanted.specs.items():
        sides = [build.files[dataset] for build in builds]
        shown = [f"{specs[0].text} of the {which} build" for which in COUNTED]
        sources = [
            Source(files=tuple(side.paths.values()), display_name=name, hive_root=side.hive_root)
            for side, name in zip(sides, shown, strict=True)
        ]
        content = compare_columns(sources[0], sources[1], key, tolerance, wanted.memory)
        found.append(
            Rebuilt(
                dataset=dataset,
                names=tuple(spec.text for spec in specs),
                files=(len(sides[0].paths), len(sides[1].paths)),
                prints=(sides[0].fingerprint(), sides[1].fingerprint()),
                **{name: getattr(content, name) for name in content.__slots__},
            )
        )
    return found


def _findings(wanted: Wanted, builds: Sequence[Build], built: Sequence[Rebuilt]) -> list[Finding]:
    from ghmlops.core.reproduce.rebuild import finding, judge

    findings = [one for rebuilt in built for one in judge(rebuilt)]
    for problem in builds[1].problems:
        outcome = Outcome.INCONCLUSIVE if builds[1].ended.late else Outcome.FAIL
        said = f"The first build of {wanted.commit[:12]} succeeded, the second did not: {problem}."
        findings.append(finding("rebuild-failed", outcome, said))
    if outside := sorted({name for build in builds for name in build.outside}):
        more = f" and {len(outside) - 3:,} more" if len(outside) > 3 else ""
        said = (
            f"While a build ran, {', '.join(outside[:3])}{more} changed outside of its folder: "
            "what one build leaves there, the next one may read."
        )
        findings.append(finding("rebuild-outside", Outcome.WARN, said, n=len(outside)))
    return findings


def _not_measured(services: Services) -> list[NotMeasured]:
    from ghmlops.measure import checkout

    dirty = checkout.git_read(services.cwd, "status", "--porcelain", "--untracked-files=no")
    if not dirty:
        return []
    why = "a build has the files of the commit alone; commit what it needs"
    return [
        NotMeasured(what=f"rebuild: {len(dirty.splitlines()):,} files with changes that are not committed", why=why)
    ]


def _details(wanted: Wanted, builds: Sequence[Build], built: Sequence[Rebuilt]) -> RebuildDetails:
    from ghmlops.core.predictions.behaviour.determinism import determinism_table
    from ghmlops.core.reproduce.rebuild import rebuilt_row

    return RebuildDetails(
        settings=RebuildSettings(command=tuple(wanted.words), commit=wanted.commit, folder=wanted.prefix),
        runs=[
            BuildRow(build=which, seconds=build.ended.seconds, problem="; ".join(build.problems))
            for which, build in zip(COUNTED, builds, strict=True)
        ],
        builds=[rebuilt_row(one) for one in built],
        columns=[line for one in built for line in determinism_table(one.columns, one.dataset)],
    )


def _plan(wanted: Wanted) -> Result:
    from ghmlops.report.text.escape import printable

    lines = [f"would build commit {wanted.commit[:12]} twice, each time in a fresh folder", f"  {wanted.words}"]
    lines += [
        f"  and compare {', '.join(spec.text for spec in specs)}{f' ({name})' if name else ''}, paired by "
        f"{', '.join(wanted.policy.key)}"
        for name, specs in wanted.specs.items()
    ]
    return Result(
        outcome=Outcome.PASS,
        reason_code="dry-run",
        reason="The commit would be built twice.",
        text="\n".join(printable(line) for line in lines),
    )


def _result(evidence: Evidence, built: Sequence[Rebuilt], file: str) -> Result:
    from tabulate import tabulate

    from ghmlops.core.predictions.behaviour.determinism import determinism_table
    from ghmlops.report.text.escape import printable

    lines = [f"rebuild: {evidence.outcome.value}: {evidence.reason}", ""]
    for one in built:
        title = f"{one.dataset}: " if one.dataset else ""
        lines.append(f"{title}{one.kind}, {one.rows[0]:,} and {one.rows[1]:,} rows")
        table = [
            (printable(row.column)[:60], row.determinism, row.rows, row.changed, row.largest, row.tolerance)
            for row in determinism_table(one.columns)[:MAX_COLUMNS]
        ]
        headers = ("column", "determinism", "rows", "changed", "largest", "tolerance")
        lines += [*tabulate(table, headers=headers, disable_numparse=True).split("\n"), ""]
    lines += [f"{one.outcome.value}: {one.reason}" for one in evidence.findings if one.outcome is not Outcome.PASS][
        :MAX_COLUMNS
    ]
    lines += [f"not measured: {skipped.what}: {skipped.why}" for skipped in evidence.not_measured]
    lines.append(f"evidence: {file}")
    failed = sum(1 for one in evidence.findings if one.outcome is Outcome.FAIL)
    return Result(
        outcome=evidence.outcome,
        reason_code=evidence.reason_code,
        reason=evidence.reason,
        outputs={"evidence-file": file, "rows": str(sum(b.rows[0] for b in built)), "failed-findings": str(failed)},
        text="\n".join(printable(line) for line in lines),
        data={"evidence_file": file, "classes": {one.dataset: one.kind for one in built}, "failed_findings": failed},
        findings=tuple(evidence.findings),
    )
