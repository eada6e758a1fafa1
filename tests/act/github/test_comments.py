"""One comment a marker and pull request, whatever happens on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.github.comments import own_comment, upsert_comment
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.act.github.client import Client
    from github_api.server import Api

MARKER = "<!-- ghmlops: shop gate -->"
BOT = "github-actions[bot]"
COMMENTS = r"/issues/7/comments$"


def body(text: str) -> str:
    """Return a comment with its marker."""
    return f"{MARKER}\n{text}"


def bodies(api: Api) -> list[str]:
    """Return the comments that stand on the pull request."""
    return [c["body"] for c in api.state.comments]


def upsert(client: Client, text: str) -> Any:
    """Write the comment."""
    return upsert_comment(client, number=7, marker=MARKER, body=body(text))


def writes(api: Api) -> list[str]:
    """Return the methods of the requests that changed something, refused ones too."""
    return [r["method"] for r in api.state.requests if r["method"] != "GET"]


def test_created_once_then_edited_in_place(api: Api, client: Client) -> None:
    """The first run creates the comment, the second edits it, an equal one writes nothing."""
    first, second, third = upsert(client, "one"), upsert(client, "two"), upsert(client, "two")
    assert (first.state, second.state, third.state) == ("created", "edited", "unchanged")
    assert first.url == second.url == third.url
    assert bodies(api) == [body("two")]
    assert writes(api) == ["POST", "PATCH"]


def test_a_personal_token_finds_its_own(api: Api, client_for: Callable[[str], Client]) -> None:
    """A person's token edits the person's comment, not that of a bot with the same marker."""
    api.seed(
        tokens={"alice": {"login": "alice", "kind": "user"}},
        comments=[{"issue": 7, "body": body("of the bot"), "login": BOT, "type": "Bot"}],
    )
    assert [upsert(client_for("alice"), text).state for text in ("one", "two")] == ["created", "edited"]
    assert bodies(api) == [body("of the bot"), body("two")]


@pytest.mark.parametrize(
    "pasted",
    [
        {"login": "mallory", "type": "User", "body": body("pasted by mallory")},
        {"login": "helper[bot]", "type": "Bot", "body": f"You wrote:\n{MARKER}\nthanks"},
        {"login": "helper[bot]", "type": "Bot", "body": f"> {MARKER}\n> quoted"},
        {"login": BOT, "type": "Bot", "body": "<!-- ghmlops: other gate -->\nof another service"},
        {"login": BOT, "type": "Bot", "body": ""},
    ],
)
def test_foreign_comments_are_left_alone(api: Api, client: Client, pasted: dict[str, str]) -> None:
    """A marker that somebody pasted or quoted, and another service's comment, are not touched."""
    api.seed(comments=[{"issue": 7, **pasted}])
    assert upsert(client, "mine").state == "created"
    assert bodies(api) == [pasted["body"], body("mine")]
    assert upsert(client, "again").state == "edited"
    assert bodies(api) == [pasted["body"], body("again")]


def test_found_beyond_the_first_page(api: Api, client: Client) -> None:
    """The own comment is found among more than a hundred others."""
    api.seed(comments=[{"issue": 7, "body": f"chat {i}"} for i in range(120)])
    upsert(client, "one")
    api.seed(comments=[{"issue": 7, "body": f"more {i}"} for i in range(90)])
    assert upsert(client, "two").state == "edited"
    assert len(bodies(api)) == 211
    assert sum(b.startswith(MARKER) for b in bodies(api)) == 1


def test_what_an_earlier_run_said_can_be_read(api: Api, client: Client) -> None:
    """The own comment is given as it stands, and only the own one, so that an older run need not overwrite it."""
    api.seed(comments=[{"issue": 7, "body": body("pasted"), "login": "mallory"}])
    before = own_comment(client, number=7, marker=MARKER)
    made = upsert(client, "one")
    after = own_comment(client, number=7, marker=MARKER)
    assert before is None
    assert after == (made.url, made.id, body("one"))


def test_lost_answer_does_not_double_the_comment(api: Api, client: Client, sleeps: list[float]) -> None:
    """The comment was written but the connection broke: it is found again, not written again."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": COMMENTS}])
    made = upsert(client, "one")
    assert bodies(api) == [body("one")]
    assert made.url.endswith(f"#issuecomment-{api.state.comments[0]['id']}")
    assert sleeps == [1.0]


def test_lost_answer_of_an_edit_is_harmless(api: Api, client: Client) -> None:
    """An edit whose answer was lost is sent again."""
    upsert(client, "one")
    api.seed(faults=[{"kind": "lost-answer", "method": "PATCH"}])
    assert upsert(client, "two").state == "edited"
    assert bodies(api) == [body("two")]


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 502}, {"kind": "refused"}])
def test_broken_once_is_tried_again(api: Api, client: Client, fault: dict[str, Any], sleeps: list[float]) -> None:
    """One bad gateway, or one dropped connection, on the write or on the list, costs a second and nothing else."""
    api.seed(faults=[{**fault, "method": "POST", "path": COMMENTS}, {**fault, "method": "GET", "path": COMMENTS}])
    assert upsert(client, "one").state == "created"
    assert bodies(api) == [body("one")]
    assert sleeps == [1.0, 1.0]


def test_failing_for_good_stops(api: Api, client: Client, sleeps: list[float]) -> None:
    """A server that keeps failing is asked four times, then the error says so."""
    api.seed(faults=[{"kind": "status", "status": 503, "method": "POST", "path": COMMENTS, "times": 9}])
    with pytest.raises(GitHubError, match=r"kept failing while commenting on pull request #7.*503"):
        upsert(client, "one")
    assert sleeps == [1.0, 2.0, 4.0]
    assert bodies(api) == []


def test_two_of_our_own_become_one(api: Api, client: Client) -> None:
    """Where two runs raced, the older comment is kept and edited, the double deleted; another bot's is not."""
    for login in (BOT, BOT, "other[bot]"):
        api.seed(comments=[{"issue": 7, "body": body(login), "login": login, "type": "Bot"}])
    upsert(client, "mine")
    assert [(c["login"], c["body"]) for c in api.state.comments] == [
        (BOT, body("mine")),
        ("other[bot]", body("other[bot]")),
    ]


