"""Files of a commit as bytes: the listing of a tree, many blobs in one process, and new blobs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.clients.git import client
from ghmlops.clients.git.process import run_process
from ghmlops.core.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ghmlops.clients.git.client import Git

_BATCH_BYTES = 32 * 1024**2
"""Bytes of blobs that one process returns."""


class Entry(NamedTuple):
    """A file of a tree."""

    path: str
    mode: str
    blob: str
    size: int
    """Bytes; 0 for what is no blob."""


def list_tree(git: Git, commit: str, *, timeout: float = client.LOCAL_TIMEOUT) -> list[Entry]:
    """Return the files of a commit with their paths from the top folder.

    Raises:
        GitError: There is no such commit.
    """
    entries = []
    listing = git.read("ls-tree", "-r", "-z", "-l", "--full-tree", commit, timeout=timeout)
    for row in filter(None, listing.split("\0")):
        head, _, path = row.partition("\t")
        mode, _, blob, size = head.split()
        entries.append(Entry(path, mode, blob, int(size) if size != "-" else 0))
    return entries


def read_blobs(
    git: Git, entries: Sequence[Entry], *, timeout: float = client.LOCAL_TIMEOUT
) -> Iterator[tuple[str, bytes]]:
    """Yield path and exact content of each file, in batches of bounded size.

    Raises:
        GitError: A blob cannot be read.
    """
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and size + entry.size > _BATCH_BYTES:
            yield from _read_batch(git, batch, timeout)
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield from _read_batch(git, batch, timeout)


def _read_batch(git: Git, batch: Sequence[Entry], timeout: float) -> Iterator[tuple[str, bytes]]:
    exit_code, output, _ = run_process(
        ("cat-file", "--batch"),
        cwd=git.cwd,
        environ=git.environ,
        stdin="".join(f"{entry.blob}\n" for entry in batch).encode(),
        timeout=timeout,
        max_output=sum(entry.size + 200 for entry in batch),
    )
    position = 0
    for entry in batch:
        end = output.find(b"\n", position)
        header = output[position:end].split() if end >= 0 else []
        if exit_code != 0 or len(header) != 3 or header[1] != b"blob":
            raise GitError(f"the blob of {entry.path} cannot be read", hint="fetch the branch again")
        start, length = end + 1, int(header[2])
        yield entry.path, output[start : start + length]
        position = start + length + 1


def write_blobs(git: Git, files: Mapping[str, bytes]) -> dict[str, str]:
    """Store contents in the repository and return the id of each path's blob; one process for all of them.

    They go through files, so that their bytes are not decoded.

    Raises:
        GitError: The repository cannot be written.
    """
    if not files:
        return {}
    with tempfile.TemporaryDirectory(prefix="ghmlops-blobs-") as folder:
        names = [Path(folder) / str(number) for number in range(len(files))]
        for name, content in zip(names, files.values(), strict=True):
            name.write_bytes(content)
        output = git.read("hash-object", "-w", "--no-filters", "--stdin-paths", stdin="".join(f"{n}\n" for n in names))
    return dict(zip(files, output.split(), strict=True))
