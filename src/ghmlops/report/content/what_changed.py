"""What differs between baseline and candidate apart from the results: commits, policy, data, environment, machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.details.regression import regression_details
from ghmlops.report.content.finding_cells import EMPTY
from ghmlops.report.content.placed_findings import evidence_label, format_value
from ghmlops.report.text.blocks import Cell, Code, Column, Link, Section, Table, Text, Words
from ghmlops.report.text.scope import scope_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.run_facts import Facts

    _Part = tuple[str, str, str, str]
    """Kind and name, then the baseline's and the candidate's."""

SHORT_SHA = 10
MAX_PARTS = 400
_DIGEST_LENGTH = 19
"""`sha256:` and twelve digits."""
_TITLES = {
    "policy": "Policy",
    "policy-key": "Policy key",
    "environment": "Lock file",
    "package": "Package",
    "machine": "Machine that measured",
    "predictions": "Predictions",
    "origin": "Predictions from",
    "data": "Requests and labels",
    "release": "ghmlops",
    "seed": "Seed",
}
"""Titles of the kinds of parts, in the order of the table."""
_SHARED = ("labels", "noise", "data", "trace")
"""Roles of fingerprints of which both sides have the same one."""


def commit_link(sha: str, facts: Facts) -> Link:
    """Return the short name of a commit, linked if the server is known."""
    return Link(sha[:SHORT_SHA] if is_sha(sha) else "unknown", facts.commit_url(sha), code=True)


def what_changed(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Section | None:
    """Return the section with the differing parts, and the equal ones collapsed; `None` without a baseline."""
    bases = [base for base in dict.fromkeys(file.provenance.base_sha for file in evidence) if is_sha(base)]
    parts = list(dict.fromkeys(part for file in evidence for part in _parts(file)))[:MAX_PARTS]
    order = {kind: index for index, kind in enumerate(_TITLES)}
    parts.sort(key=lambda part: order.get(part[0], len(order)))
    different = [part for part in parts if part[2] != part[3]]
    equal = [part for part in parts if part[2] == part[3]]
    if not bases and not different:
        return None
    commits: list[tuple[Cell, ...]] = [
        ((Words("Commit"),), EMPTY, (commit_link(base, facts),), (commit_link(verdict.commit, facts),))
        for base in bases
    ]
    columns = (Column("What"), Column("Name"), Column("Baseline"), Column("Candidate"))
    rows = [*commits, *((*_name(part), _value(part[2]), _value(part[3])) for part in different)]
    tables = [Table(title="Different", columns=columns, rows=rows)]
    if equal:
        label = f"{len(equal)} {'part is' if len(equal) == 1 else 'parts are'} equal on both sides"
        shared: list[tuple[Cell, ...]] = [(*_name(part), _value(part[2])) for part in equal]
        titles = (Column("What"), Column("Name"), Column("Both sides"))
        tables.append(Table(title="Equal on both sides", columns=titles, rows=shared, collapsed=label))
    return Section(title="What changed", tables=tables)


def _parts(file: Evidence) -> Iterator[_Part]:
    """Yield the parts that an evidence file names."""
    origin = file.provenance
    if not is_sha(origin.base_sha) and not regression_details(file.details).sources:
        return
    yield from ((part.kind, part.name, part.baseline, part.candidate) for part in origin.parts if part.kind in _TITLES)
    prints = origin.fingerprints
    kinds = {part.kind for part in origin.parts}
    if "policy" not in kinds and "policy" in prints and "base-policy" in prints:
        yield "policy", "", prints["base-policy"], prints["policy"]
    label = evidence_label(file.command, file.leg)
    for name, value in prints.items():
        scope, _, role = name.rpartition("/")
        if role == "baseline" and (other := prints.get(name.removesuffix("baseline") + "candidate")):
            yield "predictions", scope_text(scope), value, other
        elif role in _SHARED or name.startswith("data:"):
            yield "data", name.removeprefix("data:") if name.startswith("data:") else f"{label}: {name}", value, value
    yield from _origins(file)
    if origin.version:
        yield "release", "", origin.version, origin.version
    if origin.seed is not None:
        yield "seed", label, format_value(origin.seed), format_value(origin.seed)


def _origins(file: Evidence) -> Iterator[_Part]:
    """Yield where the predictions of both sides come from: the run and the commit if they are known."""
    sources: dict[str, dict[str, str]] = {}
    for row in regression_details(file.details).sources:
        sources.setdefault(row.dataset, {})[row.role] = _origin(row.origin)
    for dataset, roles in sources.items():
        if "baseline" in roles and "candidate" in roles:
            yield "origin", scope_text(dataset), roles["baseline"], roles["candidate"]


def _origin(origin: dict[str, str]) -> str:
    run, commit = origin.get("run-id", ""), origin.get("head-sha", "")
    parts = [f"run {run}" if run else "", f"commit {commit[:SHORT_SHA]}" if is_sha(commit) else ""]
    return ", ".join(filter(None, parts)) or origin.get("source", "")


def _name(part: _Part) -> tuple[Cell, Cell]:
    name: Cell = (Code(part[1], 100),) if part[1] and part[0] != "machine" else EMPTY
    return (Words(_TITLES[part[0]]),), name


def _value(value: str) -> Cell:
    if not value:
        return (Words("absent"),)
    is_digest = value.startswith(("sha256:", "content:", "git:"))
    if is_digest:
        return (Code(value[:_DIGEST_LENGTH] if value.startswith("sha256:") else _short(value)),)
    return (Text(value, 200),)


def _short(value: str) -> str:
    """Return the kind of a digest and the beginning of its last part."""
    head, _, digest = value.rpartition(":")
    return f"{head}:{digest[:12]}"
