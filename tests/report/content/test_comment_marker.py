"""Hidden lines of a comment: one HTML comment each, unique per service and workflow, and read back unchanged."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.model import Outcome
from ghmlops.report.content.comment_marker import Subject, marker, read_subject, subject_line
from ghmlops.report.content.run_facts import ReportedOutcome
from report import samples
from report.reading import read_html

HEAD = ReportedOutcome(samples.HEAD, Outcome.FAIL)
OTHER = ReportedOutcome("e" * 40, Outcome.PASS)


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_marker_is_one_html_comment(service: str, workflow: str) -> None:
    """No name can end the hidden line or start another one."""
    line = marker(service, workflow)
    document = read_html(line)
    assert (document.tags, document.texts, len(document.comments)) == ([], [], 1)
    assert "\n" not in line
    assert "--" not in line[4:-3]
    assert len(line) < 500


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_different_names_have_different_markers(one: str, two: str, three: str, four: str) -> None:
    """Two services, or two workflows, never share a comment."""
    same = (one, two) == (three, four)
    encodable = all(text.encode(errors="ignore").decode() == text for text in (one, two, three, four))
    assert not encodable or same == (marker(one, two) == marker(three, four))


def test_long_names_have_different_markers() -> None:
    """A truncated name ends in its digest."""
    first, second = marker("a" * 500 + "1", "w"), marker("a" * 500 + "2", "w")
    assert first != second
    assert len(first) == len(second) < 300


def test_a_subject_is_read_back_unchanged() -> None:
    """Anything that is not a subject line in the second line is ignored."""
    facts = msgspec.structs.replace(samples.FACTS, previous=ReportedOutcome("e" * 40, Outcome.FAIL))
    line = subject_line(samples.merged(samples.latency()), facts)
    expected = Subject(
        ReportedOutcome(samples.HEAD, Outcome.INCONCLUSIVE), "4242", 2, ReportedOutcome("e" * 40, Outcome.FAIL)
    )
    assert read_subject(f"marker\r\n{line}\r\n\r\ntext") == expected
    for wrong in ("", "one line", f"marker\n\n{line}", f"marker\n{line.replace('inconclusive', 'great')}"):
        assert read_subject(wrong) is None
    assert read_subject(f"marker\n{line.replace('attempt=2', 'attempt=-2')}") is None


@pytest.mark.parametrize(
    ("commit", "run", "attempt", "head", "newer"),
    [
        (samples.HEAD, "7", 1, samples.HEAD, True),
        (samples.HEAD, "7", 2, samples.HEAD, False),
        (samples.HEAD, "7", 3, samples.HEAD, False),
        (samples.HEAD, "8", 1, samples.HEAD, False),
        ("f" * 40, "8", 1, samples.HEAD, True),
        ("f" * 40, "8", 1, "f" * 40, False),
    ],
)
def test_a_comment_is_not_replaced_by_an_older_report(
    commit: str, run: str, attempt: int, head: str, *, newer: bool
) -> None:
    """An earlier attempt of the same run is older, and so is a report on a commit that is no longer the head."""
    assert Subject(HEAD, "7", 2, None).newer_than(commit, run, attempt, head) is newer


def test_the_previous_report_is_that_of_another_commit() -> None:
    """A second report on the same commit keeps the one before."""
    subject = Subject(HEAD, "7", 2, OTHER)
    assert subject.before(samples.HEAD) == OTHER
    assert subject.before("f" * 40) == HEAD
