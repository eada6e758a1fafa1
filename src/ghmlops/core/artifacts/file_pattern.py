"""Which files beneath a folder a pattern means: one rule for folders, unpacked artifacts and object stores.

A pattern is a tuple of parts, matched part by part against the parts of a path: `*`, `?` and `[...]` within a part,
`**` for any number of folders. What lies beneath a folder that matches counts too, if it is called like a Parquet file.
Names with `_` or `.` before them are passed over as Spark and Hive do (`_SUCCESS`, `.part-0.parquet.crc`), unless the
pattern itself begins a part so; `_key=value` is a partition.

`State` is how far a path has matched: the parts of the pattern that may come next, `len(pattern)` where all matched,
and one more beneath that. An empty state can match nothing any more.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

State = frozenset[int]
SUFFIXES = (".parquet", ".parq", ".pq")
_MAGIC = ("*", "?", "[")
_ANY = ("*", "**")


def has_magic(text: str) -> bool:
    """True where `text` holds a character with a meaning of its own."""
    return any(c in text for c in _MAGIC)


def is_parquet(name: str) -> bool:
    """True for the name of a Parquet file."""
    return name.lower().endswith(SUFFIXES)


def start(pattern: tuple[str, ...]) -> State:
    """Return the state at the root of a pattern; the empty pattern means all that lies there."""
    return _open(pattern, {0})


def step(pattern: tuple[str, ...], state: State, part: str) -> State:
    """Return the state one part further down."""
    if _passed_over(pattern, part):
        return frozenset()
    done, reached = len(pattern), set[int]()
    for at in state:
        if at >= done:
            reached.add(done + 1)
        elif pattern[at] == "**":
            reached.add(at)
        elif part == pattern[at] or fnmatchcase(part, pattern[at]):
            reached.add(at + 1)
    return _open(pattern, reached)


def accepts(pattern: tuple[str, ...], state: State, name: str) -> bool:
    """True where the file called `name` in this state is meant."""
    done = len(pattern)
    if done in state and pattern and pattern[-1] not in _ANY:
        return True
    return bool(state & {done, done + 1}) and is_parquet(name)


def matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """True where the file at `path`, its parts beneath the root, is meant."""
    state = start(pattern)
    for part in path:
        state = step(pattern, state, part)
    return bool(path) and accepts(pattern, state, path[-1])


def partition_key(part: str) -> str:
    """Return the key of a folder called `key=value`, or empty."""
    key, equals, _ = part.partition("=")
    return key if equals else ""


def _passed_over(pattern: tuple[str, ...], part: str) -> bool:
    if part in (".", ".."):  # no name of a folder; whoever gets such a path refuses it
        return False
    return part[:1] in ("_", ".") and not partition_key(part) and not any(p[:1] == part[:1] for p in pattern)


def _open(pattern: tuple[str, ...], state: set[int]) -> State:
    """Add what is reached without a part: `**` may stand for no folder at all."""
    reached = set(state)
    for at in range(len(pattern)):
        if at in reached and pattern[at] == "**":
            reached.add(at + 1)
    return frozenset(reached)
