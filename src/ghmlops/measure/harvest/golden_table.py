# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every path by `literal`)
"""Reads the golden set, the candidates for it, and what the training data contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.golden import GoldenRow, Training, canonical, comparable, comparable_body, digest_key
from ghmlops.core.harvest.payload import make_payload
from ghmlops.measure.harvest.log_table import field_column, fields_sql
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from ghmlops.core.policy.production.harvest import Keep
    from ghmlops.measure.harvest.log_table import LogTable

COLUMNS = ("key", "body", "label", "reason")
_COUNT = 5_000
"""Candidates of each kind."""


def read_golden(table: LogTable, file: str, name: str) -> list[GoldenRow]:
    """Return the cases of the set.

    Raises:
        DataError: The file is no golden set.
    """
    source = f"read_parquet({literal(file)})"
    columns = {str(column) for column, *_ in table.rows(f"DESCRIBE SELECT * FROM {source}")}
    if not columns.issuperset(COLUMNS):
        raise DataError(f"harvest: {name} is no golden set", hint=f"it has the columns {', '.join(COLUMNS)}")
    rows = table.rows(f"SELECT {', '.join(COLUMNS)} FROM {source}")
    return [GoldenRow(key=str(k), body=str(b), label=str(v), reason=str(r)) for k, b, v, r in rows]


def read_candidates(
    table: LogTable, keep: Keep, kinds: Sequence[str], identifiers: Collection[str] = ()
) -> dict[str, list[GoldenRow]]:
    """Return new cases by reason; requests with a secret, and of clients that are not sampled, are left out.

    Args:
        table: the requests, joined with their outcomes, and with the answers of two models for the kind
            `disagreements`.
        keep: the fields of a case.
        kinds: the reasons.
        identifiers: identifiers that may not occur in a case.

    Raises:
        DataError: The private table cannot be read.
    """
    pairs, matched = "joined j ON d.key = j.key JOIN population p ON p.key = j.key", "j.state = 'matched'"
    joined = f"joined j JOIN population p ON p.key = j.key WHERE {matched}"
    fields = fields_sql(table.field_count, "p.")
    columns = f"p.id, coalesce(p.client, ''), {fields}, j.label, p.key"
    miss = "abs(j.score - TRY_CAST(j.label AS DOUBLE))"
    places = ", ".join(
        f"row_number() OVER (PARTITION BY p.{field_column(keep.fields.index(name))} ORDER BY p.key)"
        for name in keep.slices
    )
    queries = {
        "errors": f"SELECT {columns} FROM {joined} AND {miss} > 0.5 ORDER BY {miss} DESC, p.key LIMIT {_COUNT}",
        "disagreements": f"SELECT {columns} FROM disagreements d JOIN {pairs} "
        f"WHERE {matched} AND d.state = 'different' ORDER BY d.distance DESC, p.key LIMIT {_COUNT}",
        "rare": f"SELECT {columns} FROM {joined} QUALIFY least({places}) <= {keep.rare} ORDER BY p.key LIMIT {_COUNT}",
        "random": f"SELECT {columns} FROM {joined} ORDER BY p.key LIMIT {_COUNT}",
    }
    result: dict[str, list[GoldenRow]] = {}
    for kind in kinds:
        rows = [] if kind == "rare" and not keep.slices else table.rows(queries[kind])
        result[kind] = [case for case in (_case(keep, kind, row, identifiers) for row in rows) if case is not None]
    return result


def _case(keep: Keep, kind: str, row: tuple[object, ...], identifiers: Collection[str]) -> GoldenRow | None:
    request, client, fields, label, _ = row
    texts = [None if text is None else str(text) for text in (fields if isinstance(fields, list) else [])]
    own = frozenset(text for text in (str(request), str(client)) if len(text) >= 6)
    payload = make_payload(keep.fields, texts, own, identifiers)
    if payload.problem or payload.mentions:
        return None
    return GoldenRow(key=digest_key(str(request)), body=canonical(payload.body), label=str(label), reason=kind)


def read_training(table: LogTable, file: str, key: str, fields: Sequence[str]) -> Training:
    """Return what the training data contains.

    A column `body` has the payload; without one, columns have the fields by their path, or the objects that have them.
    Payloads without one of the fields cannot be compared.

    Args:
        table: connection that can read the file.
        file: the training data.
        key: column of the identifier.
        fields: fields of a payload that are compared.

    Raises:
        DataError: The file cannot be read, or lacks the column of the identifier.
    """
    source = f"read_parquet({literal(file)})"
    columns = [str(name) for name, *_ in table.rows(f"DESCRIBE SELECT * FROM {source}")]
    if key not in columns:
        raise DataError(f"harvest: the training data has no column `{key}`", hint="correct `golden.training-key`")
    expressions = {field: field_sql(field.removesuffix(".*"), columns) for field in fields}
    missing = tuple(field for field, sql in expressions.items() if not sql)
    if "body" in columns:
        expressions, missing = {"body": 'CAST("body" AS VARCHAR)'}, ()
    texts = f"[{', '.join(expressions.values())}]" if not missing else "NULL"
    keys, bodies = set(), set()
    for request, values in table.rows(f"SELECT CAST({identifier(key)} AS VARCHAR), {texts} FROM {source}"):
        keys.add(digest_key(str(request)))
        if isinstance(values, list):
            contents = [_decode(value) for value in values]
            body = comparable_body(contents[0], fields) if "body" in columns else None
            bodies.add(body or comparable(dict(zip(expressions, contents, strict=True))))
    return Training(frozenset(keys), frozenset(bodies - {"{}"}), fields, missing)


def field_sql(path: str, columns: Sequence[str]) -> str:
    """Return the SQL of a field as JSON; empty if no column has it.

    Args:
        path: name of a column, or of a column of objects with the keys inside them.
        columns: names of the columns.
    """
    if path in columns:
        return f"CAST(to_json({identifier(path)}) AS VARCHAR)"
    first, _, rest = path.partition(".")
    if not rest or first not in columns:
        return ""
    return f"CAST(json_extract(to_json({identifier(first)}), {literal('/' + rest.replace('.', '/'))}) AS VARCHAR)"


def _decode(text: object) -> object:
    try:
        return msgspec.json.decode(str(text)) if text is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None  # NaN, which stands for a missing value


def write_golden(table: LogTable, rows: Sequence[GoldenRow]) -> Path:
    """Write the set into the private folder.

    Raises:
        DataError: It cannot be written.
    """
    lines = table.folder / "golden.jsonl"
    lines.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    path = table.folder / "golden.parquet"
    table.rows("SET threads = 1")  # One thread preserves the order of the rows.
    table.rows("SET preserve_insertion_order = true")
    types = "{" + ", ".join(f"{name}: 'VARCHAR'" for name in COLUMNS) + "}"
    source = f"read_json({literal(str(lines))}, format = 'newline_delimited', columns = {types})"
    table.rows(f"COPY (SELECT * FROM {source}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    return path
