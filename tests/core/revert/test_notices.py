"""Texts after a revert."""

from __future__ import annotations

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.notices import Reverted, conflict_notice, revert_notice

SHA, REVERT = "a" * 40, "b" * 40


def test_the_comment_explains_how_to_land_the_change_again() -> None:
    """With the commands to paste; the marker depends on the commit only, and names cannot leave their place."""
    pushed = revert_notice(Reverted(SHA, "main", REVERT, None, "latency-p99", "https://github.example/r/1"))
    assert f"git revert {REVERT}" in pushed.body
    assert "`latency-p99`" in pushed.body
    waiting = revert_notice(Reverted(SHA, "x`$(id)`\n; rm", "", 7, "", "javascript:alert(1)"))
    assert waiting.marker == pushed.marker
    assert "#7" in waiting.body
    assert "javascript" not in waiting.body
    commands = waiting.body.split("```sh")[1].split("```")[0]
    assert not set("$();`") & set(commands)


def test_the_issue_is_one_per_branch_and_selection() -> None:
    """It contains the paths of the refusal; another reason for the same commits edits it."""
    error = NeedsPerson("conflict in a.txt, b.txt", hint="revert it by hand", reason_code="revert-conflict")
    first = conflict_notice(error, SHA, "main", "https://github.example/r/1")
    other = conflict_notice(NeedsPerson("x", reason_code="merge-driver"), SHA, "main", "")
    assert "a.txt, b.txt" in first.body
    assert (first.marker, first.title) == (other.marker, other.title)
    assert conflict_notice(error, "#12", "", "").marker != first.marker
    assert "-->" not in conflict_notice(error, "--> x", "", "").marker.removesuffix("-->")
