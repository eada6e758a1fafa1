"""Verdict on evidence of `regression` that a job without code of the change measured again.

- The same data and the same results: pass.
- Other data, or other results from the same data with the same release: error. The evidence is forged or damaged.
- Other results with another release or engine, none of them worse: inconclusive, because two releases may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.core.reproduce.replay import compare_runs
from ghmlops.core.reproduce.replay_inputs import abbreviate

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.remeasured import Rule
    from ghmlops.core.model import Finding
    from ghmlops.core.reproduce.replay import InputChange

RELATIVE_TOLERANCE = 1e-6
"""Ratio. Two machines differ in the last digits of sums, logarithms and p-values, because they have other vector
instructions; a difference that changes a judgement also changes an outcome, which is compared exactly.
`scripts/bench/remeasure` shows the largest difference between instruction sets (3.8e-9)."""
ABSOLUTE_TOLERANCE = 1e-9
"""In the unit of the number. For changes and p-values near 0, whose last digits are a large ratio of them."""
_MAX_NAMED = 3


class Ruling(NamedTuple):
    """Id of the finding, its outcome and its reason."""

    rule: Rule
    outcome: Outcome
    reason: str


def rule_remeasurement(before: Evidence, after: Evidence, file: str) -> Ruling:
    """Return the ruling on evidence, called `file` in the reason, and its repetition.

    Args:
        before: Evidence of the job that runs code of the change.
        after: The repetition, with the provenance of `before` except for the release and the fingerprints of the data.
        file: Name of the evidence file.
    """
    comparison = compare_runs(before, after, relative=RELATIVE_TOLERANCE, absolute=ABSOLUTE_TOLERANCE)
    release = [change for change in comparison.inputs if change.name in ("version", "engine") and change.before]
    # The digests of two engines cannot be compared, which only counts if the evidence is of another engine or release.
    data_kinds = ("data",) if release else ("data", "ghmlops")
    data = [change for change in comparison.inputs if change.kind in data_kinds]
    if data:
        names = ", ".join(_describe(change) for change in data[:_MAX_NAMED])
        reason = f"{file} was not measured from the predictions that were uploaded and from the baseline: {names}."
        return Ruling("evidence-differs", Outcome.ERROR, reason)
    if comparison.same_results:
        compared = sum(comparison.total.values())
        reason = f"{file} was measured again without code of the change, and all {compared:,} entries are the same."
        return Ruling("evidence-repeated", Outcome.PASS, reason)
    counts = ", ".join(f"{n:,} of {comparison.total.get(part, 0):,} {part}" for part, n in comparison.changed.items())
    first = next((c for c in comparison.changes if c.part != "summary"), comparison.changes[0])
    difference = f"{counts} differ, the first: {abbreviate(str(first))}"
    if release and not embellished(before, after):
        reason = f"{file} was measured by another release or engine ({_describe(release[0])}): {difference}."
        return Ruling("evidence-not-repeated", Outcome.INCONCLUSIVE, reason)
    reason = f"{file} cannot be reproduced from the same predictions: {difference}."
    return Ruling("evidence-differs", Outcome.ERROR, reason)


def embellished(before: Evidence, after: Evidence) -> bool:
    """Return whether a finding of the repetition is worse than its counterpart, or has none."""
    claims = {_identity(finding): finding.outcome.severity for finding in before.findings}
    worse = (f.outcome.severity > claims.get(_identity(f), -1) for f in after.findings)
    return before.outcome.severity < after.outcome.severity or any(worse)


def _identity(finding: Finding) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    parts = tuple(sorted((key, str(value)) for key, value in finding.slice.items()))
    return finding.id, finding.dataset, parts, finding.window or ""


def _describe(change: InputChange) -> str:
    if not change.before and not change.after:
        return "no fingerprint is known"
    return f"{change.name} is {_short(change.after)}, and the evidence states {_short(change.before)}"


def _short(value: str) -> str:
    line = abbreviate(value) or "nothing"
    return line if len(line) <= 40 else f"{line[:24]}…{line[-12:]}"
