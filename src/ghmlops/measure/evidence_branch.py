"""Reads the evidence of a run from a branch of a remote, within limits; its content is as hostile as an artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.clients.git import client, credentials
from ghmlops.clients.git.private_refs import private_ref
from ghmlops.core.errors import EvidenceError, GitError, InputError
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.evidence.stored import MAX_BYTES, MAX_FILES, parse_path
from ghmlops.core.revert.spec import check_names
from ghmlops.measure.evidence import load_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.clients.git.client import Git

_BLOB = "100644"


def read_branch(  # noqa: PLR0913  (a branch, and a run on it)
    repository: Path,
    environ: Mapping[str, str],
    *,
    remote: str,
    branch: str,
    token: str,
    run_id: int,
    attempts: int,
    folder: Path,
) -> list[Loaded]:
    """Return the evidence of a run that a branch contains; files that cannot be used have a problem.

    The attempt of a file is the one of its path, which the job that stored it took from GitHub and not from the file.

    Args:
        repository: a folder inside the checkout.
        environ: variables to derive git's environment from.
        remote: name of the remote.
        branch: name of the branch.
        token: token for a remote over http(s).
        run_id: id of the run.
        attempts: number of attempts of the run.
        folder: private folder for the files, which the caller removes.

    Raises:
        InputError: The remote has no such branch, or a name is not valid.
        GitError: There is no repository, or the remote cannot be reached.
    """
    check_names(remote, branch)
    git = client.open_repository(repository, environ)
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote))
    with private_ref(git) as ref:
        _fetch(git, remote, branch, ref)
        return _read(git, ref, run_id, attempts, folder)


def _fetch(git: Git, remote: str, branch: str, ref: str) -> None:
    result = git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--", remote,
        f"+refs/heads/{branch}:{ref}", timeout=client.REMOTE_TIMEOUT,
    )  # fmt: skip
    if "couldn't find remote ref" in result.stderr:
        raise InputError(
            f"the remote `{remote}` has no branch `{branch}`", hint="run actions/store in the run that measures"
        )
    if result.exit_code != 0:
        raise client.command_error("fetch", result, hint=f"is the remote `{remote}` reachable and readable?")


def _read(git: Git, ref: str, run_id: int, attempts: int, folder: Path) -> list[Loaded]:
    files: dict[str, list[str]] = {}
    loaded: list[Loaded] = []
    count = total = 0
    listing = git.read("ls-tree", "-r", "-z", "-l", "--full-tree", ref, "--", f"runs/{run_id}/")
    for row in filter(None, listing.split("\0")):
        head, _, path = row.partition("\t")
        mode, _, blob, size = head.split()
        place = parse_path(path)
        if place is None or mode != _BLOB:
            loaded.append(Loaded(path[-200:], "", None, "it is no evidence file of a run"))
            continue
        if place.attempt > attempts:
            reason = f"its path claims attempt {place.attempt}, but run {run_id} has {attempts}"
            loaded.append(Loaded(path, "", None, reason))
            continue
        count, total = count + 1, total + int(size)
        if count > MAX_FILES or total > MAX_BYTES:
            reason = f"the run has more than {MAX_FILES} files or {MAX_BYTES:,} bytes on the branch"
            return [*loaded, Loaded(path, "", None, reason)]
        target = folder / str(place.attempt) / (place.folder or "-")
        target.mkdir(parents=True, exist_ok=True)
        _write(git, blob, target / place.name)
        files.setdefault(f"{place.attempt}/{place.folder}", []).append(place.name)
    for key in sorted(files):
        attempt, _, name = key.partition("/")
        loaded += _load(folder / attempt / (name or "-"), f"{run_id}/{key}".rstrip("/"), int(attempt))
    return loaded


def _write(git: Git, blob: str, target: Path) -> None:
    content = git.query("cat-file", "blob", blob)
    if content is None:
        raise GitError(f"the blob {blob[:12]} cannot be read", hint="fetch the branch again")
    target.write_text(content, encoding="utf-8")


def _load(folder: Path, origin: str, attempt: int) -> list[Loaded]:
    try:
        files = load_folder(folder)
    except EvidenceError as error:
        files = [Loaded(origin, "", None, error.message)]
    return [file._replace(artifact=origin, attempt=attempt) for file in files]
