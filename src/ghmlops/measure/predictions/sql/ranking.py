# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Ranking: the paired documents of each query become one row with the value of every metric on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.predictions.sql.pairing import OK
from ghmlops.measure.predictions.sql.staging import codes

if TYPE_CHECKING:
    from ghmlops.measure.predictions.sql.staging import Staged


def rank(at: Staged) -> None:
    """Create the table `queries` from `pairs`; a query without a relevant document is not `ok`.

    Documents are ordered by score; among equal scores the less relevant come first, so that ties never flatter. Only
    documents that both sides rank and that have a label take part. Gains are linear, discounts log2(rank + 1), as
    scikit-learn's `ndcg_score` has them (Jarvelin and Kekalainen 2002). A query is in the slice, window and group of
    one of its documents: these are attributes of queries. A metric of the user's own is first averaged over documents.
    """
    ranks = ", ".join(
        f"row_number() OVER (PARTITION BY q ORDER BY s{side} DESC, y ASC) AS i{side}, "
        f"sum(CASE WHEN y > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY q ORDER BY s{side} DESC, y ASC "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c{side}"
        for side in "ab"
    )
    ideal = "row_number() OVER (PARTITION BY q ORDER BY y DESC) AS best"
    own = [f"o{place}{side}" for place in range(len(at.layout.policy.metrics)) for side in "ab"]
    ordered = (
        f"SELECT {', '.join(['q', 'y', *own])}, {ranks}, {ideal} FROM pairs "
        "WHERE ok AND y IS NOT NULL AND NOT query_conflict"
    )
    values = [value for side in "ab" for value in _values(side, at.layout.policy.at)]
    values += [f"avg({name}) AS {name}" for name in own]
    measured = f"SELECT q, {', '.join(values)}, count(*) FILTER (WHERE y > 0) AS relevant FROM ({ordered}) GROUP BY q"
    names = [*codes(at.plan), *(["g"] if at.layout.policy.group else [])]
    firsts = "".join(f", {_shared(name)} AS {name}" for name in names)
    seen = f"SELECT q, min(side) AS side{firsts} FROM pairs WHERE q IS NOT NULL GROUP BY q"
    picked = "".join(f", s.{name}" for name in names)
    picked += ", false AS g_null" if at.layout.policy.group else ""
    at.session.store(
        "queries",
        f"SELECT s.q, s.side, coalesce(m.relevant > 0, false) AS ok, "
        f"CAST(CASE WHEN m.relevant > 0 THEN {OK} ELSE s.side END AS TINYINT) AS state, CAST(0 AS DOUBLE) AS y, "
        f"CAST(NULL AS INTEGER) AS pa, CAST(NULL AS INTEGER) AS pb{picked}, {', '.join([_listed(), *own])} "
        f"FROM ({seen}) s LEFT JOIN ({measured}) m ON s.q = m.q",
    )


def _shared(name: str) -> str:
    """Return SQL for what the documents of a query have in common: where they differ, the query has no value."""
    return f"min({name})" if name == "g" else f"CASE WHEN min({name}) = max({name}) THEN min({name}) END"


def _listed() -> str:
    return ", ".join(f"m.{name}_{side}" for side in "ab" for name in ("ndcg", "mrr", "map", "recall_at_k"))


def _values(side: str, k: int) -> list[str]:
    def gained(rank: str) -> str:
        return f"sum(CASE WHEN {rank} <= {k} THEN y * ln(2.0) / ln({rank} + 1.0) ELSE 0.0 END)"

    relevant = "count(*) FILTER (WHERE y > 0)"
    return [
        f"CASE WHEN {relevant} > 0 THEN {gained(f'i{side}')} / {gained('best')} END AS ndcg_{side}",
        f"max(CASE WHEN y > 0 THEN 1e0 / i{side} END) AS mrr_{side}",
        f"avg(CASE WHEN y > 0 THEN CAST(c{side} AS DOUBLE) / i{side} END) AS map_{side}",
        f"CASE WHEN {relevant} > 0 THEN CAST(count(*) FILTER (WHERE y > 0 AND i{side} <= {k}) AS DOUBLE) / {relevant} "
        f"END AS recall_at_k_{side}",
    ]


def query_facts(at: Staged) -> dict[str, int]:
    """Count queries, those without a relevant document, and documents that the sides give to different queries."""
    found = at.session.row(
        "SELECT count(*) FILTER (WHERE side = 0) AS queries, count(*) FILTER (WHERE side = 0 AND NOT ok) AS pointless "
        "FROM queries"
    )
    moved = at.session.row("SELECT count(*) FILTER (WHERE query_conflict) AS query_conflicts FROM pairs")
    return {name: int(value) for name, value in (found | moved).items()}
