"""`ghmlops regression --replay FILE`: what a piece of evidence says was measured is measured again, and compared."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.shared.base import Result
from ghmlops.core.details.regression import regression_details
from ghmlops.core.errors import EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome, conclude
from ghmlops.core.reproduce import replay_findings
from ghmlops.core.reproduce.replay import compare
from ghmlops.core.reproduce.replay_inputs import again, check_policy_path, read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.regression import Dataset
    from ghmlops.core.reproduce.replay import Replayed

COMMAND, LEG = "regression", "replay"
MOST_LINES = 20


def replay(inputs: Inputs, services: Services, run_again: Callable[[Inputs, tuple[Dataset, ...]], Evidence]) -> Result:
    """Measure again what the evidence file `inputs.replay` says was measured, compare, and write new evidence.

    The new file has the leg `replay` (`LEG-replay` of evidence with a leg), so that the old one stays. It holds the
    new measurement whole, with the findings `replay-*` before its own, and is as bad as the worst of all. The result
    of the step is that of the comparison alone: evidence of a failure that is found again is a pass here.

    Args:
        inputs: artifacts, policy, engine and memory limit that are given here win over those of the file.
        services: the command's.
        run_again: measures the data sets with the settings of the inputs it is given, and writes nothing.

    Raises:
        EvidenceError: the file is missing, cut off, too large, of another schema or command, itself a replay, or
            names artifacts outside of the repository that neither policy nor inputs name.
        InputError: flags name artifacts beside several data sets; the new file would replace the old one.
        PolicyError: the policy cannot be read.
    """
    from ghmlops.act.evidence import check_writable, evidence_name, write_evidence
    from ghmlops.commands.shared.provenance import commit_under_test

    path = services.cwd / inputs.replay
    before, digest = _read(path, inputs.replay)
    asked, datasets = _asked(before, inputs, services)
    leg = inputs.leg or (f"{before.leg}-{LEG}" if before.leg else LEG)
    folder = services.cwd / inputs.evidence_dir
    check_writable(folder, COMMAND, leg)
    name = evidence_name(COMMAND, leg)
    if (folder / name).resolve() == path.resolve():
        raise InputError(f"--replay {inputs.replay}: the new evidence would replace it", hint="give another --leg")
    commit = commit_under_test(services)
    said = [f"{inputs.replay} is of commit {_commit(before)}, and {commit[:12]} is checked out"]
    said = said if before.provenance.head_sha != commit else []
    if inputs.dry_run:
        return _plan(asked, datasets, said)
    for line in said:
        services.console.note(f"replay: {line}")
    after = run_again(msgspec.structs.replace(asked, leg=leg), datasets)
    found = compare(before, after)
    evidence = _evidence(after, found, leg, inputs.replay, digest)
    write_evidence(folder, evidence)
    return _result(found, before, str(Path(inputs.evidence_dir) / name))


def _read(path: Path, shown: str) -> tuple[Evidence, str]:
    """Read the file as another job's: bounded, strict.

    Raises:
        EvidenceError: as `replay`.
    """
    from ghmlops.measure.evidence import decode, read_bounded

    data = read_bounded(path, shown)
    found = decode(data, Evidence, EVIDENCE_SCHEMA, shown)
    if found.command != COMMAND:
        raise EvidenceError(
            f"{shown} is evidence of `{_printable(found.command)}`, not of `{COMMAND}`",
            hint="only what follows from files alone can be replayed: give evidence/regression.json",
        )
    if regression_details(found.details).replay is not None:
        raise EvidenceError(f"{shown} is itself a replay", hint="replay the evidence that it was compared with")
    return found, f"sha256:{hashlib.sha256(data).hexdigest()}"


def _asked(before: Evidence, inputs: Inputs, services: Services) -> tuple[Inputs, tuple[Dataset, ...]]:
    """Return the inputs to run again with, and the data sets: those of the evidence, but for what is given anew."""
    from ghmlops.commands.shared.policy_file import load_policy

    shown = inputs.replay
    named = read_inputs(before, shown)
    policy, usual = inputs.policy, type(inputs)()
    if policy == usual.policy and named.policy != policy:
        check_policy_path(named.policy, shown)
        policy = named.policy
    section = load_policy(services.cwd / policy, policy).regression
    if section is None:
        raise PolicyError(f"{policy} has no section `regression`", hint="check out the commit that the evidence is of")
    known = {
        text
        for one in section.datasets
        for side in (one.baseline, one.candidate, one.labels, one.noise)
        for text in side
    }
    given = {"baseline": inputs.baseline, "candidate": inputs.candidate, "labels": inputs.labels}
    datasets = again(named, given, known, shown)
    changed: dict[str, str] = {"policy": policy, "replay": "", "baseline": "", "candidate": "", "labels": ""}
    if inputs.memory_limit == usual.memory_limit:
        changed["memory_limit"] = named.memory_limit
    if inputs.engine == usual.engine:
        changed["engine"] = named.engine
    return msgspec.structs.replace(inputs, **changed), datasets


def _commit(evidence: Evidence) -> str:
    return _printable(evidence.provenance.head_sha)[:12] or "(unknown)"


def _printable(text: str) -> str:
    from ghmlops.report.text.escape import printable

    return printable(text)[:80]


def _evidence(after: Evidence, found: Replayed, leg: str, file: str, digest: str) -> Evidence:
    """Return the new measurement with what the comparison says before it."""
    findings = [*replay_findings.judge(found), *after.findings]
    outcome, code, reason = conclude(findings)
    if after.outcome.severity > outcome.severity:
        outcome, code, reason = after.outcome, after.reason_code, after.reason
    return msgspec.structs.replace(
        after,
        leg=leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        findings=findings,
        not_measured=[*after.not_measured, *replay_findings.not_measured(found)],
        details=msgspec.structs.replace(
            regression_details(after.details), replay=replay_findings.comparison_details(found, file, digest)
        ),
    )


def _plan(asked: Inputs, datasets: tuple[Dataset, ...], said: list[str]) -> Result:
    from ghmlops.report.text.escape import printable

    lines = [f"would compare again, by {asked.policy}, with the engine {asked.engine} in {asked.memory_limit}:"]
    for one in datasets:
        name = f"{one.name}: " if one.name else ""
        lines.append(f"  {name}{', '.join(one.candidate)} with {', '.join(one.baseline)}")
        lines += [f"    labels: {', '.join(one.labels)}"] if one.labels else []
        lines += [f"    noise: {', '.join(one.noise)}"] if one.noise else []
    lines += [f"  note: {line}" for line in said]
    return Result(
        outcome=Outcome.PASS,
        reason_code="dry-run",
        reason="The evidence would be measured again.",
        text="\n".join(printable(line) for line in lines),
    )


def _result(found: Replayed, before: Evidence, file: str) -> Result:
    from ghmlops.report.text.escape import printable

    ruling = replay_findings.rule(found)
    findings = replay_findings.judge(found)
    lines = [f"replay: {ruling.outcome.value}: {ruling.sentence}", ""]
    lines += [f"{one.outcome.value}: {one.reason}" for one in findings[1:]]
    lines += [f"  {change.part}: {change}" for change in found.changes[:MOST_LINES]]
    left = sum(found.changed.values()) - min(len(found.changes), MOST_LINES)
    lines += [f"  ... and more in the evidence ({sum(found.changed.values()):,} entries differ)"] if left > 0 else []
    lines += [f"the evidence itself says: {before.outcome.value}: {before.reason}", f"evidence: {file}"]
    return Result(
        outcome=ruling.outcome,
        reason_code=ruling.code,
        reason=ruling.sentence,
        outputs={
            "evidence-file": file,
            "failed-findings": str(sum(1 for one in findings if one.outcome is Outcome.FAIL)),
        },
        text="\n".join(printable(line) for line in lines),
        data={"evidence_file": file, "inputs_changed": sorted({c.kind for c in found.inputs}), "differ": found.changed},
        findings=tuple(findings),
    )
