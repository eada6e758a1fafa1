"""The planning of a revert: what is accepted as input, who may ask, the decision table, the message."""

from __future__ import annotations

import contextlib
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.errors import EvidenceError, InputError, NeedsPerson
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.revert.plan import (
    Attempt,
    Commit,
    Earlier,
    Grounds,
    Refusal,
    Spec,
    check_names,
    check_verdict_commits,
    grounds,
    guard,
    in_force,
    parse_spec,
    rebased_count,
    settle,
)
from ghmlops.core.revert.text import REFUSAL_HINTS, pull_request_text, refusal_text, revert_message

A, B, C, D = (letter * 40 for letter in "abcd")


def commit(sha: str = A, message: str = "Subject\n", parents: tuple[str, ...] = (D,)) -> Commit:
    """Return a commit."""
    return Commit(sha=sha, parents=parents, message=message)


def verdict(outcome: Outcome, confirmed: list[str], finding: Outcome = Outcome.FAIL) -> Verdict:
    """Return a verdict for `A` with one finding `accuracy`."""
    found = Finding(id="accuracy", metric="accuracy", outcome=finding, reason="r", docs="d")
    return Verdict(
        commit=A,
        outcome=outcome,
        reason_code="accuracy",
        reason="r",
        findings=[found],
        evidence=[],
        confirmed=confirmed,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, Spec(ids=(A,))),
        (f" {A} ", Spec(ids=(A,))),
        ("ABCDEF1", Spec(ids=("abcdef1",))),
        (f"{A},{B}", Spec(ids=(A, B))),
        (f"{A}, {B}, {A}", Spec(ids=(A, B))),
        (f"{A}..{B}", Spec(after=A, last=B)),
        ("#12", Spec(pull_request=12)),
        ("a" * 64, Spec(ids=("a" * 64,))),
    ],
)
def test_what_a_commit_can_be(text: str, expected: Spec) -> None:
    """A SHA, an abbreviation of at least seven digits, a list, a range, a pull request."""
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "main",
        "HEAD",
        "HEAD~1",
        "abc123",
        "a" * 65,
        f"{A}...{B}",
        f"{A}..",
        f"..{B}",
        f"{A},",
        f"{A};{B}",
        "#0",
        "#-1",
        "12",
        "--upload-pack=x",
        "-n",
        f"{A}\n--force",
        "#12..#13",
        "g" * 40,
        ",".join(f"{i:040x}" for i in range(51)),
    ],
)
def test_what_a_commit_cannot_be(text: str) -> None:
    """Names, options and malformed forms are refused with a hint."""
    with pytest.raises(InputError) as caught:
        parse_spec(text)
    assert "input `commit`" in caught.value.message
    assert "SHA" in caught.value.hint


@given(st.text())
def test_no_text_breaks_the_reading_of_a_commit(text: str) -> None:
    """Any text is read or refused; what is read holds only hexadecimal digits."""
    spec, said = Spec(), ""
    try:
        spec = parse_spec(text)
    except InputError as error:
        said = error.message
    assert said.isprintable()
    assert all(c in "0123456789abcdef" for part in (*spec.ids, spec.after, spec.last) for c in part)


def test_ordinary_names_are_taken() -> None:
    """Ordinary branches and remotes pass; an empty branch stands for the default branch."""
    taken = []
    for branch in ("", "main", "release/1.x", "dependabot/npm_and_yarn/x-1.2", "feature_ä", "v1@home"):
        for remote in ("origin", "up-stream", "team/fork", "r.2"):
            check_names(remote, branch)
            taken.append((remote, branch))
    assert len(taken) == 24


@pytest.mark.parametrize(
    "branch",
    [
        "-f",
        "--force",
        "a b",
        "a..b",
        "a:b",
        "a^",
        "a~1",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a\nb",
        "a\x7f",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a@{1}",
        "x" * 300,
        "a\u202eb",
    ],
)
def test_hostile_branches_are_refused(branch: str) -> None:
    """What git refuses as a branch name, or could read as something else, is refused."""
    with pytest.raises(InputError, match="input `branch`"):
        check_names("origin", branch)


@pytest.mark.parametrize(
    "remote", ["", "-o", "--x", "a b", "../x", "a/../b", "https://x/y", "ext::sh", "x\n", "/tmp/x", "é"]
)
def test_hostile_remotes_are_refused(remote: str) -> None:
    """Only the name of a remote is taken, no address and no path."""
    with pytest.raises(InputError, match="input `remote`"):
        check_names(remote, "main")


def test_nothing_is_reverted_without_a_verdict_or_a_reason() -> None:
    """One of the two is needed, and blanks are no reason."""
    for reason in ("", "  \n "):
        with pytest.raises(InputError, match="neither `verdict-file` nor `reason`"):
            grounds(None, reason)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.FAIL])
