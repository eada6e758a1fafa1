"""Creates the commits of a revert through the API, which signs them, and moves the branch: once, and never by force.

The tree of each commit must be the one of the planned revert.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.github.branches import WRITE, BranchRefused, CommitObject, advance_branch, find_commit
from ghmlops.clients.github.calls import send, write
from ghmlops.clients.github.graphql import query
from ghmlops.core.errors import GitHubError, NeedsPerson
from ghmlops.core.revert.push_result import Published, PushResult

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.revert.api_commit import ApiCommit, ApiRevert, FileChange

_MOVED = re.compile(r"expected branch to point|not a fast forward|reference already exists", re.IGNORECASE)
"""Messages with which GitHub says that the branch has another tip."""
_CREATE = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } signature { isValid } } }
}
"""


class _Oid(msgspec.Struct, frozen=True):
    oid: str


class _Signature(msgspec.Struct, frozen=True, rename="camel"):
    is_valid: bool


class _Commit(msgspec.Struct, frozen=True):
    oid: str
    tree: _Oid
    signature: _Signature | None = None


class _Payload(msgspec.Struct, frozen=True):
    commit: _Commit


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    create_commit_on_branch: _Payload


class _Created(msgspec.Struct, frozen=True):
    sha: str


def publish_commits(client: Client, branch: str, tip: str, revert: ApiRevert) -> Published:
    """Create the commits on top of `tip`, and move the branch from `tip` to the last one.

    Args:
        client: The connection.
        branch: Name of the branch; one that does not exist is created.
        tip: Full SHA of the tip on which the revert was planned.
        revert: The commits.

    Raises:
        NeedsPerson: GitHub does not sign the commits, or their tree is another one than planned.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    sha = "" if revert.by_mutation else _create_objects(client, tip, revert)
    try:
        if revert.by_mutation:
            return _create_on_branch(client, branch, tip, revert.commits[0])
        advance_branch(client, branch, sha, tip)
    except BranchRefused as error:
        result = PushResult.MOVED if _MOVED.search(error.message) else PushResult.PROTECTED
        return Published(result, error.message, "")
    return Published(PushResult.DONE, "", sha)


def _create_on_branch(client: Client, branch: str, tip: str, commit: ApiCommit) -> Published:
    """Create one commit of regular files with `createCommitOnBranch`, which fails if the branch left `tip`."""

    def find_existing() -> _Commit | None:
        created = find_commit(client, branch, tip, lambda c: _is_same(c, commit, tip))
        if created is None:
            return None
        return _Commit(created.sha, _Oid(created.tree.sha), _Signature(created.verification.verified))

    def create() -> _Commit:
        variables = {"input": mutation_input(client.repository, branch, tip, commit)}
        return query(client, _CREATE, _Answer, variables).create_commit_on_branch.commit

    # The mutation requires that the branch exists; that of a pull request may not.
    if find_commit(client, branch, tip, lambda c: c.sha == tip) is None:
        advance_branch(client, branch, tip, tip)
    activity = f"creating a commit on {branch}"
    try:
        created = send(client, create, activity=activity, permission=WRITE, find_existing=find_existing, is_write=True)
    except GitHubError as error:
        # Another push may follow a commit whose response was lost.
        if error.reason_code != "github-refused":
            raise
        if (existing := find_existing()) is None:
            raise BranchRefused.of(error) from None
        created = existing
    _check_tree(created.tree.oid, commit, f"commit {created.oid[:12]}, which is on `{branch}`,")
    if created.signature is None or not created.signature.is_valid:
        client.note(f"GitHub did not sign commit {created.oid[:12]}")
    return Published(PushResult.DONE, "", created.oid)


def _is_same(created: CommitObject, commit: ApiCommit, tip: str) -> bool:
    """Return whether a commit is the planned one, created before on the same tip."""
    same_text = created.message.strip() == commit.message.strip()
    return [parent.sha for parent in created.parents] == [tip] and created.tree.sha == commit.tree and same_text


def mutation_input(repository: str, branch: str, tip: str, commit: ApiCommit) -> dict[str, object]:
    """Return the input of `createCommitOnBranch`."""
    headline, _, body = commit.message.partition("\n")
    additions = [
        {"path": change.path, "contents": base64.b64encode(commit.contents[change.blob]).decode()}
        for change in commit.changes
        if change.blob
    ]
    return {
        "branch": {"repositoryNameWithOwner": repository, "branchName": branch},
        "expectedHeadOid": tip,
        "message": {"headline": headline, "body": body.strip("\n")},
        "fileChanges": {
            "additions": additions,
            "deletions": [{"path": change.path} for change in commit.changes if not change.blob],
        },
    }


def _create_objects(client: Client, tip: str, revert: ApiRevert) -> str:
    """Create blobs, trees and commits, which no branch contains yet, and return the last commit."""
    parent = tip
    for commit in revert.commits:
        for blob, content in commit.contents.items():
            body: object = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
            created = write(
                client, "POST", "git/blobs", _Created, body=body, activity="creating a blob", permission=WRITE
            )
            _check_same(created.sha, blob, "a blob")
        body = {"base_tree": commit.base_tree, "tree": [_tree_entry(change) for change in commit.changes]}
        tree = write(client, "POST", "git/trees", _Created, body=body, activity="creating a tree", permission=WRITE)
        _check_tree(tree.sha, commit, "the tree that GitHub created")
        body = {"message": commit.message, "tree": tree.sha, "parents": [parent]}
        new = write(
            client, "POST", "git/commits", CommitObject, body=body, activity="creating a commit", permission=WRITE
        )
        if not new.verification.verified:
            raise NeedsPerson(
                f"GitHub does not sign the revert commit ({new.verification.reason or 'no reason given'}), and "
                "`revert.verified` of the policy demands it",
                hint="pass GITHUB_TOKEN or the token of a GitHub App: GitHub signs such commits for them only",
                reason_code="commit-not-verified",
            )
        parent = new.sha
    return parent


def _tree_entry(change: FileChange) -> dict[str, object]:
    mode = change.mode or change.old_mode
    kind = "commit" if mode == "160000" else "blob"
    return {"path": change.path, "mode": mode, "type": kind, "sha": change.blob or None}


def _check_tree(tree: str, commit: ApiCommit, what: str) -> None:
    _check_same(tree, commit.tree, what)


def _check_same(sha: str, planned: str, what: str) -> None:
    if sha != planned:
        raise NeedsPerson(
            f"{what} differs from the planned revert: {sha[:12]} instead of {planned[:12]}",
            hint="compare it with the planned revert (`--dry-run`), and revert by hand",
            reason_code="revert-differs",
        )
