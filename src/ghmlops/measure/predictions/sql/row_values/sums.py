# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""SQL of the values of single rows that metrics need, and of their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.paired.custom_metric import placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.metric import Metric
    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout

SQUARED = "_squared"
"""End of the names of sums with squared weights."""
Kinds = tuple[tuple[str, bool], ...]
"""Kinds of row values that are summed: (template of the SQL, only labelled rows count)."""


class RowSource(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that are aggregated: single rows (`pairs`), or queries (`queries`)."""

    table: str
    classes: int
    """Number of classes; 0 for a task without classes."""
    weighted: bool = False
    """The rows have weights, the column `w`."""
    means: Mapping[bool, Mapping[str, float]] = msgspec.field(default_factory=dict)
    """Centring means of the label (`y0`) and of the sides' predictions (`p0a`, `p0b`), by whether only labelled rows
    count."""

    @property
    def weight_columns(self) -> list[str]:
        """The column of the weights, if there are weights."""
        return ["w"] if self.weighted else []


def kinds_of(metrics: Sequence[Metric]) -> Kinds:
    """Return the kinds of row values that the metrics need, each once."""
    kinds = [(row, metric.needs_label) for metric in metrics for row in (metric.row, *metric.rows) if row]
    return tuple(dict.fromkeys(kinds))


def _row_value_sql(layout: Layout, source: RowSource, kind: tuple[str, bool], side: str) -> str:
    """Return the row value of a metric on one side (`a` or `b`) as SQL over `pairs` or `queries`."""
    row, labelled = kind
    names = {"y": "y", "s": f"s{side}", "p": f"p{side}", "t": f"t{side}", "r": f"r{side}"}
    names["d"] = "0.0" if side == "a" else "d"
    if _is_self_masking(layout, kind):
        names["y"] = "z"
    if layout.policy.task == "binary":
        # Exactly s if the label is 1, and 1 - s if it is 0.
        names["t"] = f"abs(s{side} - (1.0 - {names['y']}))"
    for metric in ("ndcg", "mrr", "map", "recall-at-k"):
        names[metric] = f"{metric.replace('-', '_')}_{side}"
    names["cosine-distance"] = names["d"]
    names["distance"] = "0.0" if side == "a" else "abs(sb - sa)"
    names["changed"] = "0.0" if side == "a" else "CASE WHEN pa <> pb THEN 1e0 ELSE 0e0 END"
    if layout.policy.task == "text":
        names |= {"exact": f"exact_{side}", "normalised": f"normalised_{side}", "edits": f"edits_{side}"}
        changes = {"changed": "1 - CAST(same AS INTEGER)", "normalised-change": "1 - CAST(alike AS INTEGER)"}
        names |= {name: "0.0" if side == "a" else sql for name, sql in changes.items()}
        # Too long texts have no distance, on both sides.
        names["answer-distance"] = "0.0 * delta" if side == "a" else "delta"
    means = {name: f"CAST({mean!r} AS DOUBLE)" for name, mean in source.means.get(labelled, {}).items()}
    names |= {"y0": means["y0"], "p0": means[f"p0{side}"]} if means else {}
    names |= {placeholder(metric): f"o{index}{side}" for index, metric in enumerate(layout.policy.metrics)}
    return row.format(**names)


def _is_self_masking(layout: Layout, kind: tuple[str, bool]) -> bool:
    """Return True if a value is null without a condition when its row does not count: it is computed from `z`."""
    row, labelled = kind
    return layout.policy.task == "binary" and labelled and ("{y}" in row or "{t}" in row)


def masked_rows(source: RowSource) -> str:
    """Return SQL for the rows with `z`, the label if the row counts: one test per row instead of one per value."""
    return f"(SELECT *, CASE WHEN ok THEN CAST(y AS DOUBLE) END AS z FROM {source.table}) t"


def values_sql(session: Session, layout: Layout, source: RowSource, kinds: Kinds) -> tuple[list[str], list[str]]:
    """Return SQL for the values of each row on both sides, null if the row does not count, and SQL for their sums."""
    rows, sums = [], []
    custom = {f"{{{placeholder(metric)}}}" for metric in layout.policy.metrics}
    for i, (row, labelled) in enumerate(kinds):
        counts = "ok AND y IS NOT NULL" if labelled else "ok"
        for s in "ab":
            value = f"CAST({_row_value_sql(layout, source, (row, labelled), s)} AS DOUBLE)"
            self_masking = _is_self_masking(layout, (row, labelled))
            rows.append(f"{value if self_masking else f'CASE WHEN {counts} THEN {value} END'} AS v{s}{i}")
        # Bounded values are present on both sides or on neither.
        bounded = layout.policy.task not in ("regression", "text") and row not in custom
        first, change = f"va{i}", f"(vb{i} - va{i})"
        paired = first if bounded else f"CASE WHEN vb{i} IS NOT NULL THEN va{i} END"
        terms = {
            "a": paired,
            "d": change,
            "aa": f"{paired} * {first}",
            "ad": f"{first} * {change}",
            "dd": f"{change} * {change}",
        }
        sums.append(f"count({change}) AS n{i}")
        if bounded:  # no metric of such a task needs the products with the baseline's value
            terms = {name: terms[name] for name in ("a", "d", "dd")}
        if source.weighted:
            sums += _weighted_sums(session.dialect, change, terms, i)
            continue
        for name, term in terms.items():
            total = session.dialect.bounded_sum(term) if bounded else session.dialect.exact_sum(term)
            sums.append(f"{total} AS {name}{i}")
    return rows, sums


def _weighted_sums(dialect: Dialect, change: str, terms: Mapping[str, str], kind: int) -> list[str]:
    """Return SQL for the sums of the weights, and of the terms with the weight and with its square as factor."""
    counted = f"CASE WHEN {change} IS NOT NULL THEN w END"
    sums = [f"{dialect.exact_sum(counted)} AS w{kind}", f"{dialect.exact_sum(f'({counted}) * w')} AS n{SQUARED}{kind}"]
    for factor, suffix in (("w", ""), ("w * w", SQUARED)):
        sums += [f"{dialect.exact_sum(f'{term} * {factor}')} AS {name}{suffix}{kind}" for name, term in terms.items()]
    return sums


def weight_sums(session: Session, source: RowSource) -> list[str]:
    """Return SQL for the sums of the weights of all rows and of their squares, as `weight` and `squares`."""
    if not source.weighted:
        return []
    return [f"{session.dialect.exact_sum('w')} AS weight", f"{session.dialect.exact_sum('w * w')} AS squares"]
