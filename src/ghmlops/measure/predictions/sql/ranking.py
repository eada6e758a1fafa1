# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Ranking: reduces the paired documents of each query to one row with the value of every metric on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.paired.aggregates import QueryRanks, effective_rows
from ghmlops.measure.predictions.sql.pairing import OK
from ghmlops.measure.predictions.sql.staging import code_names

if TYPE_CHECKING:
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.sql.staging import StagedViews

RANKED = "ok AND NOT label_conflict AND NOT query_conflict"
"""SQL condition on `pairs` for the documents that count."""


def rank_queries(views: StagedViews) -> None:
    """Create the table `queries` from `pairs`; a query without a relevant document is not `ok`.

    Documents are ordered by score; among equal scores the less relevant come first, so that ties never improve a
    metric. Only documents that both sides rank count; one without a label is irrelevant, as in trec_eval, or left out
    if the policy says so (condensed lists: Sakai 2007). Discounts are
    log2(rank + 1), and gains are the label (as in scikit-learn's `ndcg_score`: Jarvelin and Kekalainen 2002) or, if the
    policy says so, 2^label - 1 (as in LightGBM and XGBoost: Burges et al. 2005). The slice, window and group of a
    query are those of its documents: they are attributes of queries. A custom metric is first averaged over documents.
    """
    ranks = ", ".join(
        f"row_number() OVER (PARTITION BY q ORDER BY s{side} DESC, y ASC) AS i{side}, "
        f"sum(CASE WHEN y > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY q ORDER BY s{side} DESC, y ASC "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c{side}"
        for side in "ab"
    )
    ideal_rank = "row_number() OVER (PARTITION BY q ORDER BY y DESC) AS ideal"
    custom = [f"o{index}{side}" for index in range(len(views.layout.policy.metrics)) for side in "ab"]
    policy = views.layout.policy
    only_labelled = " AND y IS NOT NULL" if policy.unjudged == "left-out" else ""
    names = ["q", "y IS NOT NULL AS has_label", "coalesce(y, 0e0) AS y", "sa", "sb", *custom]
    judged = f"SELECT {', '.join(names)} FROM pairs WHERE {RANKED}{only_labelled}"
    documents = f"SELECT {', '.join(['q', 'has_label', 'y', *custom])}, {ranks}, {ideal_rank} FROM ({judged})"
    values = [value for side in "ab" for value in _metric_values(side, policy.at, policy.gain)]
    values += [f"avg({name}) AS {name}" for name in custom]
    weight = ["w"] if policy.weight else []
    counts = "count(*) FILTER (WHERE y > 0) AS relevant, count(*) FILTER (WHERE has_label) AS labelled"
    metrics = f"SELECT q, {', '.join(values)}, {counts} FROM ({documents}) GROUP BY q"
    names = [*code_names(views.plan), *(["g"] if views.layout.policy.group else []), *weight]
    shared_values = "".join(f", {_shared_value(name)} AS {name}" for name in names)
    queries = f"SELECT q, min(side) AS side{shared_values} FROM pairs WHERE q IS NOT NULL GROUP BY q"
    columns = "".join(f", s.{name}" for name in names)
    columns += ", false AS g_null" if views.layout.policy.group else ""
    views.session.store(
        "queries",
        f"SELECT s.q, s.side, coalesce(m.relevant > 0, false) AS ok, coalesce(m.labelled, 0) AS labelled, "
        f"CAST(CASE WHEN m.relevant > 0 THEN {OK} ELSE s.side END AS TINYINT) AS state, CAST(0 AS DOUBLE) AS y, "
        f"CAST(NULL AS INTEGER) AS pa, CAST(NULL AS INTEGER) AS pb{columns}, {', '.join([_metric_columns(), *custom])} "
        f"FROM ({queries}) s LEFT JOIN ({metrics}) m ON s.q = m.q",
    )
    if policy.weight:
        _check_weights(views)


def _check_weights(views: StagedViews) -> None:
    """Reject weights that differ between the documents of a query: a query counts once, with one weight.

    Raises:
        DataError: a query has several weights; the message has the number of such queries.
    """
    count = views.session.row("SELECT count(*) AS n FROM queries WHERE ok AND w IS NULL")["n"]
    if count:
        raise DataError(
            f'{count:,} queries have documents with different weights in "{views.layout.policy.weight}"',
            hint="metrics of a ranking are means over queries: give all documents of a query the same weight",
        )


