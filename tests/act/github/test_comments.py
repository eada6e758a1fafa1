"""One comment per marker and pull request, whatever fails in between."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.github.comments import own_comment, upsert_comment
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

MARKER = "<!-- ghmlops: shop gate -->"
BOT = "github-actions[bot]"
COMMENTS = r"/issues/7/comments$"


def body(text: str) -> str:
    """Return a comment with its marker."""
    return f"{MARKER}\n{text}"


def bodies(api: Api) -> list[str]:
    """Return the bodies of the comments on the pull request."""
    return [c["body"] for c in api.state.comments]


def upsert(client: Client, text: str) -> Any:
    """Write the comment."""
    return upsert_comment(client, number=7, marker=MARKER, body=body(text))


def writes(api: Api) -> list[str]:
    """Return the methods of the write requests, including rejected ones."""
    return [r["method"] for r in api.state.requests if r["method"] != "GET" and r["path"] != "/graphql"]


def test_comment_is_created_once_then_edited(api: Api, client: Client) -> None:
    """The first call creates the comment, the second edits it, and one with an equal body writes nothing."""
    first, second, third = upsert(client, "one"), upsert(client, "two"), upsert(client, "two")
    assert (first.state, second.state, third.state) == ("created", "edited", "unchanged")
    assert first.url == second.url == third.url
    assert bodies(api) == [body("two")]
    assert writes(api) == ["POST", "PATCH"]


def test_personal_token_edits_its_own_comment(api: Api, client_for: Callable[[str], Client]) -> None:
    """A personal token edits the comment of its owner, not that of a bot with the same marker."""
    api.seed(
        tokens={"alice": {"login": "alice", "kind": "user"}},
        comments=[{"issue": 7, "body": body("of the bot"), "login": BOT, "type": "Bot"}],
    )
    assert [upsert(client_for("alice"), text).state for text in ("one", "two")] == ["created", "edited"]
    assert bodies(api) == [body("of the bot"), body("two")]


@pytest.mark.parametrize(
    "foreign",
    [
        {"login": "mallory", "type": "User", "body": body("pasted by mallory")},
        {"login": "helper[bot]", "type": "Bot", "body": f"You wrote:\n{MARKER}\nthanks"},
        {"login": "helper[bot]", "type": "Bot", "body": f"> {MARKER}\n> quoted"},
        {"login": BOT, "type": "Bot", "body": "<!-- ghmlops: other gate -->\nof another service"},
        {"login": BOT, "type": "Bot", "body": ""},
    ],
)
def test_foreign_comments_are_ignored(api: Api, client: Client, foreign: dict[str, str]) -> None:
    """Comments of others with a pasted or quoted marker, and comments of other services, are not changed."""
    api.seed(comments=[{"issue": 7, **foreign}])
    assert upsert(client, "ours").state == "created"
    assert bodies(api) == [foreign["body"], body("ours")]
    assert upsert(client, "again").state == "edited"
    assert bodies(api) == [foreign["body"], body("again")]


def test_own_comment_is_found_on_later_pages(api: Api, client: Client) -> None:
    """The comment is found among more than a hundred others."""
    api.seed(comments=[{"issue": 7, "body": f"chat {i}"} for i in range(120)])
    upsert(client, "one")
    api.seed(comments=[{"issue": 7, "body": f"more {i}"} for i in range(90)])
    assert upsert(client, "two").state == "edited"
    assert len(bodies(api)) == 211
    assert sum(b.startswith(MARKER) for b in bodies(api)) == 1


def test_own_comment_returns_the_existing_comment(api: Api, client: Client) -> None:
    """`own_comment` returns only the token's own comment, with its body, so that an older run can keep it."""
    api.seed(comments=[{"issue": 7, "body": body("pasted"), "login": "mallory"}])
    before = own_comment(client, number=7, marker=MARKER)
    comment = upsert(client, "one")
    after = own_comment(client, number=7, marker=MARKER)
    assert before is None
    assert after == (comment.url, comment.id, body("one"))


