"""Reverts that a person reverted, so that what `watch` undid is deployed again on purpose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import RevertRecord
from ghmlops.core.incidents.accuracy import ACTIONS
from ghmlops.core.incidents.standing import last_good
from ghmlops.core.watch.incident import group_alarms
from ghmlops.measure.checkout import OutputTooLarge, git_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ghmlops.core.history.reading import Stored
    from ghmlops.core.watch.incident import OpenAlarm

COMMITS = 2000
"""Newest commits of a line of commits in which a revert of a revert is looked for."""
_MENTION = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.MULTILINE)


class Relands(NamedTuple):
    """Reverts that were reverted, by their full SHA, and the deployments with an alarm that brought that to the users.

    `blind` says why there may be others; empty if there are none.
    """

    reverts: frozenset[str] = frozenset()
    deployments: frozenset[str] = frozenset()
    blind: str = ""


def read_relands(folder: Path, records: Sequence[Stored], alarms: Sequence[OpenAlarm]) -> Relands:
    """Return what the commits of the checkout say about the reverts of the history.

    Args:
        folder: a folder inside the checkout of the default branch.
        records: records of the service and environment in the order of time.
        alarms: alarms that last.
    """
    reverts = [s.record.revert_sha for s in records if isinstance(s.record, RevertRecord) and s.record.revert_sha]
    if not reverts:
        return Relands()
    if git_read(folder, "rev-parse", "--is-shallow-repository") != "false":
        return Relands(blind="the checkout is shallow (`fetch-depth: 0` makes it complete)")
    deployments = set()
    try:
        newest = _mentions(folder, "HEAD").intersection(reverts[-ACTIONS:])
        for commit in filter(None, group_alarms(alarms)):
            if base := last_good(records, commit):
                if not all(_exists(folder, sha) for sha in (base, commit)):
                    return Relands(newest, blind=f"the checkout lacks {commit[:12]} or {base[:12]}")
                if _mentions(folder, f"{base}..{commit}").intersection(reverts):
                    deployments.add(commit)
    except OutputTooLarge:
        return Relands(blind="the messages of the commits are too large")
    return Relands(newest, frozenset(deployments))


def _mentions(folder: Path, commits: str) -> frozenset[str]:
    """Return the commits that these commits revert by their messages."""
    text = git_read(folder, "log", f"--max-count={COMMITS}", "--format=%B", commits, "--")
    return frozenset(_MENTION.findall(text))


def _exists(folder: Path, sha: str) -> bool:
    return bool(git_read(folder, "rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}"))
