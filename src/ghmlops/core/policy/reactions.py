"""Policy sections `revert` and `alerts`: the limits of what happens without a person, and where alerts go."""

from __future__ import annotations

from ghmlops.core.policy.section import Section


class Revert(Section, frozen=True, kw_only=True):
    """Limits of reverts that no person requests, and what follows a revert."""

    freeze_file: str = ""
    """Path of a file; while it exists on the branch, nothing is reverted without a person. Empty: no such file."""
    max_per_day: int = 0
    """Reverts by ghmlops on the branch within 24 hours after which a person must decide; 0: no limit."""
    dispatch: str = ""
    """File name of the workflow that deploys, which is started after the revert was pushed; empty: none."""
    verified: bool = False
    """Whether GitHub creates the revert commits through its API, so that they are verified."""


class Alerts(Section, frozen=True, kw_only=True):
    """Where alerts may be sent."""

    hosts: tuple[str, ...]
    """Hosts of the addresses that the inputs name; `*.example.com` includes all subdomains."""
