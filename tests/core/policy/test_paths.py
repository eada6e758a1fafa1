"""Which files belong to a service, by the patterns of its policy."""

from __future__ import annotations

import pytest

from ghmlops.core.policy.paths import affected_files, pattern_problem


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("services/a/**", ["services/a/x.py", "services/a", "services/a/b/c"], ["services/ab/x.py", "services/a.py"]),
        ("services/a", ["services/a", "services/a/b/c"], ["services/ab", "x/services/a"]),
        ("services/a/", ["services/a/b"], ["services/ab/b"]),
        ("**/*.py", ["a.py", "x/y/a.py"], ["a.pyc", "x/a.txt"]),
        ("*.py", ["a.py"], ["x/a.py"]),
        ("**.md", ["a.md", "x/a.md"], ["a.mdx"]),
        ("services/*/model", ["services/b/model/x.bin"], ["services/b/c/model"]),
        ("a?c", ["abc", "a\nc"], ["a/c", "ac"]),
        ("a[b]+(c)", ["a[b]+(c)"], ["ab", "abbc"]),
        ("**/tests/**", ["tests/t.py", "a/tests/t.py", "tests"], ["a/mytests/t.py"]),
        ("lib/**/x", ["lib/x", "lib/a/b/x"], ["libx", "lib/xy"]),
        ("dienste/größe/**", ["dienste/größe/a"], ["dienste/grosse/a"]),
        ("**", ["a", "a/b", ".github/x"], []),
    ],
)
def test_a_pattern(pattern: str, inside: list[str], outside: list[str]) -> None:
    """A pattern matches paths as GitHub's path filters do; a folder that it matches covers what is in it."""
    assert affected_files([pattern], [*inside, *outside]) == sorted(inside)


def test_the_last_match_decides() -> None:
    """An exclamation mark excludes, and a later pattern includes again; without patterns every file counts."""
    patterns = ["services/a/**", "!**/*.md", "services/a/model-card.md"]
    files = ["services/a/x.py", "services/a/README.md", "services/a/model-card.md", "services/b/x.py"]
    assert affected_files(patterns, files) == ["services/a/model-card.md", "services/a/x.py"]
    assert affected_files(["!docs/**", "**"], ["docs/a"]) == ["docs/a"]
    assert affected_files([], files) == sorted(files)
    assert affected_files(patterns, []) == []


@pytest.mark.parametrize("pattern", ["*a" * 200, "**a" * 150, "**/" * 150 + "b", "*?" * 200])
def test_no_pattern_and_name_take_long(pattern: str) -> None:
    """Names and patterns that a backtracking matcher would need years for are decided at once."""
    assert affected_files([pattern], ["a" * 4000 + "/" + "a" * 90 + "!"]) in ([], ["a" * 4000 + "/" + "a" * 90 + "!"])


@pytest.mark.parametrize(
    "pattern", ["", "!", "/services/a", "./a", "a//b", "../a", "a/../b", "a\\b", "a\nb", "x" * 501, "!/a", "."]
)
def test_a_pattern_that_cannot_match(pattern: str) -> None:
    """A pattern that no path of a repository can have is reported."""
    assert pattern_problem(pattern)


@pytest.mark.parametrize("pattern", ["a", "a/", "a/**", "!a/*.md", "**", ".github/x", "a b/ü"])
def test_a_usable_pattern(pattern: str) -> None:
    """Any other pattern is accepted."""
    assert pattern_problem(pattern) == ""
