"""What a branch of a remote holds: its tip, the commits asked for, and what was reverted there before."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.clients.git import client
from ghmlops.core.context import is_sha
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.revert.plan import MOST_COMMITS, Commit, Spec, check_names, rebased_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.clients.git.client import Git

OTHER = "-other"
DEEPER = ("--deepen=50", "--deepen=500", "--deepen=5000", "--unshallow")
"""Steps in which a shallow clone is given more history, until the commits and their parents are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merged pull request, as GitHub tells it: the commit on the branch, and its own messages, oldest first."""

    sha: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One branch of a remote, kept under a private reference of the user's repository while we work."""

    git: Git
    name: str
    branch: str
    ref: str

    def fetch(self, *how: str) -> str:
        """Fetch the branch and return its tip; the user's own references stay as they are.

        Raises:
            InputError: the remote has no such branch.
            GitError: the remote cannot be reached.
        """
        result = self.git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *how, "--", self.name,
            f"+refs/heads/{self.branch}:{self.ref}", timeout=client.REMOTE_TIMEOUT,
        )  # fmt: skip
        if result.exit_code == 0:
            return self.git.read("rev-parse", "--verify", "--quiet", self.ref)
        if "couldn't find remote ref" in result.stderr:
            raise InputError(f"the remote `{self.name}` has no branch `{self.branch}`", hint="--branch main")
        raise client.command_error("fetch", result, hint=f"can the remote `{self.name}` be reached, and read?")

    def at(self, branch: str) -> Remote:
        """Return another branch of the same remote."""
        return Remote(git=self.git, name=self.name, branch=branch, ref=f"{self.ref}{OTHER}")

    def tip_of(self, branch: str) -> str:
        """Ask the remote where a branch is now; empty where it has none.

        Raises:
            GitError: the remote cannot be reached.
        """
        result = self.git.run("ls-remote", "--", self.name, f"refs/heads/{branch}", timeout=client.REMOTE_TIMEOUT)
        if result.exit_code != 0:
            raise client.command_error("ls-remote", result, hint=f"can the remote `{self.name}` be reached?")
        return result.stdout.split("\t")[0].strip()

    def holds(self, sha: str, tip: str) -> bool:
        """True where `sha` is `tip` or one of its ancestors."""
        return self.git.succeeds("merge-base", "--is-ancestor", sha, tip)


@contextlib.contextmanager
def remote_branch(git: Git, name: str, branch: str) -> Iterator[Remote]:
    """Yield a branch of a remote (its default branch where `branch` is empty); the private reference is removed.

    Raises:
        GitError: the remote cannot be reached, or does not say which branch is its default.
    """
    ref = f"refs/ghmlops/{secrets.token_hex(8)}"
    try:
        yield Remote(git=git, name=name, branch=branch or _default_branch(git, name), ref=ref)
    finally:
        for used in (ref, ref + OTHER):
            git.run("update-ref", "-d", used)


def _default_branch(git: Git, name: str) -> str:
    result = git.run("ls-remote", "--symref", "--", name, "HEAD", timeout=client.REMOTE_TIMEOUT)
    if result.exit_code != 0:
        raise client.command_error("ls-remote", result, hint=f"can the remote `{name}` be reached, and read?")
    for line in result.stdout.splitlines():
        if line.startswith("ref: refs/heads/"):
            branch = line.removeprefix("ref: refs/heads/").partition("\t")[0]
            check_names(name, branch)
            return branch
    raise GitError(f"the remote `{name}` does not say which branch is its default", hint="name one with --branch")


def read_commit(git: Git, sha: str) -> Commit:
    """Return a commit with its real parents, also where a shallow clone hides them.

    Raises:
        GitError: it is not there.
    """
    head, _, message = git.read("cat-file", "commit", sha).partition("\n\n")
    parents = tuple(line.removeprefix("parent ") for line in head.splitlines() if line.startswith("parent "))
    return Commit(sha=sha, parents=parents, message=message)


