"""Bounds of a verdict, so that every command can read what `gate` writes: failures first, then counts."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.model import Finding, NotMeasured, Outcome, worst
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FINDINGS = 5000
"""Findings of a verdict. A report shows fewer."""
MAX_BYTES = 8 * 1024 * 1024
"""Bytes of all findings as JSON, a quarter of what a file that is read may have."""
MAX_TEXT = 4096
"""Characters of one text of a finding."""
MAX_SLICE = 16
"""Columns of a slice."""
MAX_ITEMS = 1000
"""Entries of the other lists of a verdict."""
_TEXT_NAMES = ("id", "metric", "reason", "docs", "description", "dataset", "unit", "method", "window")
_TEXTS = operator.attrgetter(*_TEXT_NAMES)


def bound_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Return at most `MAX_FINDINGS` findings of at most `MAX_BYTES`, and one that counts the others by outcome.

    If all fit, their order stays; otherwise the worst come first. The counting finding is as bad as the worst of those
    that it counts, so that no outcome is lost.
    """
    shortened = [_shorten(finding) for finding in findings]
    if len(shortened) <= MAX_FINDINGS and sum(map(_size, shortened)) <= MAX_BYTES:
        return shortened
    ranked = sorted(shortened, key=lambda finding: -finding.outcome.severity)
    sizes = itertools.accumulate(map(_size, ranked[: MAX_FINDINGS - 1]))
    listed_count = sum(size <= MAX_BYTES for size in sizes)
    counts = Counter(finding.outcome for finding in ranked[listed_count:])
    listed = ", ".join(f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome if counts[outcome])
    reason = f"{len(ranked) - listed_count:,} more findings are not listed: {listed}."
    return [*ranked[:listed_count], problem("findings-omitted", worst(counts), reason)]


def bound_items(items: Sequence[NotMeasured]) -> list[NotMeasured]:
    """Return at most `MAX_ITEMS` entries; the last one counts the others."""
    shortened = [NotMeasured(what=bound_text(item.what), why=bound_text(item.why)) for item in items[:MAX_ITEMS]]
    if len(items) <= MAX_ITEMS:
        return shortened
    more = f"{len(items) - MAX_ITEMS + 1:,} further items"
    return [*shortened[:-1], NotMeasured(what=more, why="a verdict lists a limited number")]


def _shorten(finding: Finding) -> Finding:
    """Return a finding whose texts and slice are bounded."""
    if len(finding.slice) <= MAX_SLICE and _size(finding) <= MAX_TEXT:  # so that no text is longer either
        return finding
    changes: dict[str, Any] = {}
    if any(map(_long, _TEXTS(finding))):
        texts = zip(_TEXT_NAMES, _TEXTS(finding), strict=True)
        changes = {name: bound_text(value) for name, value in texts if _long(value)}
    columns = list(finding.slice.items())
    if len(columns) > MAX_SLICE or any(len(name) > MAX_TEXT or _long(value) for name, value in columns):
        bounded = {bound_text(name): bound_text(v) if isinstance(v, str) else v for name, v in columns[:MAX_SLICE]}
        changes["slice"] = bounded
    return msgspec.structs.replace(finding, **changes) if changes else finding


def _long(value: object) -> bool:
    return isinstance(value, str) and len(value) > MAX_TEXT


def bound_text(text: str) -> str:
    """Return at most `MAX_TEXT` characters of a text."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _size(finding: Finding) -> int:
    return len(msgspec.json.encode(finding)) + 2
