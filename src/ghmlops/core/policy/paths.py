"""Policy key `paths`: which files belong to a service, so that a change of others leaves it unmeasured.

Patterns are those of GitHub's path filters without character ranges: `*` matches within a folder, `**` across folders,
`?` one character, a leading `!` excludes; the last pattern that matches decides. A pattern that matches a folder covers
all files in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOT_AFFECTED = "not-affected"
"""Id of the finding about a change of files that do not belong to the service."""
MAX_PATTERN = 500
"""Characters of a pattern."""
_PIECES = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|[^*?]+?(?=/\*\*$|[*?]|$)")


def pattern_problem(pattern: str) -> str:
    """Return why a pattern cannot match any path of a repository; empty if it can."""
    body = pattern.removeprefix("!")
    if not body or len(pattern) > MAX_PATTERN or not pattern.isprintable():
        return f"expected 1 to {MAX_PATTERN} printable characters"
    if "\\" in body:
        return "expected `/` between folders, as git writes paths"
    if body.startswith("/") or any(part in ("", ".", "..") for part in body.removesuffix("/").split("/")):
        return "expected a path from the top folder of the repository, without a leading `/` and without `.` and `..`"
    return ""


def affected_files(patterns: Sequence[str], files: Iterable[str]) -> list[str]:
    """Return the files of a service, sorted; without patterns, all of them.

    Args:
        patterns: `paths` of the policy.
        files: paths from the top folder of the repository.
    """
    return sorted(path for path in files if not patterns or _belongs(patterns, path))


def _belongs(patterns: Sequence[str], path: str) -> bool:
    for pattern in reversed(patterns):
        if _matches(pattern.removeprefix("!"), path):
            return not pattern.startswith("!")
    return False


def _matches(pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path or one of its folders.

    The positions that are reached in the path are followed through the pattern, so that the time grows with the product
    of both lengths, whatever names a change contains.
    """
    reached = {0}
    for piece in _PIECES.findall(pattern.removesuffix("/")):
        reached = _advance(piece, path, reached)
        if not reached:
            return False
    return any(position == len(path) or path[position] == "/" for position in reached)


def _advance(piece: str, path: str, reached: set[int]) -> set[int]:
    """Return the positions after a piece, from the positions before it."""
    first = min(reached)
    if piece == "/**":
        return reached  # A match of the folder covers all that is in it.
    if piece == "**":
        return set(range(first, len(path) + 1))
    if piece == "**/":
        return reached | {index + 1 for index in range(first, len(path)) if path[index] == "/"}
    if piece == "*":
        return _within_folders(path, reached)
    if piece == "?":
        return {start + 1 for start in reached if start < len(path) and path[start] != "/"}
    return {start + len(piece) for start in reached if path.startswith(piece, start)}


def _within_folders(path: str, reached: set[int]) -> set[int]:
    """Return the positions from each of `reached` up to the end of its folder's name."""
    result: set[int] = set()
    end = -1
    for start in sorted(reached):
        if start > end:
            end = path.find("/", start)
            end = len(path) if end < 0 else end
            result.update(range(start, end + 1))
    return result
