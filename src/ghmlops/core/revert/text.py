"""Texts of a revert: why it was refused, the commit message, the pull request. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.revert.plan import TRAILER, Commit, Refusal
from ghmlops.core.revert.spec import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.revert.grounds import Grounds

_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
_BY_PERSON = "a person may ask for the revert with --reason"
REFUSAL_HINTS = {
    Refusal.NOT_ON_BRANCH: "name the branch with --branch, and the commit by its SHA on that branch",
    Refusal.BASE_NOT_ON_BRANCH: "revert the bad commits one by one with --reason",
    Refusal.ROOT: "push a new commit that fixes the problem",
    Refusal.MAINLINE: "name the commit that the branch had before the merge with --before",
    Refusal.OWN_REVERT: _BY_PERSON,
    Refusal.REVERTED_BEFORE: _BY_PERSON,
    Refusal.CONFLICT: "revert it by hand; nothing was pushed, and the work tree is unchanged",
    Refusal.DRIVER: "revert it by hand; nothing was pushed, and the work tree is unchanged",
    Refusal.INCOMPLETE: "revert it by hand; nothing was pushed, and the work tree is unchanged",
}


def refusal_text(refusal: Refusal, commit: Commit, branch: str, files: Sequence[str] = (), base: str = "") -> str:
    """Return one sentence, without full stop, that explains a refusal.

    Args:
        refusal: Why a person must decide.
        commit: The commit to revert.
        branch: Name of the branch.
        files: The paths of the files that the refusal is about.
        base: The commit whose state the revert should restore.
    """
    name, on_branch = f"{commit.sha[:12]} ({one_line(commit.subject, 80)})", f"`{one_line(branch, 100)}`"
    paths = list_paths(files)
    return {
        Refusal.NOT_ON_BRANCH: f"{name} is not on {on_branch}; its history was rewritten, or it is another branch",
        Refusal.BASE_NOT_ON_BRANCH: f"{name} does not descend from {base[:12]}, the state to go back to, so it is "
        f"unknown which commits brought the change to {on_branch}",
        Refusal.ROOT: f"{name} is the first commit of {on_branch}, so there is no state to go back to",
        Refusal.MAINLINE: f"{name} is a merge, and it is unknown which of its {len(commit.parents)} parents "
        f"{on_branch} followed",
        Refusal.OWN_REVERT: f"{name} is itself a revert by ghmlops, which only a person may revert",
        Refusal.REVERTED_BEFORE: f"{name} was reverted before on {on_branch}, and its change was applied again since",
        Refusal.CONFLICT: f"{name} cannot be reverted on {on_branch}: later commits changed the same lines of {paths}",
        Refusal.DRIVER: f"{name} cannot be reverted on {on_branch}: later commits changed {paths} too, and the "
        "attribute `merge` says not to merge line by line",
        Refusal.INCOMPLETE: f"{name} cannot be reverted on {on_branch}: the result would differ from {base[:12]} by "
        f"more than later work: {paths}",
    }[refusal]


def list_paths(files: Sequence[str]) -> str:
    """Return at most ten paths and the number of the others, on one printable line."""
    more = f" and {len(files) - 10} more" if files[10:] else ""
    return ", ".join(one_line(path, 120) for path in files[:10]) + more


def revert_message(commit: Commit, grounds: Grounds, run_url: str, parent: int = 1) -> str:
    """Return the message of the revert commit. Untrusted text stays on its own line and can add no trailer.

    Args:
        commit: The commit that is reverted.
        grounds: Why.
        run_url: Address of the run; may be empty.
        parent: Number of the parent whose state is restored.
    """
    subject = _without_skip_markers(one_line(commit.subject, 200))
    merge = f", reversing\nchanges made to {commit.parents[parent - 1]}" if len(commit.parents) > 1 else ""
    lines = [f'Revert "{subject}"', "", f"This reverts commit {commit.sha}{merge}.", ""]
    if grounds.reason:
        lines.append(f"Reason: {_without_skip_markers(one_line(grounds.reason, 500))}")
    if grounds.reason_code:
        lines.append(f"Verdict: {grounds.reason_code}")
    if run_url:
        lines.append(f"Run: {one_line(run_url, 300)}")
    return "\n".join([*lines, "", f"{TRAILER}: {commit.sha}", ""])


def pull_request_text(commits: Sequence[Commit], grounds: Grounds, run_url: str) -> tuple[str, str]:
    """Return title and body of the revert pull request. The body is Markdown and contains no untrusted text."""
    if not commits:
        return "", ""
    subject = one_line(commits[0].subject, 150)
    title = f'Revert "{subject}"' if len(commits) == 1 else f"Revert {len(commits)} commits"
    lines = [f"This reverts commit {commit.sha}." for commit in commits]
    lines += ["", f"Requested by {'a person' if grounds.by_person else 'a confirmed failure'}"]
    lines[-1] += f" (`{grounds.reason_code}`)" if grounds.reason_code else ""
    lines[-1] += f" in {run_url}" if run_url else ""
    lines += [
        "",
        "Its checks do not start by themselves if GITHUB_TOKEN opened it: close and reopen it to start them.",
    ]
    # A squash merge makes this text the message of the commit: the trailers mark it as a revert by ghmlops.
    return title, "\n".join([*lines, "", *(f"{TRAILER}: {commit.sha}" for commit in commits)])


def _without_skip_markers(text: str) -> str:
    """Neutralise `[skip ci]` and similar markers, which would suppress the CI run of the revert commit."""
    return _SKIP.sub(r"(\1)", text)
