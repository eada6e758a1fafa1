"""Data set and target in the words of a report."""

from __future__ import annotations

from ghmlops.report.text.blocks import Code, Words
from ghmlops.report.text.scope import scope_cell, scope_text


def test_names_are_untrusted_and_words_are_ours() -> None:
    """A name is shown as code, which every format escapes."""
    assert scope_cell("holdout/target=<b>", " in ") == (
        Words(" in data set "),
        Code("holdout", 60),
        Words(", target "),
        Code("<b>", 60),
    )
    assert scope_cell("target=x") == (Words("target "), Code("x", 60))
    assert scope_cell("") == ()


def test_plain_text_is_bounded() -> None:
    """For titles of tables."""
    assert scope_text("", " in ") == ""
    assert scope_text("target=" + "x" * 500, " in ").startswith(" in target xxx")
    assert len(scope_text("target=" + "x" * 500)) < 150
