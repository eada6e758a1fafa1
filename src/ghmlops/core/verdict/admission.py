"""Whether a file of evidence counts: it belongs to this commit, repository, service and run, and is not too old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import find_pillar, writes_evidence
from ghmlops.core.text.plain_name import evidence_file_name, is_of_head_policy, is_plain_name
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.evidence.document import Evidence, Provenance
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.core.verdict.rules import Rules

CLOCK_SKEW = timedelta(minutes=10)
"""Evidence may be this much newer than the clock of the gate, because it comes from another machine."""
UNFINISHED = ("cancelled", "skipped", "stale", "startup_failure", "action_required")
"""Conclusions of a run that measured nothing, or only a part."""
PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")
"""Events whose run may be about a commit of a fork."""
_NAME_LIMIT = 80
"""Characters of an untrusted name in a reason."""


def refusal(loaded: Loaded, rules: Rules) -> Finding | None:
    """Return why a file does not count; `None` if it counts."""
    if loaded.evidence is None:
        reason = f"Evidence file {loaded.file} cannot be used: {loaded.problem}."
        return problem("evidence-unreadable", Outcome.ERROR, reason)
    return next(_refusals(loaded, loaded.evidence, rules), None)


def _refusals(loaded: Loaded, evidence: Evidence, rules: Rules) -> Iterator[Finding]:
    """Yield the reasons why a readable file does not count, the most fundamental one first."""
    origin = evidence.provenance
    if reason := _name_problem(loaded.file, evidence):
        yield problem("evidence-name", Outcome.ERROR, reason)
    if reason := _foreign(origin, rules):
        yield problem("evidence-foreign", Outcome.ERROR, f"{loaded.file} {reason}.")
    if rules.strict and (absent := _absent_names(origin, rules)):
        reason = f"{loaded.file} does not name its {' and '.join(absent)}, so it cannot be shown to belong to this run."
        yield problem("evidence-anonymous", Outcome.ERROR, reason)
    if rules.run:
        yield from _run_refusals(loaded, origin, rules.run)
    if stale := _stale(loaded.file, origin.started, rules):
        yield stale


def reservations(loaded: Loaded, rules: Rules) -> list[Finding]:
    """Return what is wrong with the question that counting evidence answers: another policy, or another baseline.

    Its findings count all the same, so that a failure stays a failure.
    """
    findings: list[Finding] = []
    if loaded.evidence is None:
        return findings
    origin, pillar = loaded.evidence.provenance, find_pillar(loaded.evidence.command)
    accepted = judged_by_accepted_policy(origin, rules) or judged_by_reviewed_policy(loaded.evidence, rules)
    if not accepted:
        reason = f"{loaded.file} was judged by another policy file than the one that requires it."
        findings.append(problem("evidence-policy", Outcome.INCONCLUSIVE, reason))
    if rules.base_sha is not None and pillar and pillar.compares and origin.base_sha != rules.base_sha:
        reason = _baseline_reason(loaded.file, origin, rules.base_sha)
        findings.append(problem("evidence-baseline", Outcome.INCONCLUSIVE, reason))
    return findings


def judged_by_accepted_policy(origin: Provenance, rules: Rules) -> bool:
    """Return whether evidence names an accepted policy, or nothing speaks against it."""
    accepted, policy = rules.accepted_policies, origin.fingerprints.get("policy", "")
    return not accepted or not policy or policy in accepted


def judged_by_reviewed_policy(evidence: Evidence, rules: Rules) -> bool:
    """Return whether the policy of the change judged a leg of its own, and a maintainer reviewed it."""
    policy = evidence.provenance.fingerprints.get("policy", "")
    return bool(rules.head_policy) and policy == rules.head_policy and is_of_head_policy(evidence.leg)


def _name_problem(file: str, evidence: Evidence) -> str:
    """Return why the names in a file are refused; empty if they are plain, known and those of the file."""
    name = file.rpartition("/")[2]
    if not writes_evidence(evidence.command):
        return f"{file} is evidence of {evidence.command[:_NAME_LIMIT]!r}, which is no command that writes evidence."
    if evidence.leg and not is_plain_name(evidence.leg):
        return f"{file} has the leg {evidence.leg[:_NAME_LIMIT]!r}, which is not a plain name."
    identifier = next((f.id for f in evidence.findings if not is_plain_name(f.id)), None)
    if identifier is not None:
        return f"{file} has a finding with the id {identifier[:_NAME_LIMIT]!r}, which is not a plain name."
    expected = evidence_file_name(evidence.command, evidence.leg)
    return "" if name == expected else f"{file} contains the evidence that belongs into {expected}."


def _foreign(origin: Provenance, rules: Rules) -> str:
    """Return what the evidence belongs to instead; empty if it belongs here."""
    if origin.head_sha != rules.commit:
        return f"was measured for commit {origin.head_sha[:_NAME_LIMIT] or '(none)'}, not for {rules.commit}"
    if rules.repository and origin.repository and origin.repository.lower() != rules.repository.lower():
        return f"comes from repository {origin.repository[:_NAME_LIMIT]}, not from {rules.repository}"
    if rules.service and origin.service and origin.service != rules.service:
        return f"is about service {origin.service[:_NAME_LIMIT]!r}, not about {rules.service!r}"
    return _other_run(origin, rules.run) if rules.run else ""


def _other_run(origin: Provenance, run: RunFacts) -> str:
    """Return how the run that evidence names differs from the one that GitHub reports; empty if it does not."""
    if origin.run_id != run.run_id:
        return f"was measured in run {origin.run_id[:_NAME_LIMIT] or '(none)'}, not in run {run.run_id}"
    if run.event and origin.event and origin.event != run.event:
        return f"says that its run was started by {origin.event[:_NAME_LIMIT]}, and GitHub says {run.event}"
    if run.workflow and origin.workflow and origin.workflow != run.workflow:
        return f"says that it comes from {origin.workflow[:_NAME_LIMIT]}, and GitHub says {run.workflow}"
    return ""


def _absent_names(origin: Provenance, rules: Rules) -> list[str]:
    names = {
        "repository": origin.repository,
        "run": origin.run_id,
        "version": origin.version,
        "policy": origin.fingerprints.get("policy", ""),
        "service": origin.service or not rules.service,
    }
    return [name for name, value in names.items() if not value]


def _run_refusals(loaded: Loaded, origin: Provenance, run: RunFacts) -> Iterator[Finding]:
    """Yield the contradictions between a file and the facts about its run."""
    if not 1 <= origin.run_attempt <= run.attempt:
        reason = f"{loaded.file} claims attempt {origin.run_attempt} of run {run.run_id}, which has {run.attempt}."
        yield problem("evidence-attempt", Outcome.ERROR, reason)
    elif loaded.attempt and loaded.attempt != origin.run_attempt:
        reason = f"{loaded.file} claims attempt {origin.run_attempt}, and its artifact is of attempt {loaded.attempt}."
        yield problem("evidence-attempt", Outcome.ERROR, reason)
    if not loaded.artifact or not run.artifacts:
        return
    digest = run.artifacts.get(loaded.artifact)
    if digest is None:
        reason = f"{loaded.file} comes from artifact {loaded.artifact[:_NAME_LIMIT]!r}, which run {run.run_id} lacks."
        yield problem("evidence-digest", Outcome.ERROR, reason)
    elif digest.removeprefix("sha256:") != loaded.artifact_sha256.removeprefix("sha256:"):
        reason = f"{loaded.file} comes from an artifact that differs from the digest that GitHub recorded."
        yield problem("evidence-digest", Outcome.ERROR, reason)


def run_problems(rules: Rules) -> list[Finding]:
    """Return the contradictions between the run that measured and what is judged; empty without facts about the run."""
    run = rules.run
    if run is None:
        return []
    reasons = []
    if rules.repository and run.repository and run.repository.lower() != rules.repository.lower():
        reasons.append(f"belongs to repository {run.repository}, not to {rules.repository}")
    if run.head_sha and run.head_sha != rules.commit:
        reasons.append(f"is about commit {run.head_sha}, not about {rules.commit}")
    forked = run.head_repository and run.repository and run.head_repository.lower() != run.repository.lower()
    if forked and run.event not in PULL_REQUEST_EVENTS:
        reasons.append(f"is about a commit of {run.head_repository}, and its event is {run.event}")
    findings = [problem("evidence-run", Outcome.ERROR, f"Run {run.run_id} {reason}.") for reason in reasons]
    if run.conclusion in UNFINISHED:
        reason = f"Run {run.run_id} ended as {run.conclusion}, so its evidence may be incomplete."
        findings.append(problem("evidence-run", Outcome.INCONCLUSIVE, reason))
    return findings


def _baseline_reason(file: str, origin: Provenance, base_sha: str) -> str:
    compared = f"compared with {origin.base_sha[:_NAME_LIMIT]}" if origin.base_sha else "was compared with no commit"
    if base_sha:
        return f"{file} {compared}, and the baseline is {base_sha}."
    return f"{file} {compared}, and GitHub shows no successful deployment to compare with."


def _stale(file: str, start: str, rules: Rules) -> Finding | None:
    started = _parse_time(start)
    if started is None:
        return problem("evidence-stale", Outcome.INCONCLUSIVE, f"{file} does not state when it was measured.")
    age = rules.now - started
    if age < -CLOCK_SKEW:
        return problem("evidence-stale", Outcome.INCONCLUSIVE, f"{file} was measured at {start}, in the future.")
    if age > timedelta(seconds=rules.max_age):
        limit = f"the max-age of the policy is {timedelta(seconds=rules.max_age)}"
        return problem("evidence-stale", Outcome.INCONCLUSIVE, f"{file} was measured at {start}, {age} ago; {limit}.")
    return None


def _parse_time(text: str) -> datetime | None:
    """Return the timezone-aware time of an ISO 8601 text; `None` for any other text."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
