"""Keys of builds in GitHub's cache: `ghmlops-build-<commit>-<digest>`, which name what was built and what it contains.

A run of a pull request can save a cache under any key, which its later runs restore before one of the default branch.
So a build is restored only if GitHub names the default branch as the only origin of its key, and used only if its
content has the digest of the key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY = re.compile(r"ghmlops-build-(?P<commit>[0-9a-f]{32})-(?P<digest>[0-9a-f]{64})")


class SavedCache(NamedTuple):
    """A cache as GitHub lists it."""

    key: str
    ref: str
    """Reference of the run that saved it: `refs/heads/main`, `refs/pull/7/merge`."""


def key_prefix(commit: str) -> str:
    """Return how the keys of all builds of a commit start; `commit` is the key of the commit."""
    return f"ghmlops-build-{commit}-"


def build_digest(key: str) -> str:
    """Return the digest of the content in the key of a build; empty if it is not such a key."""
    match = _KEY.fullmatch(key)
    return match["digest"] if match else ""


def restorable_key(caches: Sequence[SavedCache], commit: str, branch: str) -> str:
    """Return the key of the newest build that only runs of the default branch saved; empty without one.

    A key that another reference has, too, or with which a key there starts, is passed over: GitHub may restore that.

    Args:
        caches: all caches whose keys start like those of the commit, newest first.
        commit: key of the commit.
        branch: name of the default branch.
    """
    trusted = f"refs/heads/{branch}"
    others = [cache.key for cache in caches if cache.ref != trusted]
    for cache in caches:
        own = cache.ref == trusted and cache.key.startswith(key_prefix(commit)) and build_digest(cache.key)
        if own and not any(key.startswith(cache.key) for key in others):
            return cache.key
    return ""
