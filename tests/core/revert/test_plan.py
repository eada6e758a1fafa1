"""The rules of a revert: what a message claims, and the decision tables."""

from __future__ import annotations

import itertools

import pytest

from ghmlops.core.revert.plan import (
    Attempt,
    Commit,
    EarlierRevert,
    Refusal,
    merged_commit_count,
    refusal_after_attempt,
    refusal_before_attempt,
)

A, B, C, D = (letter * 40 for letter in "abcd")


def commit(sha: str = A, message: str = "Subject\n", parents: tuple[str, ...] = (D,)) -> Commit:
    """Return a commit."""
    return Commit(sha=sha, parents=parents, message=message)


def test_only_the_body_can_claim_a_revert() -> None:
    """A claim is at the start of a line in the body of the message, and names at least seven digits."""
    for message in (f"This reverts commit {A}", f"x\n\nsee: This reverts commit {A}", "x\n\nThis reverts commit aaa"):
        assert not commit(B, message).claims_to_revert(A)
    assert commit(B, f"x\n\nThis reverts commit {A[:9]}, reversing\n").claims_to_revert(A)


@pytest.mark.parametrize(
    ("on_branch", "parents", "parent", "own_revert", "by_person", "expected"),
    [
        (True, 1, 1, False, False, None),
        (True, 2, 1, False, False, None),
        (True, 2, 2, False, False, None),
        (True, 2, 0, False, False, Refusal.MAINLINE),
        (True, 3, 0, False, True, Refusal.MAINLINE),
        (True, 3, 2, False, False, None),
        (False, 1, 1, False, True, Refusal.NOT_ON_BRANCH),
        (True, 0, 1, False, True, Refusal.ROOT),
        (True, 1, 1, True, False, Refusal.OWN_REVERT),
        (True, 1, 1, True, True, None),
    ],
)
def test_refusal_before_the_attempt(
    on_branch: bool, parents: int, parent: int, own_revert: bool, by_person: bool, expected: Refusal | None
) -> None:
    """The table of refusals that are known before the attempt."""
    result = refusal_before_attempt(
        commit(parents=(B, C, D)[:parents]),
        on_branch=on_branch,
        parent=parent,
        own_revert=own_revert,
        by_person=by_person,
    )
    assert result == expected


def test_refusal_after_the_attempt() -> None:
    """The complete table: a conflict requires a person unless an earlier revert is in force; the bot reverts once."""
    results = {
        (attempt, earlier, person): refusal_after_attempt(attempt, earlier, by_person=person)
        for attempt, earlier, person in itertools.product(Attempt, EarlierRevert, (False, True))
    }
    expected: dict[tuple[Attempt, EarlierRevert, bool], Refusal | None] = dict.fromkeys(results)
    for person in (False, True):
        expected[Attempt.CONFLICT, EarlierRevert.NONE, person] = Refusal.CONFLICT
        expected[Attempt.CONFLICT, EarlierRevert.UNDONE, person] = Refusal.CONFLICT
    expected[Attempt.CLEAN, EarlierRevert.IN_FORCE, False] = Refusal.REVERTED_BEFORE
    expected[Attempt.CLEAN, EarlierRevert.UNDONE, False] = Refusal.REVERTED_BEFORE
    assert results == expected


@pytest.mark.parametrize(
    ("pull_request", "branch", "expected"),
    [
        (["a", "b"], ["a\n", "b"], 2),
        (["a", "b"], ["x", "a (#1)"], 1),
        (["a"], ["a"], 1),
        (["a", "b"], ["b"], 1),
        ([], [], 1),
    ],
)
def test_number_of_merged_commits(pull_request: list[str], branch: list[str], expected: int) -> None:
    """The same messages in the same order on the branch mean a rebase; otherwise there is one squash commit."""
    assert merged_commit_count(pull_request, branch) == expected
