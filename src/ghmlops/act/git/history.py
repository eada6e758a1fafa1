"""Reads a branch of a remote: its tip, the selected commits, and earlier reverts."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.clients.git import client
from ghmlops.core.context import is_sha
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.revert.plan import Commit, merged_commit_count
from ghmlops.core.revert.spec import MAX_COMMITS, MergedPullRequest, Spec, check_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.clients.git.client import Git

OTHER = "-other"
"""Suffix of the private reference to a second branch."""
DEEPEN_OPTIONS = ("--deepen=50", "--deepen=500", "--deepen=5000", "--unshallow")
"""Steps by which a shallow clone is deepened until it contains the commits and their parents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One branch of a remote; during the work, a private reference of the user's repository points to its tip."""

    git: Git
    name: str
    branch: str
    ref: str

    def fetch(self, *options: str) -> str:
        """Fetch the branch and return its tip; the user's own references do not change.

        Raises:
            InputError: The remote has no such branch.
            GitError: The remote cannot be reached.
        """
        result = self.git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *options, "--", self.name,
            f"+refs/heads/{self.branch}:{self.ref}", timeout=client.REMOTE_TIMEOUT,
        )  # fmt: skip
        if result.exit_code == 0:
            return self.git.read("rev-parse", "--verify", "--quiet", self.ref)
        if "couldn't find remote ref" in result.stderr:
            raise InputError(
                f"the remote `{self.name}` has no branch `{self.branch}`", hint="for example --branch main"
            )
        raise client.command_error("fetch", result, hint=f"is the remote `{self.name}` reachable and readable?")

    def at(self, branch: str) -> Remote:
        """Return another branch of the same remote."""
        return Remote(git=self.git, name=self.name, branch=branch, ref=f"{self.ref}{OTHER}")

    def tip_of(self, branch: str) -> str:
        """Return the present tip of a branch on the remote, or an empty string if there is no such branch.

        Raises:
            GitError: The remote cannot be reached.
        """
        ref = f"refs/heads/{branch}"
        result = self.git.run("ls-remote", "--", self.name, ref, timeout=client.REMOTE_TIMEOUT)
        if result.exit_code != 0:
            raise client.command_error("ls-remote", result, hint=f"is the remote `{self.name}` reachable?")
        return result.stdout.split("\t")[0].strip()

    def contains(self, sha: str, tip: str) -> bool:
        """Return whether `sha` is `tip` or one of its ancestors."""
        return self.git.succeeds("merge-base", "--is-ancestor", sha, tip)


@contextlib.contextmanager
def remote_branch(git: Git, name: str, branch: str) -> Iterator[Remote]:
    """Yield a branch of a remote (empty: its default branch) and remove the private references at the end.

    Raises:
        GitError: The remote cannot be reached, or does not name its default branch.
    """
    ref = f"refs/ghmlops/{secrets.token_hex(8)}"
    try:
        yield Remote(git=git, name=name, branch=branch or _default_branch(git, name), ref=ref)
    finally:
        for private_ref in (ref, ref + OTHER):
            git.run("update-ref", "-d", private_ref)


def _default_branch(git: Git, name: str) -> str:
    result = git.run("ls-remote", "--symref", "--", name, "HEAD", timeout=client.REMOTE_TIMEOUT)
    if result.exit_code != 0:
        raise client.command_error("ls-remote", result, hint=f"is the remote `{name}` reachable and readable?")
    for line in result.stdout.splitlines():
        if line.startswith("ref: refs/heads/"):
            branch = line.removeprefix("ref: refs/heads/").partition("\t")[0]
            check_names(name, branch)
            return branch
    raise GitError(f"the remote `{name}` does not name its default branch", hint="name a branch with --branch")


def read_commit(git: Git, sha: str) -> Commit:
    """Return a commit with its real parents, even if a shallow clone hides them.

    Raises:
        GitError: The repository does not contain the commit.
    """
    header, _, message = git.read("cat-file", "commit", sha).partition("\n\n")
    parents = tuple(line.removeprefix("parent ") for line in header.splitlines() if line.startswith("parent "))
    return Commit(sha=sha, parents=parents, message=message)