def test_deleted_meanwhile_is_created_again(api: Api, client: Client) -> None:
    """A comment that went away between the list and the edit is written anew."""
    upsert(client, "one")
    api.seed(faults=[{"kind": "status", "status": 404, "message": "Not Found", "method": "PATCH"}])
    assert upsert(client, "two").state == "created"


def test_read_only_token_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """A read-only token is refused in one sentence that names the permission and what to paste."""
    api.seed(tokens={"weak": {"permissions": {"contents": "read", "pull_requests": "read"}}})
    with pytest.raises(PermissionMissing) as caught:
        upsert(client_for("weak"), "one")
    assert "lacks the permission `pull-requests: write`" in caught.value.message
    assert "permissions: {contents: read, pull-requests: write}" in caught.value.hint
    assert caught.value.reason_code == "permission-missing"
    assert bodies(api) == []


def test_bad_token_is_told(client_for: Callable[[str], Client]) -> None:
    """An expired or mistyped token is told apart from a weak one, and never shown."""
    with pytest.raises(GitHubError) as caught:
        upsert(client_for("ghs_sEcReT"), "one")
    assert caught.value.reason_code == "bad-token"
    assert "sEcReT" not in caught.value.message + caught.value.hint


def test_no_such_pull_request(client: Client) -> None:
    """A number without a pull request is an error that says so."""
    with pytest.raises(GitHubError, match="found nothing there while commenting on pull request #99"):
        upsert_comment(client, number=99, marker=MARKER, body=body("x"))


@pytest.mark.parametrize("text", ["no marker", f"above\n{MARKER}\nbelow", f"{MARKER}\n" + "x" * 65_536])
def test_a_comment_that_could_not_be_found_again_is_a_bug(client: Client, text: str) -> None:
    """A comment without its marker on top, or too long for GitHub, is refused before anything is sent."""
    with pytest.raises(ValueError, match="marker"):
        upsert_comment(client, number=7, marker=MARKER, body=text)


LIMITS = [
    ({"status": 429, "headers": {"Retry-After": "7"}, "message": "slow down"}, 7.0),
    ({"status": 403, "headers": {"Retry-After": "5"}, "message": "You have exceeded a secondary rate limit."}, 5.0),
    ({"status": 403, "message": "You have exceeded a secondary rate limit. Wait."}, 60.0),
]


@pytest.mark.parametrize(("limit", "seconds"), LIMITS)
def test_rate_limit_is_honoured(
    api: Api, client: Client, limit: dict[str, Any], seconds: float, sleeps: list[float], notes: list[str]
) -> None:
    """GitHub's own waiting time is kept, else a minute; then the comment is written, once."""
    api.seed(faults=[{"kind": "status", "method": "POST", "path": COMMENTS, **limit}])
    assert upsert(client, "one").state == "created"
    assert sleeps == [seconds]
    assert notes == [f"GitHub's rate limit: waiting {seconds:.0f} s before commenting on pull request #7"]
    assert bodies(api) == [body("one")]


def test_rate_limit_without_end_stops(api: Api, client: Client, sleeps: list[float]) -> None:
    """A limit that names no time is waited for three times, longer each time, then the error says what happened."""
    fault = {"kind": "status", "status": 429, "method": "POST", "path": COMMENTS, "times": 9, "message": "limit"}
    api.seed(faults=[fault])
    with pytest.raises(GitHubError, match="rate limit was reached while commenting") as caught:
        upsert(client, "one")
    assert sleeps == [60.0, 120.0, 240.0]
    assert caught.value.reason_code == "rate-limited"


def test_rate_limit_of_an_hour_is_not_waited_for(api: Api, client: Client, sleeps: list[float]) -> None:
    """The primary limit resets within the hour: too long to wait, so the command stops at once."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
    fault = {
        "kind": "status",
        "status": 403,
        "path": COMMENTS,
        "headers": headers,
        "message": "API rate limit exceeded",
    }
    api.seed(faults=[fault])
    with pytest.raises(GitHubError, match="does not end within 900 s"):
        upsert(client, "one")
    assert sleeps == []
