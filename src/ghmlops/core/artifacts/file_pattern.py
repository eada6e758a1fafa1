"""Glob patterns of files below a folder, with the same rules for folders, unpacked artifacts and object stores.

A pattern is a tuple of parts, matched one by one against the parts of a path: `*`, `?` and `[...]` within a part,
`**` for any number of folders. Files below a matching folder match too if their name is that of a Parquet file; for
other names their content decides (`data_file`). Names that start with `_` or `.` are skipped, as Spark and Hive do
(`_SUCCESS`, `.part-0.parquet.crc`), unless a part of the pattern starts with the same character; `_key=value` is a
partition.

`State` records how far a path has matched: the indices of the pattern's parts that may come next, `len(pattern)` if all
parts matched, and `len(pattern) + 1` below that. An empty state cannot match any more.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

State = frozenset[int]
SUFFIXES = (".parquet", ".parq", ".pq")
_MAGIC = ("*", "?", "[")
_ANY = ("*", "**")


def has_magic(text: str) -> bool:
    """True if `text` contains a wildcard character."""
    return any(c in text for c in _MAGIC)


def is_parquet(name: str) -> bool:
    """True if the file name has a suffix of Parquet files."""
    return name.lower().endswith(SUFFIXES)


def start(pattern: tuple[str, ...]) -> State:
    """Return the state at the root of a pattern; the empty pattern matches all Parquet files below the root."""
    return _skip_globstars(pattern, {0})


def step(pattern: tuple[str, ...], state: State, part: str) -> State:
    """Return the state after one more part of the path."""
    if _is_skipped(pattern, part):
        return frozenset()
    end, following = len(pattern), set[int]()
    for index in state:
        if index >= end:
            following.add(end + 1)
        elif pattern[index] == "**":
            following.add(index)
        elif part == pattern[index] or fnmatchcase(part, pattern[index]):
            following.add(index + 1)
    return _skip_globstars(pattern, following)


def accepts(pattern: tuple[str, ...], state: State, name: str) -> bool:
    """True if the file with this name matches, given the state that includes the name as its last part."""
    end = len(pattern)
    if end in state and pattern and pattern[-1] not in _ANY:
        return True
    return bool(state & {end, end + 1}) and is_parquet(name)


def may_match(pattern: tuple[str, ...], state: State) -> bool:
    """True if a file below a folder matches under any name, if its content is Parquet; `state` as for `accepts`."""
    return bool(state & {len(pattern), len(pattern) + 1})


def matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """True if the file at `path` matches; `path` holds its parts relative to the root."""
    state = start(pattern)
    for part in path:
        state = step(pattern, state, part)
    return bool(path) and accepts(pattern, state, path[-1])


def partition_key(part: str) -> str:
    """Return the key of a partition folder `key=value`; empty for any other name."""
    key, equals, _ = part.partition("=")
    return key if equals else ""


def _is_skipped(pattern: tuple[str, ...], part: str) -> bool:
    if part in (".", ".."):  # not the name of a folder; the caller rejects such a path
        return False
    return part[:1] in ("_", ".") and not partition_key(part) and not any(p[:1] == part[:1] for p in pattern)


def _skip_globstars(pattern: tuple[str, ...], state: set[int]) -> State:
    """Add the states that follow a `**`, which may match no folder at all."""
    extended = set(state)
    for index in range(len(pattern)):
        if index in extended and pattern[index] == "**":
            extended.add(index + 1)
    return frozenset(extended)
