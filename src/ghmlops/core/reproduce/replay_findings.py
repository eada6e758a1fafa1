"""Verdict on a replay, as findings and as one sentence.

- Same inputs, same results: pass. The evidence is reproducible, byte for byte.
- Same inputs, other results: fail. The results depend on something that is not an input.
- Other inputs, same results: warn. Nothing contradicts the evidence, but it was not this measurement that was repeated.
- Other inputs, other results: inconclusive. The sentence names the inputs to restore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.details.replay import InputChangeRow, ReplayComparison, ResultChangeRow
from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.reproduce.replay import INPUT_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.reproduce.replay import InputChange, RunComparison

MAX_NAMED = 3
"""Changed inputs of one kind that a reason names."""
_MAX_VALUE = 60
"""Characters of an input's value in a reason."""
_TITLES = {
    "data": "the data",
    "code": "the code",
    "environment": "the environment (lock file)",
    "policy": "the policy",
    "ghmlops": "the release of ghmlops or its engine",
    "settings": "the settings",
}
_RESTORE = {
    "data": "restore the artifacts",
    "code": "check out the same commit",
    "environment": "restore the lock file",
    "policy": "restore the policy",
    "ghmlops": "install the same release",
    "settings": "use the same inputs",
}
_UNKNOWN = {
    "code": "neither run was in a git checkout",
    "environment": "neither run had a lock file",
    "policy": "neither run had a policy file",
}


class ReplayRuling(NamedTuple):
    """Outcome of a replay, its code, which is also the id of its finding, and the reason."""

    outcome: Outcome
    code: str
    reason: str


def rule_replay(comparison: RunComparison) -> ReplayRuling:
    """Return the ruling; its reason says what is the same and what differs."""
    if comparison.same_inputs and comparison.same_results:
        reason = f"The results are reproducible: {_same_results(comparison)}."
        return ReplayRuling(Outcome.PASS, "replay-identical", reason)
    if comparison.same_inputs:
        reason = f"The results are not reproducible: with the same inputs, {_other_results(comparison)}."
        return ReplayRuling(Outcome.FAIL, "replay-not-reproducible", reason)
    kinds = [kind for kind in INPUT_KINDS if any(change.kind == kind for change in comparison.inputs)]
    inputs = _enumerate([_TITLES[kind] for kind in kinds])
    if comparison.same_results:
        reason = f"The results are the same, although {inputs} changed: {_same_results(comparison)}."
        return ReplayRuling(Outcome.WARN, "replay-other-inputs", reason)
    restore = ", ".join(_RESTORE[kind] for kind in kinds)
    reason = (
        f"It is unknown whether the results are reproducible, because {inputs} changed: {_other_results(comparison)}; "
        f"to decide it, {restore}."
    )
    return ReplayRuling(Outcome.INCONCLUSIVE, "replay-other-inputs", reason)


def judge_replay(comparison: RunComparison) -> list[Finding]:
    """Return the findings: that of the ruling first, then one for each kind of input that changed."""
    ruling = rule_replay(comparison)
    description = "Does the same measurement, repeated with the same inputs, give the same evidence?"
    entries = sum(comparison.total.values())
    findings = [_finding(ruling.code, ruling.outcome, ruling.reason, description, entries)]
    for kind in INPUT_KINDS:
        changes = [change for change in comparison.inputs if change.kind == kind]
        if changes:
            names = _enumerate([_describe(change) for change in changes[:MAX_NAMED]])
            more = f" and {len(changes) - MAX_NAMED:,} more" if len(changes) > MAX_NAMED else ""
            title = _TITLES[kind]
            reason = f"{title[0].upper()}{title[1:]} changed: {names}{more}."
            description = f"Was {title} the same in both runs?"
            findings.append(_finding(f"replay-{kind}", ruling.outcome, reason, description, len(changes)))
    return findings


def unknown_inputs(comparison: RunComparison) -> list[NotMeasured]:
    """Return the inputs that could not be compared."""
    return [
        NotMeasured(what=f"replay: the fingerprint of {_TITLES[kind]}", why=_UNKNOWN[kind])
        for kind in comparison.unknown
    ]


def comparison_details(comparison: RunComparison, file: str, sha256: str) -> ReplayComparison:
    """Return the comparison for the evidence.

    Args:
        comparison: The comparison of both runs.
        file: Path of the replayed evidence file, as the user named it.
        sha256: Digest of that file.
    """
    return ReplayComparison(
        file=file,
        sha256=sha256,
        compared=comparison.total,
        differ=comparison.changed,
        inputs=tuple(
            InputChangeRow(kind=change.kind, name=change.name, before=change.before, after=change.after)
            for change in comparison.inputs
        ),
        differences=tuple(
            ResultChangeRow(
                part=change.part,
                status=change.status,
                entry=change.entry,
                field=change.field,
                before=change.before,
                after=change.after,
            )
            for change in comparison.changes
        ),
    )


def _finding(rule: str, outcome: Outcome, reason: str, description: str, n: int) -> Finding:
    return Finding(
        id=rule,
        metric="reproducibility",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#reproducibility",
        description=description,
        method="comparison of two runs",
        n=n,
    )


def _same_results(comparison: RunComparison) -> str:
    counts = [(comparison.total.get(part, 0), part) for part in ("findings", "measurements")]
    parts = [f"{n:,} {part if n > 1 else part[:-1]}" for n, part in counts if n]
    return f"all {_enumerate(parts)} and the tables are the same" if parts else "the tables are the same"


def _other_results(comparison: RunComparison) -> str:
    parts = {"findings": "findings", "measurements": "measurements", "not measured": "notes", "details": "tables"}
    counts = [
        f"{changed:,} of {comparison.total.get(part, 0):,} {parts[part]} differ"
        for part, changed in comparison.changed.items()
        if part in parts
    ]
    first = next((change for change in comparison.changes if change.part != "summary"), comparison.changes[0])
    return f"{_enumerate(counts)}, the first: {first}" if counts else str(first)


def _describe(change: InputChange) -> str:
    if not change.before and not change.after:
        return "no fingerprint is known"
    before, after = change.before or "unknown", change.after or "unknown"
    return f"{change.name} was {_shorten(before)} and is {_shorten(after)}"


def _shorten(value: str) -> str:
    return value if len(value) <= _MAX_VALUE else f"{value[:40]}…{value[-8:]}"


def _enumerate(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
