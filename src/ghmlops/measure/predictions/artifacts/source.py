"""Describes one artifact as input of an engine: its files, and its name in messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

_PATTERN_CHARACTERS = str.maketrans({sign: f"%{ord(sign):02X}" for sign in (*"*?[=\\", *map(chr, range(1, 32)))})
"""Characters that engines read as a pattern in a path, or as the end of a partition, to their Hive encoding."""
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_NEVER_DECODED = frozenset("/*?[=%\0")
"""A partition key that contains one of these after decoding stays encoded: the character has a meaning in a path."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Parquet files that together form one artifact, or a table in memory."""

    files: tuple[Path, ...]
    """At least one, real paths; none for a table in memory."""
    display_name: str
    """Name of the artifact in messages."""
    hive_root: Path | None = None
    """Folder below which `key=value` folders are columns; None if there are no such folders."""
    hidden_keys: frozenset[str] = frozenset()
    """Keys of these folders, in lower case, that are no columns, because the files contain a column of that name."""
    table: Any = None
    """The `pyarrow.Table` in memory; see `memory_table`."""

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
        visible = [f for f in folders if "=" in f and _key(f).lower() not in self.hidden_keys]
        return Path(*(_link_folder(folder) for folder in visible)) / plain

    def partition_values(self, index: int) -> dict[str, str | None]:
        """Return the values of the `key=value` folders of the file at `index` by key; None is Hive's null."""
        if self.hive_root is None:
            return {}
        folders = [f for f in self.files[index].relative_to(self.hive_root).parts[:-1] if "=" in f]
        values = {_key(folder): unquote(folder.partition("=")[2]) for folder in folders}
        return {key: None if value == _HIVE_NULL else value for key, value in values.items()}

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """Keys of the folders that are columns."""
        return tuple(key for key in self.partition_values(0) if key.lower() not in self.hidden_keys)


def _key(folder: str) -> str:
    return unquote(folder.partition("=")[0])


def _link_folder(folder: str) -> str:
    key, _, value = folder.partition("=")
    decoded = unquote(key)
    safe_key = key if _NEVER_DECODED & set(decoded) else decoded
    return f"{safe_key.translate(_PATTERN_CHARACTERS)}={value.translate(_PATTERN_CHARACTERS)}"
