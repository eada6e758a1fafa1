"""Validates untrusted relative paths, such as the names in an archive or an object store."""

from __future__ import annotations

import re

MAX_DEPTH = 32
MAX_PART = 255
"""Bytes per part of a path; the limit of common file systems."""
_DRIVE = re.compile(r"[A-Za-z]:")


def inner_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a relative path that uses `/` as its separator.

    Raises:
        ValueError: The path leaves its folder, or is not valid on every file system; the message gives the reason.
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
