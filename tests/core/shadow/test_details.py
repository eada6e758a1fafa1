"""What the details of a shadow run show of the answers."""

from __future__ import annotations

import pytest

from ghmlops.core.answers.walk import child
from ghmlops.core.shadow.details import is_private


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("$.user.name", True),
        ("$.name.first", True),
        ("$.users[].name", True),
        ("$.names", False),
        ('$["a.name"]', False),
        (child("$", 'my "key"'), True),
        (child("$", "k\\"), True),
        (child("$", "x" * 100), True),
        (child("$", "x" * 64), False),
        ("$.user.*", True),
        ("$.*", True),
        ('$["*"]', False),
    ],
)
def test_private_names_at_any_depth(path: str, private: bool) -> None:
    """Names that are quoted, escaped or shortened in a path too; fields that are counted together may be private."""
    names = ("name", 'my "key"', "k\\", "x" * 100)
    assert is_private(path, names) is private
    assert not is_private(path, ())
