"""The rules of a revert: accepted inputs, grounds, the decision tables, the message."""

from __future__ import annotations

import contextlib
import itertools

import msgspec
import pytest

from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert.plan import (
    Attempt,
    Commit,
    EarlierRevert,
    Grounds,
    Refusal,
    check_verdict_commits,
    decide_grounds,
    in_force,
    merged_commit_count,
    refusal_after_attempt,
    refusal_before_attempt,
)

A, B, C, D = (letter * 40 for letter in "abcd")


def commit(sha: str = A, message: str = "Subject\n", parents: tuple[str, ...] = (D,)) -> Commit:
    """Return a commit."""
    return Commit(sha=sha, parents=parents, message=message)


def verdict(outcome: Outcome, confirmed: list[str], finding: Outcome = Outcome.FAIL) -> Verdict:
    """Return a verdict for `A` with one finding `accuracy`."""
    row = Finding(id="accuracy", metric="accuracy", outcome=finding, reason="r", docs="d")
    return Verdict(
        commit=A,
        outcome=outcome,
        reason_code="accuracy",
        reason="r",
        findings=[row],
        evidence=[],
        confirmed=confirmed,
    )


def test_verdict_or_reason_is_required() -> None:
    """Without a verdict, an empty or blank reason is rejected."""
    for reason in ("", "  \n "):
        with pytest.raises(InputError, match="`verdict-file` and `reason`"):
            decide_grounds(None, reason)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.FAIL])
def test_only_a_failure_is_reverted(outcome: Outcome) -> None:
    """A verdict with another outcome than fail is no ground for a revert."""
    with pytest.raises(NeedsPerson) as caught:
        decide_grounds(verdict(outcome, ["regression:accuracy"]), "")
    assert (caught.value.exit_code, caught.value.reason_code) == (1, "verdict-not-fail")


@pytest.mark.parametrize("sha", ["", "HEAD", A[:12], A.upper(), f"{A}\n"])
@pytest.mark.parametrize("reason", ["", "users complain"])
def test_verdict_must_name_its_commit_in_full(sha: str, reason: str) -> None:
    """A verdict about no commit, or about an abbreviated one, is rejected."""
    incomplete = msgspec.structs.replace(verdict(Outcome.FAIL, ["regression:accuracy"]), commit=sha)
    with pytest.raises(EvidenceError, match="full SHA") as caught:
        decide_grounds(incomplete, reason)
    assert (caught.value.exit_code, "--reason" in caught.value.hint) == (2, True)


@pytest.mark.parametrize("confirmed", [[], ["regression:auc"], ["accuracy"], [""], [":accuracy"], [" :accuracy"]])
def test_unconfirmed_failure_is_not_reverted(confirmed: list[str]) -> None:
    """The verdict must contain a confirmation of a finding that failed."""
    with pytest.raises(NeedsPerson) as caught:
        decide_grounds(verdict(Outcome.FAIL, confirmed), "")
    assert caught.value.reason_code == "failure-not-confirmed"


def test_confirmation_of_another_outcome_does_not_count() -> None:
    """The confirmed finding must have failed in the same verdict."""
    with pytest.raises(NeedsPerson):
        decide_grounds(verdict(Outcome.FAIL, ["regression:accuracy"], finding=Outcome.WARN), "")


def test_confirmed_failure_allows_a_revert() -> None:
    """The grounds contain the commit and the reason code of the verdict."""
    grounds = decide_grounds(verdict(Outcome.FAIL, ["regression:accuracy"]), "")
    assert grounds == Grounds(by_person=False, reason_code="accuracy", verdict_commit=A)


def test_reason_of_a_person_overrides_the_verdict() -> None:
    """With a reason, the verdict is quoted but does not decide."""
    grounds = decide_grounds(verdict(Outcome.PASS, []), "users\ncomplain")
    assert grounds == Grounds(by_person=True, reason="users complain", reason_code="accuracy", verdict_commit=A)


