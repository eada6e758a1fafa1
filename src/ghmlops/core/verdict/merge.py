"""Merges evidence into the verdict for one exact commit: what counts, what does not, and why. Pure.

Missing, unreadable, foreign and stale evidence never passes: each becomes a separate finding.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ghmlops import __version__
from ghmlops.core.evidence.document import EvidenceFile, Verdict
from ghmlops.core.model import Finding, NotMeasured, Outcome, conclude, worst
from ghmlops.core.pillars import is_deterministic
from ghmlops.core.verdict.confirmation import CONFIRM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.verdict.rules import Rules

CLOCK_SKEW = timedelta(minutes=10)
"""Evidence may be this much newer than the clock of the gate, because it comes from another machine."""
DOCS = "actions/gate/README.md#the-verdict"
_DESCRIPTIONS = {
    "evidence-unreadable": "Every file of the evidence folder is valid.",
    "evidence-foreign": "Evidence was measured for exactly this commit and repository.",
    "evidence-stale": "Evidence is not older than the policy allows.",
    "evidence-missing": "Everything that the policy requires was measured.",
    "evidence-empty": "Evidence contains at least one finding.",
    "evidence-policy": "Evidence was judged by the policy that requires it.",
    "evidence-worse": "The outcome of evidence follows from its findings.",
}


def merge(
    files: Sequence[Loaded], rules: Rules, *, service: str = "", environment: str = "", override: str = ""
) -> Verdict:
    """Merge evidence files into the verdict for `rules.commit`.

    Args:
        files: every file of the evidence folder, including unreadable ones.
        rules: the commit, and the conditions for evidence to count.
        service: service in the verdict file.
        environment: environment in the verdict file.
        override: a person's reason; turns an `inconclusive` verdict into `warn`, and changes no other verdict.

    Returns:
        A verdict as bad as its worst finding; `inconclusive` without a finding.
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
        reason=f"A person overrode this inconclusive verdict: {override} ({reason})" if overridden else reason,
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
    """Omit files that a later attempt of the same run measured again; an attempt that does not count replaces none."""
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
    names = {f.file for f in current}
    why = "a later attempt of the same run measured it again"
    return [NotMeasured(what=f"evidence file {f.file}", why=why) for f in files if f.file not in names]


def _problem(loaded: Loaded, rules: Rules) -> Finding | None:
    """Return why a file does not count; `None` if it counts."""
    if loaded.evidence is None:
        reason = f"Evidence file {loaded.file} cannot be used: {loaded.problem}."
        return _finding("evidence-unreadable", Outcome.ERROR, reason)
    origin = loaded.evidence.provenance
    if origin.head_sha != rules.commit:
        reason = f"{loaded.file} was measured for commit {origin.head_sha[:40] or '(none)'}, not for {rules.commit}."
        return _finding("evidence-foreign", Outcome.ERROR, reason)
    if rules.repository and origin.repository and origin.repository.lower() != rules.repository.lower():
        reason = f"{loaded.file} comes from repository {origin.repository}, not from {rules.repository}."
        return _finding("evidence-foreign", Outcome.ERROR, reason)
    return _stale(loaded.file, origin.started, rules)


def _stale(file: str, start: str, rules: Rules) -> Finding | None:
    started = _parse_time(start)
    if started is None:
        return _finding("evidence-stale", Outcome.INCONCLUSIVE, f"{file} does not state when it was measured.")
    age = rules.now - started
    if age < -CLOCK_SKEW:
        return _finding("evidence-stale", Outcome.INCONCLUSIVE, f"{file} was measured at {start}, in the future.")
    if age > timedelta(seconds=rules.max_age):
        limit = f"the max-age of the policy is {timedelta(seconds=rules.max_age)}"
        return _finding("evidence-stale", Outcome.INCONCLUSIVE, f"{file} was measured at {start}, {age} ago; {limit}.")
    return None


def _parse_time(text: str) -> datetime | None:
    """Return the timezone-aware time of an ISO 8601 text; `None` for any other text."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _missing(counted: Sequence[Evidence], current: Sequence[Loaded], rules: Rules) -> list[Finding]:
    """Return a finding for each evidence without findings, and for each required command without evidence."""
    present = {evidence.command for evidence in counted if not _confirms(evidence)}
    empty = [
        _finding("evidence-empty", Outcome.INCONCLUSIVE, f"The evidence of `{e.command}` contains no finding.")
        for e in counted
        if not e.findings
    ]
    unused = {f.evidence.command for f in current if f.evidence} - present
    tail = " that counts" if unused else ""
    return empty + [
        _finding("evidence-missing", Outcome.INCONCLUSIVE, f"There is no evidence of `{name}`{tail} for this commit.")
        for name in rules.required
        if name not in present
    ]


def _other_policy(counted: Sequence[Evidence], rules: Rules) -> list[Finding]:
    """Return a warning if evidence was judged by another policy than the one that requires it."""
    policies = [(e.command, e.provenance.fingerprints.get("policy", "")) for e in counted]
    others = sorted({command for command, policy in policies if policy and rules.policy and policy != rules.policy})
    names = ", ".join(f"`{name}`" for name in others)
    reason = f"The evidence of {names} was judged by another policy file than this one."
    return [_finding("evidence-policy", Outcome.WARN, reason)] if others else []


def _finding(rule: str, outcome: Outcome, reason: str) -> Finding:
    description = _DESCRIPTIONS[rule]
    return Finding(id=rule, metric="evidence", outcome=outcome, reason=reason, docs=DOCS, description=description)


def _judged(evidence: Evidence, counted: Sequence[Evidence]) -> list[Finding]:
    """Return the findings of one file; failures that the confirming run contradicts are `inconclusive`."""
    again = _confirming(evidence, counted)
    repeated = {f.id: f for f in again.findings if not f.slice and f.window is None} if again else {}
    findings = [_contradicted(f, repeated.get(f.id)) for f in evidence.findings]
    if evidence.findings and worst(f.outcome for f in evidence.findings).severity < evidence.outcome.severity:
        reason = f"The evidence of `{evidence.command}` has the outcome {evidence.outcome}: {evidence.reason}"
        findings.append(_finding("evidence-worse", evidence.outcome, reason))
    return findings


def _contradicted(finding: Finding, second: Finding | None) -> Finding:
    if finding.outcome is not Outcome.FAIL or second is None or second.outcome is not Outcome.PASS:
        return finding
    reason = f"{finding.reason} A second run on a fresh deployment with swapped slots passed: {second.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _confirms(evidence: Evidence) -> bool:
    return evidence.leg == CONFIRM or evidence.leg.endswith(f"-{CONFIRM}")


def _confirming(evidence: Evidence, counted: Sequence[Evidence]) -> Evidence | None:
    """Return the confirming run of a measurement; a deterministic one has none."""
    if _confirms(evidence) or is_deterministic(evidence.command):
        return None
    leg = f"{evidence.leg}-{CONFIRM}" if evidence.leg else CONFIRM
    return next((e for e in counted if e.command == evidence.command and e.leg == leg), None)


def _confirmed(evidence: Evidence, counted: Sequence[Evidence]) -> list[str]:
    """Return `<command>:<finding id>` of the failures that may be acted on without a person."""
    # A measurement that cannot be replayed says nothing about the change, so no commit is reverted for it.
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
