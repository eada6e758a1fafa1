"""Merges evidence into the verdict for one exact commit: what counts, what does not, and why. Pure.

Missing, unreadable, foreign, stale and contradictory evidence never passes: each becomes a separate finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops import __version__
from ghmlops.core.evidence.document import EvidenceFile, Verdict
from ghmlops.core.model import NotMeasured, conclude, worst
from ghmlops.core.verdict.admission import refusal, reservations, run_problems
from ghmlops.core.verdict.attempts import select
from ghmlops.core.verdict.bounds import MAX_ITEMS, bound_findings, bound_items, bound_text
from ghmlops.core.verdict.completeness import missing_evidence, missing_findings
from ghmlops.core.verdict.confirmation import confirmed_failures, judged_findings
from ghmlops.core.verdict.consistency import contradictions
from ghmlops.core.verdict.repetition import repetition_findings
from ghmlops.core.verdict.review import override_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.verdict.rules import Rules


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
    selection = select(files, rules)
    counted = [loaded.evidence for loaded in selection.counted if loaded.evidence]
    findings = [
        *run_problems(rules),
        *selection.problems,
        *missing_evidence(counted, selection.current, rules),
        *(finding for loaded in selection.counted for finding in reservations(loaded, rules)),
        *contradictions(counted, rules),
        *repetition_findings(selection.counted, rules),
        *(finding for evidence in counted for finding in missing_findings(evidence, rules)),
        *(finding for evidence in counted for finding in judged_findings(evidence, counted)),
    ]
    outcome, code, reason = conclude(findings)
    code, reason = bound_text(code), bound_text(reason)
    not_measured = [item for evidence in counted for item in evidence.not_measured]
    run_ids = {evidence.provenance.run_id for evidence in counted}
    verdict = Verdict(
        commit=rules.commit,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        findings=bound_findings(findings),
        evidence=[_file(loaded, rules, counted) for loaded in selection.current[:MAX_ITEMS]],
        service=service,
        environment=environment,
        repository=rules.repository,
        base_sha=_base(counted, rules),
        run_id=run_ids.pop() if len(run_ids) == 1 else "",
        run_attempt=max((evidence.provenance.run_attempt for evidence in counted), default=0),
        legs=_legs(counted),
        created=rules.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        version=__version__,
        confirmed=sorted({bound_text(name) for e in counted for name in confirmed_failures(e, counted)})[:MAX_ITEMS],
        not_measured=bound_items([*not_measured, *selection.not_measured, *_unchecked(rules)]),
    )
    return override_verdict(verdict, override)


def _base(counted: Sequence[Evidence], rules: Rules) -> str:
    """Return the commit that the evidence compared with; empty unless there is exactly one."""
    if rules.base_sha is not None:
        return rules.base_sha
    bases = {evidence.provenance.base_sha for evidence in counted} - {""}
    return bases.pop() if len(bases) == 1 else ""


def _legs(counted: Sequence[Evidence]) -> dict[str, tuple[str, ...]]:
    commands = sorted({evidence.command for evidence in counted})
    return {name: tuple(sorted({e.leg for e in counted if e.command == name})) for name in commands}


def _unchecked(rules: Rules) -> list[NotMeasured]:
    """Return what was not checked because GitHub was not asked; nothing without a policy that judges."""
    if rules.requirements is None:
        return []
    items = []
    if rules.run is None:
        why = "no facts about the run were available, so the evidence is believed to come from it"
        items.append(NotMeasured(what="the run that measured", why=why))
    if rules.base_sha is None:
        why = "the deployments of the environment were not read, so the baseline is believed to be the right one"
        items.append(NotMeasured(what="the commit of the baseline", why=why))
    return items


def _file(loaded: Loaded, rules: Rules, counted: Sequence[Evidence]) -> EvidenceFile:
    refused, evidence = refusal(loaded, rules), loaded.evidence
    if evidence is None:
        return EvidenceFile(file=loaded.file, sha256=loaded.sha256)
    outcome = refused.outcome if refused else worst(f.outcome for f in judged_findings(evidence, counted))
    return EvidenceFile(
        file=loaded.file, sha256=loaded.sha256, command=evidence.command, leg=evidence.leg, outcome=outcome
    )
