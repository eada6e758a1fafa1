"""Reads evidence and verdict files, which other jobs may have written: untrusted until they match the schema."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, VERDICT_SCHEMA, Evidence, Verdict
from ghmlops.core.evidence.limits import within_limits
from ghmlops.core.evidence.loaded import Loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

T = TypeVar("T", Evidence, Verdict)
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_FILES = 512
VERDICT_NAME = "verdict.json"
MAX_FOLDER_BYTES = 48 * 1024 * 1024
MAX_LOG_BYTES = 8 * 1024 * 1024
"""Bytes of the histogram logs of a folder, together; one hour of two arms at 200 requests per second has 3.4 MB."""


def list_evidence(folder: Path) -> list[Path]:
    """Return the evidence files of `folder` (`*.json` directly in it, not hidden, not `verdict.json`), sorted.

    A link or a folder with such a name is listed, too, so that it is reported instead of ignored.

    Raises:
        EvidenceError: It is not a folder, or contains more than `MAX_FILES` or `MAX_FOLDER_BYTES`.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise EvidenceError(
            f"evidence folder {folder} {problem}", hint="run a measuring command first, or download its artifact"
        )
    paths = sorted(
        path for path in folder.glob("*.json") if not path.name.startswith(".") and path.name != VERDICT_NAME
    )
    if len(paths) > MAX_FILES:
        raise EvidenceError(
            f"{folder} contains {len(paths)} files, more than {MAX_FILES}", hint="is this the right folder?"
        )
    if sum(path.lstat().st_size for path in paths) > MAX_FOLDER_BYTES:
        raise EvidenceError(f"{folder} contains more than {MAX_FOLDER_BYTES} bytes", hint="is this the right folder?")
    return paths


def load_folder(folder: Path) -> list[Loaded]:
    """Read every evidence file of `folder`; an unreadable one is returned with its problem, not skipped.

    The limits of `core.evidence.limits` apply to all files together.

    Raises:
        EvidenceError: As `list_evidence`.
    """
    return within_limits(_with_logs(folder, (_load(path) for path in list_evidence(folder))))


def _with_logs(folder: Path, files: Iterable[Loaded]) -> Iterator[Loaded]:
    """Attach the histogram log beside each file; one that cannot be read is named, never a reason to fail."""
    room = MAX_LOG_BYTES
    for loaded in files:
        path = folder / (loaded.file.removesuffix(".json") + ".hlog")
        if loaded.evidence is None or not (path.is_symlink() or path.exists()):
            yield loaded
            continue
        try:
            log = read_bounded(path, "it", room)
        except EvidenceError as error:
            yield loaded._replace(log_problem=error.message)
            continue
        room -= len(log)
        yield loaded._replace(log=log)


def _load(path: Path) -> Loaded:
    digest = ""
    try:
        data = read_bounded(path, "it")
        digest = hashlib.sha256(data).hexdigest()
        return Loaded(path.name, digest, decode(data, Evidence, EVIDENCE_SCHEMA, "it"), "")
    except EvidenceError as error:
        return Loaded(path.name, digest, None, error.message)


def read_verdict(path: Path) -> Verdict:
    """Read a verdict file.

    Raises:
        EvidenceError: It is missing, too large, or not a verdict.
    """
    return decode(read_bounded(path), Verdict, VERDICT_SCHEMA, str(path))


def read_bounded(path: Path, name: str = "", max_bytes: int | None = None) -> bytes:
    """Return the bytes of a regular file; messages call it `name`. The default limit is `MAX_FILE_BYTES`.

    Raises:
        EvidenceError: It is missing, a link, not a file, or larger.
    """
    name, max_bytes = name or str(path), MAX_FILE_BYTES if max_bytes is None else max_bytes
    try:
        if path.is_symlink() or not path.is_file():
            problem = "is a link" if path.is_symlink() else "does not exist" if not path.exists() else "is not a file"
            raise EvidenceError(f"{name} {problem}", hint="check the path, and that an earlier job wrote it")
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise EvidenceError(f"{name} cannot be read: {error.strerror}", hint="check its permissions") from None
    if len(data) > max_bytes:
        raise EvidenceError(f"{name} is larger than {max_bytes} bytes", hint="evidence files are small")
    return data


def decode(data: bytes, kind: type[T], schema: str, name: str) -> T:
    """Decode `data` strictly as `kind`.

    Raises:
        EvidenceError: It is not JSON, or does not match the schema.
    """
    hint = f"expected the schema {schema}; write it with the same release of ghmlops"
    try:
        value = msgspec.json.decode(data, type=Evidence | Verdict)  # A union makes the tag required.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(f"{name} is not readable as {schema}: {error}", hint=hint) from None
    if not isinstance(value, kind):
        raise EvidenceError(f"{name} is another kind of file than {schema}", hint=hint)
    return value
