"""The grounds of a revert: which verdicts count, which commits they cover, and when a person must merge."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert.grounds import Grounds, Target, check_selection, decide_grounds, review_cause

A, B, C, D = (letter * 40 for letter in "abcd")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TARGET = Target(
    repository="Acme/Shop", service="shop", environment="production", max_age=timedelta(days=7).total_seconds(), now=NOW
)
FAILURE = Grounds(by_person=False, verdict_commit=A, verdict_base=D)
PERSON = Grounds(by_person=True, verdict_commit=A, verdict_base=D)


def verdict(outcome: Outcome, confirmed: list[str], finding: Outcome = Outcome.FAIL) -> Verdict:
    """Return a verdict for `A` with one finding `accuracy`."""
    row = Finding(id="accuracy", metric="accuracy", outcome=finding, reason="r", docs="d")
    return Verdict(
        commit=A,
        base_sha=B,
        service="shop",
        environment="production",
        repository="acme/shop",
        created="2026-11-28T10:00:00Z",
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
    assert grounds == Grounds(by_person=False, reason_code="accuracy", verdict_commit=A, verdict_base=B)


def test_reason_of_a_person_overrides_the_verdict() -> None:
    """With a reason, the verdict is quoted but does not decide."""
    grounds = decide_grounds(verdict(Outcome.PASS, []), "users\ncomplain")
    assert grounds == Grounds(
        by_person=True, reason="users complain", reason_code="accuracy", verdict_commit=A, verdict_base=B
    )


@pytest.mark.parametrize("reason", ["", "users complain"])
@pytest.mark.parametrize(
    "changes",
    [
        {"service": "search"},
        {"service": ""},
        {"service": "Shop"},
        {"environment": "staging"},
        {"environment": ""},
        {"repository": "evil/shop"},
        {"repository": ""},
    ],
    ids=str,
)
def test_foreign_verdict_is_refused(changes: dict[str, str], reason: str) -> None:
    """A verdict of another or unknown service, environment or repository is refused, even if a person asks."""
    foreign = msgspec.structs.replace(verdict(Outcome.FAIL, ["regression:accuracy"]), **changes)
    with pytest.raises(NeedsPerson) as caught:
        decide_grounds(foreign, reason, TARGET)
    assert (caught.value.exit_code, caught.value.reason_code) == (1, "verdict-foreign")


@pytest.mark.parametrize(
    ("created", "stale"),
    [
        ("2026-11-28T11:59:00Z", False),
        ("2026-11-21T12:00:00Z", False),
        ("2026-11-21T11:59:59Z", True),
        ("2026-11-28T12:09:00Z", False),
        ("2026-11-28T12:11:00Z", True),
        ("2026-11-28T11:59:00", True),
        ("yesterday", True),
        ("", True),
    ],
)
def test_stale_verdict_is_refused(created: str, stale: bool) -> None:
    """Without a person, a verdict counts until `gate.max-age`; one from the future or without a time does not."""
    dated = msgspec.structs.replace(verdict(Outcome.FAIL, ["regression:accuracy"]), created=created)
    with pytest.raises(NeedsPerson) if stale else contextlib.nullcontext() as caught:
        decide_grounds(dated, "", TARGET)
    if caught is not None:
        assert caught.value.reason_code == "verdict-stale"
    assert decide_grounds(dated, "users complain", TARGET).by_person


@pytest.mark.parametrize(
    ("grounds", "ids", "single_commit", "code"),
    [
        (FAILURE, [A, B, C], False, ""),
        (FAILURE, [A], False, "verdict-not-about"),
        (FAILURE, [A, C], False, "verdict-not-about"),
        (FAILURE, [B], True, ""),
        (FAILURE, [A], True, ""),
        (FAILURE, [B, C], True, "verdict-not-about"),
        (FAILURE, ["e" * 40], True, "verdict-not-about"),
        (FAILURE, ["e" * 40], False, "verdict-not-about"),
        (FAILURE, [A, B, C, "e" * 40], False, "verdict-not-about"),
        (PERSON, [A], False, ""),
        (PERSON, [B], False, ""),
        (PERSON, [A, "e" * 40], False, ""),
        (PERSON, ["e" * 40], False, "verdict-not-about"),
        (Grounds(by_person=False, verdict_commit=A), [A], False, "range-unknown"),
        (Grounds(by_person=False, verdict_commit=A), [A], True, "range-unknown"),
        (Grounds(by_person=False, verdict_commit=A, verdict_base=A), [A], False, "range-unknown"),
        (Grounds(by_person=True), ["e" * 40], False, ""),
    ],
)
def test_verdict_must_cover_every_commit(grounds: Grounds, ids: list[str], single_commit: bool, code: str) -> None:
    """Without a person, exactly the range D..A of the verdict (A, B, C) is reverted, or one commit of it."""
    inside = {A, B, C} if grounds.verdict_base == D else {A}
    judged = [A, B, C] if grounds.verdict_base == D else []
    with pytest.raises(NeedsPerson) if code else contextlib.nullcontext() as caught:
        check_selection(grounds, ids, judged, inside, single_commit=single_commit)
    if caught is not None:
        assert (caught.value.exit_code, caught.value.reason_code) == (1, code)
        assert "--reason" in caught.value.hint or "--single-commit" in caught.value.hint


@pytest.mark.parametrize(
    ("grounds", "tip_before", "path_length", "needs_review"),
    [
        (FAILURE, D, 1, False),
        (FAILURE, D, 3, False),
        (FAILURE, B, 3, True),
        (FAILURE, B, 1, True),
        (FAILURE, "", 1, False),
        (FAILURE, "", 3, True),
        (PERSON, B, 3, False),
        (PERSON, "", 3, False),
    ],
)
def test_only_the_judged_push_is_reverted_without_review(
    grounds: Grounds, tip_before: str, path_length: int, needs_review: bool
) -> None:
    """A range that is longer than the push, or may be, needs a person, unless a person asks for the revert."""
    assert bool(review_cause(grounds, tip_before, path_length)) == needs_review
