"""Paths that somebody else chose."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts.safe_path import inner_parts

BAD = [
    ("/etc/passwd", "is an absolute path"),
    ("C:/x", "is an absolute path"),
    ("../x", "leads out of its folder"),
    ("a/../../x", "leads out of its folder"),
    ("a//b", "holds an empty part"),
    ("a/", "holds an empty part"),
    ("", "holds an empty part"),
    ("./a", "holds an empty part"),
    ("a\\..\\b", "holds a backslash or a control character"),
    ("a\nb", "holds a backslash or a control character"),
    ("a\x00b", "holds a backslash or a control character"),
    ("a\u202eb", "holds a backslash or a control character"),
    ("/".join("a" * 40), "lies deeper than 32 folders"),
    ("ä" * 200, "has a part of more than 255 bytes"),
]


@pytest.mark.parametrize(("name", "why"), BAD)
def test_what_leads_elsewhere_is_refused(name: str, why: str) -> None:
    """A path that leads out of its folder, or that systems read differently, is refused with the reason."""
    with pytest.raises(ValueError, match=why):
        inner_parts(name)


def test_what_stays_inside_is_taken() -> None:
    """Partitions, spaces and letters of any language are ordinary."""
    assert inner_parts("date=2026-01-01/größe ü/..x.parquet") == ("date=2026-01-01", "größe ü", "..x.parquet")
