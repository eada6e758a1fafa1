"""`ghmlops regression --replay FILE`: repeats the measurement of an evidence file and compares the results."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.regression import regression_details
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome, conclude
from ghmlops.core.reproduce import replay_findings
from ghmlops.core.reproduce.replay import compare_runs
from ghmlops.core.reproduce.replay_inputs import check_policy_path, read_inputs, replay_datasets
from ghmlops.core.text.plain_name import is_plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.regression.job import Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import EvidenceContent, Summary
    from ghmlops.core.reproduce.replay import RunComparison

COMMAND, LEG = "regression", "replay"


def replay(inputs: Inputs, services: Services) -> Result:
    """Repeat the measurement of the evidence file `inputs.replay`, compare, and write new evidence.

    The new file has the leg `replay` (`LEG-replay` if the evidence has a leg), so that the old file remains. It
    contains the new measurement with the findings `replay-*` before its own, and its outcome is the worst of all. The
    result of the step is that of the comparison alone: a failure that is reproduced passes.

    Args:
        inputs: Inputs of the command; artifacts, policy, engine and memory limit override those of the file.
        services: Services of the command.

    Raises:
        EvidenceError: The file is missing, truncated, too large, of another schema or command, itself a replay, or
            names artifacts outside the repository that neither policy nor inputs name.
        InputError: Flags name artifacts although there are several data sets, or the new file would replace the old
            one.
        PolicyError: The policy cannot be read.
    """
    from ghmlops.act.evidence import evidence_name
    from ghmlops.commands.regression.measure import measure
    from ghmlops.commands.shared.evidence import build, open_recorder, record

    path = services.cwd / inputs.replay
    before, digest = _read_evidence(path, inputs.replay)
    job = _prepare(before, inputs, services)
    recorder = open_recorder(COMMAND, inputs, services, leg=inputs.leg or _leg(before))
    if (recorder.folder / evidence_name(COMMAND, recorder.leg)).resolve() == path.resolve():
        raise InputError(f"--replay {inputs.replay}: the new evidence would replace the file", hint="use another --leg")
    notes = _notes(before, recorder.provenance.head_sha, inputs.replay)
    if inputs.dry_run:
        return _dry_run(job, notes)
    _check_private(before, job, recorder.provenance.fingerprints, inputs.replay)
    for note in notes:
        services.console.note(f"replay: {note}")
    content = measure(job, services)
    comparison = compare_runs(before, build(recorder, content))

    def summarise(_: Evidence, file: str) -> Summary:
        return _summarise(comparison, before, file)

    result = record(recorder, _with_comparison(content, comparison, inputs.replay, digest), summarise)
    outcome, code, reason = replay_findings.rule_replay(comparison)
    findings = tuple(replay_findings.judge_replay(comparison))
    return dataclasses.replace(result, outcome=outcome, reason_code=code, reason=reason, findings=findings)


def _read_evidence(path: Path, name: str) -> tuple[Evidence, str]:
    """Return the evidence and the digest of its file, which another job may have written.

    Raises:
        EvidenceError: The file cannot be replayed.
    """
    from ghmlops.measure.evidence import decode, read_bounded

    data = read_bounded(path, name)
    evidence = decode(data, Evidence, EVIDENCE_SCHEMA, name)
    if evidence.command != COMMAND:
        raise EvidenceError(
            f"{name} is evidence of `{_printable(evidence.command)}`, not of `{COMMAND}`",
            hint="only a command whose results follow from files alone can be replayed: use evidence/regression.json",
        )
    if regression_details(evidence.details).replay is not None:
        raise EvidenceError(f"{name} is itself a replay", hint="replay the evidence that it was compared with")
    return evidence, f"sha256:{hashlib.sha256(data).hexdigest()}"


def leg_by_name(inputs: Inputs) -> str:
    """Return the leg of the new evidence, as far as the name of the file to replay shows it before it is read."""
    command, _, leg = PurePath(inputs.replay).stem.partition("-")
    repeated = f"{leg}-{LEG}" if command == COMMAND and leg else LEG
    return inputs.leg or (repeated if is_plain_name(repeated) else LEG)


def _leg(before: Evidence) -> str:
    return f"{before.leg}-{LEG}" if before.leg else LEG


def _prepare(before: Evidence, inputs: Inputs, services: Services) -> Job:
    """Return the job of the evidence, except for the inputs that the user overrides.

    Raises:
        EvidenceError: The evidence names files outside the repository.
        InputError: Flags name artifacts although there are several data sets.
        PolicyError: The policy cannot be read.
    """
    from ghmlops.commands.regression.job import build_job, regression_policy

    recorded, defaults = read_inputs(before, inputs.replay), type(inputs)()
    changes: dict[str, str] = {}
    if inputs.policy == defaults.policy and recorded.policy != defaults.policy:
        check_policy_path(recorded.policy, inputs.replay)
        changes["policy"] = recorded.policy
    if inputs.memory_limit == defaults.memory_limit:
        changes["memory_limit"] = recorded.memory_limit
    if inputs.engine == defaults.engine:
        changes["engine"] = recorded.engine
    effective = msgspec.structs.replace(inputs, **changes)
    policy = regression_policy(effective, services, hint="check out the commit of the evidence")
    trusted = {
        spec
        for dataset in policy.datasets
        for specs in (dataset.baseline, dataset.candidate, dataset.labels, dataset.noise)
        for spec in specs
    }
    overrides = {role: getattr(inputs, role) for role in ("baseline", "candidate", "labels")}
    return build_job(effective, policy, replay_datasets(recorded, overrides, trusted, inputs.replay))


def _check_private(before: Evidence, job: Job, fingerprints: Mapping[str, str], file: str) -> None:
    """Reject evidence of another policy if this one has private columns: a comparison would quote their values.

    Raises:
        EvidenceError: The policy is another one.
    """
    if job.policy.private_columns and before.provenance.fingerprints.get("policy") != fingerprints.get("policy"):
        raise EvidenceError(
            f"{file} was measured by another policy than {job.policy_path}, so it may show values of private columns",
            hint="replay it with the policy of its commit",
        )


def _notes(before: Evidence, commit: str, file: str) -> list[str]:
    if before.provenance.head_sha == commit:
        return []
    recorded = _printable(before.provenance.head_sha)[:12] or "(unknown)"
    return [f"{file} is of commit {recorded}, and {commit[:12]} is checked out"]


def _printable(text: str) -> str:
    from ghmlops.report.text.escape import printable

    return printable(text)[:80]


def _with_comparison(content: EvidenceContent, comparison: RunComparison, file: str, digest: str) -> EvidenceContent:
    """Return the new measurement with the findings of the comparison before its own."""
    findings = [*replay_findings.judge_replay(comparison), *content.findings]
    # A measurement without findings is inconclusive, whatever the comparison says.
    rulings = [conclude(findings), conclude(content.findings)]
    details = regression_details(content.details)
    return dataclasses.replace(
        content,
        findings=findings,
        not_measured=[*content.not_measured, *replay_findings.unknown_inputs(comparison)],
        details=msgspec.structs.replace(details, replay=replay_findings.comparison_details(comparison, file, digest)),
        ruling=max(rulings, key=lambda ruling: ruling[0].severity),
    )


def _dry_run(job: Job, notes: list[str]) -> Result:
    from ghmlops.commands.shared.base import dry_run_result
    from ghmlops.report.formats import terminal

    engine = f"the engine {job.engine.name} in {job.memory_limit}"
    lines = [f"would compare again, with the policy {job.policy_path} and {engine}:"]
    for dataset in job.datasets:
        title = f"{dataset.name}: " if dataset.name else ""
        lines.append(f"  {title}{', '.join(dataset.candidate)} with {', '.join(dataset.baseline)}")
        lines += [f"    labels: {', '.join(dataset.labels)}"] if dataset.labels else []
        lines += [f"    noise: {', '.join(dataset.noise)}"] if dataset.noise else []
    lines += [f"  note: {note}" for note in notes]
    return dry_run_result("Nothing was measured.", terminal.block(lines))


def _summarise(comparison: RunComparison, before: Evidence, file: str) -> Summary:
    from ghmlops.commands.shared.evidence import Summary
    from ghmlops.report.formats import terminal_reproduction

    failed = sum(finding.outcome is Outcome.FAIL for finding in replay_findings.judge_replay(comparison))
    return Summary(
        text=terminal_reproduction.replay(comparison, before, file),
        outputs={"failed-findings": str(failed)},
        data={
            "inputs_changed": sorted({change.kind for change in comparison.inputs}),
            "differ": comparison.changed,
        },
    )
