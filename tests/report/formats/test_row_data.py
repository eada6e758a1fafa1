"""Rows as data of the page's script: what is shared, and that texts come back unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.model import Outcome
from ghmlops.report.formats.row_data import row_data
from ghmlops.report.text.blocks import Cell, Code, Column, IntervalPlot, Mark, Table, Text, Words


def encoded(*cells: Cell) -> dict[str, Any]:
    """Return the data of a table with one column."""
    text = row_data(Table(title="t", columns=(Column("c"),), rows=[(cell,) for cell in cells]))
    assert "<" not in text
    data: dict[str, Any] = json.loads(text)
    return data


def texts(data: dict[str, Any]) -> list[str]:
    """Return the text of each row that has one piece of untrusted text, as the script puts it together."""
    result = []
    for (cell,) in data["rows"]:
        content = data["cells"][cell] if isinstance(cell, int) else cell
        if isinstance(content[0], int):
            first, *rest = data["sentences"][content[0]].split("|")
            result.append(first + "".join(n + part for n, part in zip(content[1].split("|"), rest, strict=True)))
        else:
            result.append(content[0][1] if content else "")
    return result


def test_rows_share_cells_and_sentences() -> None:
    """A cell of several rows is there once, and a sentence whose numbers differ, too."""
    rows: list[Cell] = [(Text(f"p50 rose from 1.{i} to 3.59 ms"),) for i in range(3)]
    data = encoded((Mark(Outcome.FAIL),), *rows, (Mark(Outcome.FAIL),))
    assert data["cells"] == [[["m", "fail"]]]
    assert data["sentences"] == ["p| rose from | to | ms"]
    assert data["rows"] == [[0], *([[0, f"50|1.{i}|3.59"]] for i in range(3)), [0]]


def test_pieces() -> None:
    """Words are strings, an interval plot is its positions, and a plot without a scale is left out."""
    plot = IntervalPlot(estimate=0.1, low=0.05, high=None, floor=None, ceiling=0.1, outcome=Outcome.FAIL)
    data = encoded(
        (Words("a"), Words("b", strong=True), plot), (Code("c"), plot._replace(estimate=None)), (Words("d"),)
    )
    assert data["rows"] == [[["a", ["b", "b"], ["p", 1, 121, 98, 150, None, 121]]], [[["c", "c"]]], ["d"]]


@pytest.mark.parametrize("text", ["1|2", "a|1", "</script>1", "\u0661 \u0648 \u0662", "1\t2", "1.5.", ""])
def test_texts_with_bars_and_digits_come_back(text: str) -> None:
    """Texts that contain the separator, digits of other scripts or control characters are not confused."""
    lines = [text, text.replace("1", "7"), text]
    assert texts(encoded(*((Text(line),) for line in lines))) == [line.replace("\t", " ").strip() for line in lines]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from("a|1. 2,ü"), max_size=8), max_size=6))
def test_any_texts_come_back(lines: list[str]) -> None:
    """Whatever rows share, each has the text that it had."""
    assert texts(encoded(*((Text(line),) for line in lines))) == [line.strip() for line in lines]