def resolve_commits(remote: Remote, spec: Spec, merged: MergedPullRequest | None) -> tuple[str, list[str]]:
    """Fetch the branch, with as much of its history as is needed, and resolve the selected commits.

    Args:
        remote: The branch.
        spec: The selection.
        merged: If `spec` names a pull request, its merge.

    Returns:
        The tip of the branch, and the full ids of the commits, newest first.

    Raises:
        InputError: A commit does not exist or is ambiguous, or a range is empty or reversed.
        GitError: The remote cannot be reached.
    """
    tip = remote.fetch()
    for option in (*DEEPEN_OPTIONS, ""):
        ids, problem = _resolve(remote.git, spec, merged)
        if ids and all(_is_complete(remote, sha, tip) for sha in ids):
            break
        if not option or remote.git.read("rev-parse", "--is-shallow-repository") != "true":
            break
        tip = remote.fetch(option)
    if problem:
        raise InputError(f"input `commit`: {problem}", hint="use the full SHA that `git log` prints")
    return tip, ids


def revert_claims(git: Git, sha: str, tip: str) -> list[Commit]:
    """Return the commits after `sha` whose message claims to revert some commit, oldest first."""
    output = git.read(
        "log", "-z", "--reverse", "--topo-order", "--fixed-strings", "--grep=This reverts commit ",
        "--grep=Ghmlops-Reverts: ", "--format=%H%n%P%n%B", f"{sha}..{tip}",
    )  # fmt: skip
    rows = [record.split("\n", 2) for record in output.split("\0") if record]
    return [Commit(sha=row[0], parents=tuple(row[1].split()), message=row[2]) for row in rows]


def _is_complete(remote: Remote, sha: str, tip: str) -> bool:
    """Return whether a commit is on the branch and its parents exist: a shallow clone hides nothing of it."""
    parents = read_commit(remote.git, sha).parents
    return remote.contains(sha, tip) and all(remote.git.succeeds("cat-file", "-e", parent) for parent in parents)


def _resolve(git: Git, spec: Spec, merged: MergedPullRequest | None) -> tuple[list[str], str]:
    """Return the full ids, newest first, or else the problem."""
    if merged is not None:
        return _resolve_merged(git, merged)
    full_ids = [_full_id(git, text) for text in spec.ids or (spec.after, spec.last)]
    problems = [text for text in full_ids if not is_sha(text)]
    if problems:
        return [], problems[0]
    if spec.ids:
        return _newest_first(git, list(dict.fromkeys(full_ids))), ""
    after, last = full_ids
    if not git.succeeds("merge-base", "--is-ancestor", after, last):
        return [], f"{after[:12]} is not an ancestor of {last[:12]}"
    ids = git.read("rev-list", "--first-parent", f"--max-count={MAX_COMMITS + 1}", f"{after}..{last}").split()
    if not ids or len(ids) > MAX_COMMITS:
        return [], f"the range contains {'no commit' if not ids else f'more than {MAX_COMMITS} commits'}"
    return ids, ""


def _resolve_merged(git: Git, merged: MergedPullRequest) -> tuple[list[str], str]:
    if not git.succeeds("cat-file", "-e", f"{merged.sha}^{{commit}}"):
        return [], f"the merged commit {merged.sha[:12]} is not in the history of the branch"
    count = len(merged.messages)
    on_branch = git.read("rev-list", "--first-parent", f"--max-count={max(count, 1)}", merged.sha).split()
    if len(read_commit(git, merged.sha).parents) != 1:
        return [merged.sha], ""
    messages = [read_commit(git, sha).message for sha in reversed(on_branch)]
    return on_branch[: merged_commit_count(merged.messages, messages)], ""


def _full_id(git: Git, text: str) -> str:
    """Return the full id of a commit, or else the problem; names of branches and tags are not looked up."""
    if is_sha(text):
        objects = [text] if git.succeeds("cat-file", "-e", text) else []
    else:
        objects = git.read("rev-parse", f"--disambiguate={text}").split()
    commits = [sha for sha in objects if git.read("cat-file", "-t", sha) == "commit"]
    if len(commits) == 1:
        return commits[0]
    problem = "ambiguous" if commits else "not a commit" if objects else "neither in this repository nor on the remote"
    return f"{text[:12]} is {problem}"


def _newest_first(git: Git, ids: list[str]) -> list[str]:
    """Sort so that a commit precedes its ancestors, by the number of ancestors."""
    return sorted(ids, key=lambda sha: -int(git.read("rev-list", "--count", sha)))
