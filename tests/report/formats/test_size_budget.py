"""Size limit of a text: which rows are omitted first, and texts that cannot be shortened."""

from __future__ import annotations

import pytest

from ghmlops.report.formats.size_budget import Rows, fit


def test_a_text_within_the_limit_is_unchanged() -> None:
    """Blocks are joined with blank lines, and there is no notice."""
    rows = Rows(head="head", lines=["1", "2"], tail="tail")
    assert fit(["top", rows, "end"], 100, lambda _: "notice", 1) == "top\n\nhead\n1\n2\ntail\n\nend"


def test_rows_are_omitted_from_the_bottom_of_the_largest_table() -> None:
    """A smaller table keeps its rows as long as a larger one has rows to omit."""
    large, small = Rows(head="L", lines=[f"large {i:03d}" for i in range(100)]), Rows(head="S", lines=["small"] * 3)
    text = fit(["top", large, small, "end"], 400, lambda rows: f"omitted {rows}", notice_index=1)
    rows = [line for line in text.splitlines() if line.startswith("large")]
    assert len(text.encode()) <= 400
    assert rows == [f"large {i:03d}" for i in range(len(rows))]
    assert text.count("small") == 3
    assert text.startswith(f"top\n\nomitted {100 - len(rows)}\n\nL\nlarge 000\n")
    assert f"*{100 - len(rows)} of 100 rows " in text


def test_expendable_rows_are_omitted_first() -> None:
    """Rows that report no regression are omitted before a row of a larger table that does."""
    large = Rows(head="L", lines=[f"large {i:02d}" for i in range(30)])
    passes = Rows(head="P", lines=[f"pass {i:02d}" for i in range(20)], expendable=20)
    text = fit([large, passes], 400, lambda rows: f"omitted {rows}", notice_index=0)
    assert len(text.encode()) <= 400
    assert text.count("large") == 30
    assert text.count("pass") < 20


def test_a_table_without_rows_has_no_head() -> None:
    """If all rows are omitted, so are the heading and both fences of a code block."""
    block = Rows(head="```sh", lines=["echo " + "x" * 500], tail="```")
    text = fit(["top", block, "end"], 200, lambda rows: f"omitted {rows}", notice_index=1)
    assert "```" not in text
    assert "omitted 1" in text
    assert "*1 of 1 rows " in text


def test_texts_are_never_shortened() -> None:
    """A limit below the size of the texts is a bug of the caller; the message contains the limit."""
    with pytest.raises(ValueError, match="10 bytes"):
        fit(["a fixed text", Rows(head="", lines=["x"])], 10, lambda _: "n", notice_index=0)
