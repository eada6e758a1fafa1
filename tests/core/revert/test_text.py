"""The texts of a revert: refusals, commit message, pull request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.revert.grounds import Grounds
from ghmlops.core.revert.plan import Commit, Refusal
from ghmlops.core.revert.text import REFUSAL_HINTS, pull_request_text, refusal_text, revert_message

A, B, C, D = (letter * 40 for letter in "abcd")


def commit(sha: str = A, message: str = "Subject\n", parents: tuple[str, ...] = (D,)) -> Commit:
    """Return a commit."""
    return Commit(sha=sha, parents=parents, message=message)


def test_every_refusal_has_a_sentence_and_a_hint() -> None:
    """Each sentence is one printable line that names the commit, whatever the names contain."""
    for refusal in Refusal:
        text = refusal_text(
            refusal, commit(message="a\x1b[0m\u202e\n"), "main\n::error::", [f"f{i}\n" for i in range(12)], B
        )
        assert text.isprintable()
        assert text.startswith(A[:12])
        assert REFUSAL_HINTS[refusal]
    assert "and 2 more" in refusal_text(Refusal.CONFLICT, commit(), "main", [f"f{i}" for i in range(12)])


@given(subject=st.text(max_size=300), reason=st.text(max_size=300), url=st.text(max_size=100))
def test_no_text_adds_a_trailer_or_a_control_character(subject: str, reason: str, url: str) -> None:
    """For every subject and reason, the message has one trailer and is recognised as a revert of `A` by ghmlops."""
    grounds = Grounds(by_person=True, reason=reason, reason_code="accuracy")
    message = revert_message(commit(message=subject), grounds, url)
    lines = message.split("\n")
    assert [line for line in lines if line.startswith("Ghmlops-Reverts:")] == [f"Ghmlops-Reverts: {A}"]
    assert all(line.isprintable() for line in lines)
    revert = commit(B, message)
    assert revert.trailers == (A,)
    assert revert.claims_to_revert(A)
    assert len([line for line in lines if line.startswith("This reverts commit")]) == 1


@pytest.mark.parametrize("marker", ["[skip ci]", "[CI SKIP]", "[no ci]", "[skip actions]", "[actions skip]"])
def test_skip_markers_are_neutralised(marker: str) -> None:
    """A marker in subject or reason does not suppress the CI run of the revert."""
    message = revert_message(commit(message=f"Docs {marker}"), Grounds(by_person=True, reason=f"x {marker}"), "")
    assert marker not in message


def test_squashed_pull_request_is_recognised_as_a_revert() -> None:
    """The body has a trailer per commit, and contains no text of the authors of the commits."""
    commits = [commit(A, "One @all"), commit(B, "Two")]
    title, body = pull_request_text(commits, Grounds(by_person=False, reason_code="accuracy"), "https://x/1")
    assert title == "Revert 2 commits"
    assert "@all" not in body
    squashed = commit(C, f"{title}\n\n{body}")
    assert [squashed.claims_to_revert(sha) for sha in (A, B, D)] == [True, True, False]
    assert squashed.trailers == (A, B)
    assert pull_request_text([], Grounds(by_person=True), "") == ("", "")
