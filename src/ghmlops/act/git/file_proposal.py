"""Puts one file on a branch that starts at the tip of another one, so that a pull request can offer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git import publish
from ghmlops.act.git.branch_update import Change, update_branch
from ghmlops.act.git.history import Remote
from ghmlops.act.git.work import VARIABLES
from ghmlops.clients.git import credentials
from ghmlops.clients.git.blobs import write_blobs
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import GitError
from ghmlops.core.revert.push_result import PushResult
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git


def propose_file(  # noqa: PLR0913  (a file, and where it goes)
    git: Git,
    path: str,
    content: bytes,
    *,
    remote: str,
    base: str,
    branch: str,
    token: str,
    note: Callable[[str], None],
) -> None:
    """Commit a file on a branch; a call that was interrupted is completed by the next one.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        path: path of the file.
        content: its content.
        remote: name of the remote.
        base: branch at whose tip a new branch starts.
        branch: the branch.
        token: token for a remote over http(s).
        note: reports progress to the user.

    Raises:
        InputError: A name is not valid, or the base does not exist.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, or rejected the branch.
    """
    check_names(remote, branch)
    pushing = credentials.with_token(git, token, credentials.remote_urls(git, remote)).in_folder(git.cwd, VARIABLES)
    with private_ref(pushing) as ref:
        target = Remote(git=pushing, name=remote, branch=base, ref=ref)
        if not target.tip_of(branch):
            result, answer = publish.push(target, target.fetch(), branch)
            # Another run may have created it meanwhile.
            if result not in (PushResult.DONE, PushResult.MOVED):
                raise GitError(
                    f"the remote rejected the branch `{branch}`: {answer}",
                    hint="the job needs `permissions: contents: write`",
                )
    blobs = write_blobs(git, {path: content})

    def plan(entries: Sequence[Entry]) -> Change:
        return Change({} if any(e.path == path and e.blob == blobs[path] for e in entries) else blobs)

    message = f"Update {path}"
    update_branch(git, plan, remote=remote, branch=branch, token=token, message=message, note=note)
