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
    from ghmlops.core.paired.aggregates import Ints, Key
    from ghmlops.core.paired.cube import Value
    from ghmlops.measure.predictions.sql.staging import StagedViews

FIRST_ROWS = 500_000
"""Number of rows that are searched first for the values of codes."""
NO_CODE = -1
"""Code of a row without a code, as `as_ints` represents null."""
_JSON_TYPES = frozenset({str, int, bool})


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
        key_of_code = read_values(views, bundle, row)
        blank = (None,) * len(views.plan.bundles[bundle])
        keys = [key_of_code.get(code, blank) for code in row.tolist()]
        for column in zip(*keys, strict=True) if keys else [()] * len(blank):
            # The type is part of the identity, because True and 1 are different values.
            distinct = dict.fromkeys(zip(map(type, column), column, strict=True))
            in_order = sort_values([value for _, value in distinct])
            index = {(type(value), value): i for i, value in enumerate(in_order)}
            values.append(in_order)
            codes.append(np.array([index[type(value), value] for value in column], dtype=np.int64))
    return values, codes


def read_values(views: StagedViews, bundle: int, codes: Ints) -> dict[int, Key]:
    """Return the attribute values of one bundle by code, for the given codes.

    Most codes occur in the first rows of either artifact; all rows are read only for codes that do not.
    """
    session, names_of, hourly = views.session, attribute_names(views.layout), views.layout.policy.window == "1h"
    names = [names_of[a] for a in views.plan.bundles[bundle]]
    code = f"c{bundle}"
    columns = ", ".join(f"{session.dialect.iso('w', hourly=hourly)} AS w" if name == "w" else name for name in names)
    any_values = ", ".join(f"any_value({name}) AS {name}" for name in names)
    key_of_code: dict[int, Key] = {}
    if not names:
        return key_of_code
    for limit, role in itertools.product((FIRST_ROWS, None), SIDES):
        # `np.setdiff1d` imports `numpy.ma`.
        missing = np.array(sorted(set(codes.tolist()) - key_of_code.keys() - {NO_CODE}), dtype=np.int64)
        if not len(missing):
            break
        session.load("missing", {}, codes={code: missing})
        rows = f"SELECT {code}, {', '.join(names)} FROM side_{role}{'' if limit is None else f' LIMIT {limit}'}"
        matches = f"SELECT * FROM ({rows}) r SEMI JOIN missing USING ({code})"
        by_code = f"SELECT {code}, {any_values} FROM ({matches}) GROUP BY {code}"
        for bits, *values in session.rows(f"SELECT {code}, {columns} FROM ({by_code})"):
            key_of_code.setdefault(_signed(int(bits)), tuple(_json_value(value) for value in values))
    return key_of_code


def _signed(code: int) -> int:
    """Return unsigned 64 bits as the signed integer with the same bits."""
    return code - 2**64 if code >= 2**63 else code


def _json_value(value: object) -> Value:
    """Return a value of an attribute as JSON represents it."""
    # The first test comes first because it covers nearly all of up to 100,000 values.
    if value is None or type(value) in _JSON_TYPES:
        return value  # type: ignore[return-value]
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    return str(value)
