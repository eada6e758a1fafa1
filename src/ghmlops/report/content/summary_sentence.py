"""A pillar in one sentence: of a prediction diff, what changed, where it is worst, and since when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.content import findings
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Text, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.content.findings import Placed

_SINCE = re.compile(r"\bsince (\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z?)?)")
_LONGEST = 300


def sentence(own: Sequence[Placed], deciding: Placed, told: Evidence | None) -> Cell:
    """Say a pillar in one sentence.

    Args:
        own: its findings, the worst first, not empty.
        deciding: the one that speaks for it.
        told: its evidence, where it could be read.
    """
    reason: Cell = (Text(deciding.finding.reason, _LONGEST),)
    if told is None or told.command not in given.COMMANDS:
        return reason
    found = [placed.finding for placed in own]
    if found[0].outcome is Outcome.PASS:
        return _looked(found, told) or reason
    main = _main(found)
    if main is None:
        return reason
    return (*_place(main), *_what(main), *_others(found, main), *_where(found, main, told), *_when(found), Words("."))


def _main(found: Sequence[Finding]) -> Finding | None:
    """Return the finding that says what changed: of the worst ones the whole before its parts.

    None where the worst one has no change to tell (a broken contract, rows that are missing): its reason says more.
    """
    worst = found[0]
    own = [f for f in found if f.outcome is worst.outcome and f.change and f.change.estimate is not None]
    plain = worst.change is None and not worst.id.endswith("-summary")
    return None if plain or not own else min(own, key=findings.is_part)


def _place(main: Finding) -> Cell:
    """Open the sentence where it is on a part alone."""
    if main.slice:
        return (Words("In "), *_named(main), Words(": "))
    return (Words("In the window from "), Code(main.window, 40), Words(": ")) if main.window is not None else ()


def _named(finding: Finding) -> Cell:
    pairs = ", ".join(f"{key}={findings.value_text(value)}" for key, value in list(finding.slice.items())[:6])
    return (Code(pairs, 100),)


def _what(finding: Finding) -> Cell:
    """Say the change in words, and of how many rows where it is on a part."""
    rows = f" on {numbers.count(finding.n)} rows" if findings.is_part(finding) and finding.n is not None else ""
    dataset: Cell = (Words(" in data set "), Code(finding.dataset, 60)) if finding.dataset else ()
    return (Code(finding.metric, 60), Words(f" {_moved(finding)}{rows}"), *dataset)


def _moved(finding: Finding) -> str:
    scale, change = numbers.value_scale(finding), finding.change
    after = numbers.number(finding.candidate, scale)
    if change is None or change.estimate is None or finding.baseline is None:
        return f"is {after}"
    if change.estimate == 0:
        return f"did not move from {after}"
    amount = numbers.number(abs(change.estimate), numbers.change_scale(finding))
    verb = "rose" if change.estimate > 0 else "fell"
    return f"{verb} by {amount}, from {numbers.number(finding.baseline, scale, unit=False)} to {after}"


def _others(found: Sequence[Finding], main: Finding) -> Cell:
    """Count the other data sets with a finding as bad."""
    others = {f.dataset for f in found if f.outcome is main.outcome} - {main.dataset, ""}
    if not others:
        return ()
    return (Words(f" (and {len(others):,} more data set{'' if len(others) == 1 else 's'})"),)


def _where(found: Sequence[Finding], main: Finding, told: Evidence) -> Cell:
    """Name the worst slice, or the worst class, where the sentence does not begin with it."""
    if main.slice:
        return ()
    for finding in found:
        if finding.slice and finding.change and finding.outcome is not Outcome.PASS:
            return (Words("; worst slice "), *_named(finding), Words(": "), *_what(finding))
    rows = given.worst_first(given.listed(told, "classes").rows, "change")
    if not rows or given.outcome(rows[0]) in (None, Outcome.PASS):
        return ()
    worst = given.comparison(rows[0], given.class_units(given.known(told)))
    return (Words("; worst class "), Code(given.text(rows[0], "class"), 60), Words(": "), *_what(worst))


def _when(found: Sequence[Finding]) -> Cell:
    """Say since when: as the summary of the windows says, else the start of the first window with harm."""
    for finding in found:
        if finding.id == "windows-summary" and finding.outcome is not Outcome.PASS:
            said = _SINCE.search(finding.reason)
            if start := said[1] if said else finding.window:
                return (Words("; since "), Code(start, 40))
    bad = [f for f in found if f.window is not None and f.outcome is not Outcome.PASS]
    worst = max((f.outcome.severity for f in bad), default=0)
    first = min((f.window for f in bad if f.window and f.outcome.severity == worst), default="")
    return (Words("; since "), Code(first, 40)) if first else ()


def _looked(found: Sequence[Finding], told: Evidence) -> Cell:
    """Say what was looked at and found well."""
    changed = [f for f in found if f.change and f.n and not findings.is_part(f)]
    metrics = {given.text(row, "metric") for row in given.listed(told, "metrics").rows} or {f.metric for f in changed}
    rows = findings.rows_compared(found)
    if not rows:
        return ()
    counted = [("row", rows), ("metric", len(metrics))]
    counted += [(kind, sum(f.n or 0 for f in found if f.id == f"{kind}s-summary")) for kind in ("slice", "window")]
    counted.append(("data set", len({f.dataset for f in changed} - {""})))
    parts = [f"{numbers.count(n)} {name}{'' if n == 1 else 's'}" for name, n in counted if n]
    return (Words(f"{', '.join(parts[:-1])} and {parts[-1]} compared: none is worse beyond its limit."),)
