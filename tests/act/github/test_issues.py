"""Issues: one per marker, edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.github.issues import open_issues, upsert_issue

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

MARKER = "<!-- ghmlops:revert-conflict main -->"


def test_an_issue_is_edited_and_never_doubled(api: Api, client: Client) -> None:
    """The second text replaces the first, an equal one changes nothing, and another marker has its own issue."""
    states = [
        upsert_issue(client, marker=MARKER, title="Revert by hand", body=body).state for body in ("a", "b\r\n", "b")
    ]
    assert states == ["created", "edited", "unchanged"]
    assert upsert_issue(client, marker="<!-- other -->", title="x", body="a").state == "created"
    assert [issue["edits"] for issue in api.state.issues] == [1, 0]


def test_the_marker_of_others_does_not_count(api: Api, client: Client) -> None:
    """Anybody can paste it, at the top or below; the issue of the token's owner counts."""
    api.seed(issues=[{"title": "x", "body": f"{MARKER}\nmine"}, {"title": "x", "body": f"look: {MARKER}"}])
    own = upsert_issue(client, marker=MARKER, title="x", body="a")
    assert own.state == "created"
    assert upsert_issue(client, marker=MARKER, title="y", body="a") == own._replace(state="edited")


def test_open_issues_are_listed_by_the_beginning_of_their_marker(api: Api, client: Client) -> None:
    """Closed ones, those of others and those of another service are left out."""
    for name in ("shop a", "shop b", "shop-2 a"):
        upsert_issue(client, marker=f"<!-- w {name} -->", title="x", body=name)
    api.state.issues[1]["state"] = "closed"
    api.seed(issues=[{"title": "x", "body": "<!-- w shop c -->\nof somebody else"}])
    assert open_issues(client, "<!-- w shop ") == {"<!-- w shop a -->": "<!-- w shop a -->\nshop a"}
