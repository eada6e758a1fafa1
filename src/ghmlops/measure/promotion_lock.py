"""Reads which run holds the lock of a service and environment, without changing the branch of the locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.clients.git import client, credentials
from ghmlops.clients.git.blobs import list_tree, read_blobs
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import GitError
from ghmlops.core.history.lock import BRANCH, MAX_LOCK_BYTES, decode_lock, lock_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.history.lock import Lock


def read_lock(  # noqa: PLR0913  (a lock, and where it is)
    repository: Path, environ: Mapping[str, str], service: str, environment: str, *, remote: str, token: str
) -> Lock | None:
    """Return the lock; `None` if no run holds it.

    Args:
        repository: a folder inside the checkout.
        environ: variables to derive git's environment from.
        service: service of the policy.
        environment: environment that is promoted in.
        remote: name of the remote.
        token: token for a remote over http(s).

    Raises:
        GitError: There is no repository, the remote cannot be reached, or the file is no lock.
    """
    git = client.open_repository(repository, environ)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote))
    path = lock_path(service, environment)
    with private_ref(git) as ref:
        result = git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--", remote,
            f"+refs/heads/{BRANCH}:{ref}", timeout=client.REMOTE_TIMEOUT,
        )  # fmt: skip
        if "couldn't find remote ref" in result.stderr:
            return None
        if result.exit_code != 0:
            raise client.command_error("fetch", result, hint=f"is the remote `{remote}` reachable and readable?")
        entry = next((entry for entry in list_tree(git, ref) if entry.path == path), None)
        if entry is None:
            return None
        try:
            return decode_lock(next(iter(read_blobs(git, [entry])))[1] if entry.size <= MAX_LOCK_BYTES else b"")
        except ValueError as error:
            raise GitError(
                f"{path} on the branch {BRANCH} is damaged: {error}",
                hint="look at the last commits of the branch",
                reason_code="lock-damaged",
            ) from None
