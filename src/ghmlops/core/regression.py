"""The judgement of a prediction diff: from what was observed to findings, measurements and tables. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ghmlops.core import contract, judge, slices
from ghmlops.core.judge import ALPHA, Comparison, comparison_at, rule, tidy
from ghmlops.core.metrics import metrics_of
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome
from ghmlops.core.slices import Place

if TYPE_CHECKING:
    from ghmlops.core.contract_facts import Facts
    from ghmlops.core.metric import Metric
    from ghmlops.core.paired import CellTable, Columns, Compared
    from ghmlops.core.policy import Regression


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was read. Only `facts` is there where the contract forbids a comparison."""

    facts: Facts
    overall: CellTable | None = None
    columns: Columns | None = None
    slices: tuple[tuple[tuple[str, ...], CellTable], ...] = ()
    """By the columns of each cut."""
    windows: CellTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the evidence holds."""

    findings: list[Finding]
    measurements: list[Measurement]
    not_measured: list[NotMeasured]
    details: dict[str, Any]


def judge_observed(seen: Observed, policy: Regression) -> Judged:
    """Judge by the rules of the policy: the contract first, then all rows, then slices and windows."""
    blocked = contract.blocking(seen.facts)
    if blocked:
        return Judged(findings=blocked, measurements=[], not_measured=[_nothing_compared()], details={})
    findings = contract.judge_contract(seen.facts)
    if seen.overall is None or seen.facts.pairs is None:
        return Judged(findings=findings, measurements=[], not_measured=[_nothing_compared()], details={})
    skipped = contract.not_measured(seen.facts, group=bool(policy.group), windows=bool(policy.window))
    if policy.intent == "unchanged":
        findings.append(contract.unchanged(seen.facts.pairs))
    comparisons = compare_overall(seen, policy)
    findings += [f for c in comparisons for f in _overall(c, policy)]
    details: dict[str, Any] = {"settings": _settings(policy)}
    for kind, places, tables in _families(seen, policy):
        family = slices.hunt(places, kind, policy.minimum_rows)
        findings += family.findings
        details[f"{kind}s"] = family.table
        for columns, table in tables:
            findings += slices.missing([(*_located(key, columns), rows) for key, rows in table.lost], kind)
            skipped += _small(columns, table, policy.minimum_rows)
        if kind == "window":
            findings += slices.uneven(places)
    return Judged(
        findings=findings,
        measurements=[m for c in comparisons for m in _measured(c)],
        not_measured=skipped,
        details=details,
    )


def compare_overall(seen: Observed, policy: Regression) -> list[Comparison]:
    """Compare every metric of the task over all rows; those that have no row to look at are left out."""
    found = []
    for metric in metrics_of(policy.task):
        compared = _compare(metric, seen.overall, seen.columns) if metric.overall else None
        if compared is not None and compared.n[0] > 0:
            found.append(_at(compared, 0, metric, seen, policy))
    return found


def _compare(metric: Metric, table: CellTable | None, columns: Columns | None = None) -> Compared | None:
    tail = metric.tail(ALPHA)
    if metric.compare is not None and table is not None:
        return metric.compare(table.sums[metric.row, metric.labelled], tail)
    if metric.compare_columns is not None and columns is not None:
        return metric.compare_columns(columns, tail)
    return None


def _at(compared: Compared, place: int, metric: Metric, seen: Observed, policy: Regression) -> Comparison:
    spread = (seen.facts.pairs.label_spread if seen.facts.pairs else None) or 0.0
    return comparison_at(compared, place, metric, spread=spread, margins=policy.margins)


def _overall(found: Comparison, policy: Regression) -> list[Finding]:
    findings = [] if found.margin is None else [judge.finding(found, rule(found, policy.undecided))]
    return findings + [f for f in (_implausible(found),) if f is not None]


def _implausible(found: Comparison) -> Finding | None:
    """Return the finding on an improvement too good to believe."""
    metric = found.metric
    if metric.implausible is None or not math.isfinite(found.loss) or found.n < judge.MINIMUM:
        return None
    limit = metric.implausible * (abs(found.baseline) if metric.margin_of == "baseline" else 1.0)
    if not (-found.loss > limit and found.loss_high < 0):
        return None
    return Finding(
        id="implausible-jump",
        metric=metric.id,
        outcome=Outcome.WARN,
        reason=f"{judge.sentence(found)}: an improvement this large is leakage until it is explained.",
        docs=f"{judge.DOCS}#the-verdict",
        description="Is an improvement too good to be true?",
        unit=metric.unit,
        direction=metric.direction,
        baseline=tidy(found.baseline),
        candidate=tidy(found.candidate),
        method=found.method,
        n=found.n,
    )


def _measured(found: Comparison) -> list[Measurement]:
    """Return the metric's value an arm; a rate that only the pair has is the candidate's, with its limits."""
    fields: dict[str, Any] = {"id": found.metric.id, "unit": found.metric.unit, "n": found.n}
    candidate = {"value": tidy(found.candidate)}
    if found.paired_only:
        return [
            Measurement(
                arm="candidate", values=candidate | {"low": tidy(found.low), "high": tidy(found.high)}, **fields
            )
        ]
    return [
        Measurement(arm="baseline", values={"value": tidy(found.baseline)}, **fields),
        Measurement(arm="candidate", values=candidate, **fields),
    ]


def _families(
    seen: Observed, policy: Regression
) -> list[tuple[Any, list[Place], list[tuple[tuple[str, ...], CellTable]]]]:
    families: list[tuple[Any, list[Place], list[tuple[tuple[str, ...], CellTable]]]] = []
    if policy.slices:
        tables = list(seen.slices)
        families.append(("slice", [p for columns, t in tables for p in _places(columns, t, seen, policy)], tables))
    if policy.window and seen.windows is not None:
        families.append(("window", _places((), seen.windows, seen, policy), [((), seen.windows)]))
    return families


def _places(columns: tuple[str, ...], table: CellTable, seen: Observed, policy: Regression) -> list[Place]:
    """Return every hunted metric in every cell that has the minimum of rows for it."""
    found = []
    for metric in metrics_of(policy.task):
        compared = _compare(metric, table) if metric.hunted and table.keys else None
        if compared is None:
            continue
        for place, key in enumerate(table.keys):
            if compared.n[place] >= policy.minimum_rows:
                where, window = _located(key, columns)
                one = _at(compared, place, metric, seen, policy)
                found.append(Place(slice=where, window=window, found=one))
    return found


def _located(key: tuple[Any, ...], columns: tuple[str, ...]) -> tuple[dict[str, Any], str | None]:
    """Return a cell's slice and window; without columns it is a window."""
    return (dict(zip(columns, key, strict=True)), None) if columns else ({}, str(key[0]))


