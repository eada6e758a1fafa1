"""The list of caches: who saved which key, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.core.artifacts.build_key import SavedCache
from ghmlops.core.errors import PermissionMissing
from ghmlops.measure.github import caches

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api


def test_all_references_are_listed(api: Api, client: Client) -> None:
    """Keys with the prefix, of every reference, over several pages."""
    rows = [{"key": f"build-{number}", "ref": "refs/pull/7/merge"} for number in range(120)]
    api.seed(caches=[*rows, {"key": "build-x", "ref": "refs/heads/main"}, {"key": "other", "ref": "refs/heads/main"}])
    listed = caches.list_caches(client, "build-")
    assert listed is not None
    assert listed[0] == SavedCache("build-x", "refs/heads/main")
    assert len(listed) == 121


def test_a_list_without_end_is_not_used(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read could be a key of a pull request."""
    monkeypatch.setattr(caches, "MAX_PAGES", 1)
    api.seed(caches=[{"key": f"build-{number}", "ref": "refs/heads/main"} for number in range(100)])
    assert caches.list_caches(client, "build-") is None


def test_the_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """`actions: read` is missing."""
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="actions: read"):
        caches.list_caches(client_for("weak"), "build-")
