"""Builds in GitHub's cache: which one the measuring job may restore, and whether that of this commit is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.github import connection
from ghmlops.core.artifacts.build_key import key_prefix, restorable_key
from ghmlops.core.context import dig
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client


class CachedBuilds(NamedTuple):
    """What the cache has."""

    key: str = ""
    """Key of the baseline's build, which only runs of the default branch saved; empty without one."""
    missing: bool = False
    """Whether this run is a push to the default branch whose own build is not in the cache yet."""


def cached_builds(token: str, services: Services, base: tuple[str, Policy | None], head: Policy | None) -> CachedBuilds:
    """Return what the cache has; nothing if GitHub does not say who saved a cache.

    Args:
        token: GitHub token.
        services: services of the command.
        base: commit of the baseline and its policy; `None` if it has no valid one.
        head: policy of the checkout.
    """
    context = services.context
    branch = dig(context.event, "repository", "default_branch")
    base_key = _commit_key(services, *base)
    pushed = context.event_name == "push" and dig(context.event, "ref") == f"refs/heads/{branch}"
    head_key = _commit_key(services, context.head_sha, head) if pushed else ""
    if not (token and isinstance(branch, str) and branch and (base_key or head_key)):
        return CachedBuilds()
    try:
        with connection(token, services) as client:
            key = _restorable(client, base_key, branch) if base_key else ""
            missing = bool(head_key) and not _restorable(client, head_key, branch)
    except GitHubError as error:
        services.console.note(f"no build is restored: {error.message}")
        return CachedBuilds()
    services.console.note(f"the baseline's build in the cache: {key or 'none'}")
    return CachedBuilds(key, missing)


def _commit_key(services: Services, sha: str, policy: Policy | None) -> str:
    from ghmlops.measure.builds.keys import commit_key

    build = policy.preview.build if policy and policy.preview else ""
    return commit_key(services.cwd, sha, build) if sha and build else ""


def _restorable(client: Client, commit: str, branch: str) -> str:
    from ghmlops.measure.github.caches import list_caches

    caches = list_caches(client, key_prefix(commit))
    return restorable_key(caches, commit, branch) if caches is not None else ""
