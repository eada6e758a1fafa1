"""What stops a revert that no person requests: a freeze file on the branch, and a number of reverts per day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert.plan import TRAILER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PERIOD = timedelta(hours=24)
"""Period in which reverts are counted."""
WORKFLOWS = ".github/workflows/"
_RUN = re.compile(r"^Run: (\S+)$", re.MULTILINE)
_TRAILER = re.compile(rf"^{TRAILER}: [0-9a-f]{{40,64}}$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of reverts without a person, by the policy."""

    freeze_file: str = ""
    """Path from the top folder; empty: no such file."""
    max_per_day: int = 0
    """0: no limit."""
    now: datetime

    @property
    def since(self) -> datetime:
        """Beginning of the period in which reverts are counted."""
        return self.now - PERIOD


def count_reverts(messages: Sequence[str]) -> int:
    """Return the number of reverts by ghmlops among commit messages; the commits of one run are one revert."""
    reverts = [message for message in messages if _TRAILER.search(message)]
    runs = {match[1] for message in reverts if (match := _RUN.search(message))}
    return len(runs) + sum(not _RUN.search(message) for message in reverts)


def check_freeze(limits: Limits, branch: str, *, exists: bool) -> None:
    """Refuse a revert while the freeze file exists.

    Raises:
        NeedsPerson: It exists.
    """
    if exists:
        raise NeedsPerson(
            f"reverts without a person are frozen: `{limits.freeze_file}` exists on `{branch}`",
            hint="remove the file when automatic reverts may go on, or state a reason with --reason",
            reason_code="reverts-frozen",
        )


def check_count(limits: Limits, branch: str, messages: Sequence[str], *, complete: bool) -> None:
    """Refuse a revert beyond the number per day.

    Args:
        limits: The limits.
        branch: Name of the branch.
        messages: Messages of the commits of the period.
        complete: Whether the clone contains all commits of the period.

    Raises:
        NeedsPerson: The limit is reached, or the clone is too shallow to tell.
    """
    count = count_reverts(messages)
    if count >= limits.max_per_day:
        raise NeedsPerson(
            f"ghmlops reverted {count} times on `{branch}` within 24 hours; `revert.max-per-day` is "
            f"{limits.max_per_day}",
            hint="find out why changes keep failing; a person may ask for the revert with --reason",
            reason_code="revert-cap",
        )
    if not complete:
        raise NeedsPerson(
            f"the clone does not contain the last 24 hours of `{branch}`, so the reverts in it cannot be counted",
            hint="check out with `fetch-depth: 0`, or state a reason with --reason",
            reason_code="revert-cap-unknown",
        )


def check_workflows(paths: Sequence[str], *, allowed: bool) -> None:
    """Refuse to push a change of workflows with a token that GitHub does not let do so, before it is tried.

    Args:
        paths: Paths that the revert changes.
        allowed: Whether the token may change workflows, as far as is known.

    Raises:
        NeedsPerson: It may not.
    """
    workflows = [path for path in paths if path.startswith(WORKFLOWS)]
    if workflows and not allowed:
        more = f" and {len(workflows) - 1} more" if workflows[1:] else ""
        raise NeedsPerson(
            f"the revert changes {workflows[0]}{more}, and GitHub lets GITHUB_TOKEN push no change of workflows",
            hint="pass the token of a GitHub App with the permission `workflows: write`, or revert by hand",
            reason_code="workflow-files",
        )
