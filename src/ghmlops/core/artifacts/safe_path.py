"""A path that somebody else chose, inside a folder of ours: what an archive or an object store calls its files."""

from __future__ import annotations

import re

MAX_DEPTH = 32
MAX_PART = 255
"""Bytes; what file systems hold."""
_DRIVE = re.compile(r"[A-Za-z]:")


def inner_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a relative path with `/` between them.

    Raises:
        ValueError: it leads elsewhere, or no file can be called so on every system; the text says why.
    """
    parts = tuple(name.split("/"))
    if name.startswith("/") or _DRIVE.match(name):
        raise ValueError("is an absolute path")
    if ".." in parts:
        raise ValueError("leads out of its folder")
    if "" in parts or "." in parts:
        raise ValueError("holds an empty part")
    if "\\" in name or not name.isprintable():
        raise ValueError("holds a backslash or a control character")
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"lies deeper than {MAX_DEPTH} folders")
    if any(len(part.encode()) > MAX_PART for part in parts):
        raise ValueError(f"has a part of more than {MAX_PART} bytes")
    return parts
