"""Escaping for each format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.report.text import escape
from report.reading import read_html, read_markdown

ZERO = "\u200b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words, 3.1 % (99 %)", "plain words, 3.1 % (99 %)"),
        ("a|b", "a\\|b"),
        ("snake_case", "snake\\_case"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("@team", f"@{ZERO}team"),
        ("#12", f"\\#{ZERO}12"),
        ("see #12", f"see #{ZERO}12"),
        ("GH-12", f"GH{ZERO}-12"),
        ("https://x.example", f"https:{ZERO}//x.example"),
        ("www.x.example", f"www{ZERO}.x.example"),
        (":tada:", f":{ZERO}tada:"),
        ("12:30:15", "12:30:15"),
        ("1. first", "1\\. first"),
        ("0.1.0", "0.1.0"),
        ("- x", "\\- x"),
        ("a\nb\tc\x1b", "a b c\ufffd"),
        ("\u202eabc", "\ufffdabc"),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    """Only markup, mentions, references, URLs and control characters are changed."""
    assert expected == escape.markdown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("carrier=B6", "`carrier=B6`"),
        ("a@b <c>", "`a@b <c>`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("", "<code></code>"),
    ],
)
def test_code(text: str, expected: str) -> None:
    """Text is put in backticks, or in an HTML element if it contains a backtick or a bar."""
    assert expected == escape.code(text)


@given(st.text(max_size=100))
def test_escaped_text_is_read_back(text: str) -> None:
    """A reader of the rendered text sees the original text on one line, in a paragraph and in a table cell."""
    line = escape.one_line(text)
    paragraph = read_markdown(f"x {escape.markdown(text)}")
    cell = read_markdown(f"| a |\n|---|\n| x{escape.markdown(text)} |")
    inside = "".join(t for tag, t in read_markdown(f"x {escape.code(text)}").texts if tag == "code")
    assert "".join(t for tag, t in paragraph.texts if tag == "p").replace(ZERO, "").strip() == f"x {line}".strip()
    assert "".join(t for tag, t in cell.texts if tag == "td").replace(ZERO, "").strip() == f"x{line}".strip()
    assert inside.replace(ZERO, "") == line
    assert "".join(t for _, t in read_html(f"<p>{escape.page(text)}</p>").texts) == line


def test_a_long_text_is_truncated_before_it_is_searched() -> None:
    """The limit counts characters, including the ellipsis."""
    assert escape.one_line("x" * 10_000_000, 10) == "xxxxxxxxx…"
    assert escape.one_line("x" * 10, 10) == "x" * 10


def test_a_fence_is_longer_than_any_run_of_backticks() -> None:
    """A line of the block cannot close it."""
    assert escape.fence(["echo ````"]) == "`````sh\necho ````\n`````"
