"""A build is restored only under a key that no other reference than the default branch has saved."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts.build_key import SavedCache, build_digest, key_prefix, restorable_key

COMMIT, OTHER = "a" * 32, "b" * 32
NEW, OLD = (f"{key_prefix(COMMIT)}{digit * 64}" for digit in "12")
MAIN, PULL, BRANCH = "refs/heads/main", "refs/pull/7/merge", "refs/heads/topic"


@pytest.mark.parametrize(
    ("caches", "key"),
    [
        ([], ""),
        ([(NEW, MAIN)], NEW),
        ([(NEW, MAIN), (OLD, MAIN)], NEW),
        ([(NEW, PULL)], ""),
        ([(NEW, BRANCH), (OLD, MAIN)], OLD),
        ([(NEW, PULL), (NEW, MAIN)], ""),
        ([(NEW, PULL), (NEW, MAIN), (OLD, MAIN)], OLD),
        ([(f"{NEW}-more", PULL), (NEW, MAIN)], ""),
        ([(NEW[:-1], PULL), (NEW, MAIN)], NEW),
        ([(f"{NEW}0", MAIN)], ""),
        ([(key_prefix(COMMIT), MAIN)], ""),
        ([(f"{key_prefix(OTHER)}{'1' * 64}", MAIN)], ""),
        ([(NEW, "refs/heads/main2")], ""),
    ],
)
def test_restorable_key(caches: list[tuple[str, str]], key: str) -> None:
    """The newest key of the default branch; a key that GitHub could find for another reference is passed over."""
    assert restorable_key([SavedCache(*cache) for cache in caches], COMMIT, "main") == key


@pytest.mark.parametrize(
    ("key", "digest"), [(NEW, "1" * 64), (NEW[:-1], ""), ("", ""), (f" {NEW}", ""), (f"{NEW}\n", "")]
)
def test_build_digest(key: str, digest: str) -> None:
    """The digest of a complete key; nothing of another text."""
    assert build_digest(key) == digest