@pytest.mark.parametrize(
    ("grounds", "ids", "pull_request", "error"),
    [
        (Grounds(by_person=True), [B, A], False, None),
        (Grounds(by_person=True, verdict_commit=B), [B, A], False, None),
        (Grounds(by_person=True, verdict_commit=A), [B, A], False, EvidenceError),
        (Grounds(by_person=False, verdict_commit=A), [A], False, None),
        (Grounds(by_person=False, verdict_commit=A), [B], False, EvidenceError),
        (Grounds(by_person=False, verdict_commit=A), [C, B], False, EvidenceError),
        (Grounds(by_person=False), [B], False, EvidenceError),
        (Grounds(by_person=False, verdict_commit=B), [B, A], False, NeedsPerson),
        (Grounds(by_person=False, verdict_commit=A), [B, A], False, NeedsPerson),
        (Grounds(by_person=False, verdict_commit=B), [B, A], True, None),
        (Grounds(by_person=False, verdict_commit=A), [B, A], True, EvidenceError),
    ],
)
def test_verdict_must_be_about_every_commit(
    grounds: Grounds, ids: list[str], pull_request: bool, error: type[Exception] | None
) -> None:
    """Without a person, only the commit of the verdict is reverted, or the pull request that ends with it."""
    with pytest.raises(error) if error else contextlib.nullcontext():
        check_verdict_commits(grounds, ids, pull_request=pull_request)


def test_additional_commits_require_a_person() -> None:
    """The refusal names a commit that the verdict is not about, counts the others, and has a hint."""
    with pytest.raises(NeedsPerson, match="bbbbbbbbbbbb and 1 more") as caught:
        check_verdict_commits(Grounds(by_person=False, verdict_commit=A), [A, B, C], pull_request=False)
    assert (caught.value.exit_code, caught.value.reason_code) == (1, "verdict-not-about")
    assert "--reason" in caught.value.hint


def test_reverts_of_reverts_cancel_out() -> None:
    """Along a chain of reverts, a commit alternates between in force and reverted."""
    first = commit(A)
    chain = [
        commit(B, f"r\n\nThis reverts commit {A}.\n"),
        commit(C, f"r\n\nThis reverts commit {B}.\n"),
        commit(D, f"r\n\nGhmlops-Reverts: {A}\n"),
    ]
    assert [in_force(first, chain[:n]) for n in range(4)] == [True, False, True, False]


def test_only_the_body_can_claim_a_revert() -> None:
    """A claim is at the start of a line in the body of the message, and names at least seven digits."""
    for message in (f"This reverts commit {A}", f"x\n\nsee: This reverts commit {A}", "x\n\nThis reverts commit aaa"):
        assert not commit(B, message).claims_to_revert(A)
    assert commit(B, f"x\n\nThis reverts commit {A[:9]}, reversing\n").claims_to_revert(A)


@pytest.mark.parametrize(
    ("on_branch", "parents", "own_revert", "by_person", "expected"),
    [
        (True, 1, False, False, None),
        (True, 2, False, False, None),
        (True, 3, False, False, None),
        (False, 1, False, True, Refusal.NOT_ON_BRANCH),
        (True, 0, False, True, Refusal.ROOT),
        (True, 1, True, False, Refusal.OWN_REVERT),
        (True, 1, True, True, None),
    ],
)
def test_refusal_before_the_attempt(
    on_branch: bool, parents: int, own_revert: bool, by_person: bool, expected: Refusal | None
) -> None:
    """The table of refusals that are known before the attempt."""
    message = f"x\n\nGhmlops-Reverts: {B}\n" if own_revert else "x"
    subject = commit(message=message, parents=(B, C, D)[:parents])
    assert refusal_before_attempt(subject, on_branch=on_branch, by_person=by_person) == expected


def test_refusal_after_the_attempt() -> None:
    """The complete table: a conflict requires a person unless an earlier revert is proven; the bot reverts once."""
    results = {
        (attempt, earlier, person): refusal_after_attempt(attempt, earlier, by_person=person)
        for attempt, earlier, person in itertools.product(Attempt, EarlierRevert, (False, True))
    }
    expected: dict[tuple[Attempt, EarlierRevert, bool], Refusal | None] = dict.fromkeys(results)
    for person in (False, True):
        expected[Attempt.CONFLICT, EarlierRevert.NONE, person] = Refusal.CONFLICT
        expected[Attempt.CONFLICT, EarlierRevert.CLAIMED, person] = Refusal.CONFLICT
    expected[Attempt.CLEAN, EarlierRevert.CLAIMED, False] = Refusal.REVERTED_BEFORE
    expected[Attempt.CLEAN, EarlierRevert.PROVEN, False] = Refusal.REVERTED_BEFORE
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
