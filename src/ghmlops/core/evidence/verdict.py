"""Evidence to verdict: what counts, what does not and why, for one exact commit.

Nothing missing, unreadable, foreign or stale is ever a pass: each becomes a finding of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops import __version__
from ghmlops.core.evidence.document import Evidence, EvidenceFile, Verdict
from ghmlops.core.model import Finding, NotMeasured, Outcome, conclude, worst
from ghmlops.core.pillars import is_deterministic

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIRM = "confirm"
"""Leg of the run that repeats a failed measurement on a fresh deployment with the slots swapped."""
CLOCK_SKEW = timedelta(minutes=10)
DOCS = "actions/gate/README.md#the-verdict"


class Loaded(NamedTuple):
    """One file of the evidence folder: what it says, or why it cannot be read (`problem`)."""

    file: str
    sha256: str
    evidence: Evidence | None
    problem: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What evidence must satisfy to count. `max_age` is in seconds; `repository` is not checked where empty."""

    commit: str
    required: tuple[str, ...]
    now: datetime
    max_age: float
    repository: str = ""
    policy: str = ""
    """Fingerprint of the policy that judges; not compared where empty."""


def merge(
    files: Sequence[Loaded], rules: Rules, *, service: str = "", environment: str = "", override: str = ""
) -> Verdict:
    """Merge evidence files into the verdict over `rules.commit`.

    Args:
        files: every file of the evidence folder, the unreadable ones included.
        rules: the commit and what is required of the evidence.
        service: name for the verdict file.
        environment: name for the verdict file.
        override: a person's reason; lets an `inconclusive` verdict through as `warn`, and nothing else.

    Returns:
        A verdict as bad as its worst finding; `inconclusive` where there is none.
    """
    current = _newest_attempts(files, rules)
    problems = [p for loaded in current if (p := _problem(loaded, rules))]
    counted = [f.evidence for f in current if f.evidence and not _problem(f, rules)]
    findings = [finding for evidence in counted for finding in _judged(evidence, counted)]
    findings = [*problems, *_missing(counted, current, rules), *_other_policy(counted, rules), *findings]
    outcome, code, reason = conclude(findings)
    overridden = bool(override) and outcome is Outcome.INCONCLUSIVE
    return Verdict(
        commit=rules.commit,
        outcome=Outcome.WARN if overridden else outcome,
        reason_code="overridden" if overridden else code,
        reason=f"A person let this inconclusive verdict through: {override} ({reason})" if overridden else reason,
        findings=findings,
        evidence=[_file(loaded, rules, counted) for loaded in current],
        service=service,
        environment=environment,
        repository=rules.repository,
        created=rules.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        version=__version__,
        confirmed=sorted({name for evidence in counted for name in _confirmed(evidence, counted)}),
        override=override if overridden else "",
        not_measured=[n for evidence in counted for n in evidence.not_measured] + _superseded(files, current),
    )


def _newest_attempts(files: Sequence[Loaded], rules: Rules) -> list[Loaded]:
    """Leave out what a later attempt of the same run measured again; one that does not count replaces nothing."""
    newest: dict[tuple[str, ...], int] = {}
    for loaded in files:
        if loaded.evidence and loaded.evidence.findings and not _problem(loaded, rules):
            key = _identity(loaded.evidence)
            newest[key] = max(newest.get(key, 0), _attempt(loaded.evidence))
    return [f for f in files if not f.evidence or _attempt(f.evidence) >= newest.get(_identity(f.evidence), 0)]


def _attempt(evidence: Evidence) -> int:
    return evidence.provenance.run_attempt


def _identity(evidence: Evidence) -> tuple[str, ...]:
    origin = evidence.provenance
    return (evidence.command, evidence.leg, origin.repository, origin.head_sha, origin.run_id)


def _superseded(files: Sequence[Loaded], current: Sequence[Loaded]) -> list[NotMeasured]:
    kept = {f.file for f in current}
    why = "a later attempt of the same run measured it again"
    return [NotMeasured(what=f"evidence file {f.file}", why=why) for f in files if f.file not in kept]


def _problem(loaded: Loaded, rules: Rules) -> Finding | None:
    evidence = loaded.evidence
    if evidence is None:
        unreadable = f"Evidence file {loaded.file} cannot be used: {loaded.problem}."
        return _finding("evidence-unreadable", Outcome.ERROR, unreadable)
    origin = evidence.provenance
    if origin.head_sha != rules.commit:
        reason = f"{loaded.file} was measured for commit {origin.head_sha[:40] or '(none)'}, not for {rules.commit}."
        return _finding("evidence-foreign", Outcome.ERROR, reason)
    if rules.repository and origin.repository and origin.repository.lower() != rules.repository.lower():
        reason = f"{loaded.file} comes from repository {origin.repository}, not from {rules.repository}."
        return _finding("evidence-foreign", Outcome.ERROR, reason)
    started = parse_time(origin.started)
    if started is None:
        return _finding("evidence-stale", Outcome.INCONCLUSIVE, f"{loaded.file} does not say when it was measured.")
    age = rules.now - started
    if age > timedelta(seconds=rules.max_age) or age < -CLOCK_SKEW:
        when = f"{loaded.file} was measured at {origin.started}"
        limit = f"the policy's max-age is {timedelta(seconds=rules.max_age)}"
        reason = f"{when}, in the future." if age < -CLOCK_SKEW else f"{when}, {age} ago; {limit}."
        return _finding("evidence-stale", Outcome.INCONCLUSIVE, reason)
    return None


