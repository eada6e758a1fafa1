"""Texts after a revert: the comment on the pull request at fault, the issue about a conflict. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.revert.spec import one_line

if TYPE_CHECKING:
    from ghmlops.core.errors import NeedsPerson

CONFLICTS = ("revert-conflict", "merge-driver", "revert-incomplete")
"""Reason codes of refusals that only a revert by hand resolves; each opens one issue."""


class Notice(NamedTuple):
    """A text with its hidden marker."""

    marker: str
    body: str
    title: str = ""


class Reverted(NamedTuple):
    """What a revert did, as its comment states it."""

    commit: str
    """Full SHA of the newest commit that was reverted."""
    branch: str
    sha: str
    """The last revert commit; empty if the revert waits in a pull request."""
    pull_request: int | None
    reason_code: str
    """Reason code of the verdict; empty if a person requested the revert."""
    run_url: str


def revert_notice(reverted: Reverted) -> Notice:
    """Return the comment on the pull request whose change was reverted, with how to land it again."""
    why = f"by a confirmed failure (`{reverted.reason_code}`)" if reverted.reason_code else "at the request of a person"
    run = f" in [this run]({reverted.run_url})" if _is_plain(reverted.run_url) else ""
    state = (
        f"was reverted on {_code(reverted.branch)} by {reverted.sha}"
        if reverted.sha
        else f"is to be reverted on {_code(reverted.branch)}: the revert waits in #{reverted.pull_request}"
    )
    undo = reverted.sha or "REVERT"
    lines = [
        f"### The change of this pull request {state}",
        "",
        f"It was reverted {why}{run}.",
        "",
        "To land it again, start from the branch, undo the revert, add the fix, and open a new pull request:",
        "",
        "```sh",
        f"git switch --create reland-{reverted.commit[:12]} origin/{_shell(reverted.branch)}",
        f"git revert {undo}",
        "```",
        "",
        "The new commit is measured and judged like any other one. If it fails again, a person must decide: ghmlops "
        "reverts no change twice by itself.",
    ]
    return Notice(f"<!-- ghmlops:revert commit={reverted.commit[:40]} -->", "\n".join(lines))


def conflict_notice(error: NeedsPerson, commits: str, branch: str, run_url: str) -> Notice:
    """Return the issue about a revert that is in conflict with later work.

    Args:
        error: The refusal, whose message names the paths.
        commits: The commits to revert, as the input names them.
        branch: The branch; empty for the default branch.
        run_url: Address of the run; may be empty.
    """
    name = branch or "the default branch"
    key = re.sub(r"[^A-Za-z0-9._/-]", "_", f"{branch or 'default'}:{commits}")[:150]
    run = f"\n\nRun: {run_url}" if _is_plain(run_url) else ""
    body = (
        f"A revert on {_code(name)} needs a person (`{error.reason_code}`). Nothing was pushed.\n\n"
        f"    {one_line(error.message, 2000)}\n\n"
        f"Next: {one_line(error.hint, 300)}. This issue is edited if the same revert is tried again.{run}"
    )
    return Notice(f"<!-- ghmlops:revert-conflict {key} -->", body, f"Revert by hand: {one_line(commits, 60)}")


def _is_plain(url: str) -> bool:
    return re.fullmatch(r"https?://[A-Za-z0-9._~:/?#&=%-]+", url) is not None


def _code(text: str) -> str:
    return f"`{one_line(text, 100).replace('`', '')}`"


def _shell(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/-]", "?", text)
