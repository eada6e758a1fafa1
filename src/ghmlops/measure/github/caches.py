"""Lists the caches of a repository: which reference saved which key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github import calls
from ghmlops.core.artifacts.build_key import SavedCache
from ghmlops.measure.github.runs import READ

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

MAX_PAGES = 10
"""Maximum pages of the list, newest first. A longer one has been filled by somebody, and is not used."""


class _Cache(msgspec.Struct, frozen=True):
    key: str = ""
    ref: str = ""


def list_caches(client: Client, prefix: str) -> list[SavedCache] | None:
    """Return the caches whose keys start with `prefix`, newest first; `None` if there are too many to read.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    pages = calls.read_pages(
        client,
        "actions/caches",
        _Cache,
        key="actions_caches",
        parameters={"key": prefix, "sort": "created_at", "direction": "desc"},
        activity="listing the caches of builds",
        permission=READ,
        max_pages=MAX_PAGES,
    )
    caches = []
    for number, page in enumerate(pages, start=1):
        caches += [SavedCache(key=cache.key, ref=cache.ref) for cache in page]
        if number == MAX_PAGES and len(page) == calls.PAGE:
            return None
    return caches
