# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Finds the attribute values that the codes of a cube stand for."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.cube import sort_values
from ghmlops.measure.predictions.layout import SIDES
from ghmlops.measure.predictions.sql.staging import attribute_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Ints
    from ghmlops.core.paired.cube import Value
    from ghmlops.measure.predictions.sql.staging import StagedViews

FIRST_ROWS = 500_000
"""Number of rows that are searched first for the values of codes."""
NO_CODE = -1
"""Code of a row without a code, as `as_ints` represents null."""
_ALL_BITS = 2**64 - 1
_JSON_TYPES = frozenset({str, int, bool, type(None)})


def index_values(views: StagedViews, bundles: list[int], cells: Ints) -> tuple[list[list[Value]], list[Ints]]:
    """Return the distinct values of each attribute, and the index of each cell's value among them.

    Args:
        views: the staged artifacts.
        bundles: indices of the bundles, in the order of the rows of `cells`.
        cells: code of each bundle in each of m cells, shape (bundles, m).
    """
    values: list[list[Value]] = []
    codes: list[Ints] = []
    for row, bundle in zip(cells, bundles, strict=True):
        present, columns = read_values(views, bundle, row)
        place = _places(present, row)
        has_blank = bool((place < 0).any())
        for column in columns:
            in_order, index = _number_values([*column, None] if has_blank else column)
            values.append(in_order)
            codes.append(index[place])  # -1 is the last value, null
    return values, codes


def _number_values(column: Sequence[Value]) -> tuple[list[Value], Ints]:
    """Return the distinct values in order, and the index of each value among them."""
    if len(set(map(type, column)) - {type(None)}) <= 1:  # the usual case, a quarter of the time
        in_order = sort_values(list(set(column)))
        index = {value: i for i, value in enumerate(in_order)}
        return in_order, np.fromiter(map(index.__getitem__, column), np.int64, len(column))
    # The type is part of the identity, because True and 1 are different values.
    typed = list(zip(map(type, column), column, strict=True))
    in_order = sort_values([value for _, value in dict.fromkeys(typed)])
    index_of = {(type(value), value): i for i, value in enumerate(in_order)}
    return in_order, np.fromiter(map(index_of.__getitem__, typed), np.int64, len(column))


def read_values(views: StagedViews, bundle: int, codes: Ints) -> tuple[Ints, list[list[Value]]]:
    """Return the given codes of one bundle that occur, shape (k,), and k values of each of its attributes.

    Most codes occur in the first rows of either artifact; all rows are read only for codes that do not.
    """
    session, names_of, hourly = views.session, attribute_names(views.layout), views.layout.policy.window == "1h"
    names = [names_of[a] for a in views.plan.bundles[bundle]]
    code = f"c{bundle}"
    columns = ", ".join(f"{session.dialect.iso('w', hourly=hourly)} AS w" if name == "w" else name for name in names)
    any_values = ", ".join(f"any_value({name}) AS {name}" for name in names)
    present = np.zeros(0, np.int64)
    values: list[list[Value]] = [[] for _ in names]
    # Without an index `np.unique` imports `numpy.ma`, as `np.isin` does, which takes 0.01 s.
    missing, _ = np.unique(codes[codes != NO_CODE], return_index=True)
    for limit, role in itertools.product((FIRST_ROWS, None), SIDES):
        if not names or not len(missing):
            break
        session.load("missing", {}, codes={code: missing})
        rows = f"SELECT {code}, {', '.join(names)} FROM side_{role}{'' if limit is None else f' LIMIT {limit}'}"
        matches = f"SELECT * FROM ({rows}) r SEMI JOIN missing USING ({code})"
        by_code = f"SELECT {code}, {any_values} FROM ({matches}) GROUP BY {code}"
        if not (rows_of_codes := session.rows(f"SELECT {code}, {columns} FROM ({by_code})")):
            continue
        codes_read, *parts = zip(*rows_of_codes, strict=True)
        # Engines return the 64 bits signed or unsigned.
        read = np.array([int(bits) & _ALL_BITS for bits in codes_read], dtype=np.uint64).view(np.int64)
        for column, part in zip(values, parts, strict=True):
            column.extend(_json_values(part))
        present, missing = np.append(present, read), missing[_places(read, missing) < 0]
    return present, values


def _places(codes: Ints, others: Ints) -> Ints:
    """Return the index of each of the other codes among distinct codes; -1 if it is not among them."""
    order = np.argsort(codes)
    place = np.append(order, -1)[np.searchsorted(codes[order], others)]
    return np.where((place >= 0) & (np.append(codes, NO_CODE)[place] == others), place, -1)


def _json_values(column: Sequence[object]) -> Sequence[Value]:
    """Return the values of an attribute as JSON represents them; nearly every column has a type of JSON."""
    if set(map(type, column)) <= _JSON_TYPES:
        return column  # type: ignore[return-value]
    return [_json_value(value) for value in column]


def _json_value(value: object) -> Value:
    """Return a value of an attribute as JSON represents it."""
    if type(value) in _JSON_TYPES:
        return value  # type: ignore[return-value]
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    return str(value)