def test_only_a_failure_is_reverted(outcome: Outcome) -> None:
    """A verdict that passed, or could not tell, asks for nothing."""
    with pytest.raises(NeedsPerson) as caught:
        grounds(verdict(outcome, ["regression:accuracy"]), "")
    assert (caught.value.exit_code, caught.value.reason_code) == (1, "verdict-not-fail")


@pytest.mark.parametrize("commit_named", ["", "HEAD", A[:12], A.upper(), f"{A}\n"])
@pytest.mark.parametrize("reason", ["", "users complain"])
def test_a_verdict_must_name_its_commit_in_full(commit_named: str, reason: str) -> None:
    """A verdict about no commit, or about an abbreviated one, is no evidence about any."""
    given_verdict = msgspec.structs.replace(verdict(Outcome.FAIL, ["regression:accuracy"]), commit=commit_named)
    with pytest.raises(EvidenceError, match="full SHA") as caught:
        grounds(given_verdict, reason)
    assert (caught.value.exit_code, "--reason" in caught.value.hint) == (2, True)


@pytest.mark.parametrize("confirmed", [[], ["regression:auc"], ["accuracy"], [""], [":accuracy"], [" :accuracy"]])
def test_an_unconfirmed_failure_is_not_reverted(confirmed: list[str]) -> None:
    """The confirmation must be there and name a finding that failed."""
    with pytest.raises(NeedsPerson) as caught:
        grounds(verdict(Outcome.FAIL, confirmed), "")
    assert caught.value.reason_code == "failure-not-confirmed"


def test_a_confirmation_of_a_finding_that_did_not_fail_is_none() -> None:
    """The named finding must have failed in the same verdict."""
    with pytest.raises(NeedsPerson):
        grounds(verdict(Outcome.FAIL, ["regression:accuracy"], finding=Outcome.WARN), "")


def test_a_confirmed_failure_lets_the_bot_act() -> None:
    """The grounds carry the commit and the reason code."""
    found = grounds(verdict(Outcome.FAIL, ["regression:accuracy"]), "")
    assert found == Grounds(by_person=False, reason_code="accuracy", verdict_for=A)


def test_a_person_may_ask_whatever_the_verdict_says() -> None:
    """With a reason the verdict is quoted, not obeyed."""
    found = grounds(verdict(Outcome.PASS, []), "users\ncomplain")
    assert found == Grounds(by_person=True, reason="users complain", reason_code="accuracy", verdict_for=A)


@pytest.mark.parametrize(
    ("asked", "ids", "pull_request", "refused"),
    [
        (Grounds(by_person=True), [B, A], False, None),
        (Grounds(by_person=True, verdict_for=B), [B, A], False, None),
        (Grounds(by_person=True, verdict_for=A), [B, A], False, EvidenceError),
        (Grounds(by_person=False, verdict_for=A), [A], False, None),
        (Grounds(by_person=False, verdict_for=A), [B], False, EvidenceError),
        (Grounds(by_person=False, verdict_for=A), [C, B], False, EvidenceError),
        (Grounds(by_person=False), [B], False, EvidenceError),
        (Grounds(by_person=False, verdict_for=B), [B, A], False, NeedsPerson),
        (Grounds(by_person=False, verdict_for=A), [B, A], False, NeedsPerson),
        (Grounds(by_person=False, verdict_for=B), [B, A], True, None),
        (Grounds(by_person=False, verdict_for=A), [B, A], True, EvidenceError),
    ],
)
def test_the_verdict_is_held_against_every_commit(
    asked: Grounds, ids: list[str], pull_request: bool, refused: type[Exception] | None
) -> None:
    """Without a person only the verdict's own commit may go, or the pull request that ends with it."""
    with pytest.raises(refused) if refused else contextlib.nullcontext():
        check_verdict_commits(asked, ids, pull_request=pull_request)


def test_commits_beside_the_verdict_are_for_a_person() -> None:
    """The refusal names them and says what to do."""
    with pytest.raises(NeedsPerson, match="not about bbbbbbbbbbbb and 1 more") as caught:
        check_verdict_commits(Grounds(by_person=False, verdict_for=A), [A, B, C], pull_request=False)
    assert (caught.value.exit_code, caught.value.reason_code) == (1, "verdict-not-about")
    assert "--reason" in caught.value.hint


def test_reverts_of_reverts_cancel_out() -> None:
    """A commit is in force, undone, back, and undone again along a chain of reverts."""
    first = commit(A)
    chain = [
        commit(B, f"r\n\nThis reverts commit {A}.\n"),
        commit(C, f"r\n\nThis reverts commit {B}.\n"),
        commit(D, f"r\n\nGhmlops-Reverts: {A}\n"),
    ]
    assert [in_force(first, chain[:n]) for n in range(4)] == [True, False, True, False]


