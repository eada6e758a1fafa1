"""One artifact as the engines take it: its files, and how messages call it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_PATTERN = str.maketrans({sign: f"%{ord(sign):02X}" for sign in (*"*?[=\\", *map(chr, range(1, 32)))})
"""What engines take for a pattern in a path, or for the end of a partition, as Hive and Spark write it."""
_KEEP = frozenset("/*?[=%\0")
"""What a key is not decoded to, because it would mean something else in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Parquet files that together are one artifact."""

    files: tuple[Path, ...]
    """At least one; real paths."""
    shown: str
    """How messages call the artifact."""
    hive_root: Path | None = None
    """Folder below which `key=value` folders are columns, where there are such."""

    @classmethod
    def of(cls, path: Path, shown: str = "") -> Source:
        """Return the artifact that is one file."""
        return cls(files=(path,), shown=shown or str(path))

    def names(self, file: Path) -> str:
        """Return how messages call one of the files."""
        if len(self.files) == 1:
            return self.shown
        inner = file.relative_to(self.hive_root) if self.hive_root else file.name
        return f"{self.shown} ({inner})"

    def inner(self, place: int) -> Path:
        """Return a plain relative path for the file at `place`, which keeps `key=value` folders.

        Keys are decoded here, as Hive and Spark encode them; values are decoded by the engine, so that what would be a
        pattern is encoded.
        """
        file = self.files[place]
        plain = Path(f"{place:05}.parquet")
        if self.hive_root is None:
            return plain
        return Path(*(_folder(part) for part in file.relative_to(self.hive_root).parts[:-1] if "=" in part)) / plain


def _folder(part: str) -> str:
    key, _, value = part.partition("=")
    decoded = unquote(key)
    return f"{(key if _KEEP & set(decoded) else decoded).translate(_PATTERN)}={value.translate(_PATTERN)}"
