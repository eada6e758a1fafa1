"""Groups the findings that did not pass by their probable cause.

A change that makes a service slower fails p50 and p95, the objective, and the same findings again in the confirming
run; a worse model fails several metrics, in all rows, in slices and in windows. Each of these is one cause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.placed_findings import confirmed_leg, excess, is_confirmation, rank_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.content.placed_findings import PlacedFinding

MAX_RELATIVES = 200
"""Causes of one family that a finding is compared with. Further slices are counted, not compared."""
LOCAL = 3.0
"""A slice leads a cause if its loss, as a multiple of the limit, is at least this many times that of all rows."""
LABEL_COVERAGE = "contract-label-coverage"
QUALITY = "quality"
_RESPONSE_TIME = re.compile(r"(latency|objective)-(.*-)?(p\d{1,2}([.-]\d{1,3})?|mean|max)")
_ERRORS = ("error-ratio", "errors")
_QUALITY = re.compile(r"(regression|slice|window|search|class)(es|s)?-")

Conditions = frozenset[tuple[str, str]]
"""Column and value of each condition of a slice."""
Family = tuple[str, str, str]
"""Command, kind of regression and data set."""


class Cause(NamedTuple):
    """Findings that one change explains."""

    lead: PlacedFinding
    """The finding that describes the cause: of all rows, or of the slice to which the regression is limited."""
    others: tuple[PlacedFinding, ...]
    """The other findings, the worst first."""

    @property
    def outcome(self) -> Outcome:
        """Outcome of the cause."""
        return self.lead.finding.outcome

    @property
    def findings(self) -> tuple[PlacedFinding, ...]:
        """All findings, the leading one first."""
        return (self.lead, *self.others)


def group_causes(entries: Sequence[PlacedFinding]) -> list[Cause]:
    """Return the causes of the findings that did not pass: by outcome, then one of each command in turn.

    Args:
        entries: All findings of a verdict, in any order.
    """
    failures = rank_findings([entry for entry in entries if entry.finding.outcome is not Outcome.PASS])
    # The run that confirms a failure repeats its findings, so that it leads only if the first run has none of them.
    # Too few labels explain every metric that they leave undecided.
    failures.sort(key=lambda e: (-e.finding.outcome.severity, e.finding.id != LABEL_COVERAGE, is_confirmation(e.leg)))
    unlabelled = {(e.command, e.finding.dataset) for e in failures if e.finding.id == LABEL_COVERAGE}
    families: dict[Family, list[tuple[Conditions, list[PlacedFinding]]]] = {}
    for entry in failures:
        groups = families.setdefault(_family(entry, unlabelled), [])
        own = frozenset((key, repr(value)) for key, value in entry.finding.slice.items())
        relatives = (group for lead, group in groups[:MAX_RELATIVES] if _related(lead, own))
        if (related := next(relatives, None)) is None:
            groups.append((own, [entry]))
        else:
            related.append(entry)
    causes = [_cause(group) for groups in families.values() for _, group in groups]
    return _in_turn(causes)


def _cause(group: Sequence[PlacedFinding]) -> Cause:
    """Return the cause of related findings, sorted worst first.

    All rows lead, unless one slice exceeds its limit by so much more that the regression is there, and the change of
    all rows follows from it.
    """
    lead = group[0]
    slices = [e for e in group if e.finding.slice and e.finding.outcome is lead.finding.outcome]
    worst = max(slices, key=lambda entry: excess(entry.finding), default=lead)
    of_all_rows = lead.finding.change is not None and not lead.finding.slice
    if of_all_rows and excess(worst.finding) >= LOCAL * max(excess(lead.finding), 1.0):
        lead = worst
    return Cause(lead, tuple(entry for entry in group if entry is not lead))


def _in_turn(causes: Sequence[Cause]) -> list[Cause]:
    """Sort by outcome, then let the commands take turns, so that one of them does not fill a short list."""
    turns: dict[tuple[str, Outcome], int] = {}
    ranked = []
    for cause in sorted(causes, key=lambda cause: -cause.outcome.severity):
        key = (cause.lead.command, cause.outcome)
        turns[key] = turns.get(key, -1) + 1
        ranked.append((-cause.outcome.severity, turns[key], cause))
    return [cause for _, _, cause in sorted(ranked, key=lambda item: item[:2])]


def _family(entry: PlacedFinding, unlabelled: set[tuple[str, str]]) -> Family:
    """Return what findings of one cause have in common, the slice aside."""
    finding = entry.finding
    if not entry.command:
        # Merging the evidence made this finding; its reason names the command or the file that it is about.
        return ("", f"{finding.id} {finding.reason}", finding.dataset)
    kind = _kind(finding)
    undecided = finding.outcome is Outcome.INCONCLUSIVE and kind == QUALITY
    if undecided and (entry.command, finding.dataset) in unlabelled:
        kind = LABEL_COVERAGE
    return (entry.command, kind, finding.dataset)


def _kind(finding: Finding) -> str:
    if finding.metric in _ERRORS:
        return "errors"
    if _RESPONSE_TIME.fullmatch(finding.id):
        return "response time"
    if finding.id.startswith("drift-"):
        return "drift"
    return QUALITY if _QUALITY.match(finding.id) else finding.id


def _related(one: Conditions, other: Conditions) -> bool:
    """Return whether one of two slices contains the other; all rows contain every slice and every window."""
    return one <= other or other <= one


def legs_of(cause: Cause) -> list[str]:
    """Return the legs with findings of a cause in their order; a confirming leg counts as the leg that it repeats."""
    return [leg for leg in dict.fromkeys(confirmed_leg(entry.leg) for entry in cause.findings) if leg]