def test_a_subject_alone_claims_nothing() -> None:
    """Only the body of a message can claim a revert, at the start of a line."""
    for message in (f"This reverts commit {A}", f"x\n\nsee: This reverts commit {A}", "x\n\nThis reverts commit aaa"):
        assert not commit(B, message).says_it_reverts(A)
    assert commit(B, f"x\n\nThis reverts commit {A[:9]}, reversing\n").says_it_reverts(A)


@pytest.mark.parametrize(
    ("on_branch", "parents", "own", "by_person", "expected"),
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
def test_what_is_refused_before_trying(
    on_branch: bool, parents: int, own: bool, by_person: bool, expected: Refusal | None
) -> None:
    """The table of guards."""
    message = f"x\n\nGhmlops-Reverts: {B}\n" if own else "x"
    found = commit(message=message, parents=(B, C, D)[:parents])
    assert guard(found, on_branch=on_branch, by_person=by_person) == expected


def test_what_follows_from_an_attempt() -> None:
    """The whole table: a conflict needs a person unless the undoing is proven; the bot does not undo twice."""
    found = {
        (attempt, earlier, person): settle(attempt, earlier, by_person=person)
        for attempt, earlier, person in itertools.product(Attempt, Earlier, (False, True))
    }
    expected: dict[tuple[Attempt, Earlier, bool], Refusal | None] = dict.fromkeys(found)
    for person in (False, True):
        expected[Attempt.CONFLICT, Earlier.NONE, person] = Refusal.CONFLICT
        expected[Attempt.CONFLICT, Earlier.CLAIMED, person] = Refusal.CONFLICT
    expected[Attempt.CLEAN, Earlier.CLAIMED, False] = Refusal.CAME_BACK
    expected[Attempt.CLEAN, Earlier.PROVEN, False] = Refusal.CAME_BACK
    assert expected == found


def test_every_refusal_has_a_sentence_and_a_hint() -> None:
    """Each names the commit and the branch on one printable line, whatever the names hold."""
    for why in Refusal:
        text = refusal_text(why, commit(message="a\x1b[0m\u202e\n"), "main\n::error::", [f"f{i}\n" for i in range(12)])
        assert text.isprintable()
        assert text.startswith(A[:12])
        assert REFUSAL_HINTS[why]
    assert "and 2 more" in refusal_text(Refusal.CONFLICT, commit(), "main", [f"f{i}" for i in range(12)])


@given(subject=st.text(max_size=300), reason=st.text(max_size=300), url=st.text(max_size=100))
def test_no_text_adds_a_trailer_or_a_control_character(subject: str, reason: str, url: str) -> None:
    """Whatever the subject and the reason hold, the message has one trailer and is recognised as our revert of `A`."""
    asked = Grounds(by_person=True, reason=reason, reason_code="accuracy")
    message = revert_message(commit(message=subject), asked, url)
    lines = message.split("\n")
    assert [line for line in lines if line.startswith("Ghmlops-Reverts:")] == [f"Ghmlops-Reverts: {A}"]
    assert all(line.isprintable() for line in lines)
    written = commit(B, message)
    assert written.own
    assert written.says_it_reverts(A)
    assert len([line for line in lines if line.startswith("This reverts commit")]) == 1


@pytest.mark.parametrize("mark", ["[skip ci]", "[CI SKIP]", "[no ci]", "[skip actions]", "[actions skip]"])
def test_a_mark_that_holds_back_ci_loses_its_force(mark: str) -> None:
    """The revert must be built and deployed although the bad commit was not."""
    message = revert_message(commit(message=f"Docs {mark}"), Grounds(by_person=True, reason=f"x {mark}"), "")
    assert mark not in message


def test_the_pull_request_is_a_revert_after_a_squash_too() -> None:
    """Its body marks every commit, and holds nothing that the commits' authors wrote."""
    undone = [commit(A, "One @all"), commit(B, "Two")]
    title, body = pull_request_text(undone, Grounds(by_person=False, reason_code="accuracy"), "https://x/1")
    assert title == "Revert 2 commits"
    assert "@all" not in body
    squashed = commit(C, f"{title}\n\n{body}")
    assert [squashed.says_it_reverts(sha) for sha in (A, B, D)] == [True, True, False]
    assert squashed.own
    assert pull_request_text([], Grounds(by_person=True), "") == ("", "")


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
def test_rebased_or_squashed(pull_request: list[str], branch: list[str], expected: int) -> None:
    """The same messages in the same order on the branch mean a rebase; anything else is one squashed commit."""
    assert rebased_count(pull_request, branch) == expected
