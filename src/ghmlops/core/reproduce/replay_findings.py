"""What a replay proves, as findings and one sentence.

- Same inputs, same results: pass. The evidence can be run again, byte for byte.
- Same inputs, other results: fail. Something decides that is no input.
- Other inputs, same results: warn. Nothing contradicts the evidence, but what was run again is not what was run.
- Other inputs, other results: inconclusive. Whoever wants to know brings the inputs back that are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.details.regression import InputChangeRow, ReplayComparison, ResultChangeRow
from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.reproduce.replay import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.reproduce.replay import InputChange, Replayed

MOST_NAMED = 3
_WHERE = f"{DOCS}#reproducibility"
_CALLED = {
    "data": "the data",
    "code": "the code",
    "environment": "the environment (lock file)",
    "policy": "the policy",
    "ghmlops": "the release of ghmlops or its engine",
    "settings": "the settings",
}
_BACK = {
    "data": "bring the artifacts back",
    "code": "check that commit out",
    "environment": "bring the lock file back",
    "policy": "bring the policy back",
    "ghmlops": "install that release",
    "settings": "give the same inputs",
}


class Ruling(NamedTuple):
    """What a replay comes to."""

    outcome: Outcome
    code: str
    """Also the id of the finding that says so."""
    sentence: str


def rule(found: Replayed) -> Ruling:
    """Return the outcome, its code, and the sentence that says what is the same and what differs."""
    if found.same_inputs and found.same_results:
        return Ruling(Outcome.PASS, "replay-identical", f"The evidence was found again: {_same(found)}.")
    if found.same_inputs:
        return Ruling(
            Outcome.FAIL,
            "replay-not-reproducible",
            f"Not reproducible: the same inputs gave other results: {_other(found)}.",
        )
    kinds = [kind for kind in KINDS if any(change.kind == kind for change in found.inputs)]
    inputs = _listed([_CALLED[kind] for kind in kinds])
    if found.same_results:
        sentence = f"The results were found again, although {inputs} changed: {_same(found)}."
        return Ruling(Outcome.WARN, "replay-other-inputs", sentence)
    back = ", ".join(_BACK[kind] for kind in kinds)
    sentence = f"Whether this is reproducible is not known, because {inputs} changed: {_other(found)}; to know, {back}."
    return Ruling(Outcome.INCONCLUSIVE, "replay-other-inputs", sentence)


def judge(found: Replayed) -> list[Finding]:
    """Return the findings: the ruling first, then one for each kind of input that changed."""
    ruling = rule(found)
    about = "Does the same measurement, made again from the same inputs, give the same evidence?"
    findings = [_finding(ruling.code, ruling.outcome, ruling.sentence, about, sum(found.total.values()))]
    for kind in KINDS:
        changes = [change for change in found.inputs if change.kind == kind]
        if changes:
            reason = f"{_CALLED[kind]} changed: {_listed([_moved(c) for c in changes[:MOST_NAMED]])}"
            more = f" and {len(changes) - MOST_NAMED:,} more" if len(changes) > MOST_NAMED else ""
            about = f"Was {_CALLED[kind]} the same in both runs?"
            findings.append(
                _finding(
                    f"replay-{kind}", ruling.outcome, f"{reason[0].upper()}{reason[1:]}{more}.", about, len(changes)
                )
            )
    return findings


def not_measured(found: Replayed) -> list[NotMeasured]:
    """Return the inputs that could not be compared."""
    why = {
        "code": "neither run was in a git checkout",
        "environment": "neither run found a lock file",
        "policy": "neither run had a policy file",
    }
    return [NotMeasured(what=f"replay: the fingerprint of {_CALLED[kind]}", why=why[kind]) for kind in found.unknown]


def comparison_details(found: Replayed, file: str, sha256: str) -> ReplayComparison:
    """Return the comparison for the evidence: which file was replayed, and what differs."""
    return ReplayComparison(
        file=file,
        sha256=sha256,
        compared=found.total,
        differ=found.changed,
        inputs=tuple(InputChangeRow(kind=c.kind, name=c.name, before=c.before, after=c.after) for c in found.inputs),
        differences=tuple(
            ResultChangeRow(part=c.part, status=c.status, entry=c.entry, field=c.field, before=c.before, after=c.after)
            for c in found.changes
        ),
    )


def _finding(rule_id: str, outcome: Outcome, reason: str, about: str, n: int) -> Finding:
    return Finding(
        id=rule_id,
        metric="reproducibility",
        outcome=outcome,
        reason=reason,
        docs=_WHERE,
        description=about,
        method="comparison of two runs",
        n=n,
    )


def _same(found: Replayed) -> str:
    counts = [(found.total.get(part, 0), part) for part in ("findings", "measurements")]
    parts = [f"{n:,} {part if n > 1 else part[:-1]}" for n, part in counts if n]
    return f"all {_listed(parts)} and the tables are the same" if parts else "the tables are the same"


def _other(found: Replayed) -> str:
    counts = []
    for part, changed in found.changed.items():
        whole = found.total.get(part, 0)
        if part in ("findings", "measurements", "not measured"):
            counts.append(f"{changed:,} of {whole:,} {part if part != 'not measured' else 'notes'} differ")
        elif part == "details":
            counts.append(f"{changed:,} of {whole:,} tables differ")
    first = next((c for c in found.changes if c.part != "summary"), found.changes[0])
    return f"{_listed(counts)}; the first: {first}" if counts else str(first)


def _moved(change: InputChange) -> str:
    if not change.before and not change.after:
        return "no fingerprint of it is known"
    before, after = change.before or "not known", change.after or "not known"
    return f"{change.name} was {_short(before)} and is {_short(after)}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}…{text[-8:]}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