def _small(columns: tuple[str, ...], table: CellTable, minimum: int) -> list[NotMeasured]:
    what = f"slices by {' x '.join(columns)}" if columns else "windows"
    found = []
    if table.small:
        why = f"{table.small:,} hold fewer than {minimum:,} usable rows each ({table.small_rows:,} rows together)"
        found.append(NotMeasured(what=what, why=why))
    if table.new:
        found.append(
            NotMeasured(what=what, why=f"{table.new:,} are new in the candidate, with nothing to compare them to")
        )
    return found


def _nothing_compared() -> NotMeasured:
    return NotMeasured(what="every metric", why="the two artifacts cannot be compared")


def _settings(policy: Regression) -> dict[str, Any]:
    margins = {
        metric.id: policy.margins.get(metric.id, metric.margin)
        for metric in metrics_of(policy.task)
        if policy.margins.get(metric.id, metric.margin) is not None
    }
    either_way = [m.id for m in metrics_of(policy.task) if m.direction is Direction.TARGET]
    return {
        "alpha": ALPHA,
        "margins": margins,
        "either way": ", ".join(either_way),
        "minimum rows": policy.minimum_rows,
        "threshold": policy.threshold if policy.task == "binary" and not policy.prediction else None,
        "time zone": "UTC",
        "group": policy.group or None,
    }