def find_commits(remote: Remote, spec: Spec, merged: Merged | None) -> tuple[str, list[str]]:
    """Fetch the branch, and as much of its history as is needed, and resolve what was asked for.

    Returns:
        The tip, and the full ids, newest first.

    Raises:
        InputError: there is no such commit, it is ambiguous, or a range is empty or the wrong way round.
        GitError: the remote cannot be reached.
    """
    tip = remote.fetch()
    for deeper in (*DEEPER, ""):
        found, problem = _resolve(remote.git, spec, merged)
        if found and all(_whole(remote, sha, tip) for sha in found):
            break
        if not deeper or remote.git.read("rev-parse", "--is-shallow-repository") != "true":
            break
        tip = remote.fetch(deeper)
    if problem:
        raise InputError(f"input `commit`: {problem}", hint="give the full SHA, as `git log` shows it")
    return tip, found


def claims(git: Git, sha: str, tip: str) -> list[Commit]:
    """Return the commits after `sha` that claim to revert something, oldest first."""
    out = git.read(
        "log", "-z", "--reverse", "--topo-order", "--fixed-strings", "--grep=This reverts commit ",
        "--grep=Ghmlops-Reverts: ", "--format=%H%n%P%n%B", f"{sha}..{tip}",
    )  # fmt: skip
    rows = [record.split("\n", 2) for record in out.split("\0") if record]
    return [Commit(sha=row[0], parents=tuple(row[1].split()), message=row[2]) for row in rows]


def _whole(remote: Remote, sha: str, tip: str) -> bool:
    """True where a commit is on the branch and its parents are there: nothing is hidden by a shallow clone."""
    parents = read_commit(remote.git, sha).parents
    return remote.holds(sha, tip) and all(remote.git.succeeds("cat-file", "-e", parent) for parent in parents)


def _resolve(git: Git, spec: Spec, merged: Merged | None) -> tuple[list[str], str]:
    """Return the full ids, newest first, or the reason why there are none."""
    if merged is not None:
        return _merged(git, merged)
    given = spec.ids or (spec.after, spec.last)
    full = [_full(git, text) for text in given]
    problems = [text for text in full if not is_sha(text)]
    if problems:
        return [], problems[0]
    if spec.ids:
        return _newest_first(git, list(dict.fromkeys(full))), ""
    after, last = full
    if not git.succeeds("merge-base", "--is-ancestor", after, last):
        return [], f"{after[:12]} does not come before {last[:12]}"
    found = git.read("rev-list", "--first-parent", f"--max-count={MOST_COMMITS + 1}", f"{after}..{last}").split()
    if not found or len(found) > MOST_COMMITS:
        return [], f"the range holds {'no commit' if not found else f'more than {MOST_COMMITS} commits'}"
    return found, ""


def _merged(git: Git, merged: Merged) -> tuple[list[str], str]:
    if not git.succeeds("cat-file", "-e", f"{merged.sha}^{{commit}}"):
        return [], f"the merged commit {merged.sha[:12]} is not in the history of the branch"
    count = len(merged.messages)
    on_branch = git.read("rev-list", "--first-parent", f"--max-count={max(count, 1)}", merged.sha).split()
    if len(read_commit(git, merged.sha).parents) != 1:
        return [merged.sha], ""
    messages = [read_commit(git, sha).message for sha in reversed(on_branch)]
    return on_branch[: rebased_count(merged.messages, messages)], ""


def _full(git: Git, text: str) -> str:
    """Return the full id of a commit, or a sentence that says why not; never looks at names of branches or tags."""
    if is_sha(text):
        known = [text] if git.succeeds("cat-file", "-e", text) else []
    else:
        known = git.read("rev-parse", f"--disambiguate={text}").split()
    commits = [sha for sha in known if git.read("cat-file", "-t", sha) == "commit"]
    if len(commits) == 1:
        return commits[0]
    return (
        f"{text[:12]} is {'not unique' if commits else 'not a commit' if known else 'not known here or on the remote'}"
    )


def _newest_first(git: Git, ids: list[str]) -> list[str]:
    """Sort so that a commit comes before its ancestors: it has more of them."""
    return sorted(ids, key=lambda sha: -int(git.read("rev-list", "--count", sha)))
