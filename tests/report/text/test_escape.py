"""Escaping, place by place."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.model import Outcome
from ghmlops.report.content.comment_marker import Subject, marker, read_subject, subject_line
from ghmlops.report.content.run_facts import ReportedOutcome
from ghmlops.report.text import escape
from report import samples
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
    """Only what would be markup, a mention or a reference is touched."""
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
    """Backticks where they hold everything, HTML where they cannot."""
    assert expected == escape.code(text)


@given(st.text(max_size=100))
def test_text_comes_back(text: str) -> None:
    """What is escaped is read as the text it was, on one line, in a paragraph and in a table's cell."""
    shown = escape.one_line(text)
    paragraph = read_markdown(f"x {escape.markdown(text)}")
    cell = read_markdown(f"| a |\n|---|\n| x{escape.markdown(text)} |")
    inside = "".join(t for tag, t in read_markdown(f"x {escape.code(text)}").texts if tag == "code")
    assert "".join(t for tag, t in paragraph.texts if tag == "p").replace(ZERO, "").strip() == f"x {shown}".strip()
    assert "".join(t for tag, t in cell.texts if tag == "td").replace(ZERO, "").strip() == f"x{shown}".strip()
    assert inside.replace(ZERO, "") == shown
    assert "".join(t for _, t in read_html(f"<p>{escape.page(text)}</p>").texts) == shown


def test_a_long_text_is_cut_before_it_is_looked_at() -> None:
    """The limit counts characters, the sign of the cut included."""
    assert escape.one_line("x" * 10_000_000, 10) == "xxxxxxxxx…"
    assert escape.one_line("x" * 10, 10) == "x" * 10


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """A run of backticks cannot close the block."""
    assert escape.fence(["echo ````"]) == "`````sh\necho ````\n`````"


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_marker_is_one_comment_that_is_not_closed_early(service: str, workflow: str) -> None:
    """Nothing in the names can end the hidden line or begin another."""
    line = marker(service, workflow)
    seen = read_html(line)
    assert seen.tags == []
    assert seen.texts == []
    assert len(seen.comments) == 1
    assert "\n" not in line
    assert "--" not in line[4:-3]
    assert len(line) < 500


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_different_names_have_different_markers(one: str, two: str, three: str, four: str) -> None:
    """Two services, or two workflows, never share a comment."""
    same = (one, two) == (three, four)
    clean = all(text.encode(errors="ignore").decode() == text for text in (one, two, three, four))
    assert not clean or same == (marker(one, two) == marker(three, four))


def test_the_subject_is_read_back() -> None:
    """What the second line says is read as it was written; anything else is nothing."""
    facts = msgspec.structs.replace(samples.FACTS, previous=ReportedOutcome("e" * 40, Outcome.FAIL))
    line = subject_line(samples.merged(samples.latency()), facts)
    expected = Subject(
        ReportedOutcome(samples.HEAD, Outcome.INCONCLUSIVE), "4242", 2, ReportedOutcome("e" * 40, Outcome.FAIL)
    )
    assert read_subject(f"marker\r\n{line}\r\n\r\ntext") == expected
    for wrong in ("", "one line", f"marker\n\n{line}", f"marker\n{line.replace('inconclusive', 'great')}"):
        assert read_subject(wrong) is None
    assert read_subject(f"marker\n{line.replace('attempt=2', 'attempt=-2')}") is None


def test_long_names_keep_their_own_marker() -> None:
    """A name that is cut ends in its digest."""
    first, second = marker("a" * 500 + "1", "w"), marker("a" * 500 + "2", "w")
    assert first != second
    assert len(first) == len(second) < 300