def parse_time(text: str) -> datetime | None:
    """Return an aware time from ISO 8601, or `None`."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else None


def _missing(counted: Sequence[Evidence], current: Sequence[Loaded], rules: Rules) -> list[Finding]:
    there = {evidence.command for evidence in counted if not _confirms(evidence)}
    empty = [
        _finding("evidence-empty", Outcome.INCONCLUSIVE, f"The evidence of `{e.command}` holds no finding.")
        for e in counted
        if not e.findings
    ]
    unused = {f.evidence.command for f in current if f.evidence} - there
    tail = " that counts" if unused else ""
    return empty + [
        _finding("evidence-missing", Outcome.INCONCLUSIVE, f"There is no evidence of `{name}`{tail} for this commit.")
        for name in rules.required
        if name not in there
    ]


def _other_policy(counted: Sequence[Evidence], rules: Rules) -> list[Finding]:
    """Warn where evidence was judged by another policy than the one that asks for it."""
    seen = [(e, e.provenance.fingerprints.get("policy", "")) for e in counted]
    other = sorted({e.command for e, policy in seen if policy and rules.policy and policy != rules.policy})
    reason = (
        f"The evidence of {', '.join(f'`{name}`' for name in other)} was judged by another policy file than this one."
    )
    return [_finding("evidence-policy", Outcome.WARN, reason)] if other else []


def _finding(rule: str, outcome: Outcome, reason: str) -> Finding:
    about = {
        "evidence-unreadable": "Every file of the evidence folder fits its schema.",
        "evidence-foreign": "Evidence was measured for exactly this commit and repository.",
        "evidence-stale": "Evidence is not older than the policy allows.",
        "evidence-missing": "What the policy requires was measured.",
        "evidence-empty": "Evidence holds at least one finding.",
        "evidence-policy": "Evidence was judged by the policy that asks for it.",
        "evidence-worse": "Evidence is not better than it says of itself.",
    }
    return Finding(id=rule, metric="evidence", outcome=outcome, reason=reason, docs=DOCS, description=about[rule])


def _judged(evidence: Evidence, counted: Sequence[Evidence]) -> list[Finding]:
    """Return the findings of one file, with failures that their confirming run contradicted made `inconclusive`."""
    again = _confirming(evidence, counted)
    repeated = {f.id: f for f in again.findings if not f.slice and f.window is None} if again else {}
    findings = [_contradicted(f, repeated.get(f.id)) for f in evidence.findings]
    if evidence.findings and worst(f.outcome for f in evidence.findings).severity < evidence.outcome.severity:
        said = f"The evidence of `{evidence.command}` calls itself {evidence.outcome}: {evidence.reason}"
        findings.append(_finding("evidence-worse", evidence.outcome, said))
    return findings


def _contradicted(finding: Finding, second: Finding | None) -> Finding:
    if finding.outcome is not Outcome.FAIL or second is None or second.outcome is not Outcome.PASS:
        return finding
    reason = f"{finding.reason} A second run on a fresh deployment with swapped slots passed: {second.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _confirms(evidence: Evidence) -> bool:
    return evidence.leg == CONFIRM or evidence.leg.endswith(f"-{CONFIRM}")


def _confirming(evidence: Evidence, counted: Sequence[Evidence]) -> Evidence | None:
    """Return the second run of a measurement; what follows from files alone has none."""
    if _confirms(evidence) or is_deterministic(evidence.command):
        return None
    leg = f"{evidence.leg}-{CONFIRM}" if evidence.leg else CONFIRM
    return next((e for e in counted if e.command == evidence.command and e.leg == leg), None)


def _confirmed(evidence: Evidence, counted: Sequence[Evidence]) -> list[str]:
    # A measurement that cannot be repeated says nothing about the change, so nothing is undone for it.
    failed = {f.id for f in evidence.findings if f.outcome is Outcome.FAIL and not f.id.startswith("replay-")}
    if not is_deterministic(evidence.command):
        again = _confirming(evidence, counted)
        failed &= {f.id for f in again.findings if f.outcome is Outcome.FAIL} if again else set()
    return [f"{evidence.command}:{name}" for name in failed]


def _file(loaded: Loaded, rules: Rules, counted: Sequence[Evidence]) -> EvidenceFile:
    problem, evidence = _problem(loaded, rules), loaded.evidence
    if evidence is None:
        return EvidenceFile(file=loaded.file, sha256=loaded.sha256)
    outcome = problem.outcome if problem else worst(f.outcome for f in _judged(evidence, counted))
    return EvidenceFile(
        file=loaded.file, sha256=loaded.sha256, command=evidence.command, leg=evidence.leg, outcome=outcome
    )
