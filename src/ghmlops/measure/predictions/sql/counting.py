# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Counts one artifact in one pass: the facts of the contract and the fingerprint of the content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.model import finite
from ghmlops.core.predictions.contract.facts import SideFacts
from ghmlops.measure.predictions.column_types import type_kind
from ghmlops.measure.predictions.engine.dialect import count_true, identifier
from ghmlops.measure.predictions.layout import CLASS_TASKS, VECTOR_TASKS
from ghmlops.measure.predictions.sql.columns import SUM_TOLERANCE, class_sql
from ghmlops.measure.predictions.sql.staging import key_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.staging import StagedViews

SAMPLE_ROWS, MAX_DISTINCT_SHARE = 100_000, 0.2
"""Number of rows sampled, and the share of distinct combinations above which attributes do not share one code."""
FEW_COMBINATIONS = 5_000
"""Combinations that share one code whatever their share: one query for all of them takes less time than one each."""
_BOUNDS = (("min", "low_score"), ("max", "high_score"))


class ArtifactCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one artifact."""

    facts: SideFacts
    fingerprint: str
    """Hash of the content: independent of the order of rows and columns, encoding, files and row groups."""
    keyed_rows: int
    """Rows whose key is not null."""
    valid: bool
    """Every prediction and weight is usable and every label is a class or null: see `Layout.validated`."""
    largest_weight: float | None = None
    """Largest usable weight; None if the artifact has none."""


def has_too_many_combinations(session: Session) -> bool:
    """Return True if a sample has so many combinations of attributes that one code for all of them saves nothing."""
    sample = session.row(
        f"SELECT count(*) AS n, count(DISTINCT c0) AS cells FROM (SELECT c0 FROM side_baseline LIMIT {SAMPLE_ROWS})"
    )
    return int(sample["cells"]) > max(MAX_DISTINCT_SHARE * int(sample["n"]), FEW_COMBINATIONS)


def count_side(views: StagedViews, role: str) -> ArtifactCounts:
    """Count the facts of the contract about an artifact, in one pass over all its columns."""
    session, layout = views.session, views.layout
    parts = ", ".join(f"{sql} AS {name}" for name, sql in _counts_sql(session, layout, role).items())
    counts = session.row(f"SELECT {parts} FROM side_{role}")
    keyed_rows = int(counts["rows"]) - int(counts["null_keys"])
    largest_weight = finite(counts.pop("largest_weight", None))
    if role in layout.weight_roles and counts["rows"] and largest_weight is None:
        raise DataError(
            f'{session.display_name(role)}: no value of the weight "{layout.actual_name(role, layout.policy.weight)}" '
            "is a number above 0",
            hint="a weight is finite and above 0; name another column with `weight`, or remove it from the policy",
        )
    if role not in layout.label_roles:
        counts["null_labels"] = 0
    valid = not counts["odd_labels"] and not counts.get("unusable")
    if counts.pop("unusable", 0):
        counts |= _count_faults(session, layout, role)
    hashes = int(counts.pop("hash_sum")), int(counts.pop("hash_xor"))
    examples = _odd_label_examples(session, layout, role) if counts["odd_labels"] else ()
    return ArtifactCounts(
        facts=SideFacts(**counts, odd_label_examples=examples),
        fingerprint=_fingerprint(session, layout, role, (int(counts["rows"]), *hashes)),
        keyed_rows=keyed_rows,
        valid=valid,
        largest_weight=largest_weight,
    )


def _counts_sql(session: Session, layout: Layout, role: str) -> dict[str, str]:
    """Return SQL aggregates over all rows, by name."""
    dialect, policy = session.dialect, layout.policy
    counts = {
        '"rows"': "count(*)",
        "null_keys": count_true(" OR ".join(f"{k} IS NULL" for k in key_names(layout))),
        "null_labels": f"count(*) - {count_true('y_present')}",
        "odd_labels": f"{count_true('y_present')} - count(y)",
    }
    if role != "labels":
        counts |= {"unusable": f"count(*) - {count_true('u')}", "stale_predictions": count_true("stale AND u")}
        if policy.time and layout.has(role, policy.time):
            counts["null_times"] = "count(*) - count(t)"
    if role in layout.weight_roles:
        counts["largest_weight"] = "max(wt)"
    counts["hash_sum"] = f"coalesce(sum(CAST(fp AS {dialect.wide_integer})), 0)"
    counts["hash_xor"] = "coalesce(bit_xor(fp), 0)"
    return counts


def _count_faults(session: Session, layout: Layout, role: str) -> dict[str, Any]:
    """Count why predictions cannot be used: a second pass, run only if there are such predictions."""
    dialect, policy, bounds = session.dialect, layout.policy, ""
    if policy.task in VECTOR_TASKS:
        conditions = _vector_faults(session, layout)
    elif policy.task == "text":
        conditions = {"null_scores": "p IS NULL"}
    else:
        is_finite = dialect.finite("s")
        conditions = {
            "null_scores": "s IS NULL",
            # DuckDB evaluates `isnan` to false if the statistics of a file, which ignore NaN, are numbers.
            "nan_scores": f"NOT {is_finite} AND NOT {dialect.infinite('s')}",
            "infinite_scores": dialect.infinite("s"),
            "outside_scores": f"{is_finite} AND (s < 0 OR s > 1)" if policy.task == "binary" else "false",
        }
        bounds = ", " + ", ".join(f"{end}(s) FILTER (WHERE {is_finite}) AS {name}" for end, name in _BOUNDS)
    if policy.task in CLASS_TASKS and not policy.has_scores:
        conditions = {"null_predictions": "p IS NULL"}
    elif policy.task in CLASS_TASKS and policy.prediction:
        conditions["null_predictions"] = f"{'v' if policy.task in VECTOR_TASKS else 's'} IS NOT NULL AND p IS NULL"
    if policy.query:
        conditions["null_queries"] = "q IS NULL"
    if role in layout.weight_roles:
        conditions["odd_weights"] = "wt IS NULL"
    parts = ", ".join(f"{count_true(condition)} AS {name}" for name, condition in conditions.items())
    counts = session.row(f"SELECT {parts}{bounds} FROM side_{role}")
    return counts | {name: finite(counts[name]) for _, name in _BOUNDS if name in counts}


def _vector_faults(session: Session, layout: Layout) -> dict[str, str]:
    dialect, class_count = session.dialect, len(layout.policy.classes)
    broken = f"NOT {dialect.every('v', dialect.finite('e'))}"
    intact = f"v IS NOT NULL AND NOT ({broken})"
    if layout.policy.task == "embedding":
        return {
            "null_scores": "v IS NULL",
            "broken_vectors": f"v IS NOT NULL AND {broken}",
            "zero_vectors": f"{intact} AND {dialect.every('v', 'e = 0')}",
        }
    has_length = f"{dialect.length('v')} = {class_count}"
    in_range = dialect.every("v", "e >= 0 AND e <= 1")
    off_one = f"abs({dialect.total('v')} - 1) > {SUM_TOLERANCE}"
    return {
        "null_scores": "v IS NULL",
        "broken_vectors": f"v IS NOT NULL AND {broken}",
        "ragged_vectors": f"{intact} AND NOT ({has_length})",
        "outside_scores": f"{intact} AND {has_length} AND NOT {in_range}",
        "unnormalised_vectors": f"{intact} AND {has_length} AND {in_range} AND {off_one}",
    }


def _odd_label_examples(session: Session, layout: Layout, role: str) -> tuple[str, ...]:
    name = identifier(layout.actual_name(role, layout.policy.label))
    text = f"left(CAST({name} AS {session.dialect.text}), 40)"
    valid_label = (
        class_sql(session.dialect, layout, role, layout.policy.label)
        if layout.policy.task in CLASS_TASKS
        else f"CASE WHEN {session.dialect.finite(f'CAST({name} AS DOUBLE)')} THEN 1 END"
    )
    kind = type_kind(layout.type_of(role, layout.policy.label))
    present = f"({session.dialect.finite(name)} OR {session.dialect.infinite(name)})" if kind == "float" else "true"
    rows = session.rows(
        f"SELECT DISTINCT {text} FROM {session.table(role)} "
        f"WHERE {name} IS NOT NULL AND {present} AND ({valid_label}) IS NULL "
        "ORDER BY 1 LIMIT 3"
    )
    return tuple(str(row[0]) for row in rows)


def _fingerprint(session: Session, layout: Layout, role: str, numbers: tuple[int, int, int]) -> str:
    """Return `content:<engine>:<rows>:<hex>`: a hash of the columns and of sum and exclusive or of the row hashes."""
    columns = sorted([*layout.types[role].items(), *((name, "") for name in session.columns_set_aside(role))])
    digest = hashlib.sha256(repr((columns, *numbers)).encode()).hexdigest()
    return f"content:{session.name}:{numbers[0]}:{digest[:32]}"


def count_repeated_keys(session: Session, layout: Layout, role: str, content: Sequence[str]) -> dict[str, int]:
    """Store the keys that occur more than once in `repeated_<role>`, those with different rows in `conflicting_<role>`.

    Args:
        session: a session with the view `side_<role>`.
        layout: the columns.
        role: role of the artifact.
        content: names of the view's columns that copies of a row have to agree on.

    Returns:
        The counts of repeated keys, by name of their field in `SideFacts`.
    """
    names = ", ".join(key_names(layout))
    not_null = " AND ".join(f"{k} IS NOT NULL" for k in key_names(layout))
    session.store(
        f"repeated_{role}",
        f"SELECT {names}, count(*) AS occurrences FROM side_{role} WHERE {not_null} GROUP BY {names} "
        "HAVING count(*) > 1",
    )
    counts = session.row(
        "SELECT count(*) AS repeated_keys, CAST(coalesce(sum(occurrences), 0) AS BIGINT) AS repeated_rows "
        f"FROM repeated_{role}"
    )
    if not counts["repeated_keys"]:
        return counts
    same_key = " AND ".join(f"side.{k} = repeats.{k}" for k in key_names(layout))
    columns = ", ".join([*(f"side.{k} AS {k}" for k in key_names(layout)), *(f"side.{c} AS {c}" for c in content)])
    contents = f"SELECT DISTINCT {columns} FROM side_{role} side JOIN repeated_{role} repeats ON {same_key}"
    session.store(f"conflicting_{role}", f"SELECT {names} FROM ({contents}) GROUP BY {names} HAVING count(*) > 1")
    same_key = " AND ".join(f"c.{k} = r.{k}" for k in key_names(layout))
    conflicts = session.row(
        "SELECT count(*) AS conflicting_keys, CAST(coalesce(sum(occurrences), 0) AS BIGINT) AS conflicting_rows "
        f"FROM conflicting_{role} c JOIN repeated_{role} r ON {same_key}"
    )
    agreeing_keys = counts["repeated_keys"] - conflicts["conflicting_keys"]
    surplus = counts["repeated_rows"] - conflicts["conflicting_rows"] - agreeing_keys
    return counts | conflicts | {"surplus_copies": surplus}
