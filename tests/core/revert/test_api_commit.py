"""Which of the two ways of GitHub's API creates a revert, and what it cannot create."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.api_commit import MAX_CHANGES, MUTATION_BYTES, UPLOAD_BYTES, FileChange, check_sendable
from ghmlops.core.revert.api_commit import fits_mutation as fits

EDIT = FileChange("a", "100644", "100644", "b1")
NEW = FileChange("a", "", "100644", "b1")
REMOVED = FileChange("a", "100644", "", "")
EXECUTABLE = FileChange("a", "100755", "100755", "b1")
MODE = FileChange("a", "100755", "100644", "b1")
LINK = FileChange("a", "", "120000", "b1")
MODULE = FileChange("a", "160000", "160000", "c1")
GONE_LINK = FileChange("a", "120000", "", "")


@pytest.mark.parametrize(
    ("commits", "expected"),
    [([[EDIT]], True), ([[NEW, REMOVED]], True), ([[EXECUTABLE]], False), ([[MODE]], False), ([[LINK]], False),
     ([[MODULE]], False), ([[GONE_LINK]], False), ([[EDIT], [EDIT]], False)],
)  # fmt: skip
def test_the_mutation_writes_regular_files_of_one_commit(commits: list[list[FileChange]], *, expected: bool) -> None:
    """Whatever it would store in another way, or in more than one step, is created as objects."""
    assert fits(commits, {"b1": 5}) is expected


def test_the_mutation_has_a_limit() -> None:
    """Contents of that size are sent, one byte more is not."""
    assert fits([[EDIT]], {"b1": MUTATION_BYTES})
    assert not fits([[EDIT]], {"b1": MUTATION_BYTES + 1})


@pytest.mark.parametrize(
    ("changes", "uploads"),
    [
        ([EDIT] * (MAX_CHANGES + 1), {}),
        ([EDIT._replace(path="caf\ufffd")], {}),
        ([EDIT], {"b1": UPLOAD_BYTES + 1}),
    ],
)
def test_what_the_api_cannot_create(changes: list[FileChange], uploads: dict[str, int]) -> None:
    """Too many paths, a name that is not UTF-8, and too much to upload need a person."""
    with pytest.raises(NeedsPerson) as raised:
        check_sendable([changes], uploads)
    assert raised.value.reason_code == "revert-not-signable"
    check_sendable([[EDIT]], {"b1": UPLOAD_BYTES})
