"""Which paths a pattern means."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts import file_pattern

CASES = [
    ("", "a.parquet", True),
    ("", "x/y/a.PARQUET", True),
    ("", "a.txt", False),
    ("", "_SUCCESS", False),
    ("", "_temporary/a.parquet", False),
    ("", ".hidden/a.parquet", False),
    ("", ".a.parquet", False),
    ("", "_date=1/a.parquet", True),
    ("", "../a.parquet", True),
    ("*.parquet", "a.parquet", True),
    ("*.parquet", "x/a.parquet", False),
    ("*.parquet", "_a.parquet", False),
    ("_*.parquet", "_a.parquet", True),
    ("part-*", "part-0", True),
    ("*", "README.md", False),
    ("*", "a.parquet", True),
    ("*", "x/a.parquet", True),
    ("**", "x/README.md", False),
    ("**/*.parquet", "a.parquet", True),
    ("**/*.parquet", "x/y/a.parquet", True),
    ("**/y/*.parquet", "x/y/a.parquet", True),
    ("**/y/*.parquet", "x/z/a.parquet", False),
    ("x/**/a.parquet", "x/a.parquet", True),
    ("date=*", "date=1/country=de/a.parquet", True),
    ("date=*", "date=1/country=de/a.txt", False),
    ("date=*/country=de/*.parquet", "date=1/country=de/a.parquet", True),
    ("date=*/country=de/*.parquet", "date=1/country=fr/a.parquet", False),
    ("a[01].parquet", "a1.parquet", True),
    ("a[01].parquet", "a[01].parquet", True),
    ("a?.parquet", "a.parquet", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), CASES)
def test_what_is_meant(pattern: str, path: str, expected: bool) -> None:
    """Patterns match part by part; folders stand for the Parquet files beneath them; marked names are passed over."""
    parts = tuple(pattern.split("/")) if pattern else ()
    assert file_pattern.matches(parts, tuple(path.split("/"))) is expected


def test_a_long_pattern_of_stars_is_quick() -> None:
    """Many `**` cost steps, not tries: the number of states is bounded by the parts of the pattern."""
    pattern = (*("**", "*") * 40, "z.parquet")
    state = file_pattern.start(pattern)
    for _ in range(200):
        state = file_pattern.step(pattern, state, "a")
    assert len(state) <= len(pattern) + 2
    assert not file_pattern.matches(pattern, ("a",) * 200)


@pytest.mark.parametrize(("part", "key"), [("date=2026-01-01", "date"), ("a=b=c", "a"), ("=x", ""), ("plain", "")])
def test_partition_keys(part: str, key: str) -> None:
    """A folder `key=value` is a column; one without a key is a folder."""
    assert file_pattern.partition_key(part) == key
