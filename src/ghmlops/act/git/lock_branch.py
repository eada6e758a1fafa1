"""Takes and releases the lock of a service and environment on a branch of a remote, by compare and swap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.git.branch_update import Change, Stored, update_branch
from ghmlops.clients.git.blobs import read_blobs, write_blobs
from ghmlops.core.errors import GitError, NeedsPerson
from ghmlops.core.history.lock import (
    BRANCH,
    MAX_LOCK_BYTES,
    Lock,
    decode_lock,
    encode_lock,
    is_left,
    is_same_attempt,
    lock_age,
    lock_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git
    from ghmlops.core.history.lock import Holder


def take_lock(  # noqa: PLR0913  (a lock, and when it counts as left behind)
    git: Git,
    lock: Lock,
    *,
    now: datetime,
    max_age: float,
    has_ended: Callable[[Holder], bool],
    remote: str,
    token: str,
    note: Callable[[str], None],
) -> Stored:
    """Take a lock. A lock that this attempt of the run holds already stays; one that was left behind is taken over.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        lock: the lock, with this run as its holder.
        now: the current time (UTC).
        max_age: seconds after which a lock counts as left behind.
        has_ended: returns whether the run of a holder is known to have ended.
        remote: name of the remote.
        token: token for a remote over http(s).
        note: reports progress to the user.

    Raises:
        NeedsPerson: Another run holds the lock.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached or rejected the branch, or the file is no lock.
    """
    path, own = lock_path(lock.service, lock.environment), lock.holder

    def plan(entries: Sequence[Entry]) -> Change:
        present = _present(git, entries, path)
        if present is None:
            return Change(write_blobs(git, {path: encode_lock(lock)}))
        holder = present.holder
        if is_same_attempt(holder, own):
            return Change({})
        if not (is_left(holder, own, now, max_age=max_age) or has_ended(holder)):
            minutes = max(0.0, lock_age(holder, now).total_seconds() / 60)
            by = f", started by {holder.person}" if holder.person else ""
            raise NeedsPerson(
                f"run {holder.run_id} (attempt {holder.run_attempt}{by}) has held the lock of {lock.service} in "
                f"{lock.environment} for {minutes:.0f} min",
                hint=f"wait for {holder.run_url or 'it'}; if it ended without a release, its lock is taken over after "
                f"{max_age / 3600:.3g} h, or remove {path} from the branch {BRANCH}",
                reason_code="locked",
            )
        note(f"the lock of run {holder.run_id} (attempt {holder.run_attempt}), which was left behind, is taken over")
        taken_over = msgspec.structs.replace(lock, taken_over_from=holder)
        return Change(write_blobs(git, {path: encode_lock(taken_over)}))

    message = f"Take the lock of {lock.service} in {lock.environment} for run {own.run_id}, attempt {own.run_attempt}"
    return update_branch(git, plan, remote=remote, branch=BRANCH, token=token, message=message, note=note)


def release_lock(  # noqa: PLR0913  (a lock, and where it is)
    git: Git,
    service: str,
    environment: str,
    own: Holder,
    *,
    remote: str,
    token: str,
    note: Callable[[str], None],
) -> bool:
    """Release the lock if this run holds it, and return whether it did; the lock of another run stays.

    Raises:
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached or rejected the branch, or the file is no lock.
    """
    path, released = lock_path(service, environment), False

    def plan(entries: Sequence[Entry]) -> Change:
        nonlocal released
        present = _present(git, entries, path)
        # A job that GitHub runs again releases what an earlier attempt of the same run left.
        released = present is not None and present.holder.run_id == own.run_id
        return Change({}, [path] if released else [])

    message = f"Release the lock of {service} in {environment} by run {own.run_id}, attempt {own.run_attempt}"
    update_branch(git, plan, remote=remote, branch=BRANCH, token=token, message=message, note=note)
    return released


def _present(git: Git, entries: Sequence[Entry], path: str) -> Lock | None:
    entry = next((entry for entry in entries if entry.path == path), None)
    if entry is None:
        return None
    try:
        content = next(iter(read_blobs(git, [entry])))[1] if entry.size <= MAX_LOCK_BYTES else b""
        return decode_lock(content)
    except ValueError as error:
        raise GitError(
            f"{path} on the branch {BRANCH} is damaged: {error}",
            hint="look at the last commits of the branch, and remove the file if no promotion runs",
            reason_code="lock-damaged",
        ) from None
