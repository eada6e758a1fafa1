"""Writes files atomically, so that a reader never sees an incomplete one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ghmlops.core.errors import InputError


def write_atomically(path: Path, content: bytes | str) -> Path:
    """Write to a temporary file in the same folder, then rename it; after an interrupt, `path` is unchanged.

    Folders are created as needed.

    Raises:
        InputError: The file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", hint="choose a writable folder") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}", hint="is the disk full, or is the path a folder?"
        ) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return path
