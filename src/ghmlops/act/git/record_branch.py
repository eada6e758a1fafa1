"""Appends records to the history, and folds those of past months into one Parquet file each."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ghmlops.act.folded_records import write_folded
from ghmlops.act.git.branch_update import Change, Stored, update_branch
from ghmlops.clients.git.blobs import read_blobs, write_blobs
from ghmlops.core.history.place import encode_record, fold_path, parse_record_path, path_of, record_id, record_path
from ghmlops.core.history.reading import decode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git
    from ghmlops.core.history.record import AnyRecord


def append(  # noqa: PLR0913  (a branch, and what to store on it)
    git: Git,
    records: Sequence[AnyRecord],
    *,
    remote: str,
    branch: str,
    token: str,
    note: Callable[[str], None],
) -> Stored:
    """Add records to the branch in one commit and one push. A record whose event is recorded already is left out.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        records: the records; one that occurs twice is stored once.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        note: reports progress to the user.

    Raises:
        InputError: A name is not valid.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, rejected the branch, or the branch moved too often.
    """
    waiting = {record_id(record): record for record in reversed(records)}
    paths = {identity: record_path(record) for identity, record in waiting.items()}
    blobs = write_blobs(git, {paths[identity]: encode_record(record) for identity, record in waiting.items()})

    def plan(entries: Sequence[Entry]) -> Change:
        present = {place.id for entry in entries if (place := parse_record_path(entry.path))}
        return Change({paths[identity]: blobs[paths[identity]] for identity in waiting if identity not in present})

    message = f"Append {len(waiting)} records"
    return update_branch(git, plan, remote=remote, branch=branch, token=token, message=message, note=note)


def fold(  # noqa: PLR0913  (a branch, and which part of it)
    git: Git,
    *,
    before: str,
    remote: str,
    branch: str,
    token: str,
    note: Callable[[str], None],
) -> Stored:
    """Replace the records of each complete month by one Parquet file, which contains their exact bytes.

    A month whose records arrived late gets a second file. A damaged record is not folded: it stays, so that every
    reader names it.

    Args:
        git: git for the user's repository, whose work tree and index do not change.
        before: months before this one (`2026-11`) are folded.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        note: reports progress to the user.

    Raises:
        InputError: A name is not valid.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached, rejected the branch, or the branch moved too often.
    """

    def plan(entries: Sequence[Entry]) -> Change:
        months: dict[str, dict[str, bytes]] = defaultdict(dict)
        past = [e for e in entries if (place := parse_record_path(e.path)) and place.month < before]
        for path, content in read_blobs(git, past):
            place = parse_record_path(path)
            if place and _intact(path, content):
                months[place.month][path] = content
        files = {}
        for month, records in sorted(months.items()):
            content = write_folded(records)
            files[fold_path(month, content)] = content
        return Change(write_blobs(git, files), [path for records in months.values() for path in records])

    message = f"Fold the records before {before}"
    return update_branch(git, plan, remote=remote, branch=branch, token=token, message=message, note=note)


def _intact(path: str, content: bytes) -> bool:
    """Return whether a reader would accept the record."""
    try:
        return path_of(decode_record(content), content) == path
    except ValueError:
        return False
