"""How two answers are compared: which paths are ignored, how lists are matched, which differences are tolerated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of a comparison. Paths have the form of `walk.Place`; the leading `$.` may be left out.

    Attributes:
        ignore: paths that are not compared, each with everything below it.
        keys: lists whose elements are matched by a field, and whose order therefore does not matter: path of the list
            to name of the field.
        tolerances: largest difference of two numbers that counts as equal, by path. It says nothing about texts,
            although numbers and texts of a list share their path.
        words: largest share of words that may differ between two texts that count as equal, by path.
    """

    ignore: frozenset[str] = frozenset()
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    tolerances: Mapping[str, float] = msgspec.field(default_factory=dict)
    words: Mapping[str, float] = msgspec.field(default_factory=dict)


def make_rules(
    ignore: Iterable[str] = (), keys: Mapping[str, str] | None = None, tolerance: Mapping[str, float] | None = None
) -> Rules:
    """Return rules whose paths begin with `$`.

    Args:
        ignore: paths that are not compared.
        keys: lists whose elements are matched by a field.
        tolerance: declared tolerances. One below 1 is a share of words, too; a larger one would call any texts equal.
    """
    declared = {absolute(path): size for path, size in (tolerance or {}).items()}
    return Rules(
        ignore=frozenset(absolute(path) for path in ignore),
        keys={absolute(path): name for path, name in (keys or {}).items()},
        tolerances=declared,
        words={path: size for path, size in declared.items() if size < 1},
    )


def absolute(path: str) -> str:
    """Return a path with its leading `$`."""
    return path if path.startswith("$") else f"${path}" if path.startswith("[") else f"$.{path}"
