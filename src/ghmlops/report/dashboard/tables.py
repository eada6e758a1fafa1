"""The tables of the dashboard. Each number stands in a row with the record and the evidence it comes from."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from ghmlops.core.history.delivery import accuracy, delivery_keys
from ghmlops.core.model import Outcome
from ghmlops.report.text import escape, numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Link, Mark, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.history.calibration import Calibration
    from ghmlops.core.history.deployments import Deployment
    from ghmlops.core.history.record import DeploymentRecord, Effect
    from ghmlops.report.dashboard.data import Dashboard
    from ghmlops.report.dashboard.sources import Sources

RECENT = timedelta(days=90)
"""Period of the delivery keys, in addition to the whole history."""
MAX_EFFECTS, MAX_EVIDENCE, MAX_EXPECTATIONS = 3, 4, 5
"""Effects, digests and expectations of a row; the record has all of them."""
MAX_STATED = 400
"""Expectations of a table, the newest ones; the file of their sources has all that were measured."""
EMPTY: Cell = ()
SOURCES = Column("Counted from")
"""Column with the file that names the records and the evidence of a number."""
_STATES = {"live": "live", "failed": "failed", "refused": "refused", "pending": "not finished"}


def services(data: Dashboard, sources: Sources) -> Table:
    """Return a row per service and environment: what is live, and how its deployments ended."""
    groups = by_place(data.deployments)
    rows: list[tuple[Cell, ...]] = []
    for (service, environment), items in groups.items():
        counts = Counter(item.state for item in items)
        live = next((item for item in reversed(items) if item.state == "live" and not item.harmed_by), None)
        rolled = sum(i.is_rollback and i.state == "failed" for i in items)
        undone = sum(bool(i.harmed_by) for i in items)
        live_cell = (*commit_cell(live.commit, data), Words(f" since {live.time:%Y-%m-%d %H:%M}")) if live else EMPTY
        values = (len(items), counts["live"], counts["refused"], counts["failed"], rolled, undone, counts["pending"])
        rows.append(
            (
                (Text(service),),
                (Text(environment),),
                live_cell,
                *(_count(value) for value in values),
                sources.deployments(items),
            )
        )
    titles = ("Deployments", "Live", "Refused", "Failed", "of these rolled back", "Undone later", "Not finished")
    columns = (Column("Service"), Column("Environment"), Column("Newest good deployment"))
    counts_ = (Column(t, right=True) for t in titles)
    return Table(title="Services", columns=(*columns, *counts_, SOURCES), rows=rows)


def keys(data: Dashboard, sources: Sources) -> Table:
    """Return the four keys of each service and environment, for the last 90 days and for all time."""
    rows: list[tuple[Cell, ...]] = []
    for (service, environment), items in by_place(data.deployments).items():
        first = min(item.time for item in items)
        for title, since in (("90 days", max(first, data.written - RECENT)), ("all", first)):
            until = data.written + timedelta(seconds=1)
            key = delivery_keys(items, since, until)
            cells: tuple[Cell, ...] = (
                (Words(numbers.rounded(key.per_week, 2) if key.per_week is not None else numbers.MISSING),),
                (Words(_hours(key.lead_hours) + _remark(key.without_commit_time, "unknown")),),
                (
                    Words(
                        numbers.rounded(key.failure_rate, 2, numbers.PERCENT)
                        if key.failure_rate is not None
                        else numbers.MISSING
                    ),
                ),
                (Words(numbers.count(key.failures)),),
                (Words(_hours(key.restore_hours) + _remark(key.not_restored, "not restored")),),
            )
            source = sources.deployments(item for item in items if since <= item.time < until)
            rows.append(((Text(service),), (Text(environment),), (Words(title),), *cells, source))
    titles = ("Live per week", "Lead time, median", "Change failure rate", "Failures", "Time to restore, median")
    columns = (Column("Service"), Column("Environment"), Column("Period"), *(Column(t, right=True) for t in titles))
    return Table(title="Delivery: the four keys", columns=(*columns, SOURCES), rows=rows)


def own_accuracy(data: Dashboard, sources: Sources) -> Table:
    """Return the false positives and false negatives of the suite."""
    result = accuracy(data.deployments)
    rows: list[tuple[Cell, ...]] = [
        _accuracy_row("False positives: stopped or undone, then live without a change", result.false_positives,
                      result.actions, data, sources),
        _accuracy_row("False negatives: passed, then reverted or quarantined", result.false_negatives,
                      result.passed, data, sources),
    ]  # fmt: skip
    columns = (Column("What"), Column("Number", right=True), Column("of", right=True), Column("Rate", right=True))
    return Table(title="Accuracy of these verdicts", columns=(*columns, Column("Newest"), SOURCES), rows=rows)


def _accuracy_row(
    title: str, items: Sequence[Deployment], total: Sequence[Deployment], data: Dashboard, sources: Sources
) -> tuple[Cell, ...]:
    rate = numbers.rounded(len(items) / len(total), 2, numbers.PERCENT) if total else numbers.MISSING
    newest = [piece for item in items[-5:] for piece in (*commit_cell(item.commit, data), Words(" "))]
    source = (*sources.deployments(items), Words(" of "), *sources.deployments(total))
    return (Words(title),), _count(len(items)), _count(len(total)), (Words(rate),), tuple(newest), source


def expectations(calibration: Calibration, sources: Sources) -> Table:
    """Return a row per expectation that was measured, the newest first."""
    rows: list[tuple[Cell, ...]] = []
    for pair in reversed(calibration.pairs[-MAX_STATED:]):
        scale = numbers.unit_scale(pair.unit)
        values = (pair.stated, pair.measured, pair.shrunk)
        texts = (numbers.MISSING if v is None else numbers.rounded(v, 3, scale, signed=True) for v in values)
        head: tuple[Cell, ...] = (
            (Words(f"{pair.time:%Y-%m-%d}"),), (Text(pair.service),), (Code(pair.commit[:7]),), (Text(pair.metric),)
        )  # fmt: skip
        rows.append((*head, *((Words(text),) for text in texts), evidence_cell(pair.id, sources.evidence(pair.id))))
    titles = ("Stated", "Measured", "Shrunk")
    columns = (Column("Time"), Column("Service"), Column("Commit"), Column("Metric"))
    numbers_ = tuple(Column(title, right=True) for title in titles)
    return Table(
        title="Stated and measured effects", columns=(*columns, *numbers_, Column("Record and evidence")), rows=rows
    )


def unmatched(calibration: Calibration) -> Table:
    """Return the expectations without a measured effect, the newest first."""
    rows = [((Text(u.text),), (Words(u.reason),), (Code(u.id),)) for u in reversed(calibration.unmatched[-MAX_STATED:])]
    columns = (Column("Expectation"), Column("Why it was not compared"), Column("Record"))
    return Table(title="Expectations without a measurement", columns=columns, rows=list[tuple[Cell, ...]](rows))


def skipped(data: Dashboard) -> Table:
    """Return what does not count, each with its reason."""
    rows: list[tuple[Cell, ...]] = [((Words(p.code),), (Code(p.path),), (Text(p.reason),)) for p in data.problems]
    for name, count in data.former.items():
        text = f"{numbers.count(count)} records; no record since another service began, so it may be a former name"
        rows.append(((Words("service-renamed"),), (Code(name),), (Words(text),)))
    return Table(title="Not counted", columns=(Column("Code"), Column("What"), Column("Why")), rows=rows)


def deployments(items: Iterable[Deployment], data: Dashboard, title: str) -> Table:
    """Return a row per deployment, the newest first."""
    names = ("Outcome", "Time (UTC)", "Service", "Commit", "What happened", "Expected", "Measured")
    columns = (*map(Column, names), Column("Harmed", right=True), Column("By"), Column("Record and evidence"))
    rows = [_deployment_row(item, data) for item in sorted(items, key=lambda i: i.time, reverse=True)]
    return Table(title=title, columns=columns, rows=rows)


def _deployment_row(item: Deployment, data: Dashboard) -> tuple[Cell, ...]:
    first = item.records[0]
    harmed = [r.harmed_requests for r in item.records if r.harmed_requests is not None]
    people = dict.fromkeys(record.person for record in item.records if record.person)
    override = next((record.override for record in item.records if record.override), "")
    by: Cell = (Text(", ".join(people), 60), *((Words(": "), Text(override, 120)) if override else ()))
    # Each decision about a deployment repeats what was expected of it.
    texts = dict.fromkeys(expected.text for record in item.records for expected in record.hypothesis)
    stated = list(texts)[:MAX_EXPECTATIONS]
    place = f"{first.service} {first.environment}".strip()
    return (
        (Mark(_outcome(item)),),
        (Words(f"{item.time:%Y-%m-%d %H:%M}"),),
        (Text(place, 80),),
        commit_cell(item.commit, data),
        _course(item),
        (Text("; ".join(stated), 200),) if stated else EMPTY,
        tuple(piece for r in item.records for e in r.effects[:MAX_EFFECTS] for piece in _effect(e)),
        _count(sum(harmed)) if harmed else EMPTY,
        by,
        evidence_cell(item.ids[0], _digests(item.records)),
    )


def _outcome(item: Deployment) -> Outcome:
    if item.is_change_failure:
        return Outcome.FAIL
    return max((record.outcome for record in item.records), key=lambda outcome: outcome.severity)


def _course(item: Deployment) -> Cell:
    """Return the state, the rungs of the promotion, the reason of the last decision, and the record that undid it."""
    parts = [_STATES[item.state]]
    if item.is_rollback:
        parts = ["live, then rolled back" if item.state == "live" else "rolled back"]
    rungs = [rung for record in item.records for rung in record.rungs]
    if rungs:
        requests = sum(rung.requests.get("candidate", 0) for rung in rungs)
        shares = " → ".join(numbers.rounded(rung.share, 2, numbers.PERCENT) for rung in rungs[-4:])
        parts.append(f"rungs {shares} ({numbers.count(requests)} requests)")
    reason = item.records[-1].reason_code
    is_own = item.harmed_by in item.ids
    undone: Cell = (Words("; undone later by "), Code(item.harmed_by)) if item.harmed_by and not is_own else ()
    return Words(", ".join(parts)), *((Words(": "), Text(reason, 60)) if reason else ()), *undone


def _effect(effect: Effect) -> Cell:
    scale = numbers.unit_scale(effect.unit)
    value = "not measured" if effect.estimate is None else numbers.rounded(effect.estimate, 2, scale, signed=True)
    return Text(effect.metric, 40), Words(f"\u00a0{value} ")


def evidence_cell(identity: str, digests: Sequence[str]) -> Cell:
    """Return the id of a record, and the digests of its evidence."""
    pieces = [Code(identity), *(Code(digest) for digest in digests[:MAX_EVIDENCE])]
    cell: list[Code | Words | Link] = []
    for piece in pieces:
        cell += [piece, Words(" ")]
    if len(digests) > MAX_EVIDENCE:
        cell.append(Words(f"and {len(digests) - MAX_EVIDENCE} more"))
    return tuple(cell)


def _digests(records: Iterable[DeploymentRecord]) -> list[str]:
    return list(dict.fromkeys(evidence.sha256 for record in records for evidence in record.evidence))


def commit_cell(commit: str, data: Dashboard) -> Cell:
    """Return a commit, with a link to it if the address of the repository is known."""
    url = escape.safe_url(f"{data.server_url}/{data.repository}/commit/{commit}") if data.server_url else ""
    return (Link(commit[:7], url, code=True),)


def by_place(items: Iterable[Deployment]) -> dict[tuple[str, str], list[Deployment]]:
    """Return the deployments of each service and environment, in the order of their names."""
    groups: dict[tuple[str, str], list[Deployment]] = {}
    for item in items:
        groups.setdefault((item.service, item.environment), []).append(item)
    return dict(sorted(groups.items()))


def _count(value: int) -> Cell:
    return (Words(numbers.count(value)),)


def _hours(hours: float | None) -> str:
    return numbers.MISSING if hours is None else numbers.duration(hours * 3600)


def _remark(count: int, word: str) -> str:
    return f" ({numbers.count(count)} {word})" if count else ""
