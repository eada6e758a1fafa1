"""Reads the history from a branch of a remote; its content is as hostile as an artifact."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.clients.git import client, credentials
from ghmlops.clients.git.blobs import list_tree, read_blobs
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import InputError
from ghmlops.core.history.place import MAX_RECORD_BYTES, digest_of, parse_fold_path, parse_record_path
from ghmlops.core.history.reading import History, Problem, foreign_file, read_records
from ghmlops.core.revert.spec import check_names
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ghmlops.clients.git.blobs import Entry
    from ghmlops.clients.git.client import Git
    from ghmlops.core.history.reading import Stored

LAST_READ = "refs/ghmlops-read/"
"""Where a clone remembers the newest tip that it read, to notice that the branch was rewritten."""
MAX_FOLD_BYTES = 64 * 1024**2
"""Bytes of a Parquet file with records."""


MAX_RECENT = 200
"""Records that `read_recent` reads."""


class BranchHistory(NamedTuple):
    """The history, and where it was read."""

    history: History
    tip: str
    """Full SHA of the commit that was read; empty if the branch does not exist."""


def read_history(  # noqa: PLR0913  (a branch, and when)
    repository: Path, environ: Mapping[str, str], *, remote: str, branch: str, token: str, now: datetime
) -> BranchHistory:
    """Return the records of a branch, and what was skipped.

    If the branch no longer contains the commit that this clone read before, it was force-pushed: the records that are
    absent now are named, and the clone keeps their commit, so that they can be restored.

    Args:
        repository: a folder inside the checkout.
        environ: variables to derive git's environment from.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        now: the time (UTC).

    Raises:
        InputError: A name is not valid.
        GitError: There is no repository, or the remote cannot be reached.
    """
    check_names(remote, branch)
    git = client.open_repository(repository, environ)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote))
    with private_ref(git) as ref:
        tip = _fetch(git, remote, branch, ref)
        last_read = f"{LAST_READ}{remote}/{branch}"
        problems = _rewritten(git, last_read, tip, branch)
        history = _read(git, tip, problems, now) if tip else History((), tuple(problems))
        if tip and not problems:
            git.read("update-ref", last_read, tip)
        return BranchHistory(history, tip)


def read_recent(  # noqa: PLR0913  (a branch, and when)
    repository: Path, environ: Mapping[str, str], *, remote: str, branch: str, token: str, now: datetime, timeout: float
) -> tuple[Stored, ...]:
    """Return the newest records of a branch in the order of time; what does not count is skipped.

    For a reader who decides nothing: at most `MAX_RECENT` records are read, and none that was folded into Parquet.

    Args:
        repository: a folder inside the checkout.
        environ: variables to derive git's environment from.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        now: the time (UTC).
        timeout: time limit in seconds.

    Raises:
        InputError: A name is not valid.
        GitError: There is no repository, or the remote cannot be reached.
    """
    check_names(remote, branch)
    git = client.open_repository(repository, environ)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote))
    with private_ref(git) as ref:
        tip = _fetch(git, remote, branch, ref, timeout)
        entries = [e for e in list_tree(git, tip) if _is_loose(e)] if tip else []
        newest = sorted(entries, key=lambda entry: entry.path)[-MAX_RECENT:]
        return read_records(read_blobs(git, newest), (), now).records


def read_local(
    repository: Path, environ: Mapping[str, str], *, branch: str, now: datetime, timeout: float
) -> History | None:
    """Return the newest records that the clone already has, without a token or network; `None` if it has no branch.

    Of the branch of `origin`, what `read_history` read last, and a local branch, the one with the newest commit counts.
    At most `MAX_RECENT` records are read, and none that was folded into Parquet. A clone that would fetch objects when
    they are read does not.

    Args:
        repository: a folder inside the checkout.
        environ: variables to derive git's environment from.
        branch: name of the branch.
        now: the time (UTC).
        timeout: time limit in seconds.

    Raises:
        InputError: The name is not valid.
        GitError: There is no repository, an object is absent or damaged, or the time is over.
    """
    check_names("origin", branch)
    git = client.open_repository(repository, environ)
    git = git.in_folder(git.cwd, {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"})
    step = timeout / 3  # the names, the listing, the records
    names = [f"refs/remotes/origin/{branch}", f"{LAST_READ}origin/{branch}", f"refs/heads/{branch}"]
    newest_first = ("for-each-ref", "--sort=-committerdate", "--format=%(objectname)")
    tips = git.read(*newest_first, "--", *names, timeout=step).splitlines()
    if not tips:
        return None
    entries = [entry for entry in list_tree(git, tips[0], timeout=step) if _is_loose(entry)]
    newest = sorted(entries, key=lambda entry: entry.path)[-MAX_RECENT:]
    return read_records(read_blobs(git, newest, timeout=step), (), now)


def _is_loose(entry: Entry) -> bool:
    is_record = parse_record_path(entry.path) is not None and foreign_file(entry.path, entry.mode) is None
    return is_record and entry.size <= MAX_RECORD_BYTES


def _fetch(git: Git, remote: str, branch: str, ref: str, timeout: float = client.REMOTE_TIMEOUT) -> str:
    """Return the tip; empty if the remote has no such branch."""
    result = git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--", remote,
        f"+refs/heads/{branch}:{ref}", timeout=timeout,
    )  # fmt: skip
    if "couldn't find remote ref" in result.stderr:
        return ""
    if result.exit_code != 0:
        raise client.command_error("fetch", result, hint=f"is the remote `{remote}` reachable and readable?")
    return git.read("rev-parse", "--verify", "--quiet", ref)


def _rewritten(git: Git, last_read: str, tip: str, branch: str) -> list[Problem]:
    """Return whether the branch lost the commit that this clone read last."""
    before = git.run("rev-parse", "--verify", "--quiet", last_read).stdout.strip()
    if not before or (tip and git.succeeds("merge-base", "--is-ancestor", before, tip)):
        return []
    present = {entry.path for entry in list_tree(git, tip)} if tip else set()
    lost = [e.path for e in list_tree(git, before) if parse_record_path(e.path) and e.path not in present]
    reason = (
        f"the branch was force-pushed or deleted: it no longer contains {before[:12]}, and {len(lost)} records that "
        f"this clone read are absent; `git show {before[:12]}` has them, `git update-ref -d {last_read}` accepts it"
    )
    return [Problem("history-rewritten", branch, reason)]


def _read(git: Git, tip: str, problems: Sequence[Problem], now: datetime) -> History:
    entries = list_tree(git, tip)
    skipped = list(problems)
    loose: list[Entry] = []
    files: list[tuple[str, bytes]] = []
    for entry in entries:
        is_fold = parse_fold_path(entry.path) is not None
        if foreign := foreign_file(entry.path, entry.mode):
            skipped.append(foreign)
        elif entry.size > (MAX_FOLD_BYTES if is_fold else MAX_RECORD_BYTES):
            skipped.append(Problem("record-damaged", entry.path, f"it has {entry.size:,} bytes"))
        elif not is_fold:
            loose.append(entry)
        else:
            files += _unfold(git, entry, skipped)
    files += read_blobs(git, loose)
    return read_records(files, skipped, now)


def _unfold(git: Git, entry: Entry, skipped: list[Problem]) -> list[tuple[str, bytes]]:
    """Return path and content of the records in a Parquet file; a damaged file is a problem."""
    ((_, content),) = read_blobs(git, [entry])
    if digest_of(content) != parse_fold_path(entry.path):
        skipped.append(
            Problem("record-damaged", entry.path, "its content is not the one that its name was derived from")
        )
        return []
    try:
        return read_folded(content)
    except ValueError as error:
        skipped.append(Problem("record-damaged", entry.path, str(error)))
        return []


def read_folded(content: bytes) -> list[tuple[str, bytes]]:
    """Return path and content of each record of a Parquet file.

    Raises:
        ValueError: It is no Parquet file with records.
        InputError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "the history contains Parquet files, and DuckDB is not installed", hint='pip install "ghmlops[history]"'
        ) from None
    settings: dict[str, str | bool | int | float | list[str]] = {"disabled_optimizers": STATISTICS_OPTIMIZERS}
    with tempfile.TemporaryDirectory(prefix="ghmlops-fold-") as folder, duckdb.connect(config=settings) as connection:
        file = Path(folder) / "records.parquet"
        file.write_bytes(content)
        try:
            rows = connection.execute("SELECT path, record FROM read_parquet(?)", [str(file)]).fetchall()
        except duckdb.Error as error:
            raise ValueError(f"it is no Parquet file with records: {str(error).splitlines()[0][:200]}") from None
    if not all(isinstance(path, str) and isinstance(record, bytes) for path, record in rows):
        raise ValueError("its columns `path` and `record` are not text and bytes")
    return rows
