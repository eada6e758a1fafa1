"""Classifies the files of a folder that contains Parquet data: by their name, then by their first bytes.

Hive, Impala, Athena and Trino write data files without a suffix (`000001_0`), so a name alone does not tell whether a
file belongs to the data. A file that could be data and is not Parquet is an error of the caller, never left out.
"""

from __future__ import annotations

import re

LFS_POINTER = b"version https://git-lfs"
"""First bytes of the text that git stores in place of a file of Git LFS.
Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
LFS_REASON = "is a pointer of Git LFS"
LFS_HINT = (
    "run `git lfs pull`; in a workflow, `lfs: true` of actions/checkout, or this command as `setup` of pr-gate.yml"
)
HEAD_BYTES = len(LFS_POINTER)
"""Number of bytes at the start of a file that `classify` needs."""
PARQUET_MAGIC = (b"PAR1", b"PARE")
"""First bytes of a Parquet file: with a readable and with an encrypted footer."""
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_UNFINISHED = (
    *(".tmp", ".temp", ".part", ".partial", ".inprogress", ".crdownload", "._copying_"),
    *(".bak", ".old", ".orig", ".swp", "~"),
)
"""Endings of the names of temporary files and backups, in lower case: their rows would be incomplete or repeated."""
_DOCUMENT = re.compile(
    r".+\.(json|ya?ml|toml|ini|cfg|conf|md|rst|txt|html?|css|js|xml|pdf|log|png|svg|jpe?g|gif|crc|md5|sha(1|256|512)|asc|"
    r"sig|py|ipynb|r|sql|sh|lock|dvc|pkl|joblib|onnx|pt|pth|ckpt|h5|keras|safetensors|cbm)"
    r"|(readme|licen[cs]e|notice|changelog|version|makefile|dockerfile)(\..*)?"
)
"""Names of files that describe data or are models, in lower case: without the magic number of Parquet they are
ignored."""
_FOLDER_MARKER = "_$folder$"
"""Ending of the empty objects that Hadoop writes to an object store in place of folders."""


def classify(name: str, head: bytes, size: int) -> tuple[bool, str]:
    """Return whether a file is data, and, if it could be and cannot be read, the reason (else empty).

    Args:
        name: Name of the file without its folder.
        head: The first `HEAD_BYTES` bytes of the file, or all of a shorter one.
        size: Size of the file in bytes.
    """
    lower = name.lower()
    if lower.endswith(_FOLDER_MARKER):
        return False, ""
    if lower.endswith(_UNFINISHED):
        return False, "has the name of a temporary file or a backup"
    if head[:4] in PARQUET_MAGIC:
        return True, ""
    if is_document(name):
        return False, ""
    if head == LFS_POINTER:
        return False, LFS_REASON
    compression = compression_of(head)
    return False, "is empty" if size == 0 else f"is compressed with {compression}" if compression else "is not Parquet"


def is_document(name: str) -> bool:
    """Return True if a file of this name usually describes data and is not part of it."""
    return bool(_DOCUMENT.fullmatch(name.lower()))


def compression_of(head: bytes) -> str:
    """Return the name of the compression of a file that starts with `head`; empty if it has none."""
    return next((name for magic, name in _COMPRESSED if head.startswith(magic)), "")