def test_lost_response_does_not_duplicate_the_comment(api: Api, client: Client, sleeps: list[float]) -> None:
    """A comment that was created before the connection broke is found, not created again."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": COMMENTS}])
    comment = upsert(client, "one")
    assert bodies(api) == [body("one")]
    assert comment.url.endswith(f"#issuecomment-{api.state.comments[0]['id']}")
    assert sleeps == [1.0]


def test_edit_is_sent_again_if_the_response_is_lost(api: Api, client: Client) -> None:
    """An edit is idempotent, so it is sent again."""
    upsert(client, "one")
    api.seed(faults=[{"kind": "lost-answer", "method": "PATCH"}])
    assert upsert(client, "two").state == "edited"
    assert bodies(api) == [body("two")]


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 502}, {"kind": "refused"}])
def test_transient_failure_is_retried(api: Api, client: Client, fault: dict[str, Any], sleeps: list[float]) -> None:
    """One bad gateway or dropped connection is retried: a read after one second, a write after three looks for it."""
    api.seed(faults=[{**fault, "method": "POST", "path": COMMENTS}, {**fault, "method": "GET", "path": COMMENTS}])
    assert upsert(client, "one").state == "created"
    assert bodies(api) == [body("one")]
    assert sleeps == [1.0, 1.0, 2.0, 4.0]


def test_permanent_failure_is_reported_after_four_tries(api: Api, client: Client, sleeps: list[float]) -> None:
    """A server that fails every time is tried four times, each followed by three looks; the error has the status."""
    api.seed(faults=[{"kind": "status", "status": 503, "method": "POST", "path": COMMENTS, "times": 9}])
    with pytest.raises(GitHubError, match=r"#7.*\(503\)"):
        upsert(client, "one")
    assert sleeps == [1.0, 2.0, 4.0] * 4
    assert writes(api) == ["POST"] * 4
    assert bodies(api) == []


def test_duplicate_own_comments_are_merged(api: Api, client: Client) -> None:
    """After two runs raced, the older comment is edited and the duplicate deleted; that of another bot stays."""
    for login in (BOT, BOT, "other[bot]"):
        api.seed(comments=[{"issue": 7, "body": body(login), "login": login, "type": "Bot"}])
    upsert(client, "ours")
    assert [(c["login"], c["body"]) for c in api.state.comments] == [
        (BOT, body("ours")),
        ("other[bot]", body("other[bot]")),
    ]


def test_comment_deleted_meanwhile_is_created_again(api: Api, client: Client) -> None:
    """A comment that was deleted between list and edit is created again."""
    upsert(client, "one")

    def delete_comments(_seconds: float) -> None:
        api.state.comments.clear()

    api.seed(faults=[{"kind": "status", "status": 404, "message": "Not Found", "method": "PATCH"}])
    assert upsert(dataclasses.replace(client, sleep=delete_comments), "two").state == "created"
    assert bodies(api) == [body("two")]


def test_comment_that_is_there_is_not_created_again(api: Api, client: Client) -> None:
    """A 404 for a comment that is still listed is retried, and then an error, never a second comment."""
    upsert(client, "one")
    api.seed(faults=[{"kind": "status", "status": 404, "message": "Not Found", "method": "PATCH"}])
    assert upsert(client, "two").state == "edited"
    api.seed(faults=[{"kind": "status", "status": 404, "message": "Not Found", "method": "PATCH", "times": 9}])
    with pytest.raises(GitHubError) as caught:
        upsert(client, "three")
    assert caught.value.reason_code == "not-found"
    assert bodies(api) == [body("two")]


def test_list_that_lags_does_not_double_the_comment(api: Api, client: Client) -> None:
    """A comment whose creation was not confirmed is looked for several times, because the list lags."""
    api.seed(lag=2, faults=[{"kind": "lost-answer", "method": "POST", "path": COMMENTS}])
    assert upsert(client, "one").state == "created"
    assert bodies(api) == [body("one")]


def test_comment_of_a_newer_run_stays(api: Api, client: Client) -> None:
    """The text of the existing comment decides whether an older run may replace it."""
    upsert(client, "run 12")
    older = upsert_comment(client, number=7, marker=MARKER, body=body("run 11"), is_newer=lambda old: "run 12" in old)
    assert older.state == "superseded"
    assert bodies(api) == [body("run 12")]


def test_other_bots_are_not_the_author(api: Api, client: Client) -> None:
    """A comment of another bot with our marker is not ours: logins are compared, not the word bot."""
    api.seed(comments=[{"issue": 7, "body": body("of another app"), "login": "other[bot]", "type": "Bot"}])
    assert upsert(client, "ours").state == "created"
    assert bodies(api) == [body("of another app"), body("ours")]


def test_missing_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """The error for a read-only token names the permission, and the hint contains what to paste."""
    api.seed(tokens={"weak": {"permissions": {"contents": "read", "pull_requests": "read"}}})
    with pytest.raises(PermissionMissing) as caught:
        upsert(client_for("weak"), "one")
    assert "`pull-requests: write`" in caught.value.message
    assert "permissions: {contents: read, pull-requests: write}" in caught.value.hint
    assert caught.value.reason_code == "permission-missing"
    assert bodies(api) == []


def test_invalid_token_is_reported(client_for: Callable[[str], Client]) -> None:
    """An expired or mistyped token has another reason code than an insufficient one, and is never shown."""
    with pytest.raises(GitHubError) as caught:
        upsert(client_for("ghs_sEcReT"), "one")
    assert caught.value.reason_code == "bad-token"
    assert "sEcReT" not in caught.value.message + caught.value.hint


def test_missing_pull_request_is_reported(client: Client) -> None:
    """A number without a pull request is an error that names it."""
    with pytest.raises(GitHubError, match="#99") as caught:
        upsert_comment(client, number=99, marker=MARKER, body=body("x"))
    assert caught.value.reason_code == "not-found"


@pytest.mark.parametrize("text", ["no marker", f"above\n{MARKER}\nbelow", f"{MARKER}\n" + "x" * 65_536])
def test_unusable_body_is_a_bug(client: Client, text: str) -> None:
    """A body without the marker in its first line, or too long for GitHub, is rejected before anything is sent."""
    with pytest.raises(ValueError, match="marker"):
        upsert_comment(client, number=7, marker=MARKER, body=text)


LIMITS = [
    ({"status": 429, "headers": {"Retry-After": "7"}, "message": "slow down"}, 7.0),
    ({"status": 403, "headers": {"Retry-After": "5"}, "message": "You have exceeded a secondary rate limit."}, 5.0),
    ({"status": 403, "message": "You have exceeded a secondary rate limit. Wait."}, 60.0),
]


@pytest.mark.parametrize(("limit", "seconds"), LIMITS)
def test_rate_limit_is_respected(
    api: Api, client: Client, limit: dict[str, Any], seconds: float, sleeps: list[float], notes: list[str]
) -> None:
    """The client waits as long as GitHub asks, else a minute, reports it, and writes the comment once."""
    api.seed(faults=[{"kind": "status", "method": "POST", "path": COMMENTS, **limit}])
    assert upsert(client, "one").state == "created"
    assert sleeps == [seconds]
    assert len(notes) == 1
    assert f"{seconds:.0f} s" in notes[0]
    assert bodies(api) == [body("one")]


def test_rate_limit_is_waited_for_until_the_deadline(api: Api, client: Client, sleeps: list[float]) -> None:
    """A limit without a time is waited for as long as the time limit of the command allows, then reported."""
    fault = {"kind": "status", "status": 429, "method": "POST", "path": COMMENTS, "times": 9, "message": "limit"}
    api.seed(faults=[fault])
    with pytest.raises(GitHubError, match="#7") as caught:
        upsert(client, "one")
    assert sleeps == [60.0, 120.0]
    assert caught.value.reason_code == "rate-limited"


def test_long_rate_limit_is_not_waited_for(api: Api, client: Client, sleeps: list[float]) -> None:
    """A limit that resets after the deadline of the command stops it at once."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
    fault = {
        "kind": "status",
        "status": 403,
        "path": COMMENTS,
        "headers": headers,
        "message": "API rate limit exceeded",
    }
    api.seed(faults=[fault])
    with pytest.raises(GitHubError, match="300 s remain"):
        upsert(client, "one")
    assert sleeps == []
