"""What a revert says, pure: why it was refused, the message of its commit, the text of its pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.revert.plan import TRAILER, Commit, Grounds, Refusal, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
REFUSAL_HINTS = {
    Refusal.NOT_ON_BRANCH: "name the branch with --branch, and the commit as it stands there",
    Refusal.ROOT: "push a new commit that mends it",
    Refusal.OWN_REVERT: "a person may ask with --reason",
    Refusal.CAME_BACK: "a person may ask with --reason",
    Refusal.CONFLICT: "revert it by hand; nothing was pushed and nothing was changed here",
}


def refusal_text(why: Refusal, commit: Commit, branch: str, files: Sequence[str] = ()) -> str:
    """Return one sentence, without full stop."""
    name, on = f"{commit.sha[:12]} ({one_line(commit.subject, 80)})", f"`{one_line(branch, 100)}`"
    listed = ", ".join(one_line(f, 120) for f in files[:10]) + (f" and {len(files) - 10} more" if files[10:] else "")
    return {
        Refusal.NOT_ON_BRANCH: f"{name} is not on {on}; history may have been rewritten, or the branch is another",
        Refusal.ROOT: f"{name} is the first commit of {on} and has nothing to go back to",
        Refusal.OWN_REVERT: f"{name} is itself a revert by ghmlops, and these are never reverted by the bot",
        Refusal.CAME_BACK: f"{name} was reverted before on {on} and its change is back: somebody wanted it",
        Refusal.CONFLICT: f"{name} cannot be undone on {on}: later commits changed the same lines of {listed}",
    }[why]


def revert_message(commit: Commit, asked: Grounds, run_url: str) -> str:
    """Return the message of the revert commit. Hostile text stays on its own line and can add no trailer."""
    subject = _no_skip(one_line(commit.subject, 200))
    merge = f", reversing\nchanges made to {commit.parents[0]}" if len(commit.parents) > 1 else ""
    lines = [f'Revert "{subject}"', "", f"This reverts commit {commit.sha}{merge}.", ""]
    if asked.reason:
        lines.append(f"Reason: {_no_skip(one_line(asked.reason, 500))}")
    if asked.reason_code:
        lines.append(f"Verdict: {asked.reason_code}")
    if run_url:
        lines.append(f"Run: {one_line(run_url, 300)}")
    return "\n".join([*lines, "", f"{TRAILER}: {commit.sha}", ""])


def pull_request_text(undone: Sequence[Commit], asked: Grounds, run_url: str) -> tuple[str, str]:
    """Return title and body of the revert pull request. The body holds nothing hostile, since it is Markdown."""
    if not undone:
        return "", ""
    subject = one_line(undone[0].subject, 150)
    title = f'Revert "{subject}"' if len(undone) == 1 else f"Revert {len(undone)} commits"
    lines = [f"This reverts commit {commit.sha}." for commit in undone]
    lines += ["", f"Asked for by {'a person' if asked.by_person else 'a confirmed failure'}"]
    lines[-1] += f" (`{asked.reason_code}`)" if asked.reason_code else ""
    lines[-1] += f" in {run_url}" if run_url else ""
    # A squash merge makes this text the message of the commit: the trailers mark it as a revert by ghmlops.
    return title, "\n".join([*lines, "", *(f"{TRAILER}: {commit.sha}" for commit in undone)])


def _no_skip(text: str) -> str:
    """Take the force out of `[skip ci]` and its like: the mark of the bad commit would hold back the revert's CI."""
    return _SKIP.sub(r"(\1)", text)
