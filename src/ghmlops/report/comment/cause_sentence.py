"""One plain sentence about a cause: what is worse, by how much, where, since when, and whether it was confirmed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import find_pillar
from ghmlops.core.policy.targets import scope_words
from ghmlops.report.comment.causes import Cause, legs_of
from ghmlops.report.content.placed_findings import format_value, is_confirmation, is_subgroup
from ghmlops.report.content.summary_sentence import onset
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Inline, Text, Words, join_cells
from ghmlops.report.text.escape import one_line
from ghmlops.report.text.scope import scope_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

FACTOR = 1.5
"""A relative change from this factor on, or below its inverse, is stated as a factor instead of a percentage."""
MAX_ALSO = 3
"""Other metrics of a cause that its sentence names."""
MAX_LEGS = 3
MAX_CONDITIONS = 4
"""Conditions of a slice in a sentence."""
MAX_REASON = 300
MAX_MARKS = 9
"""Pieces of a text with pieces of code in it."""
_QUANTILE = re.compile(r"p\d{1,2}([.-]\d{1,3})?")
_MACHINE_PATH = re.compile(
    r"(?<![\w:/.])/(?:home|root|tmp|var|opt|mnt|usr|Users|private|runner|builds|work|workspace|github|__w)/(?:[^\s/'\"`,;:()]+/)*"
)
"""The folder of a path on the machine that measured, which the reader does not have."""


def cause_title(cause: Cause) -> str:
    """Return the name of what a cause is about; trusted text."""
    pillar = find_pillar(cause.lead.command)
    return pillar.title if pillar else "Evidence"


def cause_sentence(cause: Cause, confirmed: Sequence[str]) -> Cell:
    """Return the sentence of a cause.

    Args:
        cause: The cause.
        confirmed: `<command>:<finding id>` of the failures of the verdict that were confirmed.
    """
    finding = cause.lead.finding
    lead: Cell = (Words(f"{cause_title(cause)}: ", strong=True),)
    if not _has_numbers(finding):
        return (*lead, *_scope(finding), *prose(finding.reason, MAX_REASON), *_more(cause))
    return (
        *lead,
        *where(cause),
        *name(finding),
        Words(f" {verb_phrase(finding)}", strong=True),
        *_rows(finding),
        *_also(cause),
        *_elsewhere(cause),
        *_since(cause),
        Words(_decision(finding)),
        *_confirmation(cause, confirmed),
    )


def _scope(finding: Finding) -> Cell:
    """Return the data set and target in front of a reason that does not name them."""
    if not finding.dataset or scope_words(finding.dataset) in finding.reason:
        return ()
    return (*scope_cell(finding.dataset), Words(": "))


def prose(text: str, limit: int) -> Cell:
    """Return untrusted text in which backticks mark code, without the paths of the machine that measured."""
    parts = one_line(without_machine_paths(text), limit).split("`")
    if len(parts) % 2 == 0 or len(parts) > MAX_MARKS:
        return (Text(" ".join(parts), limit),)
    pieces: list[Inline] = []
    for index, part in enumerate(parts):
        if index % 2:
            pieces.append(Code(part, limit))
        elif part.strip():
            # Escaping strips the spaces that separate text from code.
            gaps = [Words(" " * text[:1].isspace()) for text in (part, part[::-1])]
            pieces += [gaps[0], Text(part, limit), gaps[1]]
    return tuple(piece for piece in pieces if piece != Words(""))


def without_machine_paths(text: str) -> str:
    """Return a text in which the paths of the machine that measured are reduced to names of files."""
    return _MACHINE_PATH.sub("", text)


def name(finding: Finding) -> Cell:
    """Return the metric of a finding in words: `log loss`."""
    if _QUANTILE.fullmatch(finding.metric):
        return (Words(finding.metric),)
    return (Text(finding.metric.replace("-", " "), 60),)


def where(cause: Cause) -> Cell:
    """Return the leg, the data set and the slice of a cause as the beginning of a sentence; often empty."""
    finding, parts = cause.lead.finding, list[Cell]()
    legs = legs_of(cause)
    if legs:
        more = f" and {len(legs) - MAX_LEGS} more" if len(legs) > MAX_LEGS else ""
        parts.append((Words("on "), *_listed(legs[:MAX_LEGS]), Words(more)))
    if finding.dataset:
        parts.append(scope_cell(finding.dataset))
    if finding.slice:
        parts.append((slice_name(finding),))
    elif finding.window is not None:
        parts.append((Words("the window from "), Code(finding.window, 40)))
    if not parts:
        return ()
    return (*join_cells(parts), Words(": "))


def slice_name(finding: Finding) -> Code:
    """Return the conditions of a slice: `carrier=WN, origin=LGA`."""
    pairs = [f"{key}={format_value(value)}" for key, value in list(finding.slice.items())[:MAX_CONDITIONS]]
    more = ", …" if len(finding.slice) > MAX_CONDITIONS else ""
    return Code(", ".join(pairs) + more, 100)


def verb_phrase(finding: Finding) -> str:
    """Return the change in words: `rose from 1.17 to 3.59 ms (3.1 times the baseline; limit +10 %)`."""
    scale, limit = numbers.value_scale(finding), limit_text(finding)
    after = numbers.number(finding.candidate, scale)
    bounds = [part for part in (factor(finding), f"limit {limit}" if limit != numbers.MISSING else "") if part]
    clause = f" ({'; '.join(bounds)})" if bounds else ""
    if finding.baseline is None:
        return f"is {after}{clause}"
    before = numbers.number(finding.baseline, scale, unit=False)
    estimate = finding.change.estimate if finding.change else None
    difference = estimate if estimate is not None else finding.candidate - finding.baseline if finding.candidate else 0
    if not difference:
        return f"did not change from {after}{clause}"
    return f"{'rose' if difference > 0 else 'fell'} from {before} to {after}{clause}"


def limit_text(finding: Finding) -> str:
    """Return the limit of a finding: `+10 %`, `±1 pt`; a dash without one. The direction follows from the change.

    A limit that is a share of the baseline has as many digits as the baseline; three of them carry meaning.
    """
    if finding.margin is not None and abs(finding.margin) < 1:
        finding = msgspec.structs.replace(finding, margin=float(f"{finding.margin:.3g}"))
    text = numbers.limit(finding)
    for condition in ("\u2264 ", "\u2265 ", "within "):
        text = text.removeprefix(condition)
    return text


def factor(finding: Finding) -> str:
    """Return the size of a change: `3.1 times the baseline`, `+18 %`; empty if it is unknown."""
    estimate = finding.change.estimate if finding.change else None
    if estimate is None:
        return ""
    scale = numbers.change_scale(finding)
    if finding.loss and finding.loss.estimate is not None:
        return f"{numbers.rounded(finding.loss.estimate, 2, scale)} further from the target"
    relative = scale.unit == "%"
    ratio = numbers.ratio(finding.candidate, finding.baseline) if relative else None
    if ratio is not None and (ratio >= FACTOR or ratio <= 1 / FACTOR):
        return f"{numbers.rounded(ratio, 2)} times the baseline"
    return numbers.rounded(estimate, 2, scale, signed=True)


def _has_numbers(finding: Finding) -> bool:
    """Return whether values describe the finding better than its reason.

    A summary only counts other findings, and the distance of a distribution says nothing without its column.
    """
    if finding.id.endswith("-summary") or finding.metric == "drift":
        return False
    return finding.candidate is not None and (finding.change or finding.margin) is not None


def _rows(finding: Finding) -> Cell:
    if finding.n is None or not is_subgroup(finding):
        return ()
    return (Words(f" on {numbers.count(finding.n)} rows"),)


def _also(cause: Cause) -> Cell:
    """Return the other metrics of the cause that are as bad as the leading one."""
    lead = cause.lead.finding
    others = {
        entry.finding.metric: entry.finding
        for entry in reversed(cause.others)
        if entry.finding.outcome is lead.outcome
        and entry.finding.metric != lead.metric
        and not entry.finding.id.endswith("-summary")
    }
    names = list(reversed(others.values()))
    if not names:
        return ()
    more = f" and {len(names) - MAX_ALSO} more" if len(names) > MAX_ALSO else ""
    listed = names[:MAX_ALSO]
    pieces = [piece for i, finding in enumerate(listed) for piece in (Words(", " if i else ""), *name(finding))]
    return (Words("; also "), *pieces, Words(more))


def _elsewhere(cause: Cause) -> Cell:
    """Return the values of all rows for a cause that a slice leads, otherwise those of the worst slice."""
    if cause.lead.finding.slice:
        overall = [e.finding for e in cause.others if not is_subgroup(e.finding) and _has_numbers(e.finding)]
        same = [finding for finding in overall if finding.metric == cause.lead.finding.metric]
        if not overall:
            return ()
        finding = (same or overall)[0]
        return (Words("; all rows: "), *name(finding), *_values(finding))
    for entry in cause.others:
        finding = entry.finding
        if finding.slice and _has_numbers(finding):
            return (Words("; worst in "), slice_name(finding), Words(": "), *name(finding), *_values(finding))
    return ()


def _values(finding: Finding) -> Cell:
    scale = numbers.value_scale(finding)
    if finding.baseline is None:
        return (Words(f" {numbers.number(finding.candidate, scale)}"),)
    before = numbers.number(finding.baseline, scale, unit=False)
    return (Words(f" {before} to {numbers.number(finding.candidate, scale)}"),)


def _since(cause: Cause) -> Cell:
    start = onset([entry.finding for entry in cause.findings])
    return (Words(", since "), Code(start, 40)) if start and cause.lead.finding.window is None else ()


def _decision(finding: Finding) -> str:
    return ". More evidence is needed to decide." if finding.outcome is Outcome.INCONCLUSIVE else "."


def _confirmation(cause: Cause, confirmed: Sequence[str]) -> Cell:
    repeated = any(is_confirmation(entry.leg) for entry in cause.findings)
    if repeated and f"{cause.lead.command}:{cause.lead.finding.id}" in confirmed:
        return (Words(" Confirmed on a second, fresh deployment."),)
    return ()


def _more(cause: Cause) -> Cell:
    others = [e.finding for e in cause.others if not e.finding.id.endswith("-summary")]
    # Only the reason names the column of a distribution.
    subjects = {(f.metric, f.dataset, repr(f.slice), f.window, f.reason * (f.metric == "drift")) for f in others}
    return (Words(f" ({numbers.count(len(subjects))} more like it)"),) if subjects else ()


def _listed(legs: Sequence[str]) -> Cell:
    return join_cells([(Code(leg, 40),) for leg in legs])
