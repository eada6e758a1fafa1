"""Describes one artifact as input of an engine: its files, and its name in messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_PATTERN_CHARACTERS = str.maketrans({sign: f"%{ord(sign):02X}" for sign in (*"*?[=\\", *map(chr, range(1, 32)))})
"""Characters that engines read as a pattern in a path, or as the end of a partition, to their Hive encoding."""
_NEVER_DECODED = frozenset("/*?[=%\0")
"""A partition key that contains one of these after decoding stays encoded: the character has a meaning in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Parquet files that together form one artifact."""

    files: tuple[Path, ...]
    """At least one; real paths."""
    display_name: str
    """Name of the artifact in messages."""
    hive_root: Path | None = None
    """Folder below which `key=value` folders are columns; None if there are no such folders."""

    @classmethod
    def of(cls, path: Path, display_name: str = "") -> Source:
        """Return the artifact that consists of one file."""
        return cls(files=(path,), display_name=display_name or str(path))

    def file_display_name(self, file: Path) -> str:
        """Return the name of one of the files in messages."""
        if len(self.files) == 1:
            return self.display_name
        relative = file.relative_to(self.hive_root) if self.hive_root else file.name
        return f"{self.display_name} ({relative})"

    def link_path(self, index: int) -> Path:
        """Return a plain relative path for the file at `index`; `key=value` folders are part of it.

        Keys are decoded here, from the encoding of Hive and Spark. The engine decodes the values, so characters of a
        pattern are encoded in them.
        """
        file = self.files[index]
        plain = Path(f"{index:05}.parquet")
        if self.hive_root is None:
            return plain
        folders = file.relative_to(self.hive_root).parts[:-1]
        return Path(*(_link_folder(folder) for folder in folders if "=" in folder)) / plain


def _link_folder(folder: str) -> str:
    key, _, value = folder.partition("=")
    decoded = unquote(key)
    safe_key = key if _NEVER_DECODED & set(decoded) else decoded
    return f"{safe_key.translate(_PATTERN_CHARACTERS)}={value.translate(_PATTERN_CHARACTERS)}"