def _shared_value(name: str) -> str:
    """Return SQL for the value that all documents of a query share; null if their values differ."""
    return f"min({name})" if name == "g" else f"CASE WHEN min({name}) = max({name}) THEN min({name}) END"


def _metric_columns() -> str:
    return ", ".join(f"m.{name}_{side}" for side in "ab" for name in ("ndcg", "mrr", "map", "recall_at_k"))


def _metric_values(side: str, k: int, gain: str) -> list[str]:
    value = "(pow(2e0, y) - 1e0)" if gain == "exponential" else "y"

    def dcg(rank: str) -> str:
        return f"sum(CASE WHEN {rank} <= {k} THEN {value} * ln(2.0) / ln({rank} + 1.0) ELSE 0.0 END)"

    relevant = "count(*) FILTER (WHERE y > 0)"
    return [
        f"CASE WHEN {relevant} > 0 THEN {dcg(f'i{side}')} / {dcg('ideal')} END AS ndcg_{side}",
        f"max(CASE WHEN y > 0 THEN 1e0 / i{side} END) AS mrr_{side}",
        f"avg(CASE WHEN y > 0 THEN CAST(c{side} AS DOUBLE) / i{side} END) AS map_{side}",
        f"CASE WHEN {relevant} > 0 THEN CAST(count(*) FILTER (WHERE y > 0 AND i{side} <= {k}) AS DOUBLE) / {relevant} "
        f"END AS recall_at_k_{side}",
    ]


def read_query_ranks(session: Session, *, weighted: bool) -> QueryRanks:
    """Return the products of the midranks within each query over all documents, with or without a label.

    If queries are weighted, the products are multiplied by the weights.
    """
    factor, effective = "w * " if weighted else "", None
    midranks = ", ".join(
        f"rank() OVER (PARTITION BY q ORDER BY s{side}) + (count(*) OVER (PARTITION BY q, s{side}) - 1) / 2e0 "
        f"- (count(*) OVER (PARTITION BY q) + 1) / 2e0 AS r{side}"
        for side in "ab"
    )
    size = "count(*) OVER (PARTITION BY q) AS documents"
    columns = f"q, w, {midranks}, {size}" if weighted else f"q, {midranks}, {size}"
    ranks = f"SELECT {columns} FROM pairs WHERE ok AND NOT query_conflict"
    # The sums are multiples of 1/4, so they are exact in any order.
    row = session.row(
        f"SELECT count(*) AS documents, count(DISTINCT q) AS queries, coalesce(sum({factor}ra * ra), 0e0) AS baseline, "
        f"coalesce(sum({factor}rb * rb), 0e0) AS candidate, coalesce(sum({factor}ra * rb), 0e0) AS product "
        f"FROM ({ranks}) r WHERE documents > 1"
    )
    if weighted:
        weights = f"SELECT q, min(w) AS w FROM ({ranks}) r WHERE documents > 1 GROUP BY q"
        sums = session.row(f"SELECT sum(w) AS weight, sum(w * w) AS squares FROM ({weights}) t")
        effective = float(effective_rows(sums["weight"] or 0.0, sums["squares"] or 0.0))
    return QueryRanks(
        documents=int(row["documents"]),
        queries=int(row["queries"]),
        baseline=float(row["baseline"]),
        candidate=float(row["candidate"]),
        product=float(row["product"]),
        effective=effective,
    )


def query_facts(views: StagedViews) -> dict[str, int]:
    """Count queries, queries without a relevant document, and documents whose query differs between the sides."""
    queries = views.session.row(
        "SELECT count(*) FILTER (WHERE side = 0) AS queries, "
        "count(*) FILTER (WHERE side = 0 AND NOT ok) AS queries_without_relevant, "
        "count(*) FILTER (WHERE side = 0 AND labelled = 0) AS queries_without_label FROM queries"
    )
    conflicts = views.session.row("SELECT count(*) FILTER (WHERE query_conflict) AS query_conflicts FROM pairs")
    return {name: int(value) for name, value in (queries | conflicts).items()}
